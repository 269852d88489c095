# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import models


class SaleSubscription(models.Model):
    """Which subscription bills the measured services of its customer: the first."""

    _inherit = "sale.subscription"

    def _metered_running_with(self):
        """The running subscriptions of this one's customer and company, in order."""
        self.ensure_one()
        return self.sudo().search(
            [
                ("company_id", "=", self.company_id.id),
                (
                    "partner_id.commercial_partner_id",
                    "=",
                    self.partner_id.commercial_partner_id.id,
                ),
                ("in_progress", "=", True),
            ],
            order="id",
        )

    def _metered_charged_levels(self, date_from, date_to):
        """Meters that measured services of the customer charge in a period.

        Not those that a subscription of the customer has a line for: it is charged
        there.

        :return: (``metered.meter``, whether this subscription bills them)
        """
        self.ensure_one()
        partner = self.partner_id.with_company(self.company_id)
        services = partner._metered_measured_services(date_to - timedelta(days=1))
        meters = self.env["metered.meter"].union(
            *(
                meter
                for meter, service in services.items()
                if service.price_id._is_charged_in(date_from, date_to)
            )
        )
        if not meters:
            return meters, False
        running = self._metered_running_with()
        for other in running:
            meters -= other._metered_lines().metered_meter_id
        return meters.sorted(lambda m: (m.sequence, m.id)), running[:1] == self

    def _metered_levels_billed(self, date_from, date_to):
        """Meters of measured services that a renewal of this subscription bills."""
        meters, is_first = self._metered_charged_levels(date_from, date_to)
        return meters if is_first else meters.browse()

    def _metered_levels_elsewhere(self):
        """Meters of measured services that another subscription bills."""
        date_to = self.recurring_next_date or self.company_id._metered_today()
        date_from = self._metered_period_start(date_to)
        meters, is_first = self._metered_charged_levels(date_from, date_to)
        return meters.browse() if is_first else meters
