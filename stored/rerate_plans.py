# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What invoiced calls that took from calling plans are charged with other rates.

What the calls of an invoice took of each allowance in a billing period is theirs, all
of them together: it is given to them anew, in the order of (start, identity), because
another rate may have other increments and other prices. They get no more of it than
they took, although something may be left: that was rolled over, or is for calls that
come in late. So balances stay what they are, and nothing is granted twice.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from ..ingest.load_rates import deck_chain, load_engine
from ..rating.allowances import UNLIMITED, balances
from ..rating.calling_plans import apply_plans
from .apply_subscription import SubscriptionPlans
from .plan_calls import read_calls, read_usage
from .plan_terms import plans_with


def charges_with_plans(book, usage):
    """What invoiced usage is charged with the rates of today, where plans took of it.

    :param book: :class:`~.plan_book.PlanBook` of its company
    :param usage: ``metered.usage`` records of calls, with a rate today, and all rights
    :return: dict usage id -> micro-units; only where a plan took something, rates
        changed, and the subscription still has plans
    """
    wanted, days = set(usage.ids), usage.mapped("day")
    found, seen = {}, set()
    for owner_id in usage.partner_id.commercial_partner_id.ids:
        for subscription in book.of_customer(owner_id):
            if subscription.id in seen:
                continue
            seen.add(subscription.id)
            for period in subscription.periods(min(days), max(days)):
                work = _Anew(book, usage.env, subscription, period, wanted)
                found.update(work.charges())
    return found


class _Anew:
    """What invoiced calls of one subscription and billing period took, given anew."""

    def __init__(self, book, env, subscription, period, wanted):
        self.book, self.env = book, env
        self.subscription, self.period = subscription, period
        # The plans of today tell whose calls these are, not what they took.
        whose = SubscriptionPlans(book, subscription, None)
        days = period.date_from, period.date_to
        partners = whose.find_partners(*days)
        rows = read_usage(book.cr, book.company_id, partners, *days)
        self.rows = [
            row for row in whose.rows_of(rows, partners) if row.usage_id in wanted
        ]

    def charges(self):
        """Yield (usage id, micro-units), invoice by invoice.

        Those of a later invoice came in when the others had taken, whatever their
        start.
        """
        of_invoice = {}
        for row in self.rows:
            of_invoice.setdefault(row.invoice_id, []).append(row)
        for rows in of_invoice.values():
            yield from self._charges_of(rows)

    def _charges_of(self, rows):
        ids = np.array([row.usage_id for row in rows], np.int64)
        calls = read_calls(self.env.cr, ids)
        if not len(calls) or not calls["taken"].notna().any():
            return ()
        engine, currencies = self._engine(calls)
        rated = engine.rate(calls).frame.reset_index(drop=True)
        if all(
            (calls[stored].to_numpy() == rated[now].to_numpy()).all()
            for stored, now in (
                ("deck_micro", "charge_micro"),
                ("billed_seconds", "billed_seconds"),
                ("rate_id", "rate_id"),
            )
        ):
            return ()
        # of the plans that the calls took from
        taken = self._taking_from({}).taken_of(ids.tolist())
        allowance_ids = {abs(key) for key, _identifier in taken}
        work = self._taking_from(plans_with(self.book.cr, allowance_ids))
        work.take_rows(rows)
        calls["currency_id"] = [
            currencies.get(deck, 0) for deck in rated["deck_id"].tolist()
        ]
        work.add_pools(calls)
        planned = apply_plans(
            engine, calls, rated, work.allowances, self._opening(work, ids)
        )
        sums = pd.Series(planned.frame["charge_micro"].to_numpy()).groupby(
            calls["usage_id"].to_numpy()
        )
        return sums.sum().to_dict().items()

    def _taking_from(self, plans):
        subscription = replace(self.subscription, plans=plans)
        return SubscriptionPlans(self.book, subscription, None)

    def _engine(self, calls):
        """The engine with today's decks; sets the column `chain`."""
        company = self.env["res.company"].browse(self.book.company_id)
        partners = self.env["res.partner"].with_company(company)
        numbers = calls["partner_id"].unique().tolist()
        chain_of = {
            number: deck_chain(partners.browse(number), company) for number in numbers
        }
        distinct = list(dict.fromkeys(chain_of.values()))
        calls["chain"] = [
            distinct.index(chain_of[number]) for number in calls["partner_id"].tolist()
        ]
        return load_engine(self.env, distinct)

    def _opening(self, work, ids):
        """What the calls took together, and all of what has no end."""
        taken = work.fixed(ids.tolist())
        rows = work.opening(self.period, None)
        places = zip(rows["allowance_id"].tolist(), rows["key"].tolist(), strict=True)
        rows["amount"] = np.array(
            [
                amount if amount >= UNLIMITED else taken.get(place, 0)
                for place, amount in zip(places, rows["amount"].tolist(), strict=True)
            ],
            np.int64,
        )
        return balances([rows])
