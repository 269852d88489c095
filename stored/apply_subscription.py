# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""One subscription: its allowances are given to the calls of its periods."""

from dataclasses import dataclass

import numpy as np

from ..rating.allowances import close
from ..rating.calling_plans import apply_plans
from ..rating.reserves import less, reserves
from .plan_calls import read_calls
from .plan_engines import as_rated
from .plan_outcome import taken_by
from .plan_periods import PlanPeriods
from .plan_terms import set_pools


@dataclass
class _Part:
    """A billing period on its way.

    :ivar period: ``PlanPeriod`` of the subscription
    :ivar open_ids: usage that can change
    :ivar fixed: dict (allowance id, key) -> amount that invoiced calls took
    """

    period: object
    open_ids: list
    fixed: dict


class SubscriptionPlans(PlanPeriods):
    """One subscription, period by period.

    :param engines: :class:`~.plan_engines.Engines`; None where no call is charged
    """

    def __init__(self, book, subscription, engines, terms=None):
        super().__init__(book, subscription, terms)
        self.engines = engines
        #: dict first day of a period -> what it has to leave for invoiced calls
        self.reserve_of = {}

    def run(self, first, last, keep):
        """Apply the plans to the periods with days of an interval, and what follows.

        :param keep: :class:`~.plan_outcome.Stored` or :class:`~.plan_outcome.Told`
        """
        periods = self.periods(first, last)
        if not periods:
            return
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
        for part in parts:
            opening = self.opening(part.period, lots)
            reserve = self.reserve_of[part.period.date_from]
            lots = self._apply_to(part, opening, reserve, keep)
            keep.balances(self, part.period, lots)

    def _part(self, period):
        rows = [r for r in self.rows if period.date_from <= r.day < period.date_to]
        fixed = self.fixed([row.usage_id for row in rows if row.invoiced])
        return _Part(period, [r.usage_id for r in rows if not r.invoiced], fixed)

    def _apply_to(self, part, opening, reserve, keep):
        """Apply the plans to one period: the balances after it."""
        used = dict(part.fixed)
        if part.open_ids:
            calls = read_calls(self.cr, np.array(part.open_ids, np.int64))
            if len(calls):
                self.add_pools(calls)
                rated = as_rated(calls)
                engine = self.engines.for_calls(calls, self.book.company_id)
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
                keep.charges(calls, charge, taken_by(planned))
        return close(self.allowances, opening, by_allowance(used))

    def add_pools(self, calls):
        """Set the columns that say from whose allowances calls take.

        :param calls: as ``plan_calls.read_calls`` returns them
        """
        set_pools(calls, self.terms, calls["usage_id"].isin(self.own).to_numpy())


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
