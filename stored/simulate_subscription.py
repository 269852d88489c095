# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls of one subscription, charged with the plans that it would have.

All is worked out as if nothing was billed yet, with one exception: calls that came in
when their days had been billed, or those of a later period that had some of what rolled
over, take what was left then, as they did. So invoices have their turns, one after the
other, and who came late has it with the invoice that billed it.
"""

import numpy as np

from ..rating.allowances import close
from ..rating.calling_plans import apply_plans
from ..rating.reserves import less, needed_before, reserves
from .apply_subscription import SubscriptionPlans, by_allowance, used_of
from .simulate_turns import find_turns


class PlanTrialOfSubscription(SubscriptionPlans):
    """One subscription with the plans that it would have.

    :param trial: ``simulate_plans.PlanTrial``
    :param subscription: ``PlanSubscription`` with the plans that it would have
    :param rows: list of ``plan_calls.UsageRow`` whose calls take from its plans, also
        of later periods where these were billed
    """

    def __init__(self, trial, subscription, rows):
        self.trial = trial
        terms = trial.terms_of(subscription.plans)
        super().__init__(trial.book, subscription, trial.engines, terms)
        self.take_rows(rows)
        self._found = {}

    def run(self, calls, rated, currencies, engine):
        """Charge the calls that take from its plans.

        :param calls: as ``plan_calls.read_calls`` returns them
        :param rated: the same calls as their decks rate them
        :return: (positions of the calls in its periods, charges of them)
        """
        nothing = np.zeros(0, np.int64)
        periods = self._trial_periods()
        if not periods:
            return nothing, nothing
        self.calls = calls.assign(currency_id=currencies).reset_index(drop=True)
        self.rated, self.engine = rated.reset_index(drop=True), engine
        self.add_pools(self.calls)
        lots = self.stored_lots(periods[0].date_from)
        end = periods[-1].date_to
        rows = [row for row in self.rows if periods[0].date_from <= row.day < end]
        later = [row for row in self.rows if row.day >= end and row.invoiced]
        taken = [{} for _period in periods]
        places, charges = [nothing], [nothing]
        for turn in find_turns(rows, later if self.rollover else []):
            found = self._take_turn(turn, periods, taken, lots)
            for number, (some, charge, used) in enumerate(found):
                places.append(some)
                charges.append(charge)
                for place, amount in used.items():
                    taken[number][place] = taken[number].get(place, 0) + amount
        return np.concatenate(places), np.concatenate(charges)

    def _take_turn(self, turn, periods, taken, lots):
        """Let those take whose turn it is, period by period.

        :param taken: of each period what earlier turns took: dict place -> amount
        :param lots: what the period before left
        :return: list of (positions of the calls, charges, dict place -> amount)
        """
        usage, found = self.calls["usage_id"].to_numpy(), []
        kept = reserves(
            taken,
            [self.granted(period) for period in periods],
            self.allowances,
            self._needed_after(periods[-1], turn.before),
        )
        for period, before, reserve in zip(periods, taken, kept, strict=True):
            opening, used = self.opening(period, lots), dict(before)
            present = self._ids_of(period) & turn.present
            some = np.flatnonzero(np.isin(usage, list(present)))
            if len(some):
                planned = self._plan(some, less(opening, before, reserve))
                for place, amount in used_of(planned.balances).items():
                    used[place] = used.get(place, 0) + amount
                mine = np.isin(usage[some], list(turn.now))
                charge = planned.frame["charge_micro"].to_numpy()
                own = self._used(planned, some, mine)
                found.append((some[mine], charge[mine], own))
            else:
                found.append((some, np.zeros(0, np.int64), {}))
            lots = close(self.allowances, opening, by_allowance(used))
        return found

    def _plan(self, some, opening):
        calls, rated = self.calls, self.rated
        if len(some) < len(calls):
            calls, rated = calls.iloc[some].reset_index(drop=True), rated.iloc[some]
        return apply_plans(self.engine, calls, rated, self.allowances, opening)

    def _used(self, planned, some, mine):
        """What calls took of the allowances: dict place -> amount.

        :param mine: of which of the calls, bool; the others take later
        """
        if mine.all():
            return used_of(planned.balances)
        found = {}
        taken = planned.taken[mine[planned.taken["row"].to_numpy()]]
        for allowance_id, of_allowance in taken.groupby("allowance_id"):
            allowance = self.term_of[allowance_id].allowance
            rows = some[of_allowance["row"].to_numpy()]
            keys = self.calls[allowance.pool].to_numpy()[rows]
            sums = of_allowance["quantity"].groupby(keys).sum()
            for key, quantity in sums.to_dict().items():
                found[allowance_id, key] = quantity * allowance.factor
        return found

    # ---- periods

    def _trial_periods(self):
        """Its periods; a plan that is tried begins with the first of these days."""
        first, last = self.trial.first, self.trial.last
        if self.trial.tried.plan_id in {term.plan_id for term in self.terms}:
            return self.subscription.periods(first, last)
        return self.periods(first, last, following=False)

    def _ids_of(self, period):
        return {
            row.usage_id
            for row in self.rows
            if period.date_from <= row.day < period.date_to
        }

    def _needed_after(self, period, usage_ids):
        """What usage of later periods took of what a period left: dict place -> amount.

        :param period: ``PlanPeriod``
        :param usage_ids: ids of usage after it
        """
        key = period.date_to, usage_ids
        if key not in self._found:
            days = [row.day for row in self.rows if row.usage_id in usage_ids]
            periods = []
            if days:
                periods = self.subscription.periods(period.date_to, max(days))
            taken = [self.fixed(sorted(self._ids_of(p) & usage_ids)) for p in periods]
            self._found[key] = needed_before(
                taken, [self.granted(p) for p in periods], self.allowances
            )
        return self._found[key]
