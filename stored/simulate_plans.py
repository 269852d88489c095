# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans in a simulation: nothing of it is written.

What a call costs with a plan depends on all calls of its billing period. So customers
with plans are looked at as families, all companies below one, which may share a plan;
the calls of all their billing periods that have days of the simulated ones are read,
and the allowances are given to them by the code that applies them for real.

What the calls cost now is what is stored, and where plans still have to be applied,
what that will make of them. What they would cost is worked out as if nothing was billed
yet; only that calls which came in when their days had been billed take what was left
then, as they did.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from ..rating import RATED
from .apply_plans import apply_plans_of
from .plan_book import DAY
from .plan_calls import anchor, read_calls, read_usage
from .plan_engines import as_rated
from .plan_outcome import Told
from .plan_terms import load_terms
from .simulate import sum_up
from .simulate_subscription import PlanTrialOfSubscription

_MARKED = """
    SELECT partner.commercial_partner_id, min(mark.day_from), max(mark.day_to)
      FROM metered_plan_mark mark
      JOIN res_partner partner ON partner.id = mark.partner_id
     WHERE mark.company_id = %s AND mark.partner_id = ANY(%s)
     GROUP BY 1 ORDER BY 1
"""


class PlanTrial:
    """Calls of customers with plans, family by family.

    :param book: :class:`~.plan_book.PlanBook`
    :param engines: :class:`~.plan_engines.Engines`
    :param first, last: dates of the simulation, both included
    :param partner_ids: only the calls of these are told of; None: of all
    :param decks: :class:`~.simulate.Simulation` with the decks that are tried; None:
        calls are charged by the decks that charged them
    :param chain_of: dict partner id -> position in its engine's chains, of all members
        of families
    :param tried: :class:`~.simulate_families.TriedPlan`
    """

    def __init__(self, book, engines, first, last, partner_ids, decks, chain_of, tried):
        self.book, self.cr, self.engines = book, book.cr, engines
        self.first, self.last = first, last
        self.partner_ids = partner_ids
        self.decks, self.chain_of = decks, chain_of
        self.tried = tried
        self.terms = {}

    def rate(self, families, worth):
        """What calls of families cost and would cost.

        :param families: list of :class:`~.simulate_families.Family`
        :param worth: see ``simulate.Simulation.rate``
        :return: (DataFrame of ``simulate.sum_up``, number of all calls of these days)
        """
        subscriptions = {s.id: s for family in families for s in family.subscriptions}
        partner_ids = [p for family in families for p in family.partner_ids]
        begin, end = self.first, self.last + DAY
        for subscription in subscriptions.values():
            for period in subscription.periods(self.first, self.last):
                begin, end = min(begin, period.date_from), max(end, period.date_to)
        rows = read_usage(self.cr, self.book.company_id, partner_ids, begin, end)
        anchors, about, then, later = {}, set(), {}, {}
        by_family = _by_family(rows, families)
        for family, own in zip(families, by_family, strict=True):
            found = self._anchor(family, own)
            anchors.update(found[0])
            about |= found[1]
            then.update(found[2])
            later.update(dict.fromkeys(self._rolling(family, found[2]), found[3]))
        calls = read_calls(self.cr, np.array([r.usage_id for r in rows], np.int64))
        if not len(calls):
            return sum_up(calls, *[np.zeros(0, np.int64)] * 3, worth), 0
        charged, rated, engine, currencies = self._rate(calls)
        usage = calls["usage_id"].to_numpy()
        of_row = pd.Series(anchors).reindex(usage).to_numpy(np.int64)
        rows_of = {}
        for row in rows:
            rows_of.setdefault(anchors[row.usage_id], []).append(row)
        rows_after = read_usage(
            self.cr, self.book.company_id, list(later), end, date.max
        )
        for row in rows_after:
            number = anchor(row, later[row.partner_id]) if row.invoiced else 0
            rows_of.setdefault(number, []).append(row)
        order = np.argsort(of_row, kind="stable")
        ends = np.flatnonzero(np.diff(of_row[order])) + 1
        for some in np.split(order, ends):
            number = int(of_row[some[0]])
            if number:
                own = replace(subscriptions[number], plans=then[number])
                work = PlanTrialOfSubscription(self, own, rows_of[number])
                places, charge = work.run(
                    calls.iloc[some], rated.iloc[some], currencies[some], engine
                )
                charged[some[places]] = charge
        days = {row.usage_id for row in rows if self.first <= row.day <= self.last}
        read = int(np.isin(usage, list(days)).sum())
        told = np.isin(usage, list(days & about))
        calls["charge_micro"] = self._charged_now(calls, partner_ids)
        is_rated = (rated["status"].to_numpy() == RATED)[told]
        after = np.where(is_rated, charged[told], 0)
        return sum_up(calls[told], after, is_rated, currencies[told], worth), read

    def _anchor(self, family, rows):
        """From whose plans calls would take, and what is told of them.

        :return: (dict usage id -> subscription id, 0 for none; ids of the usage that
            it is about; dict subscription id -> plans; list of ``PlanSubscription``)
        """
        subscriptions = family.subscriptions
        now = [s for s in subscriptions if s.plans]
        plans, tried = self.tried.then(
            subscriptions,
            {row.owners[0] for row in rows if self.tried.plan_id and anchor(row, now)}
            | {subscription.owner_id for subscription in now},
        )
        then = [
            replace(
                s, shared=any(t.scope == "customer" for t in self.terms_of(plans[s.id]))
            )
            for s in subscriptions
            if plans[s.id]
        ]
        anchors, about = {}, set()
        for row in rows:
            anchors[row.usage_id] = anchor(row, then)
            if self.partner_ids is not None and row.partner_id not in self.partner_ids:
                continue
            if self.decks and row.partner_id not in self.decks.chain_of:
                continue
            if self.tried.plan_id and not tried & {
                anchors[row.usage_id],
                anchor(row, now),
            }:
                continue
            about.add(row.usage_id)
        return anchors, about, plans, then

    def _rolling(self, family, plans):
        """Ids of a family's customers, if they have an allowance that rolls over.

        Then billed calls after these days may have some of what was left in them.
        """
        rolls = any(
            term.allowance.rollover_periods
            for known in plans.values()
            for term in self.terms_of(known)
        )
        return family.partner_ids if rolls else ()

    def terms_of(self, plans):
        """The allowances of plans, read once; see ``plan_terms.load_terms``."""
        key = tuple(sorted(plans.items()))
        if key not in self.terms:
            self.terms[key] = load_terms(self.cr, plans)
        return self.terms[key]

    def _rate(self, calls):
        """What the decks charge for calls, before plans.

        :return: (charges, rated calls, engine, currency of each)
        """
        if self.decks:
            calls["chain"] = [self.chain_of[p] for p in calls["partner_id"].tolist()]
            engine = self.decks.engine
            rated = engine.rate(calls).frame.reset_index(drop=True)
            currencies = self.decks.currencies(rated)
        else:
            engine = self.engines.for_calls(calls, self.book.company_id)
            rated = as_rated(calls)
            currencies = calls["currency_id"].to_numpy()
        return rated["charge_micro"].to_numpy().copy(), rated, engine, currencies

    def _charged_now(self, calls, partner_ids):
        """What calls are charged now, with plans that still have to be applied."""
        self.cr.execute(_MARKED, (self.book.company_id, partner_ids))
        told = Told()
        for owner_id, first, last in self.cr.fetchall():
            own = self.book.of_customer(owner_id)
            apply_plans_of(self.book, owner_id, own, first, last, self.engines, told)
        charge = calls["charge_micro"].to_numpy().copy()
        if told.charge_of:
            ids = calls["cdr_id"].to_numpy()
            known = np.flatnonzero(np.isin(ids, list(told.charge_of)))
            charge[known] = [told.charge_of[i] for i in ids[known].tolist()]
        return charge


def _by_family(rows, families):
    """Usage rows of each family."""
    place = {p: n for n, family in enumerate(families) for p in family.partner_ids}
    found = [[] for _family in families]
    for row in rows:
        found[place[row.partner_id]].append(row)
    return found
