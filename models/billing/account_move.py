# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from contextlib import nullcontext

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...ingest.aside import Aside
from ..guard.metered_guarded import BY_PROGRAM
from ..screen.actions import CLOSE, notification, window_action
from .account_move_charged import CHARGED_TO

#: said while an invoice is copied to take it back, or to stand in its place
REVERSING = Aside("metered_reversing")
KEPT_IN_COPIES = ("product", "line_section", "line_subsection", "line_note")


class AccountMove(models.Model):
    """Invoices with usage: what cancelling, crediting and copying them does to it.

    Usage belongs to an invoice that charges it. It is free when the invoice is
    cancelled, when its line or the whole invoice is deleted (the foreign key does
    that), and when posted credit notes take all of the line back.
    """

    _name = "account.move"
    _inherit = ["metered.guarded", "account.move"]

    metered_usage_count = fields.Integer(compute="_compute_metered_usage_count")
    metered_explained = fields.Boolean(
        compute="_compute_metered_explained",
        help="One of the lines charges usage or a usage difference.",
    )
    metered_period_id = fields.Many2one(
        "metered.period",
        string="Billing Period",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The subscription period whose fees and usage this invoice bills.",
    )
    metered_replaces_id = fields.Many2one(
        "account.move",
        string="Replaces",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The reversed invoice that this invoice replaces.",
    )

    def _compute_metered_explained(self):
        for move in self:
            lines = move.invoice_line_ids
            move.metered_explained = any(lines.mapped("metered_explained"))

    def _compute_metered_usage_count(self):
        counts = dict(
            self.env["metered.usage"]
            .sudo()
            ._read_group(
                [("invoice_line_id.move_id", "in", self.ids)],
                ["invoice_line_id"],
                ["records:sum"],
            )
        )
        for move in self:
            move.metered_usage_count = sum(
                counts.get(line, 0) for line in move.invoice_line_ids
            )

    @api.model
    def action_metered_invoices(self):
        """Open the customer invoices that the user may see."""
        return self._metered_invoices_action()

    @api.model
    def _metered_invoices_action(self, domain=None):
        """An action of invoices, with views that read no more than the user may."""
        action = window_action(self.env, "action_metered_invoice", domain)
        if self._metered_is_for_biller():
            listed = self.env.ref("metered_billing.account_move_view_list_biller")
            action["views"] = [(listed.id, "list"), (self.get_formview_id(), "form")]
        return action

    @api.model
    def _metered_is_for_biller(self):
        """Whether the user sees invoices, and nothing else of Invoicing."""
        biller = self.env.user.has_group("metered_billing.group_metered_biller")
        return biller and not self.env["account.payment"].has_access("read")

    def get_formview_id(self, access_uid=None):
        """A form that a Biller can read, where a link leads to an invoice."""
        if self._metered_is_for_biller():
            return self.env.ref("metered_billing.account_move_view_form_biller").id
        return super().get_formview_id(access_uid=access_uid)

    def action_view_metered_cdrs(self):
        """Open the calls that this invoice charges."""
        self.ensure_one()
        usage = self.env["metered.usage"].search(
            [("invoice_line_id.move_id", "=", self.id)]
        )
        return usage._kept_sums_action() or window_action(
            self.env,
            "action_metered_cdr",
            [("usage_id", "in", usage.ids)],
            context={},
        )

    # === WHAT HAPPENS TO AN INVOICE === #

    def write(self, vals):
        """Free the usage of what is cancelled; bring back what is drafted again.

        :raises UserError: when the usage of an invoice that was cancelled, or whose
            credit note is withdrawn, is on another invoice by now, or a difference was
            billed twice
        """
        idle = CHARGED_TO.isdisjoint(vals)
        follows = vals.get("state") in ("draft", "cancel")
        with nullcontext() if idle else self._metered_watched():
            before = self._metered_before_state() if follows else ()
            if follows:
                self.filtered(lambda m: m.state == "posted")._metered_note_seals(
                    "drafted"
                )
            result = super().write(vals)
            if vals.get("name"):
                self.filtered(lambda m: m.state == "posted")._metered_note_seals(
                    "renumbered"
                )
            if follows:
                self._metered_after_state(vals["state"], *before)
        return result

    def _metered_before_state(self):
        """What is looked at before these are set to draft, or cancelled.

        :return: those whose usage comes back; those that are cancelled now; those that
            were; their lines whose usage was freed; those whose credit notes go
        :raises UserError: see :meth:`write`
        """
        returning = self._metered_returning()
        cancelled = self.filtered(lambda move: move.state != "cancel")
        revived = self.filtered(lambda m: m.state == "cancel").sudo()
        lines = revived.invoice_line_ids.filtered("metered_freed")
        lines.move_id._metered_check_freed(lines)
        withdrawn = self.filtered(
            lambda m: m.state == "posted" and m.move_type == "out_refund"
        )
        withdrawn._metered_check_reversals()
        uncredited = withdrawn.reversed_entry_id.filtered(lambda m: m.state == "posted")
        return returning, cancelled, revived, lines, uncredited

    def _metered_after_state(
        self, state, returning, cancelled, revived, lines, uncredited
    ):
        """Have usage follow the state; see :meth:`_metered_before_state`."""
        self._metered_review_state(state)
        (revived | uncredited.sudo())._metered_hold_period()
        if state == "cancel":
            charging = self.invoice_line_ids._metered_charging()
            for move, of_move in charging.grouped("move_id").items():
                move._metered_log(
                    self.env._("Canceled: %s", of_move._metered_describe_freed())
                )
            charging._metered_free()
        else:
            for line in lines:
                line._metered_bill_again(line)
        uncredited.sudo()._metered_take_back()
        returning._metered_differences()._check_billed_once()
        if state == "cancel":
            cancelled._metered_differences()._note_unbilled(
                cancelled, self.env._("%(document)s was canceled.")
            )

    def _post(self, soft=True):
        """Free what posted credit notes take back in full; charge what ends these.

        :raises UserError: one of them is on hold, or waits for usage
        """
        self._metered_check_held()
        self._metered_check_pending()
        posted = super()._post(soft)
        posted._metered_review_posted()
        for refund in posted:
            if refund.move_type == "out_refund" and refund.reversed_entry_id:
                refund.sudo()._metered_credit()
        void = posted.reversed_entry_id.filtered(lambda move: move._metered_is_void())
        void._metered_differences()._note_unbilled(
            void, self.env._("%(document)s was reversed.")
        )
        posted.sudo()._metered_charge_again()
        posted._metered_tell("invoice.issued")
        posted._metered_statements_after_post()
        posted._metered_note_seals("posted")
        return posted

    def unlink(self):
        """Tell which differences to usage are not billed any more.

        :raises UserError: for a posted credit note that took usage back
        """
        self._metered_check_taking_back()
        self._metered_review_deleted()
        self._metered_differences()._note_unbilled(
            self, self.env._("%(document)s was deleted.")
        )
        return super().unlink()

    def copy_data(self, default=None):
        """Leave usage out of a duplicate: it is charged once.

        A credit note has it, and so has an invoice made in place of a reversed one.
        """
        vals_list = super().copy_data(default)
        if REVERSING.heard():
            return vals_list
        for vals in vals_list:
            commands = vals.get("line_ids")
            if not isinstance(commands, list | tuple):
                continue
            created = [
                command
                for command in commands
                if isinstance(command, list | tuple) and command[0] == Command.CREATE
            ]
            if any(command[2].get("metered_date_from") for command in created):
                vals["line_ids"] = [
                    command
                    for command in created
                    if not command[2].get("metered_date_from")
                    and command[2].get("display_type", "product") in KEPT_IN_COPIES
                ]
        return vals_list

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """Have the usage on a credit note, too."""
        with REVERSING.said(), BY_PROGRAM.said():
            return super()._reverse_moves(default_values_list, cancel)

    def _metered_log(self, text):
        self._message_log(body=text)

    def _metered_label(self):
        """Names to tell the invoices apart by, drafts without a number too."""
        return ", ".join(
            move.name
            or self.env._(
                "draft of %(day)s for %(amount)s",
                day=format_date(self.env, move.invoice_date or move.date),
                amount=move.currency_id.format(move.amount_total),
            )
            for move in self.sorted("id")
        )

    # === CREDIT NOTES === #

    def _metered_credit(self):
        """Free what this credit note, with those before it, takes back in full."""
        self.ensure_one()
        invoice = self.reversed_entry_id
        about = self.invoice_line_ids.metered_origin_line_id
        about = (about & invoice.invoice_line_ids)._metered_charging()
        full = about.filtered(lambda line: line._metered_is_credited())
        link = self._get_html_link()
        if full:
            invoice._metered_log(
                self.env._(
                    "Credited in full by %(credit)s: %(freed)s",
                    credit=link,
                    freed=full._metered_describe_freed(),
                )
            )
            full._metered_free()
        for line in about - full:
            invoice._metered_log(
                self.env._(
                    "%(credit)s credits part of %(line)s. Its usage stays on this "
                    "invoice until the whole line is credited.",
                    credit=link,
                    line=line._metered_title(),
                )
            )
        replacing = self.search(
            [("metered_replaces_id", "=", invoice.id), ("state", "!=", "cancel")]
        )
        replacing._metered_take_over()

    def _metered_take_over(self):
        """Charge, in place of the reversed invoice, the usage that it does no more."""
        for line in self.sudo().invoice_line_ids:
            origin = line.metered_origin_line_id
            usage = origin._metered_freed_usage()
            if not origin.metered_freed or usage.invoice_line_id:
                continue
            if line.move_id.state == "draft":
                line._metered_bill_again(origin)
            else:
                usage._link_to_lines([(usage_id, line.id) for usage_id in usage.ids])

    def _metered_take_back(self):
        """Charge usage again whose credit note does not hold any more.

        :raises UserError: when it is on another invoice, or is not what it was
        """
        lines = self.invoice_line_ids.filtered(
            lambda line: line.metered_freed and not line._metered_is_credited()
        )
        lines.move_id._metered_check_freed(lines)
        for line in lines:
            line._metered_refuse_changed()
            usage = line._metered_freed_usage()
            usage._link_to_lines([(usage_id, line.id) for usage_id in usage.ids])
            line._set_as_program({"metered_freed": False})
            line.move_id._metered_log(
                self.env._(
                    "The credit note no longer applies: %(line)s is charged here "
                    "again.",
                    line=line._metered_title(),
                )
            )

    def _metered_check_freed(self, lines):
        """Refuse to charge usage again that is on another invoice by now.

        :param lines: lines of these invoices
        """
        for move in self:
            usage = (lines & move.invoice_line_ids)._metered_freed_usage()
            usage._lock([("id", "in", usage.ids)])
            others = usage.invoice_id
            if others:
                raise UserError(
                    self.env._(
                        "Usage of %(invoice)s was billed again on %(others)s. Delete "
                        "or cancel those first, or leave %(invoice)s unchanged.",
                        invoice=move._metered_label(),
                        others=others._metered_label(),
                    )
                )

    def _metered_hold_period(self):
        """Bill their periods once more with these, which were void until now.

        :raises UserError: when another invoice bills the period by now
        """
        living = self.metered_period_id._living_invoices()
        for move in self.filtered("metered_period_id"):
            period = move.metered_period_id
            bills = living.get(period.id, self.browse())
            if move not in bills:
                continue
            if bills - move:
                raise UserError(
                    self.env._(
                        "%(period)s of %(subscription)s was billed again on "
                        "%(others)s. Delete or cancel those first, or leave "
                        "%(invoice)s unchanged.",
                        period=period.display_name,
                        subscription=period.subscription_id.name,
                        others=(bills - move)._metered_label(),
                        invoice=move._metered_label(),
                    )
                )
            period.invoice_id = move

    def _metered_open_made(self):
        """Open a draft that was made; for who may not see it, say that it was made."""
        self.ensure_one()
        invoice = self.sudo()
        if self.sudo(False).has_access("read"):
            return self._get_records_action(
                context={}, views=[(self.get_formview_id(), "form")]
            )
        return notification(
            self.env._(
                "%(invoice)s for %(customer)s: %(amount)s including taxes. Someone "
                "with access to Invoicing can review and confirm it.",
                invoice=invoice.display_name,
                customer=invoice.partner_id.display_name,
                amount=invoice.currency_id.format(invoice.amount_total),
            ),
            sticky=True,
            title=self.env._("Invoice created"),
            next=CLOSE,
        )

    def _metered_is_void(self):
        """Whether this invoice charges nothing any more: cancelled, or all credited."""
        self.ensure_one()
        if self.state == "cancel":
            return True
        credits = self.reversal_move_ids.filtered(
            lambda m: m.state == "posted" and m.currency_id == self.currency_id
        )
        return bool(credits) and (
            self.currency_id.compare_amounts(
                sum(credits.mapped("amount_total")), self.amount_total
            )
            >= 0
        )

    # === DIFFERENCES TO INVOICED USAGE === #

    # A difference is billed once. A document that is cancelled, deleted or taken back
    # in full bills nothing, and rating the usage again finds the difference once more.
    # Where that has happened, the document cannot come back.

    def _metered_differences(self):
        """The differences that these documents bill, with all rights."""
        differences = self.env["metered.rerate.difference"].sudo()
        if not self.ids:
            return differences
        return differences.search([("move_id", "in", self.ids)])

    def _metered_returning(self):
        """The documents that bill again when these change their state."""
        cancelled = self.filtered(lambda move: move.state == "cancel")
        # What took a document back is withdrawn.
        taken_back = self.filtered(lambda move: move.state == "posted")
        return cancelled | taken_back.reversed_entry_id.filtered(
            lambda move: move._metered_is_void()
        )
