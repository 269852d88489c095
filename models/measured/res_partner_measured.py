# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class ResPartner(models.Model):
    """The measured services of a customer: its own, and those of its group."""

    _inherit = "res.partner"

    def _metered_group_services(self):
        """The measured services of the customer's group, in the user's company.

        :return: ``metered.measured.service`` with all rights
        """
        self.ensure_one()
        group = self.sudo().commercial_partner_id.metered_group_id.filtered("active")
        return (
            self.env["metered.measured.service"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("group_id", "in", group.ids),
                ]
            )
        )

    def _metered_measured_services(self, day):
        """The measured services in force for a customer on a day.

        A customer's own one takes the place of its group's from its first day on.

        :return: dict ``metered.meter`` -> ``metered.measured.service``, all rights
        """
        self.ensure_one()
        owner = self.sudo().commercial_partner_id
        own = (
            self.env["metered.measured.service"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id", "in", owner.ids),
                ]
            )
        )
        services = self._metered_group_services() + own
        return {
            service.meter_id: service
            for service in services
            if service.date_from <= day and service.meter_id.active
        }

    def _metered_measured_service(self, meter, day):
        """The measured service of a meter that is in force for a customer on a day.

        :return: ``metered.measured.service`` with all rights, empty where there is none
        """
        none = self.env["metered.measured.service"].sudo()
        if not self or not meter.is_measured:
            return none
        return self._metered_measured_services(day).get(meter, none)
