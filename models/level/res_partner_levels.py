# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ResPartner(models.Model):
    """The levels of a customer: seats, channels, Mbit/s."""

    _inherit = "res.partner"

    metered_has_levels = fields.Boolean(
        compute="_compute_metered_has_levels",
        groups="metered_billing.group_metered_user",
        help="Whether there are statistics for this customer.",
    )

    def _compute_metered_has_levels(self):
        for partner in self:
            owner = partner._origin
            partner.metered_has_levels = bool(owner and owner._metered_levels())

    def _metered_levels(self):
        """Meters whose level this customer has, those of subscription lines first.

        :return: ``metered.meter`` of the kind gauge
        """
        self.ensure_one()
        lines = self._metered_subscriptions().sale_subscription_line_ids
        sold = lines.metered_meter_id.filtered(lambda meter: meter.kind == "gauge")
        groups = self.env["metered.usage"]._read_group(
            [
                *self._metered_payer()._metered_domain("metered.usage"),
                ("meter_id.kind", "=", "gauge"),
                ("records", ">", 0),
            ],
            ["meter_id"],
        )
        meters = self.env["metered.meter"].browse(sold.ids)
        today = self.env.company._metered_today()
        for meter in self._metered_measured_services(today):
            meters |= meters.browse(meter.id)
        return meters.union(*(meter for (meter,) in groups))

    def action_view_metered_levels(self):
        """Open the graphs of this customer's levels."""
        self.ensure_one()
        self.check_access("read")
        return self._metered_levels()[:1]._level_action(self)
