# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Graduated: each unit at the price of the tier that it falls in."""

from fractions import Fraction

from ..exact import exact_text
from ..steps import Step
from .charge import Charge, ChargeModel, line_unless_zero
from .tiers import Tiers


class Graduated(ChargeModel):
    """charge = for each tier entered: its units x its unit price + its flat fee.

    As Stripe's graduated pricing, Lago's "graduated", OpenMeter's "graduated tiered"
    and Kill Bill's ALL_TIERS (there with blocks): a tier is entered by the first part
    of a unit above the end of the tier before. Without flat fees and blocks the charge
    is continuous and never falls where prices are not negative.

    Without usage the first tier's flat fee is charged (Lago, OpenMeter, Stripe), or
    not, as `fee_at_zero` says (Flexprice does not).

    A price that changes within the period: what was used before keeps its place in
    the tiers, and from there on the units fill the tiers of the new price. The flat
    fee of a tier is charged by the price that was in force when it was entered.
    """

    name = "graduated"

    def __init__(self, tiers, fee_at_zero=True, beyond="refuse"):
        """
        :param tiers: see `tiers.Tiers`
        :param fee_at_zero: whether the first flat fee is due without usage
        :raise ValueError: naming the tier that is wrong
        """
        self.tiers = tiers if isinstance(tiers, Tiers) else Tiers(tiers, beyond)
        self.fee_at_zero = fee_at_zero

    def _price(self, quantity, events):
        if not quantity and not self.fee_at_zero:
            return Charge()
        lines, steps = [], []
        for number, tier, within in self.tiers.entered(quantity):
            sold = tier.sold(within)
            lines += line_unless_zero(
                f"tier-{number}-usage", sold, tier.unit_price, "tier", {"tier": number}
            )
            lines += self._fee(number, tier)
            steps.append(_step(number, tier, within, sold))
        return Charge(tuple(lines), tuple(steps))

    @staticmethod
    def _fee(number, tier):
        values = {"tier": number}
        return line_unless_zero(
            f"tier-{number}-flat", Fraction(1), tier.flat_fee, "tier_fee", values
        )


def _step(number, tier, within, sold):
    values = {
        "tier": number,
        "up_to": None if tier.up_to is None else exact_text(tier.up_to),
        "quantity": exact_text(within),
        "sold": exact_text(sold),
        "unit_price": exact_text(tier.unit_price),
        "flat_fee": exact_text(tier.flat_fee),
        "amount": exact_text(sold * tier.unit_price + tier.flat_fee),
    }
    return Step("tier", values, sold)
