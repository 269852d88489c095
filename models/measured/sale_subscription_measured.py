# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import models

from ..billing.sale_subscription_renew import CLOSING


class SaleSubscription(models.Model):
    """Which subscription bills the measured services of its customer: the first.

    It may be another one later, because the first is closed or paused. So what was
    billed by one is never billed by the other, see ``metered.usage``.
    """

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
        biller = self._metered_biller_of_levels(running, date_from)
        return meters.sorted(lambda m: (m.sequence, m.id)), biller == self

    def _metered_biller_of_levels(self, running, date_from):
        """Which of a customer's running subscriptions bills what no line is for.

        One that is closed leaves it to the next one whose period began as early: that
        bills the whole period, and a maximum or free items count once.

        :param running: ``sale.subscription``, in order
        :param date_from: first day of what is billed
        """
        active = running.filtered(lambda one: not one.is_paused)
        closing = CLOSING.heard()
        if active[:1].id not in closing:
            return active[:1]
        staying = active.filtered(
            lambda one: (
                one.id not in closing
                and one.recurring_next_date
                and one._metered_period_start(one.recurring_next_date) <= date_from
            )
        )
        return staying[:1] or active[:1]

    def _metered_levels_billed(self, date_from, date_to):
        """Meters of measured services that a renewal of this subscription bills."""
        meters, is_first = self._metered_charged_levels(date_from, date_to)
        return meters if is_first else meters.browse()

    def _metered_levels_elsewhere(self):
        """Meters of measured services that another subscription bills."""
        today = self.company_id._metered_today()
        date_to = self.recurring_next_date or today
        if self.id in CLOSING.heard():
            date_to = today + timedelta(days=1)
        date_from = self._metered_period_start(date_to)
        meters, is_first = self._metered_charged_levels(date_from, date_to)
        return meters.browse() if is_first else meters
