# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import formatLang

from odoo.addons.base.models.res_partner import _tz_get


class ResPartner(models.Model):
    _inherit = "res.partner"

    metered_deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Rate Deck",
        company_dependent=True,
        domain="[('company_id', '=', current_company_id)]",
        help="The customer's own rates. What they do not price is priced by the deck "
        "of the customer group, then by the company's default deck.",
    )
    metered_group_id = fields.Many2one(
        "metered.customer.group",
        string="Customer Group for Rates",
        company_dependent=True,
        domain="[('company_id', '=', current_company_id)]",
    )
    metered_tz = fields.Selection(
        _tz_get,
        string="Billing Time Zone",
        help="In which this customer's days begin. Empty: the company's.",
    )
    metered_identifier_ids = fields.One2many(
        "metered.identifier", "partner_id", string="Service Identifiers"
    )
    metered_account_ids = fields.One2many(
        "metered.source.account", "partner_id", string="Source Accounts"
    )
    metered_open_amount_display = fields.Char(
        string="Open Usage",
        compute="_compute_metered_open_amount_display",
        help="Rated and not yet invoiced, in the currency of the rates.",
    )
    metered_exception_count = fields.Integer(
        string="Open Exceptions", compute="_compute_metered_exception_count"
    )

    def _compute_metered_open_amount_display(self):
        for partner in self:
            sums = self.env["metered.usage"]._read_group(
                [
                    ("partner_id", "child_of", partner.ids),
                    ("invoice_line_id", "=", False),
                ],
                ["currency_id"],
                ["amount:sum"],
            )
            partner.metered_open_amount_display = " + ".join(
                formatLang(self.env, amount, currency_obj=currency)
                for currency, amount in sums
            ) or self.env._("none")

    def _compute_metered_exception_count(self):
        for partner in self:
            partner.metered_exception_count = self.env[
                "metered.exception"
            ].search_count(
                [("partner_id", "child_of", partner.ids), ("state", "=", "open")]
            )

    def action_view_metered_cdrs(self):
        """Open the call details of this customer."""
        return self._metered_action("metered_billing.action_metered_cdr")

    def action_view_metered_usage(self):
        """Open the usage of this customer."""
        return self._metered_action("metered_billing.action_metered_usage")

    def action_view_metered_exceptions(self):
        """Open the exceptions of this customer."""
        return self._metered_action("metered_billing.action_metered_exception")

    def _metered_action(self, xml_id):
        """An action that shows what belongs to this customer and its contacts."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(xml_id)
        action["domain"] = [("partner_id", "child_of", self.ids)]
        return action

    @api.ondelete(at_uninstall=False)
    def _unlink_except_usage(self):
        usage = (
            self.env["metered.usage"]
            .sudo()
            .search([("partner_id", "in", self.ids)], limit=1)
        )
        if usage:
            raise UserError(
                self.env._(
                    "There is usage of %(customer)s, so the contact cannot be "
                    "deleted. Archive it instead.",
                    customer=usage.partner_id.display_name,
                )
            )
