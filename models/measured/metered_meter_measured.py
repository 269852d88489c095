# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


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
