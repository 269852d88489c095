# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans as one would explain them: call by call, allowance by allowance.

Slow and obvious; shares nothing with the vectorised code but the dataclass `Allowance`.
"""

from fractions import Fraction

from odoo.addons.metered_billing.rating.allowances import UNLIMITED
from odoo.addons.metered_billing.rating.charges import DECK_FEE


class Balance:
    """The lots of one pool, those that expire first before the others."""

    def __init__(self, rows):
        self.lots = [
            [row["amount"], row["periods_left"], 0]
            for row in sorted(rows, key=lambda row: row["periods_left"])
        ]

    @property
    def left(self):
        total = sum(amount - used for amount, _periods, used in self.lots)
        return min(total, UNLIMITED)

    def take(self, amount):
        for lot in self.lots:
            part = min(amount, lot[0] - lot[2])
            lot[2] += part
            amount -= part
        assert not amount, "overdrawn"


class Lots:
    """An allowance period by period, as one would keep it by hand.

    What expires first is used first; of what is left, what expires last is kept.
    """

    def __init__(self, granted, periods, limit):
        self.granted, self.periods, self.limit = granted, periods, limit
        self.lots = []

    def left(self):
        """What there is in the period that begins."""
        return self.granted + sum(amount for amount, _periods in self.lots)

    def use(self, quantity):
        """Go through a period; what was used that was not there."""
        self.lots.append([self.granted, self.periods])
        for lot in self.lots:
            part = min(lot[0], quantity)
            lot[0] -= part
            quantity -= part
        kept, room = [], self.limit
        for amount, left in reversed(self.lots):
            part = min(amount, room)
            room -= part
            if part and left:
                kept.insert(0, [part, left - 1])
        self.lots = kept
        return quantity


class PlanReference:
    """Applies allowances to calls, dicts as `reference_rating.call_of` makes them."""

    def __init__(self, reference, allowances, opening):
        self.reference = reference
        self.allowances = sorted(allowances, key=lambda a: (a.priority, a.id))
        self.balances = {}
        for row in opening:
            pair = row["allowance_id"], row["key"]
            self.balances.setdefault(pair, []).append(row)
        self.balances = {pair: Balance(rows) for pair, rows in self.balances.items()}

    def apply(self, calls):
        """Return {id: (charge in micro-units, seconds covered, money paid)}."""
        found = {}
        for call in sorted(calls, key=lambda call: (call["start_us"], call["id"])):
            if call["id"] not in found:
                found[call["id"]] = self._charge(call)
        return found

    def _charge(self, call):
        status, rate_id, billed, charge, _parts = self.reference.rate(call)
        if status != "rated" or not billed:
            return charge, 0, 0
        candidates = self.reference.candidates(call)
        rate = self.reference.first_in_band(candidates, call["start_us"])
        increments = self.reference.increments(call, rate, candidates)
        fitting = [a for a in self.allowances if self._fits(a, call, rate, charge)]
        covered, fee, extra = 0, None, Fraction(0)
        for allowance in fitting:
            if allowance.unit == "money" or covered >= billed:
                continue
            quantity, seconds = self._take(allowance, call, billed, covered)
            if not quantity:
                continue
            if not covered:
                fee = None if allowance.fee_e8 == DECK_FEE else allowance.fee_e8
            covered += seconds
            price = Fraction(allowance.price_e8, 10**8 * allowance.per_units)
            extra += price * quantity
        if covered:
            charge = self.reference.charge(rate, increments, covered, fee, extra)
        money = 0
        for allowance in fitting:
            if allowance.unit == "money" and charge > money:
                balance = self._balance(allowance, call)
                factor = allowance.factor
                part = min((charge - money) // factor, balance.left // factor)
                balance.take(part * factor)
                money += part
        return charge - money, covered, money

    def _take(self, allowance, call, billed, covered):
        """Return (quantity taken, billed seconds that it covers)."""
        balance = self._balance(allowance, call)
        if allowance.unit == "records":
            if balance.left < allowance.factor:
                return 0, 0
            balance.take(allowance.factor)
            return 1, billed - covered
        measured = call["seconds"] if allowance.measure == "duration" else billed
        left = measured - covered
        quantity = 0
        while quantity < left:
            step = allowance.increment * allowance.factor
            if balance.left < step:
                return quantity, min(quantity, left)
            balance.take(step)
            quantity += allowance.increment
        return quantity, billed - covered if quantity else 0

    def _fits(self, allowance, call, rate, charge):
        return (
            (charge or allowance.free_calls)
            and self._balance(allowance, call) is not None
            and (not allowance.meter_ids or call["meter_id"] in allowance.meter_ids)
            and (
                not allowance.destination_ids
                or call["destination_id"] in allowance.destination_ids
            )
            and (not allowance.band_ids or rate["band_id"] in allowance.band_ids)
        )

    def _balance(self, allowance, call):
        key = call[allowance.pool]
        return self.balances.get((allowance.id, key)) if key else None
