# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What calling plans took of stored calls, as the engine takes it back."""

import json

import numpy as np

from ..rating.allowances import MONEY
from ..rating.calling_plans import PlanOfCall
from ..rating.charges import DECK_FEE, Cover
from .plan_terms import MINUTE, load_terms, plans_with


class StoredPlans:
    """The terms of the allowances that took of some calls.

    :param cr: cursor
    :param taken: JSON texts, None where nothing was taken
    """

    def __init__(self, cr, taken):
        self._read = {text: json.loads(text) for text in set(taken) if text}
        ids = {abs(int(key)) for entries in self._read.values() for key in entries}
        terms = load_terms(cr, plans_with(cr, ids))
        self.allowances = {term.allowance.id: term.allowance for term in terms}

    def entries(self, text):
        """What was taken of one call.

        :return: list of (allowance, quantity, billed seconds), in their order; those
            of allowances that were deleted are left out
        """
        found = [
            (self.allowances[int(key)], *amounts)
            for key, amounts in self._read.get(text, {}).items()
            if int(key) in self.allowances
        ]
        return sorted(found, key=lambda e: (e[0].priority, e[0].id))

    def cover(self, taken, covered):
        """What allowances took of calls, and what money allowances paid.

        :param taken: JSON texts, shape (n,)
        :param covered: billed seconds covered, int64, shape (n,)
        :return: (`rating.Cover`, micro-units paid, int64, shape (n,))
        """
        count = len(taken)
        fee = np.full(count, DECK_FEE, np.int64)
        amount = np.zeros(count, object)
        paid = np.zeros(count, np.int64)
        for row, text in enumerate(taken):
            first = True
            for allowance, quantity, _seconds in self.entries(text):
                if allowance.unit == MONEY:
                    paid[row] += quantity
                    continue
                if first:
                    fee[row], first = allowance.fee_e8, False
                times = MINUTE // allowance.per_units
                amount[row] += allowance.price_e8 * quantity * times
        denominator = np.full(count, MINUTE, object)
        return Cover(np.asarray(covered, np.int64), fee, amount, denominator), paid

    def of_call(self, text, covered):
        """What was taken of one call, for its explanation.

        :return: `rating.calling_plans.PlanOfCall`
        """
        entries = self.entries(text)
        cover, _paid = self.cover([text], [covered])
        return PlanOfCall(
            cover,
            [entry for entry in entries if entry[0].unit != MONEY],
            [(a.id, paid) for a, paid, _seconds in entries if a.unit == MONEY],
        )
