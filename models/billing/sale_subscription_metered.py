# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class SaleSubscription(models.Model):
    """Which of a subscription's lines are flat fees, and which are metered."""

    _inherit = "sale.subscription"

    metered_has_meters = fields.Boolean(compute="_compute_metered_has_meters")

    @api.depends("sale_subscription_line_ids.metered_meter_id")
    def _compute_metered_has_meters(self):
        for subscription in self:
            subscription.metered_has_meters = bool(subscription._metered_lines())

    def _metered_lines(self):
        """The lines that are invoiced by usage."""
        return self.sale_subscription_line_ids.filtered("metered_meter_id")

    def _metered_flat_lines(self):
        """The lines that are invoiced in advance, quantity x price."""
        return self.sale_subscription_line_ids - self._metered_lines()

    def _metered_without_fixed(self, commands):
        """Commands for lines without those that charge a metered product as it is.

        :param commands: list of ``Command.create``, of an invoice or a sale order
        """
        products = self._metered_lines().product_id.ids
        return [
            command
            for command in commands
            if command[2].get("product_id") not in products
            or command[2].get("metered_date_from")
        ]

    def _metered_meters_of_others(self):
        """Meters whose usage another running subscription of the customer has a line
        for, and this one has not: its usage is not billed here."""
        self.ensure_one()
        lines = (
            self.env["sale.subscription.line"]
            .sudo()
            .search(
                [
                    ("product_id.metered_meter_id", "!=", False),
                    ("company_id", "=", self.company_id.id),
                    ("sale_subscription_id", "!=", self.id),
                    ("sale_subscription_id.in_progress", "=", True),
                    ("sale_subscription_id.active", "=", True),
                    (
                        "sale_subscription_id.partner_id.commercial_partner_id",
                        "=",
                        self.partner_id.commercial_partner_id.id,
                    ),
                ]
            )
        )
        return lines.metered_meter_id - self._metered_lines().metered_meter_id
