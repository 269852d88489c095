# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import AccessError

from odoo.addons.base.models.res_partner import _tz_get


class MeteredCompanySetup(models.TransientModel):
    """What metered billing has to know about the company."""

    _name = "metered.company.setup"
    _description = "Metered Billing Company Setup"
    _inherit = ["metered.guarded"]
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    bills = fields.Selection(
        [("calls", "Calls"), ("usage", "Other usage"), ("both", "Both")],
        string="What Do You Bill?",
        required=True,
        default=lambda self: self.env.company.metered_bills,
        help="For example messages, gigabytes, kilowatt-hours or API requests.",
    )
    country_id = fields.Many2one(
        "res.country",
        required=True,
        default=lambda self: self.env.company.country_id,
        help="How numbers are dialed and written, unless a source is set up "
        "differently.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    timezone = fields.Selection(
        _tz_get,
        string="Billing Time Zone",
        required=True,
        default=lambda self: (
            self.env.company.metered_tz
            or self.env.user.tz
            or self.env.company._metered_timezone()
        ),
        help="Usage days start at midnight in this time zone, unless the customer has "
        "a different one.",
    )
    deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Default Rate Deck",
        check_company=True,
        domain="[('purpose', '=', 'sale')]",
        default=lambda self: self.env.company.metered_deck_id,
        help="Used for customers without a rate deck of their own or of their "
        "customer group.",
    )

    def action_save(self):
        """Write it on the company."""
        self.ensure_one()
        if not self.env.user.has_group("metered_billing.group_metered_administrator"):
            raise AccessError(
                self.env._(
                    "Only administrators of Metered Billing can change the setup."
                )
            )
        company = self.company_id
        if company not in self.env.companies:
            raise AccessError(
                self.env._(
                    "You do not have access to that company. Choose one of your own."
                )
            )
        # These belong to Metered Billing, as the group does; the country does not.
        values = {"metered_tz": self.timezone, "metered_bills": self.bills}
        if company.metered_deck_id != self.deck_id:
            self.deck_id.check_access("read")
            values["metered_deck_id"] = self.deck_id.id
        company.sudo().write(values)
        if company.country_id != self.country_id:
            company.country_id = self.country_id
        return {"type": "ir.actions.act_window_close"}
