# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Volume: all units at the price of the tier that their total falls in."""

from fractions import Fraction

from ..exact import exact, exact_text
from ..steps import Step
from .charge import Charge, ChargeModel, line_unless_zero
from .tiers import Tiers


class Volume(ChargeModel):
    """charge = quantity x unit price of the tier reached + its flat fee.

    As Stripe's and Lago's volume pricing, OpenMeter's "volume tiered" and Kill Bill's
    TOP_TIER (there with blocks). A cliff is part of the model: a unit more may cost
    less in all.

    Without usage the first tier's flat fee is charged (Lago, OpenMeter) or not, as
    `fee_at_zero` says (Flexprice does not).

    A price that changes within the period: the total of the whole period decides the
    tier, under each price by its own tiers; the units used under a price have its unit
    price, and its flat fee is due for its share of the time.
    """

    name = "volume"
    on_change = "volume"

    def __init__(self, tiers, fee_at_zero=True, beyond="refuse"):
        """
        :param tiers: see `tiers.Tiers`
        :raise ValueError: naming the tier that is wrong
        """
        self.tiers = tiers if isinstance(tiers, Tiers) else Tiers(tiers, beyond)
        self.fee_at_zero = fee_at_zero

    def _price(self, quantity, events):
        return self.price_of(quantity, quantity)

    def price_of(self, quantity, total, fee_share=1):
        """Price a quantity by the tier that another one, the total, falls in.

        :param quantity: what is priced: prorated units, or those under one price
        :param total: what decides the tier
        :param fee_share: of the flat fee, 0..1
        :return: `Charge`
        :raise ValueError: when the total is below 0 or beyond the tiers
        """
        quantity, total = exact(quantity), exact(total)
        self.check_sign(total)
        if not total and not self.fee_at_zero:
            return Charge()
        number, tier = self.tiers.reached(total)
        sold, values = tier.sold(quantity), {"tier": number}
        lines = line_unless_zero(
            f"volume-{number}-usage", sold, tier.unit_price, "volume", values
        ) + line_unless_zero(
            f"volume-{number}-flat", exact(fee_share), tier.flat_fee, "tier_fee", values
        )
        values = {
            "tier": number,
            "total": exact_text(total),
            "quantity": exact_text(quantity),
            "sold": exact_text(sold),
            "unit_price": exact_text(tier.unit_price),
            "flat_fee": exact_text(tier.flat_fee),
            "amount": exact_text(sum((line.amount for line in lines), Fraction(0))),
        }
        return Charge(lines, (Step("volume", values),))
