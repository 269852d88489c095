# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class AccountMoveSend(models.AbstractModel):
    """Invoices of renewals that are sent are sent by e-mail, with their own text.

    ``sending_data`` of an invoice that waits to be sent says so: see
    ``sale.subscription._metered_send``.
    """

    _inherit = "account.move.send"

    @api.model
    def _get_default_sending_methods(self, move):
        if (move.sending_data or {}).get("metered_renewal"):
            return {"email"}
        return super()._get_default_sending_methods(move)

    @api.model
    def _get_default_mail_template_id(self, move):
        template = (
            move.sudo().subscription_id.template_id.invoice_mail_template_id
            if move.move_type == "out_invoice"
            else None
        )
        template = template or super()._get_default_mail_template_id(move)
        return self._metered_mail_template(move, template)

    @api.model
    def _metered_mail_template(self, move, template):
        """The mail that names the usage, where Odoo's own would be sent without it.

        A template that somebody chose stays.
        """
        stock = self.env.ref("account.email_template_edi_invoice", False)
        ours = self.env.ref("metered_billing.mail_template_invoice_usage", False)
        if (
            not ours
            or move.move_type != "out_invoice"
            or (template and template != stock)
        ):
            return template
        has_usage = (
            self.env["metered.usage"]
            .sudo()
            .search([("invoice_line_id.move_id", "=", move.id)], limit=1)
        )
        return ours if has_usage else template
