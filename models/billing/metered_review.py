# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from ..guard.untrusted import own_context
from ..screen.actions import CLOSE, notification, window_action

#: names the problem on an invoice that records may be missing, for its activity
SYNC = "sync"
STATES = [
    ("review", "To Approve"),
    ("held", "On Hold"),
    ("approved", "Approved"),
    ("failed", "Not Posted"),
    ("posted", "Posted"),
    ("gone", "Deleted or Canceled"),
]
#: states of an invoice that may still be posted: what is known about it is kept fresh
UNPOSTED = ("review", "held", "approved", "failed")
#: states in which it can be approved, and in which it can be put on hold
APPROVABLE, HOLDABLE = ("review", "failed"), ("review", "approved", "failed")


class MeteredReview(models.Model):
    """What is to be known, and was decided, about one invoice of a renewal run.

    Whoever looks at a run before it is sent looks at these: they tell amounts to people
    who may not see accounting. Nobody writes them. They outlive their invoice: one that
    is deleted leaves its row, with the amount that it had.
    """

    _name = "metered.review"
    _description = "Renewal Run Invoice"
    _inherit = ["metered.guarded"]
    _order = "concern desc, weight desc, id"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    renewal_id = fields.Many2one(
        "metered.renewal",
        string="Renewal Run",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="Empty if the subscription was renewed or closed manually.",
    )
    invoice_id = fields.Many2one(
        "account.move", readonly=True, ondelete="set null", index="btree_not_null"
    )
    invoice_name = fields.Char(string="Number", compute="_compute_amount", store=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    subscription_id = fields.Many2one(
        "sale.subscription",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    date_from = fields.Date(string="Usage From", readonly=True)
    date_to = fields.Date(
        string="Usage Until", readonly=True, help="First day after the period."
    )
    state = fields.Selection(
        STATES,
        string="Status",
        required=True,
        default="review",
        readonly=True,
        index=True,
        help="To Approve: the invoice is a draft. On Hold: neither the run nor "
        "Approve posts it. Approved: it is being posted. Not Posted: it was "
        "approved but could not be posted.",
    )
    # --- what it comes to
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(
        compute="_compute_amount",
        store=True,
        help="Current total of the invoice, including taxes. For a deleted invoice, "
        "its last total.",
    )
    last_amount = fields.Monetary(
        string="Last Period",
        readonly=True,
        help="Total of the subscription's invoice for the previous period.",
    )
    has_last = fields.Boolean(readonly=True)
    change = fields.Monetary(
        compute="_compute_change",
        store=True,
        help="Amount minus last period's amount.",
    )
    change_percent = fields.Float(
        string="Change (%)",
        compute="_compute_change",
        store=True,
        digits=(16, 1),
        aggregator=None,
    )
    usage_amount = fields.Monetary(
        string="Usage", readonly=True, help="Invoice amount excluding taxes."
    )
    fee_amount = fields.Monetary(
        string="Fees", readonly=True, help="Invoice amount excluding taxes."
    )
    usage_share = fields.Float(
        string="Usage (%)",
        readonly=True,
        digits=(16, 1),
        aggregator=None,
        help="Share of usage in the invoice amount excluding taxes. The rest is fees.",
    )
    # --- what is to be looked at
    is_zero = fields.Boolean(string="Zero", compute="_compute_change", store=True)
    is_first = fields.Boolean(
        string="New", readonly=True, help="The first invoice of the subscription."
    )
    is_outlier = fields.Boolean(
        string="Outlier",
        compute="_compute_change",
        store=True,
        help="An outlier is an amount outside the usual range for the subscription. "
        "The usual range is calculated from its last 4 to 24 posted invoices: "
        "the median, plus or minus the largest of three times the spread (1.4826 "
        "times the median absolute deviation), one fifth of the median, or 100 "
        "of the smallest currency unit.",
    )
    has_usual = fields.Boolean(readonly=True)
    usual = fields.Monetary(
        readonly=True, help="Median of the subscription's earlier invoices."
    )
    usual_low = fields.Monetary(string="Usual From", readonly=True)
    usual_high = fields.Monetary(string="Usual Until", readonly=True)
    exceptions = fields.Integer(
        readonly=True,
        help="This customer's open exceptions from before the end of the period. "
        "They are not on this invoice yet. Exceptions without a customer are "
        "shown on the run.",
    )
    exception_money = fields.Monetary(
        string="At Stake (estimate)",
        currency_field="company_currency_id",
        readonly=True,
        help="Estimated charge of these exceptions.",
    )
    missing_days = fields.Integer(
        readonly=True,
        help="Days in the period for which a source of this customer counts more "
        "records than are stored.",
    )
    concern = fields.Integer(
        compute="_compute_change",
        store=True,
        aggregator=None,
        help="Sort order for the review, added up from: not posted (16), missing days "
        "(8), open exceptions (4), outlier or zero (2), new (1).",
    )
    weight = fields.Float(compute="_compute_change", store=True, aggregator=None)
    is_pending = fields.Boolean(
        string="Waiting for Usage", compute="_compute_is_pending", compute_sudo=True
    )
    findings = fields.Char(
        string="Needs Attention",
        compute="_compute_findings",
        help="What to check before approving.",
    )
    # --- what was decided
    hold_reason = fields.Char(readonly=True)
    held_uid = fields.Many2one(
        "res.users",
        string="Put on Hold By",
        readonly=True,
        help="Empty if the run put it on hold because records may be missing.",
    )
    held_date = fields.Datetime(string="On Hold Since", readonly=True)
    approval_id = fields.Many2one(
        "metered.approval",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    approved_uid = fields.Many2one("res.users", string="Approved By", readonly=True)
    approved_date = fields.Datetime(string="Approved On", readonly=True)
    approved_amount = fields.Monetary(
        readonly=True,
        help="The approved total. The invoice is not posted with a different total.",
    )
    approved_mark = fields.Char(
        readonly=True, help="Detects changes to the draft after its approval."
    )
    posted_date = fields.Datetime(string="Posted On", readonly=True)
    posted_amount = fields.Monetary(readonly=True)
    note = fields.Char(
        readonly=True, help="The last event, and why it needs attention."
    )
    error = fields.Text(
        string="Reason", readonly=True, help="Why the invoice was not posted."
    )
    cure = fields.Char(
        compute="_compute_cure", help="How to fix the problem.", string="How to Fix"
    )

    _invoice_uniq = models.UniqueIndex(
        "(invoice_id) WHERE invoice_id IS NOT NULL",
        "This invoice is already in the review.",
    )

    # === COMPUTED === #

    @api.depends("invoice_id.amount_total", "invoice_id.name", "state")
    def _compute_amount(self):
        for review in self:
            invoice = review.invoice_id
            # While an invoice is deleted its lines go first.
            kept = review.state == "gone" or not invoice
            review.amount = review.amount if kept else invoice.amount_total
            review.invoice_name = review.invoice_name if kept else invoice.name

    @api.depends(
        "state",
        "amount",
        "last_amount",
        "has_last",
        "has_usual",
        "usual_low",
        "usual_high",
        "is_first",
        "exceptions",
        "missing_days",
    )
    def _compute_change(self):
        for review in self:
            amount, last = review.amount, review.last_amount
            compare = review.currency_id.compare_amounts
            review.change = amount - last if review.has_last else 0
            review.change_percent = (
                100 * (amount - last) / abs(last) if review.has_last and last else 0
            )
            review.weight = abs(review.change)
            review.is_zero = review.currency_id.is_zero(amount)
            review.is_outlier = review.has_usual and (
                compare(amount, review.usual_low) < 0
                or compare(amount, review.usual_high) > 0
            )
            review.concern = (
                16 * (review.state == "failed")
                + 8 * bool(review.missing_days)
                + 4 * bool(review.exceptions)
                + 2 * (review.is_outlier or review.is_zero)
                + review.is_first
            )

    @api.depends("invoice_id.metered_pending", "invoice_id.state")
    def _compute_is_pending(self):
        for review in self:
            invoice = review.invoice_id
            review.is_pending = bool(invoice) and invoice._metered_is_pending()

    @api.depends(
        "concern",
        "usual",
        "exceptions",
        "missing_days",
        "is_zero",
        "is_pending",
        "carried_amount",
    )
    @api.depends_context("lang")
    def _compute_findings(self):
        words = self.env["metered.explanation"]
        for review in self:
            found = []
            if review.is_pending:
                found.append(self.env._("waiting for usage"))
            if review.is_zero:
                found.append(self.env._("zero"))
            if review.is_outlier:
                usual = review.currency_id.format(review.usual)
                found.append(self.env._("outlier, usually %s", usual))
            if review.exceptions:
                found.append(self.env._("exceptions: %s", review.exceptions))
            if review.missing_days:
                found.append(
                    self.env._("records missing: %s", words._days(review.missing_days))
                )
            if review.is_first:
                found.append(self.env._("first invoice"))
            found += review._carried_findings()
            review.findings = ", ".join(found)

    @api.depends("state", "error")
    @api.depends_context("lang")
    def _compute_cure(self):
        for review in self:
            review.cure = review.state == "failed" and self.env._(
                "Open the invoice, correct the problem, then approve it again. You "
                "can also put it on hold."
            )

    @api.depends("partner_id", "invoice_name")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for review in self:
            review.display_name = self.env._(
                "%(invoice)s of %(customer)s",
                invoice=review.invoice_name or self.env._("Draft"),
                customer=review.partner_id.display_name,
            )

    # === ROWS === #

    @api.model
    def _add(self, invoices, run=None):
        """Have a row for each of these invoices of subscriptions.

        :param invoices: ``account.move`` with a billing period, with all rights
        :param run: the ``metered.renewal`` that made them
        :return: the rows of all of them
        """
        known = self.search([("invoice_id", "in", invoices.ids)])
        if run:
            known.filtered(lambda review: not review.renewal_id).renewal_id = run
        vals_list = []
        new = (invoices - known.invoice_id).filtered("metered_period_id")
        held = new._metered_open_activities(SYNC).grouped("res_id")
        for invoice in new:
            period = invoice.metered_period_id
            subscription = period.subscription_id
            owner = subscription.partner_id or invoice.partner_id
            vals_list.append(
                {
                    "company_id": invoice.company_id.id,
                    "renewal_id": run and run.id,
                    "invoice_id": invoice.id,
                    "partner_id": owner.commercial_partner_id.id,
                    "subscription_id": subscription.id,
                    "date_from": period.date_from,
                    "date_to": period.date_to,
                    "currency_id": invoice.currency_id.id,
                    **self._first_state(invoice, held.get(invoice.id)),
                }
            )
        added = self.create(vals_list)
        added._work_out()
        return known | added

    def _first_state(self, invoice, held):
        """How an invoice stands when it has just been made.

        :param held: ``mail.activity`` that says why its run holds it; None: it does not
        """
        if invoice.state == "posted":
            return {
                "state": "posted",
                "posted_date": fields.Datetime.now(),
                "posted_amount": invoice.amount_total,
                "note": self.env._("Posted by the run, as set on the template."),
            }
        if held:
            return {
                "state": "held",
                "held_date": fields.Datetime.now(),
                "hold_reason": held[:1].summary,
            }
        return {}

    def _locked(self):
        """These rows as they are now, with nobody else deciding about them.

        Whoever comes second waits, and then has to begin again: see
        ``metered.usage._lock``.
        """
        rows = self.sorted("id")
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT id FROM metered_review WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            (rows.ids,),
            log_exceptions=False,
        )
        rows.invalidate_recordset()
        return rows

    # === WHAT IS APPROVED === #

    def _mark(self):
        """What the customer would read on the draft, as a short text."""
        self.ensure_one()
        invoice = self.invoice_id
        lines = [
            [
                line.display_type,
                line.name or "",
                line.product_id.id,
                repr(line.quantity),
                repr(line.price_unit),
                repr(line.discount),
                repr(line.price_total),
            ]
            for line in invoice.invoice_line_ids.sorted("id")
        ]
        said = [
            invoice.partner_id.id,
            invoice.currency_id.id,
            repr(invoice.amount_total),
            lines,
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def _check_may_approve(self):
        """:raises AccessError: what Odoo needs for posting is not the user's"""
        self.check_access("read")
        if not self.env.user.has_group("account.group_account_invoice"):
            raise AccessError(
                self.env._(
                    "To approve and post invoices, you need access to Invoicing. You "
                    "can review the amounts and put invoices on hold. Ask someone "
                    "with access to Invoicing to approve them, or ask your "
                    "administrator for access."
                )
            )
        self.sudo().invoice_id.sudo(False).check_access("write")

    def _approve(self):
        """Approve what of these can be approved, and have it posted in the background.

        :return: (``metered.approval`` with all rights; rows left out, as they are now)
        :raises AccessError: see :meth:`_check_may_approve`
        """
        self._check_may_approve()
        rows = own_context(self).sudo()._locked()
        chosen = rows.filtered(
            lambda row: (
                row.state in APPROVABLE
                and row.invoice_id.state == "draft"
                and not row.is_pending
                and row.invoice_id.company_id == row.company_id
            )
        )
        approvals = self.env["metered.approval"].sudo()
        for company, some in chosen.grouped("company_id").items():
            approval = approvals.create(
                {
                    "company_id": company.id,
                    "user_id": self.env.uid,
                    "renewal_id": some.renewal_id.id
                    if len(some.renewal_id) == 1
                    else False,
                    "expected": len(some),
                }
            )
            some.write(
                {
                    "state": "approved",
                    "approval_id": approval.id,
                    "approved_uid": self.env.uid,
                    "approved_date": fields.Datetime.now(),
                    "error": False,
                    "note": False,
                }
            )
            for row in some:
                row.write({"approved_amount": row.amount, "approved_mark": row._mark()})
            some._log(
                lambda row: self.env._(
                    "%(user)s approved this invoice for %(amount)s.",
                    user=self.env.user.name,
                    amount=row.currency_id.format(row.approved_amount),
                )
            )
            approval._enqueue()
            approvals |= approval
        return approvals, rows - chosen

    def _is_as_approved(self):
        """Whether the draft is the one that was approved."""
        self.ensure_one()
        return self.approved_mark == self._mark()

    def _back_to_review(self, note):
        """Have these decided about anew.

        :param note: why; text, or function of a row
        """
        for row in self:
            row.write(
                {
                    "state": "review",
                    "note": note(row) if callable(note) else note,
                    "approval_id": False,
                    "approved_uid": False,
                    "approved_date": False,
                    "approved_amount": 0,
                    "approved_mark": False,
                    "posted_date": False,
                    "posted_amount": 0,
                    "error": False,
                }
            )

    def _log(self, text):
        """Say it on the invoices, in one go.

        :param text: function of a row
        """
        bodies = {row.invoice_id.id: text(row) for row in self if row.invoice_id}
        self.invoice_id._message_log_batch(bodies)

    # === HOLD AND RELEASE === #

    def _hold(self, reason):
        """Put on hold what of these is not posted.

        :param str reason: why, for whoever wants to post it
        :return: the rows that are on hold now
        """
        self.check_access("read")
        rows = own_context(self).sudo()._locked()
        held = rows.filtered(lambda row: row.state in (*HOLDABLE, "held"))
        held._back_to_review(False)
        held.write(
            {
                "state": "held",
                "hold_reason": reason,
                "held_uid": self.env.uid,
                "held_date": fields.Datetime.now(),
            }
        )
        held._log(
            lambda _row: self.env._(
                "%(user)s put this invoice on hold: %(reason)s",
                user=self.env.user.name,
                reason=reason,
            )
        )
        return held

    def action_release(self):
        """Let what is on hold wait for approval again."""
        self.check_access("read")
        rows = own_context(self).sudo()._locked()
        released = rows.filtered(lambda row: row.state == "held")
        if not released:
            raise UserError(self.env._("None of these invoices is on hold."))
        released.invoice_id._metered_close(
            SYNC, self.env._("%s released the invoice.", self.env.user.name)
        )
        released.write(
            {
                "state": "review",
                "hold_reason": False,
                "held_uid": False,
                "held_date": False,
                "note": self.env._(
                    "%(user)s released it on %(day)s.",
                    user=self.env.user.name,
                    day=format_date(self.env, fields.Date.context_today(self)),
                ),
            }
        )
        released._log(
            lambda _row: self.env._(
                "%s released this invoice. It can now be approved.", self.env.user.name
            )
        )
        return notification(
            self.env._("Released: %s", self._count_words(len(released))), next=CLOSE
        )

    @api.model
    def _count_words(self, count):
        """So many invoices, in words."""
        if count == 1:
            return self.env._("1 invoice")
        return self.env._("%s invoices", self.env["metered.explanation"]._number(count))

    # === ACTIONS === #

    def action_open_approve(self):
        """Show what approving these would post, and ask."""
        return self._open_approve("selected")

    def action_open_approve_others(self):
        """Show what approving all of the runs but these would post, and ask."""
        return self._open_approve("others")

    def _open_approve(self, scope):
        if not self:
            raise UserError(self.env._("Select invoices first."))
        self._check_may_approve()
        return self._open_dialog(
            "metered.review.approve", self.env._("Approve and Post"), scope
        )

    def action_open_hold(self):
        """Ask why these are to be put on hold."""
        if not self:
            raise UserError(self.env._("Select invoices first."))
        self.check_access("read")
        return self._open_dialog(
            "metered.review.hold", self.env._("Put on Hold"), "selected"
        )

    def _open_dialog(self, model, name, scope):
        return self.env[model]._get_records_action(
            name=name,
            target="new",
            context={"default_review_ids": self.ids, "default_scope": scope},
        )

    def action_refresh(self):
        """Work out changes, exceptions and missing days anew: of these, or of all."""
        self.check_access("read")
        rows = self or self.search([("state", "in", UNPOSTED)])
        rows._refresh()
        return True

    def action_open_review(self):
        """Open what waits for approval, with fresh figures."""
        self.search([("state", "in", UNPOSTED)])._refresh()
        return window_action(self.env, "action_metered_review")

    def action_view_invoice(self):
        """Open the invoice."""
        self.ensure_one()
        self.check_access("read")
        invoice = self.sudo().invoice_id.sudo(False)
        if not invoice:
            raise UserError(
                self.env._("This invoice was deleted. The line is kept for reference.")
            )
        return invoice._get_records_action(context={})

    def action_view_cdrs(self):
        """Open the calls and other records that the invoice charges."""
        self.ensure_one()
        self.check_access("read")
        lines = self.sudo().invoice_id.invoice_line_ids
        return window_action(
            self.env,
            "action_metered_cdr",
            [("usage_id", "in", lines.metered_usage_ids.ids)],
            context={},
        )

    def action_view_exceptions(self):
        """Open the exceptions of this customer that wait for a person."""
        self.ensure_one()
        self.check_access("read")
        return window_action(
            self.env,
            "action_metered_exception",
            list(self.sudo()._exceptions_domain()),
            context={},
        )
