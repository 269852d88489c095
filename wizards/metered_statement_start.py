# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.screen.actions import window_action


class MeteredStatementStart(models.TransientModel):
    """For which customer and days a statement is made, with or without an invoice."""

    _name = "metered.statement.start"
    _description = "Make Statement"
    _inherit = ["metered.guarded"]

    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, ondelete="cascade"
    )
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self._last_month()[0]
    )
    date_to = fields.Date(
        string="Until",
        required=True,
        default=lambda self: self._last_month()[1],
        help="The last day, included.",
    )

    @api.model
    def _last_month(self):
        """First and last day of the month that is over."""
        month = self.env.company._metered_today().replace(day=1)
        return fields.Date.subtract(month, months=1), month - timedelta(days=1)

    def action_start(self):
        """Have a statement made for each currency of the customer's usage."""
        self.ensure_one()
        if self.date_from > self.date_to:
            raise UserError(self.env._("The last day is before the first day."))
        company = self.env.company
        self.partner_id.check_access("read")
        statements = self.env["metered.statement"]
        statements.check_access("read")
        statements = statements.sudo().with_company(company)
        partner = self.partner_id.sudo()._metered_payer()
        until = self.date_to + timedelta(days=1)
        customers = statements._customers_of_period(
            company, self.date_from, until, partner
        )
        made = statements._start_for_period(
            company,
            # Without usage, too: that there is nothing to pay.
            customers or [(partner, company.currency_id)],
            self.date_from,
            until,
        ).with_env(self.env)
        if len(made) == 1:
            return made._get_records_action()
        return window_action(
            self.env, "action_metered_statement", [("id", "in", made.ids)], context={}
        )
