# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta
from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

from ...rating.exact import exact_text, number, rounded
from ..guard.untrusted import own_context
from .metered_dispute import ADMINISTRATOR
from .metered_dispute_open import Disputed

#: days in which small credits to one customer count as one
LATELY = 30


class MeteredDispute(models.Model):
    """Deciding: by line, where it is much by a second person, and what follows.

    Usage of a call that is credited stays on its invoice, so that freeing never bills
    it again. The credit is on the product, the account and the taxes of the line that
    charged it, on one credit note per invoice for all that is decided together.
    """

    _inherit = "metered.dispute"

    # === BUTTONS === #

    def action_decide(self):
        """Decide as the lines say; a large credit waits for a second person."""
        self._check_acting()
        for dispute in self:
            if not dispute.is_open or dispute.needs_approval or dispute.rerate_id:
                raise UserError(
                    self.env._(
                        "%s has already been decided or is waiting for approval.",
                        dispute.name,
                    )
                )
        self._lock_decision()
        for dispute in self:
            dispute._check_lines()
        settled = self.browse()
        for dispute in self:
            values = {
                "decided_uid": self.env.uid,
                "decided_date": fields.Datetime.now(),
            }
            if dispute._is_large():
                dispute._move_to(
                    "held",
                    self.env._("Decided. A second person must approve it."),
                    dispute._decisions(),
                    needs_approval=True,
                    **values,
                )
            else:
                dispute._set_as_program(values)
                settled |= dispute
        settled._settle()
        return True

    def action_approve(self):
        """Approve what somebody else decided.

        A screen says how many events it showed: what was decided again since is not
        approved unseen.

        :raises AccessError: for who decided it, and who is no administrator
        """
        self._check_acting()
        if not self.env.user.has_group(ADMINISTRATOR):
            raise AccessError(
                self.env._(
                    "Only an administrator of Metered Billing can approve the decision."
                )
            )
        for dispute in self:
            if not dispute.needs_approval:
                raise UserError(
                    self.env._("%s is not waiting for approval.", dispute.name)
                )
            if self.env.user in (dispute.decided_uid, dispute.user_id):
                raise AccessError(
                    self.env._(
                        "You decided %s or are responsible for it. Another "
                        "administrator must approve it.",
                        dispute.name,
                    )
                )
        self._lock_decision()
        seen = self.env.context.get("metered_seen_events")
        if seen is not None and len(self) == 1 and seen != self.event_count:
            raise UserError(
                self.env._(
                    "%s has changed since you opened it. Reload the page, and look at "
                    "the decision again.",
                    self.name,
                )
            )
        self._set_as_program({"needs_approval": False, "approved_uid": self.env.uid})
        self._settle()
        return True

    def action_decide_again(self):
        """Take back a decision that waits for approval."""
        self._check_acting()
        for dispute in self:
            if not dispute.needs_approval:
                raise UserError(
                    self.env._("%s is not waiting for approval.", dispute.name)
                )
            dispute._move_to(
                "in_progress",
                self.env._("The decision was withdrawn."),
                needs_approval=False,
                decided_uid=False,
                decided_date=False,
            )
        return True

    def action_rerated(self):
        """Decide what waited for the re-rating, which is finished."""
        self._check_acting()
        for dispute in self:
            run = dispute.rerate_id
            if not dispute.is_open or not run or run.state != "done":
                raise UserError(self.env._("The re-rating is not finished."))
            moves = run.sudo().difference_ids.move_id
            if run.phase != "apply" and run.line_count:
                raise UserError(
                    self.env._(
                        "The re-rating changes what was charged. Approve the "
                        "difference first."
                    )
                )
            dispute._finish(
                self.env._("Re-rated. Documents: %s", ", ".join(moves.mapped("name")))
                if moves
                else self.env._("Re-rated: the charges are the same.")
            )
        return True

    # === CHECKS === #

    def _lock_decision(self):
        """Have others wait who decide now about the same customers, or change a line.

        Who comes second begins anew, with what was decided before: neither is a line
        credited that has changed since it was read, nor do two small credits at once
        pass as if there were only one.
        """
        customers = self.sudo().search(
            [
                ("company_id", "in", self.company_id.ids),
                ("partner_id", "in", self.partner_id.ids),
            ]
        )
        (self | customers)._lock_rows()
        self.line_ids._lock_rows()

    def _check_lines(self):
        """:raises UserError: a line is not decided, or nobody says why"""
        self.ensure_one()
        for line in self.line_ids:
            if not line.outcome or not (line.answer or "").strip():
                raise UserError(
                    self.env._(
                        "%(dispute)s, %(number)s: choose a decision and enter the "
                        "reason that the customer will read.",
                        dispute=self.name,
                        number=line.number or line.call_type,
                    )
                )

    def _is_large(self):
        """Whether a second person has to approve what is credited.

        What the same user credited the customer lately counts with it.
        """
        self.ensure_one()
        company, today = self.company_id, fields.Date.today()
        currency, limit = company.currency_id, company.sudo().metered_dispute_limit
        lately = self.sudo().search(
            [
                ("id", "!=", self.id),
                ("company_id", "=", company.id),
                ("partner_id", "=", self.partner_id.id),
                ("decided_uid", "=", self.env.uid),
                ("decided_date", ">=", today - timedelta(days=LATELY)),
                ("approved_uid", "=", False),
                ("needs_approval", "=", False),
            ]
        )
        approved = sum(
            one.currency_id._convert(one.approved, currency, company, today)
            for one in lately | self
        )
        return bool(limit) and currency.compare_amounts(approved, limit) > 0

    def _decisions(self):
        """The decisions on the lines, as the log keeps them."""
        places = self.currency_id.decimal_places
        return [
            {
                "line": line.id,
                "record": line.cdr_id,
                "usage": line.usage_id,
                "number": line.number or "",
                "disputed": exact_text(number(line.charge)),
                "outcome": line.outcome,
                "approved": exact_text(number(line.approved)),
                "rounded": exact_text(rounded(number(line.approved), places)),
                "answer": line.answer or "",
            }
            for line in self.line_ids
        ]

    # === SETTLE === #

    def _settle(self):
        """Credit what was approved, have re-rated what is to be, and tell it."""
        credits = own_context(self).sudo()._credit()
        for dispute in self:
            moves = credits & dispute.sudo().line_ids.credit_id
            if dispute.line_ids.filtered(lambda line: line.outcome == "rerate"):
                dispute._start_rerating()
            else:
                dispute._finish(
                    self.env._("Credit notes: %s", ", ".join(moves.mapped("name")))
                    if moves
                    else self.env._("Nothing is credited.")
                )

    def _finish(self, text):
        """It is decided: say so to the customer and to other programs."""
        self.ensure_one()
        self._move_to(
            "resolved",
            text,
            self._decisions(),
            decided_uid=self.decided_uid.id or self.env.uid,
            decided_date=self.decided_date or fields.Datetime.now(),
        )
        self._tell_decided()

    def _credit(self):
        """Post one credit note for each invoice.

        :return: the credit notes
        :raises UserError: what is credited is not invoiced, or credited already
        """
        lines = self.line_ids.filtered(
            lambda line: line.outcome == "credit" and line.approved
        )
        billed = {line: line._billed_on() for line in lines}
        for line, invoice_line in billed.items():
            if not invoice_line:
                raise UserError(
                    self.env._(
                        "%(dispute)s, %(number)s: it is not on a posted invoice, so "
                        "there is nothing to credit. Put the dispute on hold, and "
                        "decide after it is invoiced.",
                        dispute=line.dispute_id.name,
                        number=line.number or line.call_type,
                    )
                )
            line.dispute_id._check_invoiced_since(line, invoice_line)
            line.invoice_line_id = invoice_line
        lines._check_credited_before()
        credits = self.env["account.move"]
        for invoice, some in lines.grouped(lambda line: billed[line].move_id).items():
            credits |= self._credit_invoice(invoice, some)
        return credits

    def _check_invoiced_since(self, line, billed):
        """Refuse to credit more than was invoiced after it was disputed.

        Allowances or other rates may have made the charge smaller, and the invoice may
        be in another currency than the rates.

        :param line: of this dispute
        :param billed: the invoice line that charges it now
        :raises UserError: saying what it is charged
        """
        if line.invoice_line_id:
            return
        currency = billed.currency_id
        cdr = self.env["metered.cdr"].browse(line.cdr_id).exists()
        usage = cdr.usage_id or self.env["metered.usage"].browse(line.usage_id)
        charge = Decimal()
        if cdr or not line.cdr_id:
            charge = self._charge_of(
                Disputed(cdr, usage, usage.partner_id, billed), currency
            )
        if currency != self.currency_id or number(line.approved) > charge:
            raise UserError(
                self.env._(
                    "%(dispute)s, %(number)s: %(invoice)s, which was created after "
                    "the charge was disputed, charges %(charge)s for it. Do not "
                    "credit more than that. If the currency differs, cancel the "
                    "dispute and open another one.",
                    dispute=self.name,
                    number=line.number or line.call_type,
                    invoice=billed.move_id.name,
                    charge=f"{exact_text(charge)} {currency.name}",
                )
            )

    @api.model
    def _credit_invoice(self, invoice, lines):
        """Post the credit note for what is approved of one invoice.

        :param lines: of disputes
        :return: the credit note; empty where it would be of nothing
        """
        invoice.invoice_line_ids._metered_lock_disputed()
        amounts = {}
        for key, some in lines.grouped(
            lambda line: (line.dispute_id, line.invoice_line_id)
        ).items():
            total = sum(number(line.approved) for line in some)
            amounts[key] = rounded(total, invoice.currency_id.decimal_places)
        amounts = {key: amount for key, amount in amounts.items() if amount}
        for line in lines.invoice_line_id:
            now = sum(am for (_of, about), am in amounts.items() if about == line)
            line._metered_check_credited(now)
        if not amounts:
            return invoice.browse()
        disputes = lines.dispute_id
        rerate = self.env["metered.rerate"].new({"company_id": invoice.company_id.id})
        move = (
            self.env["account.move"]
            .with_company(invoice.company_id)
            .create(
                {
                    "move_type": "out_refund",
                    "partner_id": invoice.partner_id.id,
                    "partner_shipping_id": invoice.partner_shipping_id.id,
                    "currency_id": invoice.currency_id.id,
                    "fiscal_position_id": invoice.fiscal_position_id.id,
                    "invoice_date": rerate._document_date(),
                    "invoice_origin": invoice.name,
                    "ref": ", ".join(disputes.mapped("name")),
                    "invoice_user_id": self.env.uid,
                    "invoice_line_ids": [
                        Command.create(dispute._credit_line(line, amount))
                        for (dispute, line), amount in amounts.items()
                    ],
                }
            )
        )
        move.action_post()
        # What rounds to nothing is decided with it, too.
        lines.credit_id = move
        invoice._metered_settle_with(move)
        for one, other in ((invoice, move), (move, invoice)):
            one._metered_log(
                self.env._(
                    "Disputed charges are credited, %(disputes)s: %(document)s",
                    disputes=", ".join(disputes.mapped("name")),
                    document=other._get_html_link(),
                )
            )
        return move

    def _credit_line(self, line, amount):
        """Values of a line of a credit note.

        :param line: of the invoice
        :param amount: Decimal, before taxes and the line's discount
        """
        env = self.with_context(lang=line.move_id.partner_id.lang).env
        return {
            "product_id": line.product_id.id,
            "name": env._(
                "%(title)s\nCredit for %(invoice)s, dispute %(dispute)s",
                title=line.name.partition("\n")[0],
                invoice=line.move_id.name,
                dispute=self.name,
            ),
            "quantity": 1.0,
            "price_unit": float(amount),
            "discount": line.discount,
            "metered_dispute_id": self.id,
            "account_id": line.account_id.id,
            "tax_ids": [Command.set(line.tax_ids.ids)],
            "analytic_distribution": line.analytic_distribution or False,
        }

    # === RE-RATE === #

    def _start_rerating(self):
        """Have the usage rated again, as a preview that an administrator approves."""
        self.ensure_one()
        lines = self.sudo().line_ids.filtered(lambda line: line.outcome == "rerate")
        usage = self.env["metered.usage"].sudo().browse(lines.mapped("usage_id"))
        usage = usage.exists()
        if not usage or not all(line._billed_on() for line in lines):
            raise UserError(
                self.env._(
                    "%s: this usage is not on a posted invoice. Re-rate it under "
                    "Rates, Re-rating before it is invoiced.",
                    self.name,
                )
            )
        runs = self.env["metered.rerate"].sudo()
        last = runs.search([], order="id desc", limit=1).id or 0
        runs._start(
            {
                "company_id": self.company_id.id,
                "scope": "invoiced",
                "date_from": min(usage.mapped("day")),
                "date_to": max(usage.mapped("day")),
                "partner_ids": [Command.set(usage.partner_id.ids)],
                "meter_ids": [Command.set(usage.meter_id.ids)],
            }
        )
        run = runs.search([("id", ">", last)], order="id desc", limit=1)
        self._move_to(
            "held",
            self.env._("Waiting for the re-rating."),
            self._decisions(),
            rerate_id=run.id,
        )
