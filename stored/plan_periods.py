# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The billing periods of a subscription with plans: their usage and balances."""

from ..ingest.usage_calls import USAGE_CDRS
from ..rating.allowances import balances, grant, opening_of_next
from .balance_store import read_lots, stored_periods
from .payers import households_of, with_children
from .plan_book import DAY
from .plan_calls import anchor, read_usage
from .plan_terms import EVERYBODY, load_terms

# Calls that were deleted under retention took what they took.
_FIXED = f"""
    SELECT key, identifier_id, sum(quantity)::bigint FROM (
        SELECT taken.key::int AS key, coalesce(cdr.identifier_id, 0) AS identifier_id,
               (taken.value->>0)::bigint AS quantity
          FROM {USAGE_CDRS} CROSS JOIN jsonb_each(cdr.plan_taken) AS taken
         WHERE cdr.plan_taken IS NOT NULL
         UNION ALL
        SELECT (one.item->>0)::int, (one.item->>1)::int, (one.item->>2)::bigint
          FROM metered_retention_sum kept
         CROSS JOIN jsonb_array_elements(kept.taken) AS one (item)
         WHERE kept.usage_id = ANY(%(usage)s)) each_one
     GROUP BY 1, 2
"""
_IDENTIFIERS = """
    SELECT identifier.id
      FROM metered_identifier identifier
     WHERE identifier.partner_id = ANY(%(partners)s) AND identifier.active
       AND identifier.company_id = %(company)s
       AND coalesce(identifier.subscription_id, %(subscription)s) = %(subscription)s
       AND coalesce(identifier.date_from, '-infinity') < %(end)s
       AND coalesce(identifier.date_to, 'infinity') > %(begin)s
"""
# Of child companies that pay for themselves: what names it, and what it billed before.
_BILLED = """
    SELECT DISTINCT usage.partner_id
      FROM metered_usage usage
      LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
      LEFT JOIN account_move move ON move.id = line.move_id
     WHERE usage.company_id = %(company)s AND usage.partner_id = ANY(%(partners)s)
       AND usage.day >= %(first)s AND usage.day < %(end)s
       AND (usage.subscription_id = %(subscription)s
            OR move.commercial_partner_id = %(owner)s)
"""


class PlanPeriods:
    """What plans of one subscription are for, and what they give, period by period.

    :param book: :class:`~.plan_book.PlanBook`
    :param subscription: :class:`~.plan_book.PlanSubscription`
    :param terms: of its plans, where they were read before
    """

    def __init__(self, book, subscription, terms=None):
        self.book, self.cr = book, book.cr
        self.subscription = subscription
        self.terms = terms or load_terms(self.cr, subscription.plans)
        self.allowances = [term.allowance for term in self.terms]
        self.term_of = {term.allowance.id: term for term in self.terms}
        self.rollover = max((a.rollover_periods for a in self.allowances), default=0)
        self.rows = []
        self._granted = {}

    def find_partners(self, first, end):
        """Customers whose calls may take from its plans.

        Of child companies those whose calls it bills, where it does not share a plan
        with all of them.

        :param first, end: dates of the calls, half-open
        """
        family = with_children(self.cr, [self.subscription.owner_id])
        if any(term.scope == "customer" for term in self.terms):
            return family
        found = set(self._household())
        others = list(set(family) - found)
        if others:
            self.cr.execute(
                _BILLED,
                {
                    "company": self.book.company_id,
                    "partners": others,
                    "first": first,
                    "end": end,
                    "subscription": self.subscription.id,
                    "owner": self.subscription.owner_id,
                },
            )
            found.update(number for (number,) in self.cr.fetchall())
        return sorted(found)

    def _household(self):
        """Ids of the customers whose calls its owner's subscriptions bill."""
        own = self.subscription.owner_id
        return households_of(self.cr, self.book.company_id, [own])[own].implied

    # ---- periods

    def periods(self, first, last, following=True):
        """The periods to look at, with those whose balances depend on them.

        :param following: with those after it, too
        """
        subscription = self.subscription
        periods = subscription.periods(first, last)
        if not periods or not self.rollover:
            return periods
        known = stored_periods(self.cr, subscription.id)
        latest = last
        if following:
            latest = max([*known, last, self.book.today])
        begin = periods[0].date_from
        for _step in range(self.rollover):
            earlier = subscription.periods(begin - DAY, begin - DAY)
            if not earlier or earlier[0].date_from in known:
                break
            begin = earlier[0].date_from
        return subscription.periods(begin, latest)

    def _read_usage(self, periods):
        days = periods[0].date_from, periods[-1].date_to
        partners = self.find_partners(*days)
        rows = read_usage(self.cr, self.book.company_id, partners, *days)
        self.take_rows(self.rows_of(rows, partners))

    def rows_of(self, rows, partners):
        """The usage whose calls take from its plans.

        :param rows: list of ``plan_calls.UsageRow`` of these partners
        """
        candidates = self.book.find([("partner_id", "in", partners)])
        number = self.subscription.id
        return [row for row in rows if anchor(row, candidates) == number]

    def take_rows(self, rows):
        """Set the usage whose calls take from its plans."""
        number, owner_id = self.subscription.id, self.subscription.owner_id
        self.rows = rows
        self._granted = {}
        self.own = {
            row.usage_id
            for row in self.rows
            if row.subscription_id == number or row.is_billed_by(owner_id)
        }

    def taken_of(self, usage_ids):
        """What calls took, of whatever plan, before factors.

        :return: dict (allowance id, identifier id) -> quantity
        """
        if not usage_ids:
            return {}
        self.cr.execute(_FIXED, {"usage": usage_ids})
        return {(row[0], row[1]): row[2] for row in self.cr.fetchall()}

    def fixed(self, usage_ids):
        """What invoiced calls took: dict (allowance id, key) -> amount."""
        fixed = {}
        taken = self.taken_of(usage_ids)
        for (allowance_id, identifier_id), quantity in taken.items():
            term = self.term_of.get(allowance_id)
            if term:
                key = identifier_id if term.scope == "identifier" else EVERYBODY
                place = (allowance_id, key)
                amount = quantity * term.allowance.factor
                fixed[place] = fixed.get(place, 0) + amount
        return fixed

    # ---- balances

    def stored_lots(self, date_from):
        """What the period before left, as balances after it."""
        if not self.rollover:
            return None
        before = date_from - DAY
        periods = self.subscription.periods(before, before)
        if not periods:
            return None
        return read_lots(
            self.cr, self.subscription.id, periods[0].date_from, self.allowances
        )

    def opening(self, period, lots):
        """The balances that a period begins with.

        :param lots: what the period before left, None for nothing
        """
        grants = self.granted(period)
        if lots is None or not len(lots):
            return grants
        return opening_of_next(lots, grants)

    def granted(self, period):
        """The balances that are granted for a period; remembered."""
        if period.date_from not in self._granted:
            identifiers = ()
            if any(term.scope == "identifier" for term in self.terms):
                identifiers = self._identifiers(period)
            self._granted[period.date_from] = balances(
                grant(term.allowance, key, term.quantity, period.share)
                for term in self.terms
                for key in (identifiers if term.scope == "identifier" else [EVERYBODY])
            )
        return self._granted[period.date_from]

    def _identifiers(self, period):
        """Identifiers that have an allowance for themselves in a period."""
        self.cr.execute(
            _IDENTIFIERS,
            {
                "partners": list(self._household()),
                "company": self.book.company_id,
                "subscription": self.subscription.id,
                "begin": period.date_from,
                "end": period.date_to,
            },
        )
        found = {number for (number,) in self.cr.fetchall()}
        ids = [
            row.usage_id
            for row in self.rows
            if period.date_from <= row.day < period.date_to
        ]
        if ids:
            self.cr.execute(
                f"SELECT DISTINCT cdr.identifier_id FROM {USAGE_CDRS}"  # noqa: S608
                " WHERE cdr.identifier_id IS NOT NULL UNION"
                " SELECT (one.item->>1)::int FROM metered_retention_sum kept"
                " CROSS JOIN jsonb_array_elements(kept.taken) AS one (item)"
                " WHERE kept.usage_id = ANY(%(usage)s) AND one.item->>1 != '0'",
                {"usage": ids},
            )
            found |= {number for (number,) in self.cr.fetchall()}
        return sorted(found)
