# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field

from odoo import models
from odoo.exceptions import UserError

from ...ingest.load_rates import deck_chain, load_engine
from ...ingest.tried_rates import TriedRates
from ...stored.plan_engines import Engines
from ...stored.simulate import Simulation
from ...stored.simulate_families import TriedPlan, find_families
from ...stored.simulate_plans import PlanTrial

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


class MeteredWhatIf(models.Model):
    """What is tried, as the pipeline takes it."""

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
        marks = env["metered.plan.mark"]
        book = marks._plan_book(company)
        plan = TriedPlan(self.plan_id.id or 0, self.plan_replaces_id.id or 0)
        chosen = self._chosen_partners()
        families = [
            family
            for family in (find_families(book, plan) if marks._exist_plans() else ())
            if chosen is None or chosen & set(family.partner_ids)
        ]
        partner_ids = [p for family in families for p in family.partner_ids]
        decks, chain_of = None, {}
        if self.deck_id:
            decks, chain_of = self._load_decks(company, partner_ids, chosen)
        if not families:
            return Tried(None if self.plan_id else decks)
        days, engines = (self.date_from, self.date_to), Engines(env)
        trial = PlanTrial(book, engines, *days, chosen, decks, chain_of, plan)
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
        rates = self._tried_rates()
        ids = {*self._partner_ids(company), *family_ids}
        chain_of, of_all, chains = {}, {}, {}
        partners = company.env["res.partner"].browse(sorted(ids))
        for partner in partners.with_company(company):
            chain = deck_chain(partner, company)
            position = chains.setdefault(rates.chain(chain), len(chains))
            of_all[partner.id] = position
            if rates.is_about(chain) and (chosen is None or partner.id in chosen):
                chain_of[partner.id] = position
        engine, currency_of_deck = load_engine(company.env, list(chains), tried=rates)
        return Simulation(engine, currency_of_deck, chain_of), of_all

    def _tried_rates(self):
        """The deck that is tried, with the rates that a file proposes."""
        return TriedRates(
            self.deck_id.id,
            self.deck_id.timezone,
            self.replaces_id.id,
            self.rates_day or None,
            self._changes_of_file(),
        )

    def _changes_of_file(self):
        """What the file that is tried would change in the deck, None without one."""
        if not self.file_id:
            return None
        _rows, changes, problems = self.deck_id._read_file(
            self.file_id,
            self.file_name,
            self.file_date_from,
            self.file_date_order,
            self.file_whole,
            self.file_choices or None,
        )
        if problems:
            raise UserError(
                self.env._(
                    "Line %(line)s of %(file)s is wrong: %(problem)s Fix the file and "
                    "upload it again.",
                    line=problems[0].line,
                    file=self.file_name,
                    problem=problems[0].text,
                )
            )
        return changes

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
                    "No cost deck is set. Import your supplier's rates as a rate "
                    "deck, and set it as the cost deck of the company in the "
                    "settings, or on the source."
                )
            )
        engine, currency_of_deck = load_engine(company.env, list(chains))
        return Simulation(engine, currency_of_deck, chain_of, "source_id")

    def _partner_ids(self, company):
        """Customers with usage on these days."""
        found = self.env["metered.usage"]._read_group(
            self._usage_domain(), ["partner_id"]
        )
        return [partner.id for [partner] in found]
