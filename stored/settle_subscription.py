# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Settling one subscription: its allowances are given to the calls of its periods."""

from dataclasses import dataclass

import numpy as np

from ..ingest.load_rates import deck_chain
from ..ingest.usage_store import as_array
from ..rating.allowances import close
from ..rating.calling_plans import apply_plans
from ..rating.reserves import less, reserves
from .plan_calls import read_calls
from .plan_periods import EVERYBODY, PlanPeriods
from .plan_terms import OWN_CALLS, pool_column
from .settle_engines import as_rated
from .settle_outcome import taken_by


@dataclass
class _Part:
    """A billing period on its way.

    :ivar period: ``PlanPeriod`` of the subscription
    :ivar open_ids, fixed_ids: usage that can change, and that is invoiced
    :ivar fixed: dict (allowance id, key) -> amount that invoiced calls took
    """

    period: object
    open_ids: list
    fixed_ids: list
    fixed: dict


class Settling(PlanPeriods):
    """One subscription, period by period.

    :param engines: :class:`~.settle_engines.Engines`; None where no call is charged
    :param plans: dict plan id -> quantity; None: the plans that it has
    """

    def __init__(self, company, subscription, engines, plans=None):
        super().__init__(company, subscription, plans)
        self.engines = engines
        self.chains = {}
        #: dict first day of a period -> what it has to leave for invoiced calls
        self.reserve_of = {}

    def run(self, first, last, keep):
        """Settle the periods that have days of an interval, and what follows of it.

        :param keep: :class:`~.settle_outcome.Stored` or :class:`~.settle_outcome.Told`
        :return: number of CDRs that were written
        """
        periods = self.periods(first, last)
        if not periods:
            return 0
        self._read_usage(periods)
        parts = [self._part(period) for period in periods]
        found = reserves(
            [part.fixed for part in parts],
            [self.granted(part.period) for part in parts],
            self.allowances,
        )
        for part, reserve in zip(parts, found, strict=True):
            self.reserve_of[part.period.date_from] = reserve
        lots = self.stored_lots(periods[0].date_from)
        written = 0
        for part in parts:
            opening = self.opening(part.period, lots)
            reserve = self.reserve_of[part.period.date_from]
            changed, closing = self._settle_part(part, opening, reserve, keep)
            written += changed
            keep.balances(
                self.subscription, self.owner, part.period, self.terms, closing
            )
            lots = closing
        return written

    def _part(self, period):
        rows = [r for r in self.rows if period.date_from <= r.day < period.date_to]
        fixed_ids = [row.usage_id for row in rows if row.invoiced]
        open_ids = [row.usage_id for row in rows if not row.invoiced]
        return _Part(period, open_ids, fixed_ids, self.fixed(fixed_ids))

    def _settle_part(self, part, opening, reserve, keep):
        """Settle one period.

        :return: (number of CDRs that were written, balances after the period)
        """
        used = dict(part.fixed)
        changed = 0
        if part.open_ids:
            calls = read_calls(self.cr, np.array(part.open_ids, np.int64))
            if len(calls):
                self.add_pools(calls)
                rated, engine = as_rated(calls), self.engine_for(calls)
                planned = apply_plans(
                    engine,
                    calls,
                    rated,
                    self.allowances,
                    less(opening, part.fixed, reserve),
                )
                for place, amount in used_of(planned.balances).items():
                    used[place] = used.get(place, 0) + amount
                charge = planned.frame["charge_micro"].to_numpy()
                changed = keep.charges(calls, charge, taken_by(planned))
        return changed, close(self.allowances, opening, by_allowance(used))

    def add_pools(self, calls):
        """Set the columns that say from whose allowances calls take.

        :param calls: as ``plan_calls.read_calls`` returns them
        """
        own = calls["usage_id"].isin(self.own).to_numpy()
        currency = calls["currency_id"].to_numpy()
        for allowance, term in zip(self.allowances, self.terms, strict=True):
            if allowance.pool in calls:
                continue
            key = np.full(len(calls), EVERYBODY, np.int64)
            if term.scope == "identifier":
                key = calls["identifier_id"].to_numpy().copy()
            if term.scope in OWN_CALLS:
                key[~own] = 0
            wanted = int(allowance.pool.rpartition("_")[2])
            assert allowance.pool == pool_column(term.scope, wanted)
            if wanted:
                key[currency != wanted] = 0
            calls[allowance.pool] = key

    def engine_for(self, calls):
        """The engine that charges these calls; sets the column `chain`."""
        rates = np.unique(calls["rate_id"].to_numpy())
        self.cr.execute(
            "SELECT id, deck_id FROM metered_rate WHERE id = ANY(%s) ORDER BY id",
            (as_array(rates),),
        )
        deck_of = dict(self.cr.fetchall())
        decks = np.array([deck_of[rate] for rate in rates.tolist()], np.int64)
        deck = decks[np.searchsorted(rates, calls["rate_id"].to_numpy())]
        partner = calls["partner_id"].to_numpy()
        pairs, of_call = np.unique(
            np.stack([partner, deck], axis=1), axis=0, return_inverse=True
        )
        chains = [self._chain(*pair) for pair in pairs.tolist()]
        distinct = sorted(set(chains))
        position = np.array([distinct.index(chain) for chain in chains], np.int64)
        calls["chain"] = position[of_call.reshape(-1)]
        return self.engines.get(distinct)

    def _chain(self, partner_id, deck_id):
        """The customer's decks; first the one that priced the call, if it is no more
        among them."""
        if partner_id not in self.chains:
            partner = self.env["res.partner"].with_company(self.company)
            self.chains[partner_id] = deck_chain(
                partner.browse(partner_id), self.company
            )
        chain = self.chains[partner_id]
        return chain if deck_id in chain else (deck_id, *chain)


def used_of(closing):
    """Amounts taken, from balances with one row for each: dict place -> amount."""
    columns = (closing[name].tolist() for name in ("allowance_id", "key", "used"))
    return {
        (number, key): used for number, key, used in zip(*columns, strict=True) if used
    }


def by_allowance(used):
    """Amounts as `allowances.close` takes them."""
    of_allowance = {}
    for (allowance_id, key), amount in sorted(used.items()):
        keys, amounts = of_allowance.setdefault(allowance_id, ([], []))
        keys.append(key)
        amounts.append(amount)
    return {
        allowance_id: (np.array(keys, np.int64), np.array(amounts, np.int64))
        for allowance_id, (keys, amounts) in of_allowance.items()
    }
