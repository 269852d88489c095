# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models

from ..customer.res_partner import USER


class ResPartner(models.Model):
    """The measured services of a customer: its own, and those of its group."""

    _inherit = "res.partner"

    metered_measured_ids = fields.Many2many(
        "metered.measured.service",
        string="Measured Services",
        compute="_compute_metered_measured",
        groups=USER,
        help="The customer's own measured services, and those of its customer group.",
    )
    metered_measured_overrides = fields.Boolean(
        compute="_compute_metered_measured", groups=USER
    )
    metered_measured_note = fields.Text(
        compute="_compute_metered_measured",
        groups=USER,
        help="Services that are charged differently from this list, and where they "
        "are charged.",
    )

    @api.depends("metered_group_id")
    @api.depends_context("company")
    def _compute_metered_measured(self):
        for partner in self:
            own = self.env["metered.measured.service"].search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id", "in", partner._origin.ids),
                ]
            )
            of_group = self.env["metered.measured.service"].search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("group_id", "in", partner.metered_group_id.ids),
                ]
            )
            inherited = of_group.filtered(lambda s, o=own: s.meter_id not in o.meter_id)
            services = own | inherited
            partner.metered_measured_ids = services.sorted(
                lambda one: (one.meter_id.sequence, one.meter_id.id)
            )
            partner.metered_measured_overrides = bool(of_group - inherited)
            partner.metered_measured_note = partner._metered_measured_text(services)

    def _metered_measured_text(self, services):
        """Says which measured services a subscription line charges, or nothing."""
        lines = self._origin and self.env["sale.subscription.line"].sudo().search(
            [
                ("company_id", "=", self.env.company.id),
                ("product_id.metered_meter_id", "in", services.meter_id.ids),
                ("sale_subscription_id.in_progress", "=", True),
                (
                    "sale_subscription_id.partner_id.commercial_partner_id",
                    "=",
                    self._origin.id,
                ),
            ]
        )
        notes = [
            self.env._(
                "%(meter)s is charged by a line of the subscription %(subscription)s, "
                "not by the measured service.",
                meter=line.metered_meter_id.name,
                subscription=line.sale_subscription_id.display_name,
            )
            for line in lines or ()
        ]
        charged = services.filtered(lambda one: one.charge_basis != "none")
        if charged and self._origin and not self._metered_has_running():
            notes.append(
                self.env._(
                    "This customer has no active subscription, so only Manual "
                    "Invoicing charges these services. To charge them automatically, "
                    "add a subscription."
                )
            )
        return "\n".join(notes)

    def _metered_has_running(self):
        """Whether the customer has a subscription that bills in the user's company."""
        running = self.env["sale.subscription"].sudo()
        return running.search_count(
            [
                ("company_id", "=", self.env.company.id),
                ("in_progress", "=", True),
                ("partner_id.commercial_partner_id", "=", self._origin.id),
            ],
            limit=1,
        )

    def _metered_levels_alone(self, date_from, date_to):
        """Meters of measured services that no subscription of the customer bills.

        Not where they were billed for days that end later: what is left of a longer
        period is not owed once more.

        :param date_from, date_to: what is billed, half-open days
        :return: ``metered.meter`` with all rights
        """
        self.ensure_one()
        customer = self.sudo().commercial_partner_id
        none = self.env["metered.meter"].sudo()
        if customer._metered_payer() != customer or customer._metered_has_running():
            return none
        services = customer._metered_measured_services(date_to - timedelta(days=1))
        meters = none.union(
            *(
                meter
                for meter, service in services.items()
                if service.price_id._is_charged_in(date_from, date_to)
            )
        )
        usage = self.env["metered.usage"].sudo()
        longer = usage.search(
            [
                ("company_id", "=", self.env.company.id),
                ("partner_id.commercial_partner_id", "=", customer.id),
                ("meter_id", "in", meters.ids),
                ("invoice_line_id.metered_date_from", "<", date_to),
                ("invoice_line_id.metered_date_to", ">", date_to),
            ]
        )
        return (meters - longer.meter_id).sorted(lambda m: (m.sequence, m.id))

    def action_metered_add_measured(self):
        """Add a measured service of the customer's own."""
        self.ensure_one()
        return self.env["metered.measured.service"]._get_records_action(
            name=self.env._("Measured Service"),
            target="new",
            views=[(False, "form")],
            context={"default_partner_id": self.id},
        )

    def action_metered_usual_measured(self):
        """Add the parameters that are usually measured, without a charge."""
        self.ensure_one()
        self.env["metered.measured.service"]._add_usual(self)

    def action_metered_reset_measured(self):
        """Give the customer the group's measured services again, not its own ones."""
        self.ensure_one()
        services = self.metered_measured_ids
        services.filtered(lambda one: one.status == "overridden").unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_metered_measured(self):
        """Their prices go with them."""
        services = self.env["metered.measured.service"].with_context(active_test=False)
        services.search([("partner_id", "in", self.ids)]).unlink()

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
