# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Stairstep: one price for the step that the quantity reaches."""

from fractions import Fraction

from ..errors import TranslatableError, _lt
from ..exact import exact_text
from ..steps import Step
from .charge import Charge, ChargeModel, line_unless_zero
from .tiers import Tiers


class Stairstep(ChargeModel):
    """charge = the fee of the step reached, whatever the quantity within it.

    Chargebee's "stairstep" and Kill Bill's capacity tiers: up to 10 users 50, up to 20
    users 80. Without usage the first step is due, or not, as `fee_at_zero` says.

    A price that changes within the period: the step is found with the quantity of the
    whole period under each price, and each is due for its share of the time.
    """

    name = "stairstep"
    on_change = "time"

    def __init__(self, tiers, fee_at_zero=True, beyond="refuse"):
        """
        :param tiers: see `tiers.Tiers`; of each, `flat_fee` is the price
        :raise ValueError: naming the tier that is wrong
        """
        self.tiers = tiers if isinstance(tiers, Tiers) else Tiers(tiers, beyond)
        self.fee_at_zero = fee_at_zero
        for number, _begin, tier in self.tiers:
            if tier.unit_price:
                raise TranslatableError(
                    _lt("Tier %(number)s: a step cannot have a price per unit"),
                    number=number,
                )

    def _price(self, quantity, events):
        if not quantity and not self.fee_at_zero:
            return Charge()
        number, tier = self.tiers.reached(quantity)
        lines = line_unless_zero(
            f"step-{number}", Fraction(1), tier.flat_fee, "step", {"tier": number}
        )
        values = {
            "tier": number,
            "quantity": exact_text(quantity),
            "amount": exact_text(tier.flat_fee),
        }
        return Charge(lines, (Step("stairstep", values),))
