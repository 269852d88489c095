# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans in a simulation: nothing of it is written.

What a call costs with a plan depends on all calls of its billing period. So customers
with plans are looked at as families, all companies below one, which may share a plan;
the calls of all their billing periods that have days of the simulated ones are read,
and the allowances are given to them by the code that settles them for real.

What the calls cost now is what is stored, and where plans still have to be applied,
what that will make of them. What they would cost is worked out as if nothing was billed
yet; only that calls which came in when their days had been billed take what was left
then, as they did.
"""

from datetime import date

import numpy as np
import pandas as pd

from ..rating import RATED
from .plan_calls import anchor, read_calls, read_usage
from .plan_periods import DAY, candidate_of
from .plan_terms import load_terms
from .settle import settle
from .settle_engines import Engines, as_rated
from .settle_outcome import Told
from .settle_subscription import Settling
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

    :param company: ``res.company`` record, with all rights
    :param first, last: dates of the simulation, both included
    :param partner_ids: only the calls of these are told of; None: of all
    :param decks: :class:`~.simulate.Simulation` with the decks that are tried; None:
        calls are charged by the decks that charged them
    :param chain_of: dict partner id -> position in its engine's chains, of all members
        of families
    :param tried: :class:`~.simulate_families.TriedPlan`
    """

    def __init__(self, company, first, last, partner_ids, decks, chain_of, tried):
        self.company, self.cr = company, company.env.cr
        self.first, self.last = first, last
        self.partner_ids = partner_ids
        self.decks, self.chain_of = decks, chain_of
        self.tried = tried
        self.engines = Engines(company.env)
        self.terms = {}

    def rate(self, families, worth):
        """What calls of families cost and would cost.

        :param families: list of :class:`~.simulate_families.Family`
        :param worth: see ``simulate.Simulation.rate``
        :return: (DataFrame of ``simulate.sum_up``, number of all calls of these days)
        """
        subscriptions = self.company.env["sale.subscription"].browse(
            number for family in families for number in family.subscriptions.ids
        )
        # Read at once, not one subscription after the other.
        subscriptions.sale_subscription_line_ids.product_id.mapped("metered_plan_id")
        partner_ids = [p for family in families for p in family.partner_ids]
        begin, end = self.first, self.last + DAY
        for subscription in subscriptions:
            for period in subscription._metered_plan_periods(self.first, self.last):
                begin, end = min(begin, period.date_from), max(end, period.date_to)
        rows = read_usage(self.cr, self.company.id, partner_ids, begin, end)
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
        for row in read_usage(self.cr, self.company.id, list(later), end, date.max):
            number = anchor(row, later[row.partner_id]) if row.invoiced else 0
            rows_of.setdefault(number, []).append(row)
        order = np.argsort(of_row, kind="stable")
        ends = np.flatnonzero(np.diff(of_row[order])) + 1
        for some in np.split(order, ends):
            number = int(of_row[some[0]])
            if number:
                work = PlanTrialOfSubscription(
                    self, subscriptions.browse(number), then[number], rows_of[number]
                )
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
            it is about; dict subscription id -> plans; list of ``Candidate``)
        """
        subscriptions = family.subscriptions.sorted("id")
        now = [candidate_of(s) for s in subscriptions if s._metered_plans()]
        plans, tried = self.tried.then(
            subscriptions,
            {row.owners[0] for row in rows if self.tried.plan and anchor(row, now)}
            | {candidate.owner_id for candidate in now},
        )
        then = [
            candidate_of(
                s, any(t.scope == "customer" for t in self._terms(plans[s.id]))
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
            if self.tried.plan and not tried & {
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
            for term in self._terms(known)
        )
        return family.partner_ids if rolls else ()

    def _terms(self, plans):
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
            work = Settling(
                self.company, self.company.env["sale.subscription"], self.engines, {}
            )
            engine, rated = work.engine_for(calls), as_rated(calls)
            currencies = calls["currency_id"].to_numpy()
        return rated["charge_micro"].to_numpy().copy(), rated, engine, currencies

    def _charged_now(self, calls, partner_ids):
        """What calls are charged now, with plans that still have to be applied."""
        marks = self.company.env["metered.plan.mark"]
        self.cr.execute(_MARKED, (self.company.id, partner_ids))
        told = Told()
        for owner_id, first, last in self.cr.fetchall():
            owner = self.company.env["res.partner"].browse(owner_id)
            subscriptions = marks._subscriptions_of(self.company, owner)
            settle(self.company, owner, subscriptions, first, last, self.engines, told)
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
