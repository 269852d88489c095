# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What every charge model takes and gives back."""

from dataclasses import dataclass, field
from fractions import Fraction

from ..errors import TranslatableError, _lt
from ..exact import exact, to_decimal


@dataclass(frozen=True)
class ChargeLine:
    """One line of an invoice presentation: quantity x unit price, exactly.

    - `key`: the same for the same line whenever it is computed again
    - `code`, `values`: what the line is, for a translated description
    """

    key: str
    quantity: Fraction
    unit_price: Fraction
    code: str = "usage"
    values: dict = field(default_factory=dict, compare=False)

    @property
    def amount(self):
        """Return the exact amount of the line."""
        return self.quantity * self.unit_price

    def decimals(self):
        """Return (quantity, unit price) as Decimals, None where one has no end.

        A line without them is shown as quantity 1 at its rounded amount.
        """
        pair = to_decimal(self.quantity), to_decimal(self.unit_price)
        return None if None in pair else pair


@dataclass(frozen=True)
class Charge:
    """An exact charge: the sum of its lines, and the steps that led to it."""

    lines: tuple = ()
    steps: tuple = ()

    @property
    def amount(self):
        """Return the exact sum of the lines, a Fraction."""
        return sum((line.amount for line in self.lines), Fraction(0))


class ChargeModel:
    """How a quantity is priced.

    - `name`: as configurations name it
    - `on_change`: how a price that changes within the period is applied from its
      date, see `price_versions`: `slice`, `volume` or `time`
    - `signed`: whether a negative quantity (more was taken back than used) has a
      price; where not, it is refused
    """

    name = ""
    on_change = "slice"
    signed = False

    def price(self, quantity, events=()):
        """Price a quantity.

        :param quantity: exact number (int, Decimal, Fraction or text; no float)
        :param events: values of the single events in the order of their time, for
            models that price each; without them all was one event
        :return: `Charge`
        :raise ValueError: when the model has no price for the quantity
        """
        quantity = exact(quantity)
        self.check_sign(quantity)
        return self._price(quantity, [exact(event) for event in events])

    def check_sign(self, quantity):
        """Refuse a quantity below 0 (ValueError) where the model has no price for it:
        more was taken back than used, and which price that had is not known."""
        if quantity < 0 and not self.signed:
            raise TranslatableError(
                _lt(
                    "The quantity %(quantity)s is negative, and this charge model has "
                    "no price below 0"
                ),
                quantity=quantity,
            )

    def _price(self, quantity, events):
        raise NotImplementedError


def line_unless_zero(*args, **values):
    """Return (line,), or () for one that says nothing: no amount of nothing."""
    line = ChargeLine(*args, **values)
    return (line,) if line.quantity and line.unit_price else ()
