# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Standard: every unit has the same price."""

from ..exact import exact, exact_text
from ..steps import Step
from .charge import Charge, ChargeLine, ChargeModel


class Standard(ChargeModel):
    """charge = quantity x unit price.

    The simplest of all models ("standard" at Lago, "unit" at OpenMeter, "per unit" at
    Stripe). A negative quantity is a credit. Where the quantity is itself an amount of
    money, the unit price is the markup on it (OpenMeter's "dynamic" price).

    A price that changes within the period: the units used from then on have the new
    price.
    """

    name = "standard"
    signed = True

    def __init__(self, unit_price):
        """
        :param unit_price: exact number, may be negative
        """
        self.unit_price = exact(unit_price)

    def _price(self, quantity, events):
        line = ChargeLine("usage", quantity, self.unit_price)
        values = {
            "quantity": exact_text(quantity),
            "unit_price": exact_text(self.unit_price),
            "amount": exact_text(line.amount),
        }
        lines = (line,) if quantity else ()
        return Charge(lines, (Step("unit_price", values),))
