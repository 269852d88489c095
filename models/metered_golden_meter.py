# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class MeteredMeter(models.Model):
    """A meter says what a period's quantity is, and may bring the price of usage."""

    _name = "metered.meter"
    _inherit = ["metered.meter", "metered.golden.guard"]

    _golden_kinds = frozenset({"usage"})
    # There is no agreed usage of a new meter.
    _prices_when_new = False
    _pricing = frozenset(
        {"aggregation", "unique_property", "unit", "kind", "product_id", "company_id"}
    )

    def _golden_domain(self):
        return [("meter_id", "in", self.ids)]

    def _golden_measure(self):
        """How records become the quantity that is priced, as text."""
        self.ensure_one()
        fields = self.fields_get(["aggregation"], ["selection"])
        how = dict(fields["aggregation"]["selection"]).get(self.aggregation, "")
        if self.aggregation == "unique":
            how += f" ({self.unique_property})"
        return f"{how}, {self.unit}"
