# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class MeteredMeter(models.Model):
    """Meters that measured services charge."""

    _inherit = "metered.meter"

    is_measured = fields.Boolean(
        string="Measured Parameter",
        readonly=True,
        copy=False,
        help="Measured services use this meter. Customers without a measured service, "
        "a subscription line, or a price for it are not charged: their levels are "
        "statistics only.",
    )

    @api.model
    def _usual_parameters(self, company):
        """What is usually measured; what there is not yet is made.

        :return: ``metered.meter`` of a company, in this order
        """
        usual = {
            "active_calls": (self.env._("Active calls"), self.env._("calls")),
            "concurrent_calls_allowed": (
                self.env._("Concurrent calls allowed"),
                self.env._("calls"),
            ),
            "pbx_extensions": (
                self.env._("PBX extensions"),
                self.env._("extensions"),
            ),
            "phone_numbers": (self.env._("Phone numbers"), self.env._("numbers")),
            "seats": (self.env._("Seats"), self.env._("seats")),
        }
        found = self.with_context(active_test=False).search(
            [
                ("code", "in", list(usual)),
                ("kind", "=", "gauge"),
                ("company_id", "in", [False, company.id]),
            ],
            order="company_id",
        )
        by_code = {meter.code: meter for meter in reversed(found)}
        product = self.env.ref("metered_billing.product_measured", False)
        missing = [
            {
                "name": name,
                "code": code,
                "unit": unit,
                "kind": "gauge",
                "aggregation": "max",
                "level_source": "calls" if code == "active_calls" else "samples",
                "level_holds": code != "active_calls",
                "product_id": product.id if product else False,
            }
            for code, (name, unit) in usual.items()
            if code not in by_code
        ]
        by_code.update({meter.code: meter for meter in self.create(missing)})
        return self.union(*(by_code[code] for code in usual)).filtered("active")
