# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Graduated percentage: as graduated, with percent instead of unit prices."""

from ..exact import exact
from .graduated import Graduated
from .tiers import Tiers


class GraduatedPercentage(Graduated):
    """charge = for each tier entered: its share of the amount x its rate / 100 + its
    flat fee.

    Lago's "graduated percentage". The quantity is an amount of money (transaction
    volume); `rate` of a tier is in percent: 2.9 is 2.9 %.

    A price that changes within the period: as `Graduated`.
    """

    name = "graduated_percentage"

    def __init__(self, tiers, fee_at_zero=True, beyond="refuse"):
        """
        :param tiers: mappings with `up_to`, `rate`, and optionally `flat_fee`, `first`
        """
        rows = []
        for row in tiers:
            row = dict(row)
            rows.append({**row, "unit_price": exact(row.pop("rate")) / 100})
            del rows[-1]["rate"]
        super().__init__(Tiers(rows, beyond), fee_at_zero)
