# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models


class MeteredRerate(models.Model):
    """Credit notes and invoices with the differences to invoiced usage."""

    _inherit = "metered.rerate"

    # === POST === #

    def _post_documents(self, rows):
        """Make and post a document per customer and currency.

        :param rows: list of (usage id, before, after)
        """

        def document(difference):
            origin = difference.invoice_line_id.move_id
            return origin.partner_id, origin.currency_id, origin.fiscal_position_id

        differences = self._differences_of(row[0] for row in rows)
        for of_document in differences.grouped(document).values():
            self._post_document(of_document)

    def _post_document(self, differences):
        """One credit note or invoice, in the currency of the old invoices."""
        dues = []
        by_line = differences.grouped(lambda d: d.invoice_line_id._metered_charged_as())
        for of_line in by_line.values():
            line = of_line.invoice_line_id.sorted("id")[0]
            due = of_line._due(line)
            if due:
                dues.append((line, due, of_line[:1].pricing))
        if not dues:
            return
        total = sum(due for _line, due, _pricing in dues)
        sign = -1 if total < 0 else 1
        origins = differences.invoice_line_id.move_id.sorted("id")
        first = origins[0]
        move = (
            self.env["account.move"]
            .sudo()
            .with_company(self.company_id)
            .create(
                {
                    "move_type": "out_refund" if total < 0 else "out_invoice",
                    "partner_id": first.partner_id.id,
                    "partner_shipping_id": first.partner_shipping_id.id,
                    "currency_id": first.currency_id.id,
                    "fiscal_position_id": first.fiscal_position_id.id,
                    "invoice_date": self._document_date(),
                    "invoice_origin": ", ".join(origins.mapped("name")),
                    "narration": self.reason,
                    "invoice_user_id": self.applied_uid.id,
                    "invoice_line_ids": [
                        Command.create(self._prepare_line(line, due * sign, pricing))
                        for line, due, pricing in dues
                    ],
                }
            )
        )
        move.action_post()
        differences.move_id = move
        for origin in origins:
            origin._metered_log(
                self.env._(
                    "The usage was re-rated. %(document)s bills the difference: "
                    "%(reason)s",
                    document=move._get_html_link(),
                    reason=self.reason,
                )
            )
        move._metered_log(
            self.env._(
                "Difference from re-rating invoiced usage, approved by %(who)s: "
                "%(reason)s",
                who=self.applied_uid.name,
                reason=self.reason,
            )
        )
        if move.invoice_date > fields.Date.context_today(self):
            move._metered_log(
                self.env._("It is dated on the first day that is not locked for sales.")
            )

    def _document_date(self):
        """Today, or the first day after what is closed for sales and taxes."""
        today = fields.Date.context_today(self)
        closed = self.company_id._get_lock_date_violations(today, purchase=False)
        return max([today, *(fields.Date.add(day, days=1) for day, _name in closed)])

    def _prepare_line(self, line, amount, pricing):
        """Values of a line for the difference to a line of an old invoice."""
        return {
            "product_id": line.product_id.id,
            "name": self._correction_text(line),
            "quantity": 1.0,
            "price_unit": float(amount),
            "discount": line.discount,
            "metered_corrected_line_id": line.id,
            "metered_pricing": pricing or False,
            "account_id": line.account_id.id,
            "tax_ids": [Command.set(line.tax_ids.ids)],
            "analytic_distribution": line.analytic_distribution or False,
        }

    @api.model
    def _correction_text(self, line):
        """The text of a line that corrects another one, in the customer's language.

        Of a meter it is about the period, on all of its lines.
        """
        what, _newline, about = line.name.partition("\n")
        if line.metered_price_id:
            about = about.partition(":")[0]
        env = self.with_context(lang=line.move_id.partner_id.lang).env
        text = env._("Correction of %s", line.move_id.name)
        return f"{what}\n{text}" + (f", {about}" if about else "")
