# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from odoo import models
from odoo.exceptions import UserError

from ..ingest.load import deck_chain, load_rates, make_engine, to_us
from ..ingest.simulate import Simulation
from ..ingest.simulate_plans import PlanTrial, TriedPlan, find_families
from ..rating import MAX_US, MIN_US

#: customers with plans whose calls are read at a time, and about how many calls
FAMILIES = 200
FAMILY_CALLS = 50_000


@dataclass
class Tried:
    """What is tried, as the pipeline takes it.

    :ivar decks: ``Simulation`` with the decks that are tried, None for none
    :ivar plans: ``PlanTrial``, None where nobody has plans
    :ivar families: list of lists of ``Family``, as they are looked at together
    :ivar partner_ids: of all members of families
    """

    decks: Simulation | None = None
    plans: PlanTrial | None = None
    families: list = field(default_factory=list)
    partner_ids: list = field(default_factory=list)


class MeteredSimulation(models.Model):
    """What is tried in a simulation, as the pipeline takes it."""

    _inherit = "metered.simulation"

    def _load(self):
        """What is tried: :class:`Tried`."""
        company = self.company_id.with_company(self.company_id)
        env = company.env(
            context={**self.env.context, "allowed_company_ids": company.ids}
        )
        company = company.with_env(env)
        if self.kind == "margin":
            return Tried(self._load_costs(company))
        if not self.deck_id and not self.plan_id:
            return Tried()
        plan = TriedPlan(
            self.plan_id.with_env(env), self.plan_replaces_id.with_env(env)
        )
        chosen = self._chosen_partners()
        families = [
            family
            for family in find_families(company, plan)
            if chosen is None or chosen & set(family.partner_ids)
        ]
        partner_ids = [p for family in families for p in family.partner_ids]
        decks, chain_of = None, {}
        if self.deck_id:
            decks, chain_of = self._load_decks(company, partner_ids, chosen)
        if not families:
            return Tried(None if self.plan_id else decks)
        trial = PlanTrial(
            company, self.date_from, self.date_to, chosen, decks, chain_of, plan
        )
        return Tried(decks, trial, self._in_chunks(families), partner_ids)

    def _chosen_partners(self):
        """Ids of the customers that it is about, with their contacts; None: all."""
        if not self.partner_ids:
            return None
        partners = self.env["res.partner"].with_context(active_test=False)
        return set(partners.search([("id", "child_of", self.partner_ids.ids)]).ids)

    def _in_chunks(self, families):
        """Families as they are looked at together, in order."""
        counts = dict(
            self.env["metered.usage"]._read_group(
                [*self._usage_domain(), ("meter_id.kind", "=", "call")],
                ["partner_id"],
                ["records:sum"],
            )
        )
        records = {partner.id: count for partner, count in counts.items()}
        chunks, calls = [], 0
        for family in families:
            if not chunks or calls > FAMILY_CALLS or len(chunks[-1]) == FAMILIES:
                chunks.append([])
                calls = 0
            chunks[-1].append(family)
            calls += sum(records.get(partner, 0) for partner in family.partner_ids)
        return chunks

    # === DECKS === #

    def _load_decks(self, company, family_ids, chosen):
        """The decks that are tried.

        :param family_ids: ids of customers whose calls have to be rated in any case
        :param chosen: ids of the customers that it is about, None: all
        :return: (``Simulation``; dict partner id -> position in its engine's chains,
            also of those that it is not about)
        """
        ids = {*self._partner_ids(company), *family_ids}
        chain_of, of_all, chains = {}, {}, {}
        partners = company.env["res.partner"].browse(sorted(ids))
        for partner in partners.with_company(company):
            own = deck_chain(partner, company)
            chain = self._chain_to_try(own)
            position = chains.setdefault(own if chain is None else chain, len(chains))
            of_all[partner.id] = position
            if chain is not None and (chosen is None or partner.id in chosen):
                chain_of[partner.id] = position
        engine, currency_of_deck = self._make_engine(company.env, list(chains))
        return Simulation(engine, currency_of_deck, chain_of), of_all

    def _make_engine(self, env, chains):
        """The engine for chains of decks, with the rates that are tried."""
        decks = env["metered.rate.deck"].browse(
            sorted({deck_id for chain in chains for deck_id in chain})
        )
        rates = self._rates_to_try(load_rates(env, decks))
        return make_engine(env, chains, decks, rates)

    def _rates_to_try(self, rates):
        """The rates of all decks, those of the deck that is tried as they are tried.

        :param rates: DataFrame of ``load.load_rates``
        """
        if not self.rates_day:
            return rates
        zone = ZoneInfo(self.deck_id.timezone)
        day = self.rates_day
        local = datetime(day.year, day.month, day.day, tzinfo=zone)
        at_us = to_us(local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None), 0)
        mine = rates["deck_id"] == self.deck_id.id
        holds = (rates["valid_from_us"] <= at_us) & (at_us < rates["valid_to_us"])
        rates = rates[~mine | holds].reset_index(drop=True)
        mine = rates["deck_id"] == self.deck_id.id
        rates.loc[mine, "valid_from_us"] = MIN_US
        rates.loc[mine, "valid_to_us"] = MAX_US
        return rates

    def _chain_to_try(self, chain):
        """A customer's decks with the one that is tried; None: it is not about them."""
        new = self.deck_id.id
        if not self.replaces_id:
            return (new, *(deck for deck in chain if deck != new))
        if self.replaces_id.id not in chain:
            return None
        return tuple(
            dict.fromkeys(new if d == self.replaces_id.id else d for d in chain)
        )

    def _load_costs(self, company):
        """The cost deck of each source, or the company's."""
        chain_of, chains = {}, {}
        sources = company.env["metered.source"].with_context(active_test=False)
        for source in sources.search([("company_id", "=", company.id)]):
            deck = source.cost_deck_id or company.metered_cost_deck_id
            if deck:
                chain_of[source.id] = chains.setdefault((deck.id,), len(chains))
        if not chains:
            raise UserError(
                self.env._(
                    "No cost deck is set: import your supplier's rates as a deck, and "
                    "choose it as cost deck of the company in the settings, or on the "
                    "source."
                )
            )
        engine, currency_of_deck = self._make_engine(company.env, list(chains))
        return Simulation(engine, currency_of_deck, chain_of, "source_id")

    def _partner_ids(self, company):
        """Customers with usage on these days."""
        found = self.env["metered.usage"]._read_group(
            self._usage_domain(), ["partner_id"]
        )
        return [partner.id for [partner] in found]
