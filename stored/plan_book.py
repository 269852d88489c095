# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans as plain values: who has which, and in which periods they count.

``models/plan/`` fills them in; nothing here calls a model back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from ..rating.proration import share_of_days
from .payers import payers_of, with_parents

DAY = timedelta(days=1)

_NAMED = """
    SELECT DISTINCT usage.subscription_id
      FROM metered_usage usage
      JOIN res_partner partner ON partner.id = usage.partner_id
     WHERE usage.company_id = %s AND usage.invoice_line_id IS NULL
       AND partner.commercial_partner_id = %s AND usage.subscription_id = ANY(%s)
"""


@dataclass(frozen=True)
class PlanPeriod:
    """A billing period as plans see it: half-open days, its share of a whole one."""

    date_from: date
    date_to: date
    share: Fraction


@dataclass(frozen=True)
class PlanSubscription:
    """A subscription as plans see it.

    :ivar owner_id: commercial entity of its customer
    :ivar start, until: first day, and first day without its plans; None: open
    :ivar plans: dict plan id -> quantity of its lines
    :ivar shared: whether it shares an allowance with all of its customer
    :ivar known: (first day, first day after) of the periods that were claimed and of
        the running one, in order
    :ivar due: next renewal, or the one that it would have had when it was closed
    :ivar after, before: functions: the date an interval after a date, and before
    """

    id: int
    owner_id: int
    start: date | None
    until: date | None
    plans: dict
    shared: bool
    known: tuple
    due: date | None
    after: Callable
    before: Callable

    def covers(self, day):
        """Whether it runs on a day."""
        return (not self.start or day >= self.start) and (
            not self.until or day < self.until
        )

    def periods(self, first, last):
        """The billing periods that have days of an interval.

        Periods that were claimed are as they were claimed; what comes after the
        running one, and what was before the first, are whole intervals.

        :param first, last: dates, both included
        :return: list of :class:`PlanPeriod`, in order
        """
        periods = list(self.known)
        if not periods:
            return []
        start = self.start or first
        while periods[-1][1] <= last:
            begin = periods[-1][1]
            periods.append((begin, self.after(begin)))
        while periods[0][0] > max(first, start):
            end = periods[0][0]
            periods.insert(0, (max(self.before(end), start), end))
        found = []
        for begin, end in periods:
            cut = min(end, self.until) if self.until else end
            if begin < cut and begin <= last and cut > first:
                found.append(PlanPeriod(begin, cut, self._share(begin, cut)))
        return found

    def _share(self, begin, end):
        """How much of a whole interval a period is, at most 1."""
        whole_end = end
        if end == self.until:
            whole_end = max(end, self.due or self.after(begin))
        whole = self.before(whole_end), whole_end - DAY
        return share_of_days(*whole, begin) - share_of_days(*whole, end)


@dataclass(frozen=True)
class PlanBook:
    """The calling plans of a company.

    :ivar cr: cursor; what the ORM had still to write is written
    :ivar timezone: in which the days of customers without one begin
    :ivar today: date in it
    :ivar find: function (domain of ``sale.subscription``, every=False) -> list of
        :class:`PlanSubscription`, by id: those with plans, or every one that runs
    """

    cr: object
    company_id: int
    timezone: str
    today: date
    find: Callable

    def of_customer(self, owner_id):
        """Subscriptions whose plans a customer's calls may take from, by id.

        Its own, those of its parent companies that share a plan with it or pay for its
        calls, and those that open usage of it names.

        :param owner_id: of a commercial entity
        """
        parents = with_parents(self.cr, [owner_id])[owner_id]
        found = self.find([("partner_id.commercial_partner_id", "in", parents)])
        if not found:
            return []
        ids = [subscription.id for subscription in found]
        self.cr.execute(_NAMED, (self.company_id, owner_id, ids))
        named = {number for (number,) in self.cr.fetchall()}
        payer_id = payers_of(self.cr, self.company_id, [owner_id])[owner_id]
        return [
            subscription
            for subscription in found
            if subscription.owner_id in (owner_id, payer_id)
            or subscription.shared
            or subscription.id in named
        ]
