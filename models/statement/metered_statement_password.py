# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...statement.protection import (
    ProtectionError,
    check_libraries,
    new_password,
)
from ..customer.res_partner import USER


class MeteredStatementPassword(models.Model):
    """What the PDF and XLSX files that a customer gets by email open with.

    Nobody has access rights: it is shown once, when it is made, so that it can be told
    to the customer in another way than by email.
    """

    _name = "metered.statement.password"
    _description = "Statement Password"
    _inherit = ["metered.guarded"]

    partner_id = fields.Many2one("res.partner", required=True, ondelete="cascade")
    value = fields.Char(required=True)

    _partner_uniq = models.UniqueIndex("(partner_id)")

    @api.model
    def _find(self, partner):
        """The one of a customer; empty where files have none."""
        return self.search([("partner_id", "=", partner.commercial_partner_id.id)])


class MeteredStatementPasswordShow(models.AbstractModel):
    """The dialog that shows a new password once: there is no table to keep it in."""

    _name = "metered.statement.password.show"
    _description = "New Statement Password"

    id = fields.Id()
    password = fields.Char(readonly=True)


class ResPartner(models.Model):
    """Whether the files that a customer gets by email have a password."""

    _inherit = "res.partner"

    metered_password_date = fields.Datetime(
        string="Password Since",
        compute="_compute_metered_password_date",
        groups=USER,
        help="PDF and XLSX statements that are sent by email open with a password. "
        "Empty if they open without one.",
    )

    def _compute_metered_password_date(self):
        passwords = self.env["metered.statement.password"].sudo()
        for partner in self:
            partner.metered_password_date = passwords._find(partner._origin).create_date

    def action_metered_new_password(self):
        """Make a password for the customer's files, and show it this once."""
        password = self._metered_new_password()
        return self.env["metered.statement.password.show"]._get_records_action(
            name=self.env._("New Password"),
            target="new",
            context={"default_password": password},
        )

    def action_metered_remove_password(self):
        """Send files without a password from now on."""
        self._metered_check_password()
        self.env["metered.statement.password"].sudo()._find(self).unlink()
        self._message_log(
            body=self.env._("Statements are sent without a password from now on.")
        )
        return True

    def _metered_new_password(self):
        """Replace the customer's password.

        :return: text; it is not shown again
        :raises UserError: the server cannot make files with passwords
        """
        self._metered_check_password()
        try:
            check_libraries()
        except ProtectionError as error:
            raise UserError(
                self.env._(
                    "The Python package %(package)s is not installed on this server. "
                    "Ask the server administrator to run pip install %(package)s in "
                    "Odoo's Python environment and to restart Odoo.",
                    package=str(error),
                )
            ) from error
        customer = self.commercial_partner_id
        customer.sudo().lock_for_update(allow_referencing=True)
        passwords = self.env["metered.statement.password"].sudo()
        passwords._find(customer).unlink()
        password = new_password()
        passwords.create({"partner_id": customer.id, "value": password})
        customer._message_log(
            body=self.env._("A new password for statements was created.")
        )
        return password

    def _metered_check_password(self):
        """Let only who may change the customer's settings change its password.

        :raises AccessError: for all others
        """
        self.ensure_one()
        self.commercial_partner_id.check_access("write")
        if not self.env.user.has_group(USER):
            raise AccessError(
                self.env._("You are not allowed to change passwords of statements.")
            )
