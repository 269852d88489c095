# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import Command, fields, models
from odoo.exceptions import UserError

from ..models.guard.untrusted import own_context


class MeteredManualInvoice(models.TransientModel):
    """What is invoiced already: where, and how it is deleted and billed again."""

    _inherit = "metered.manual.invoice"

    def _billed_invoices(self):
        """The invoices that hold usage of the question, in the user's rights."""
        domain = [*self._domain(), ("invoice_line_id", "!=", False)]
        usage = self.env["metered.usage"].search(domain).sudo()
        return usage.invoice_id.sudo(False).sorted("id")

    def _check_billed(self):
        """Which invoices hold usage of the question, each a link for who may see it."""
        return [
            (None, self.env._("Already billed"), self._describe_invoice(invoice))
            for invoice in self._billed_invoices()
        ]

    def _describe_invoice(self, invoice):
        known = invoice.sudo()
        label = known._metered_label()
        if invoice.has_access("read"):
            label = Markup(
                '<a href="/odoo/action-metered_billing.action_metered_invoice/%s">%s'
                "</a>"
            ) % (invoice.id, label)
        states = dict(known._fields["state"]._description_selection(self.env))
        return self.env._(
            "%(invoice)s (%(state)s), %(amount)s including taxes.",
            invoice=label,
            state=states[known.state],
            amount=known.currency_id.format(known.amount_total),
        )

    def action_delete_and_bill_again(self):
        """Delete the invoices that hold usage of the question, and make them anew.

        What Odoo does not let the user reset or delete stays, and so does all else:
        either all of them are billed again, or none is deleted. An invoice of a renewal
        gets its fees again as well; another one the usage of its days and meters.

        :raises AccessError: for who may not delete invoices
        :raises UserError: where an invoice is paid or credited, or cannot be made anew
        """
        self = own_context(self)  # noqa: PLW0642
        self.ensure_one()
        self._check_question()
        invoices = self._billed_invoices()
        invoices.check_access("unlink")
        if not invoices:
            raise UserError(self.env._("No usage on these days is invoiced."))
        self._check_not_settled(invoices)
        replaced = [self._prepare_again(invoice) for invoice in invoices]
        invoices.filtered(lambda move: move.state != "draft").button_draft()
        invoices.unlink()
        made = self.env["account.move"]
        for name, period, question in replaced:
            new = period._bill_again() if period else self._invoice_anew(question)
            if new:
                new.sudo()._metered_log(
                    self.env._(
                        "Replaces %(invoice)s, which was deleted by %(user)s.",
                        invoice=name,
                        user=self.env.user.name,
                    )
                )
            made |= new.sudo(False)
        if len(made) == 1:
            return made._metered_open_made()
        return self.env["account.move"]._metered_invoices_action(
            [("id", "in", made.ids)]
        )

    def _check_not_settled(self, invoices):
        """Refuse what money or a credit note came for: that is not undone in passing.

        :raises UserError: where one of them is paid, or credited
        """
        for invoice in invoices.sudo():
            if invoice.payment_state not in ("not_paid", "blocked"):
                raise UserError(
                    self.env._(
                        "%s is paid or credited, in whole or in part, so it cannot be "
                        "deleted. Credit it instead: what is fully credited can be "
                        "billed again.",
                        invoice._metered_label(),
                    )
                )

    def _prepare_again(self, invoice):
        """What an invoice is made of, before it is deleted.

        :return: (its name, its ``metered.period``, values of this wizard)
        """
        known = invoice.sudo()
        lines = known.invoice_line_ids.filtered("metered_date_from")
        last = max(lines.mapped("metered_date_to"))
        question = {
            "partner_id": self.partner_id.id,
            "date_from": min(lines.mapped("metered_date_from")),
            "date_to": fields.Date.subtract(last, days=1),
            "meter_ids": [
                Command.set(
                    self.env["metered.usage"]
                    .search([("invoice_id", "=", known.id)])
                    .meter_id.ids
                )
            ],
        }
        return known._metered_label(), known.metered_period_id, question

    def _invoice_anew(self, question):
        """Make the draft that a user would who searches and creates.

        :return: ``account.move`` with all rights
        :raises UserError: where there is nothing to invoice, or why it cannot be
        """
        wizard = self.with_company(self.company_id).create(question)
        wizard.action_search()
        wizard.action_create_invoice()
        return wizard.sudo().invoice_id
