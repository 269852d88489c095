# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import api, models

from .res_company_statement import MIMETYPES


class AccountMoveSend(models.AbstractModel):
    """The statement that goes with the mail of an invoice.

    Never as one of Odoo's documents of the invoice: the download would be a ZIP file,
    and its personal data could not be removed any more.
    """

    _inherit = "account.move.send"

    @api.model
    def _get_placeholder_mail_attachments_data(
        self, move, invoice_edi_format=None, extra_edis=None, pdf_report=None
    ):
        found = super()._get_placeholder_mail_attachments_data(
            move, invoice_edi_format, extra_edis, pdf_report
        )
        return found + [
            {
                "id": f"placeholder_{name}",
                "name": name,
                "mimetype": MIMETYPES[ending],
                "placeholder": True,
            }
            for name, ending in move.sudo()._metered_statement_to_mail()._mailed_names()
        ]

    @api.model
    def _get_mail_params(self, move, move_data):
        params = super()._get_mail_params(move, move_data)
        if not params:
            return params
        # What its sender took out of the mail is not replaced by a link either.
        unwanted = {
            one["name"]
            for one in move_data.get("mail_attachments_widget") or []
            if one.get("skip")
        }
        statement = move.sudo()._metered_statement_to_mail()
        files, text = statement._mailed(unwanted)
        if text:
            params["body"] = Markup(params["body"] or "") + text
        params["attachments"] = [*params["attachments"], *files]
        return params

    @api.model
    def _get_alerts(self, moves, moves_data):
        alerts = super()._get_alerts(moves, moves_data)
        wrong = (
            moves.sudo()
            .metered_statement_ids.filtered(lambda made: made._is_unfit())
            .filtered(
                lambda made: "email" in moves_data[made.invoice_id]["sending_methods"]
            )
        )
        if wrong:
            alerts["metered_statement"] = {
                "level": "warning",
                "message": self.env._(
                    "The usage statement of %(invoices)s is not sent: it could not be "
                    "created or does not add up to the invoice.",
                    invoices=", ".join(wrong.invoice_id.mapped("name")),
                ),
                "action_text": self.env._("View Statements"),
                "action": wrong._get_records_action(name=self.env._("Statements")),
            }
        return alerts
