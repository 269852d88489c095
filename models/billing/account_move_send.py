# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta
from decimal import Decimal

from odoo import api, models
from odoo.tools import format_date
from odoo.tools.misc import formatLang


class AccountMoveSend(models.AbstractModel):
    """Invoices of renewals that are sent are sent by e-mail, with their own text.

    ``sending_data`` of an invoice that waits to be sent says so: see
    ``account.move._metered_queue_mail``.
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


class AccountMove(models.Model):
    """What an invoice says about the usage on it."""

    _inherit = "account.move"

    def _metered_queue_mail(self, author):
        """Ask Odoo's own scheduled action to send these invoices.

        Printing and mailing take seconds and may fail: neither is to delay a renewal or
        to undo it.

        :param author: ``res.users``
        :return: those that it will not send, because there is no address
        """
        unsent = self.filtered(lambda move: not move.partner_id.email)
        to_send = self - unsent
        to_send.sending_data = {
            "author_user_id": author.id,
            "author_partner_id": author.partner_id.id,
            "metered_renewal": True,
        }
        if to_send:
            self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()
        return unsent

    def _metered_unsent_text(self):
        """Why an invoice is not sent."""
        self.ensure_one()
        return self.env._(
            "The invoice was not sent because %(partner)s has no email address.",
            partner=self.partner_id.display_name,
        )

    def _metered_mail_usage(self):
        """The usage on this invoice for a mail, in the customer's language.

        :return: dict with ``rows`` (call type, period, records, quantity, amount, all
            texts; amounts without taxes), ``total``, ``period``, empty where the
            rows are of different periods, and ``only_calls``
        """
        self.ensure_one()
        move = self.sudo().with_context(lang=self.partner_id.lang or self.env.lang)
        held = move._metered_usage_by_line()
        meters = [meter for line in held.values() for meter, *_rest in line]
        only_calls = all(meter.kind == "call" for meter in meters)
        rows = []
        lines = move.invoice_line_ids.filtered(lambda line: line.id in held)
        for line in lines.sorted(lambda line: (line.sequence, line.id)):
            for meter, records, quantity, first, last in held[line.id]:
                if line.metered_date_from and line.metered_date_to:
                    first = line.metered_date_from
                    last = line.metered_date_to - timedelta(days=1)
                rows.append(
                    {
                        "name": meter.name,
                        "period": move._metered_mail_period(first, last),
                        "records": formatLang(move.env, records, digits=0),
                        "quantity": move._metered_mail_quantity(
                            meter, quantity, only_calls
                        ),
                        "amount": line.currency_id.format(line.price_subtotal),
                    }
                )
        periods = {row["period"] for row in rows}
        return {
            "only_calls": only_calls,
            "rows": rows,
            "period": periods.pop() if len(periods) == 1 else "",
            "total": move.currency_id.format(sum(lines.mapped("price_subtotal"))),
        }

    def _metered_usage_by_line(self):
        """Usage of the invoice's lines.

        :return: dict line id -> list of (``metered.meter``, number of records, Decimal
            billed quantity, first day, last day)
        """
        self.env["metered.usage"].flush_model()
        self.env.cr.execute(
            """
            SELECT invoice_line_id, meter_id, sum(records),
                   sum(billed_quantity)::text, min(day), max(day)
              FROM metered_usage
             WHERE invoice_line_id = ANY(%s)
             GROUP BY invoice_line_id, meter_id
             ORDER BY invoice_line_id, meter_id
            """,
            (self.invoice_line_ids.ids,),
        )
        found = {}
        for line_id, meter_id, records, quantity, first, last in self.env.cr.fetchall():
            meter = self.env["metered.meter"].browse(meter_id)
            row = (meter, records, Decimal(quantity), first, last)
            found.setdefault(line_id, []).append(row)
        return found

    def _metered_mail_period(self, first, last):
        return f"{format_date(self.env, first)} – {format_date(self.env, last)}"

    def _metered_mail_quantity(self, meter, quantity, only_calls=True):
        if meter.kind == "call":
            minutes = formatLang(self.env, float(quantity / 60), digits=1)
            return minutes if only_calls else self.env._("%s min", minutes)
        return f"{formatLang(self.env, float(quantity), digits=2)} {meter.unit}"
