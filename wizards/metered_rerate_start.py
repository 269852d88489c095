# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError


class MeteredRerateStart(models.TransientModel):
    """Say which usage to rate again, and look at what would change."""

    _name = "metered.rerate.start"
    _description = "Re-rate Usage"
    _inherit = ["metered.guarded"]

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    scope = fields.Selection(
        lambda self: self.env["metered.rerate"]._fields["scope"].selection,
        string="Usage",
        required=True,
        default="open",
        help="Invoiced usage keeps its charges. The difference goes on a credit note "
        "or an additional invoice once an administrator approves it.",
    )
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self._default_date_from()
    )
    date_to = fields.Date(
        string="Until",
        required=True,
        default=lambda self: fields.Date.context_today(self),
        help="Last day, in the customer's time zone.",
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Customers",
        help="Includes their contacts. Leave empty for all customers.",
        check_company=True,
    )
    meter_ids = fields.Many2many(
        "metered.meter",
        string="Call Types and Meters",
        domain="[('company_id', 'in', (False, company_id)),"
        " ('kind', 'in', scope == 'open' and ['call']"
        " or ['call', 'counter', 'event', 'gauge'])]",
        help="Leave empty for all. Only call types are re-rated before invoicing. "
        "Other meter usage is priced when it is invoiced, so only invoiced usage "
        "is priced again, for whole billing periods.",
        check_company=True,
    )

    @api.model
    def _default_date_from(self):
        today = fields.Date.context_today(self)
        return fields.Date.subtract(today.replace(day=1), months=1)

    @api.onchange("scope")
    def _onchange_scope(self):
        if self.scope == "open":
            self.meter_ids = self.meter_ids.filtered(lambda m: m.kind == "call")

    def action_preview(self):
        """Rate the usage again without writing anything, and show what changes."""
        self.ensure_one()
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._(
                    "You do not have access to that company. Choose one of your own."
                )
            )
        if self.date_from > self.date_to:
            raise UserError(self.env._("The first day is after the last day."))
        self.partner_ids.check_access("read")
        self.meter_ids.check_access("read")
        return self.env["metered.rerate"]._start(
            {
                "company_id": self.company_id.id,
                "scope": self.scope,
                "date_from": self.date_from,
                "date_to": self.date_to,
                "partner_ids": [Command.set(self.partner_ids.ids)],
                "meter_ids": [Command.set(self.meter_ids.ids)],
            }
        )
