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
        return template or super()._get_default_mail_template_id(move)
