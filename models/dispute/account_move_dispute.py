# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError

from ...rating.exact import number, rounded
from ..screen.actions import window_action


class AccountMove(models.Model):
    """Disputes about the charges of an invoice."""

    _inherit = "account.move"

    metered_dispute_count = fields.Integer(compute="_compute_metered_dispute_count")

    def _compute_metered_dispute_count(self):
        for move in self:
            move.metered_dispute_count = len(move._metered_disputes())

    def _metered_disputes(self):
        """The disputes about these invoices, or that these credit notes settle."""
        lines = self.env["metered.dispute.line"].sudo()
        return lines.search(
            [
                "|",
                ("invoice_line_id.move_id", "in", self.ids),
                ("credit_id", "in", self.ids),
            ]
        ).dispute_id

    def _metered_held_disputes(self):
        """The open disputes that keep an invoice out of reminders."""
        self.ensure_one()
        domain = [("followup_move_ids", "in", self.ids), ("is_open", "=", True)]
        return self.env["metered.dispute"].sudo().search(domain)

    def action_view_metered_disputes(self):
        """Open the disputes about these invoices."""
        self.check_access("read")
        return window_action(
            self.env,
            "action_metered_dispute",
            [("id", "in", self._metered_disputes().ids)],
            context={},
        )

    def action_metered_dispute(self):
        """Open the calls of the invoice, to choose those that are disputed."""
        self.ensure_one()
        self.check_access("read")
        if self.state != "posted":
            raise UserError(
                self.env._("Only charges on posted invoices can be disputed here.")
            )
        usage = self.sudo().invoice_line_ids.metered_usage_ids
        calls = usage.filtered(lambda row: row.meter_id.kind == "call")
        if not calls:
            return window_action(
                self.env, "action_metered_usage", [("id", "in", usage.ids)], context={}
            )
        return self.action_view_metered_cdrs()

    def _metered_settle_with(self, credit):
        """Take a credit note off what is left to pay of an invoice."""
        lines = (self | credit).line_ids.filtered(
            lambda line: (
                line.account_id.account_type == "asset_receivable"
                and not line.reconciled
            )
        )
        if len(lines.account_id) == 1 and len(lines.move_id) == 2:
            lines.reconcile()


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    metered_dispute_id = fields.Many2one(
        "metered.dispute",
        string="Dispute",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        help="The dispute that this line of a credit note settles.",
    )

    def _metered_lock_disputed(self):
        """Have others wait who credit disputed charges of these lines."""
        self.env.cr.execute(
            "SELECT id FROM account_move_line WHERE id = ANY(%s)"
            " ORDER BY id FOR UPDATE",
            (self.ids,),
        )

    def _metered_check_credited(self, amount):
        """Refuse to credit more of a line than it charges.

        :param amount: Decimal that is to be credited now, before taxes and discount
        """
        self.ensure_one()
        places = self.currency_id.decimal_places
        charged = rounded(number(self.quantity) * number(self.price_unit), places)
        charged += self._metered_corrections()
        lines = (
            self.env["metered.dispute.line"]
            .search([("invoice_line_id", "=", self.id)])
            ._credited()
        )
        credited = sum(
            rounded(sum(number(line.approved) for line in some), places)
            for some in lines.grouped("dispute_id").values()
        )
        if amount + credited > charged:
            raise UserError(
                self.env._(
                    "%(line)s of %(invoice)s charges %(charged)s after credit notes "
                    "and corrections. Including %(credited)s credited by other "
                    "disputes, the credits cannot exceed this charge.",
                    line=self._metered_title(),
                    invoice=self.move_id.name,
                    charged=self.currency_id.format(float(charged)),
                    credited=self.currency_id.format(float(credited)),
                )
            )

    def _metered_corrections(self):
        """What credit notes and corrections for re-rated usage change of this line.

        :return: Decimal, before taxes and discount; below 0 for what was credited
        """
        self.ensure_one()
        lines = self.search(
            [
                "|",
                ("metered_corrected_line_id", "=", self.id),
                "&",
                ("metered_origin_line_id", "=", self.id),
                ("move_id.move_type", "=", "out_refund"),
                ("parent_state", "=", "posted"),
                ("currency_id", "=", self.currency_id.id),
            ]
        ).filtered(lambda line: not line.move_id._metered_is_void())
        places = self.currency_id.decimal_places
        return sum(
            rounded(number(line.quantity) * number(line.price_unit), places)
            * (-1 if line.move_id.move_type == "out_refund" else 1)
            for line in lines
        )

    def _metered_check_disputes(self):
        """Refuse to bill usage again that is disputed, or credited by a dispute.

        What is billed again is billed in full: what a dispute credits of it would
        stay credited on an invoice that is no more.

        :raises UserError: naming what is to be decided or taken back first
        """
        lines = self.env["metered.dispute.line"].sudo()
        found = lines.search([("invoice_line_id", "in", self.ids)])
        is_open = found.filtered("is_open")
        if is_open:
            raise UserError(
                self.env._(
                    "%(disputes)s: charges of %(invoices)s are disputed. Decide or "
                    "cancel the dispute first.",
                    disputes=", ".join(is_open.dispute_id.mapped("name")),
                    invoices=is_open.invoice_line_id.move_id._metered_label(),
                )
            )
        credits = found._credited().credit_id
        if credits:
            raise UserError(
                self.env._(
                    "%(credits)s credits disputed charges of %(invoices)s. Reset it "
                    "to draft and cancel it first: otherwise these charges would be "
                    "billed again in full.",
                    credits=credits._metered_label(),
                    invoices=self.move_id._metered_label(),
                )
            )
