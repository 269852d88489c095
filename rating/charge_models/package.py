# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Package: units are sold in packages of a fixed size."""

from fractions import Fraction

from ..errors import TranslatableError, _lt
from ..exact import exact, exact_text, rounded
from ..steps import Step
from .charge import Charge, ChargeModel, line_unless_zero


class Package(ChargeModel):
    """charge = packages x price, packages = (quantity - free units) / size, rounded up.

    Lago's, OpenMeter's, Flexprice's and Stripe's ("transform quantity") package
    pricing. A started package is a whole one; `rounding` may be `down` instead, so that
    only full packages are charged. No usage above the free units, no package.

    A price that changes within the period: packages are counted over the whole period,
    and each costs what was in force when it was begun.
    """

    name = "package"

    def __init__(self, size, price, free_units=0, rounding="up"):
        """
        :param size: units of a package, > 0
        :param price: of a package
        :param free_units: units before the first package, >= 0
        :param rounding: `up`, `down` or `half_up`
        """
        self.size, self.unit_price = exact(size), exact(price)
        self.free_units, self.rounding = exact(free_units), rounding
        if self.size <= 0:
            raise TranslatableError(
                _lt("A package must have at least one unit, not %(size)s"),
                size=self.size,
            )
        if self.free_units < 0:
            raise TranslatableError(
                _lt("Free units cannot be negative: %(units)s"), units=self.free_units
            )
        if rounding not in ("up", "down", "half_up"):
            raise TranslatableError(
                _lt("Rounding '%(rounding)s' of packages is unknown"), rounding=rounding
            )

    def _price(self, quantity, events):
        paid = max(quantity - self.free_units, Fraction(0))
        packages = Fraction(rounded(paid / self.size, 0, self.rounding))
        lines = line_unless_zero("packages", packages, self.unit_price, "packages")
        values = {
            "quantity": exact_text(quantity),
            "free_units": exact_text(self.free_units),
            "paid_units": exact_text(paid),
            "size": exact_text(self.size),
            "packages": exact_text(packages),
            "unit_price": exact_text(self.unit_price),
            "amount": exact_text(packages * self.unit_price),
        }
        return Charge(lines, (Step("packages", values),))
