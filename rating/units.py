# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The quantity that is priced: another unit than the one measured, and its rounding."""

from dataclasses import dataclass
from fractions import Fraction

from .errors import TranslatableError, _lt
from .exact import ROUNDINGS, exact, rounded


@dataclass(frozen=True)
class Conversion:
    """One unit into another: bytes measured, gigabytes priced.

    - `operation`: `multiply` or `divide`
    - `factor`: exact, > 0
    - `rounding`: of the converted quantity of the whole period, one of
      `exact.ROUNDINGS`, None for none
    - `decimals`: that the rounding keeps; negative for tens, hundreds, ..
    """

    operation: str = "multiply"
    factor: Fraction = Fraction(1)
    rounding: str | None = None
    decimals: int = 0

    def __post_init__(self):
        object.__setattr__(self, "factor", exact(self.factor))
        if self.operation not in ("multiply", "divide"):
            raise TranslatableError(
                _lt("Conversion '%(operation)s' is unknown"), operation=self.operation
            )
        if self.factor <= 0:
            raise TranslatableError(
                _lt("The conversion factor %(factor)s must be greater than 0"),
                factor=self.factor,
            )
        if self.rounding is not None and self.rounding not in ROUNDINGS:
            raise TranslatableError(
                _lt("Rounding '%(rounding)s' is unknown"), rounding=self.rounding
            )

    @property
    def ratio(self):
        """Return how many of the new unit one of the old is, a Fraction."""
        return self.factor if self.operation == "multiply" else 1 / self.factor

    def convert(self, quantity):
        """Return a quantity in the new unit, rounded as said; a Fraction."""
        return self.round(exact(quantity) * self.ratio)

    def round(self, quantity):
        """Return a quantity of the new unit, rounded as said; a Fraction."""
        if self.rounding is None:
            return exact(quantity)
        return Fraction(rounded(quantity, self.decimals, self.rounding))
