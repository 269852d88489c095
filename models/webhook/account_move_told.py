# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ...rating.exact import exact, exact_text, number, rounded


class AccountMove(models.Model):
    """Other programs are told what becomes of invoices with usage."""

    _inherit = "account.move"

    def _invoice_paid_hook(self):
        """Tell that these were paid."""
        result = super()._invoice_paid_hook()
        self._metered_tell("invoice.paid")
        return result

    def _metered_tell(self, code):
        """Tell other programs about those of these invoices that charge usage.

        :param str code: of a message, such as ``invoice.issued``
        """
        self.env["metered.webhook"]._tell(
            code,
            (
                (move.company_id, {"invoice": move._metered_told()}, move)
                for move in self
                if move.move_type == "out_invoice"
                and any(line.metered_date_from for line in move.invoice_line_ids)
            ),
        )

    def _metered_told(self):
        """What other programs are told of an invoice.

        :return: dict of JSON; amounts as text
        """
        self.ensure_one()
        partner = self.partner_id
        customer = partner.commercial_partner_id
        return {
            "id": self.id,
            "number": self.name or None,
            "state": self.state,
            "payment_state": self.payment_state,
            "customer": {
                "id": customer.id,
                "name": (customer.display_name or "")[:200],
                "reference": customer.ref or None,
            },
            "currency": self.currency_id.name,
            "total": _amount(self.currency_id, self.amount_total),
            "untaxed": _amount(self.currency_id, self.amount_untaxed),
            "due": _amount(self.currency_id, self.amount_residual),
            "date": _day(self.invoice_date),
            "due_date": _day(self.invoice_date_due),
        }


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _metered_tell_freed(self):
        """Tell other programs that what these lines charge can be billed again."""
        self.env["metered.webhook"]._tell(
            "invoice.freed",
            (
                (
                    move.company_id,
                    {
                        "invoice": move._metered_told(),
                        "records": sum(lines.metered_usage_ids.mapped("records")),
                        "lines": len(lines),
                    },
                    move,
                )
                for move, lines in self.grouped("move_id").items()
            ),
        )


def _amount(currency, amount):
    return exact_text(rounded(exact(number(amount)), currency.decimal_places))


def _day(day):
    return day.isoformat() if day else None
