# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Percentage: a share of the amount of each event."""

from fractions import Fraction

from ..errors import TranslatableError, _lt
from ..exact import exact, exact_text
from ..steps import Step
from .charge import Charge, ChargeLine, ChargeModel, line_unless_zero


class Percentage(ChargeModel):
    """charge = for each paying event: its amount x rate / 100 + fixed fee, then raised
    to the minimum and lowered to the maximum per event.

    Lago's "percentage". Free are, in order of time, the first `free_events` events, or
    the amounts up to `free_amount`, or where both are given what is within both. An
    event that passes the end of the free amount pays for its rest, and pays its fixed
    fee; one that lies within it pays nothing. Nothing is charged when the amounts come
    to nothing in all. What was taken back is an event with a negative amount.

    Without minimum and maximum this is the same as on the total: paid amount x rate +
    paying events x fixed fee.

    A price that changes within the period: each event has the price of its own date;
    the events before count towards the free ones.
    """

    name = "percentage"
    signed = True

    def __init__(
        self,
        rate,
        fixed_fee=0,
        free_events=None,
        free_amount=None,
        event_minimum=None,
        event_maximum=None,
    ):
        """
        :param rate: in percent: 2.9 is 2.9 %
        :param fixed_fee: of each paying event
        :param free_events: number of free events; None or 0 for no such limit
        :param free_amount: free sum of amounts; None or 0 for no such limit
        :param event_minimum: lowest charge of a paying event, None for none
        :param event_maximum: highest charge of a paying event, None for none
        """
        self.rate = exact(rate)
        self.fixed_fee = exact(fixed_fee or 0)
        self.free_events = int(free_events or 0)
        self.free_amount = exact(free_amount or 0)
        self.event_minimum = None if event_minimum is None else exact(event_minimum)
        self.event_maximum = None if event_maximum is None else exact(event_maximum)
        if self.free_events < 0 or self.free_amount < 0:
            raise TranslatableError(
                _lt("Free events and free amounts cannot be negative")
            )
        if None not in (self.event_minimum, self.event_maximum):
            if self.event_minimum > self.event_maximum:
                raise TranslatableError(
                    _lt(
                        "The minimum per event %(minimum)s is above the maximum "
                        "%(maximum)s"
                    ),
                    minimum=self.event_minimum,
                    maximum=self.event_maximum,
                )

    def _price(self, quantity, events):
        events = events or [quantity]
        if sum(events) != quantity:
            raise TranslatableError(
                _lt("The events add up to %(sum)s, but the quantity is %(quantity)s"),
                sum=sum(events, Fraction(0)),
                quantity=quantity,
            )
        if not quantity:
            return Charge()
        share = self.rate / 100
        paid, paying, adjustment = Fraction(0), 0, Fraction(0)
        for amount in self._paid_amounts(events):
            paid, paying = paid + amount, paying + 1
            adjustment += self._limited(amount * share + self.fixed_fee)
        lines = line_unless_zero("percentage", paid, share, "percentage")
        lines += line_unless_zero(
            "fixed_fee", Fraction(paying), self.fixed_fee, "fixed_fee"
        )
        if adjustment:
            lines += (
                ChargeLine("event_limits", Fraction(1), adjustment, "event_limits"),
            )
        values = {
            "events": len(events),
            "free_events": len(events) - paying,
            "paying_events": paying,
            "quantity": exact_text(quantity),
            "free_amount": exact_text(quantity - paid),
            "paid_amount": exact_text(paid),
            "rate": exact_text(self.rate),
            "fixed_fee": exact_text(self.fixed_fee),
            "adjustment": exact_text(adjustment),
            "amount": exact_text(paid * share + paying * self.fixed_fee + adjustment),
        }
        return Charge(lines, (Step("percentage", values),))

    def _paid_amounts(self, events):
        """Yield the amount that each paying event pays for."""
        free = Fraction(0)
        free_left = bool(self.free_events or self.free_amount)
        for place, amount in enumerate(events):
            if free_left and self.free_events and place >= self.free_events:
                free_left = False
            if free_left:
                if not self.free_amount or free + amount <= self.free_amount:
                    free += amount
                    continue
                free_left = False
                amount -= self.free_amount - free
            yield amount

    def _limited(self, charge):
        """Return what minimum and maximum per event add to a charge."""
        limited = charge
        if self.event_minimum is not None:
            limited = max(limited, self.event_minimum)
        if self.event_maximum is not None:
            limited = min(limited, self.event_maximum)
        return limited - charge
