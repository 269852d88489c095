# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from contextlib import contextmanager

from odoo import models
from odoo.exceptions import UserError

#: what says whether an invoice charges, whom, and for whom
CHARGED_TO = frozenset({"move_type", "partner_id", "company_id", "journal_id"})


class AccountMove(models.Model):
    """What an invoice charges stays a charge, and the customer's whose usage it is."""

    _inherit = "account.move"

    def _metered_check_taking_back(self):
        """:raises UserError: one is a posted credit note that takes usage back"""
        for refund in self.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_refund"
        ):
            if refund.invoice_line_ids.metered_origin_line_id.filtered("metered_freed"):
                raise UserError(
                    self.env._(
                        "%(credit)s credits usage. Reset it to draft before you "
                        "delete it, so that %(invoice)s charges that usage again.",
                        credit=refund._metered_label(),
                        invoice=refund.reversed_entry_id._metered_label(),
                    )
                )

    def _metered_charge_again(self):
        """Charge with these what the credit notes took back that they reverse.

        :raises UserError: when it is on another invoice by now, or is not what it was
        """
        for move in self.filtered(
            lambda move: (
                move.move_type == "out_invoice"
                and move.reversed_entry_id.move_type == "out_refund"
            )
        ):
            invoice = move.reversed_entry_id.reversed_entry_id
            charged = {
                line: origin
                for line in move.invoice_line_ids
                if (origin := line.metered_origin_line_id.metered_origin_line_id)
                and origin.metered_freed
            }
            origins = move.line_ids.browse().union(*charged.values())
            origins.move_id._metered_check_freed(origins)
            for line, origin in charged.items():
                origin._metered_refuse_changed()
                usage = origin._metered_freed_usage()
                usage._link_to_lines([(usage_id, line.id) for usage_id in usage.ids])
                origin._set_as_program({"metered_freed": False})
            if invoice and invoice._metered_is_void():
                self.env["metered.period"].search(
                    [("invoice_id", "=", invoice.id)]
                ).invoice_id = move
            if invoice.metered_period_id and invoice._metered_is_void():
                move._set_as_program(
                    {"metered_period_id": invoice.metered_period_id.id}
                )
                move._metered_hold_period()

    def _metered_check_reversals(self):
        """Refuse to withdraw credit notes that were themselves reversed.

        :raises UserError: the reversal charges what they took back
        """
        for refund in self:
            charging = refund.reversal_move_ids.filtered(
                lambda move: move.state == "posted"
            )
            charging = charging.invoice_line_ids._metered_charging().move_id
            if charging:
                raise UserError(
                    self.env._(
                        "%(credit)s was reversed by %(others)s, which charges its "
                        "usage again. Reset or cancel those first.",
                        credit=refund._metered_label(),
                        others=charging._metered_label(),
                    )
                )

    @contextmanager
    def _metered_watched(self):
        """Have the usage on these follow a change of them.

        :raises UserError: see :meth:`AccountMoveLine._metered_watched`
        """
        refunds = self.filtered(lambda move: move.move_type == "out_refund")
        with self.invoice_line_ids._metered_watched():
            yield
        back = refunds.filtered(
            lambda move: move.move_type == "out_invoice" and move.state == "draft"
        ).sudo()
        lines = back.invoice_line_ids.filtered("metered_freed")
        back._metered_check_freed(lines)
        for line in lines:
            line._metered_bill_again(line)
        back._metered_hold_period()


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @contextmanager
    def _metered_watched(self):
        """Have the usage on these follow a change of them, or of their invoices.

        What charges nothing any more, because its invoice becomes a credit note or the
        line a remark, leaves its usage open.

        :raises UserError: somebody else would be charged
        """
        lines = self._metered_charging()
        before = {line: line._metered_charged_to() for line in lines}
        yield
        lines = lines.exists()
        idle = lines.filtered(
            lambda line: (
                line.move_id.move_type != "out_invoice"
                or line.display_type != "product"
            )
        )
        for move, some in idle.grouped("move_id").items():
            move._metered_log(
                self.env._("No longer charged: %s", some._metered_describe_freed())
            )
        idle._metered_free()
        for line in lines - idle:
            if line._metered_charged_to() != before[line]:
                line._metered_refuse_others()

    def _metered_charged_to(self):
        """Who pays for this line, and to whom."""
        self.ensure_one()
        return self.move_id.commercial_partner_id, self.move_id.company_id

    def _metered_refuse_others(self):
        """:raises UserError: the usage on this line is not the invoice's customer's"""
        self.ensure_one()
        customer, company = self._metered_charged_to()
        household = customer.with_company(company)._metered_households()[customer.id]
        usage = self.metered_usage_ids
        if usage.company_id != company or not set(household.named).issuperset(
            usage.partner_id.ids
        ):
            raise UserError(
                self.env._(
                    "%(line)s is usage of %(owner)s, but %(company)s would charge it "
                    "to %(customer)s. Delete the line instead; the usage can then be "
                    "invoiced to the right customer.",
                    line=self._metered_title(),
                    owner=", ".join(usage.partner_id.mapped("display_name")),
                    customer=customer.display_name,
                    company=company.name,
                )
            )

    def _metered_refuse_changed(self):
        """:raises UserError: the freed usage of this line is not what it was"""
        self.ensure_one()
        if not self._metered_is_unchanged():
            raise UserError(
                self.env._(
                    "The usage of %(line)s on %(invoice)s was re-rated or reversed "
                    "after it was credited. Leave the credit note unchanged and bill "
                    "the usage again under Metered Billing, Billing, Manual Invoicing.",
                    line=self._metered_title(),
                    invoice=self.move_id._metered_label(),
                )
            )
