# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...ingest.aside import Aside
from ...ingest.conflicts import is_temporary
from ..screen.actions import window_action

_logger = logging.getLogger(__name__)
#: invoices that are posted together and committed together, at first and at most
FIRST_PORTION, PORTION = 2, 20
#: said while what was approved is posted: who approved it stays
POSTING = Aside("metered_posting")


class MeteredApproval(models.Model):
    """One person's approval of invoices, and the job that posts them.

    An invoice is posted with the total that was approved, or not at all: one that
    changed meanwhile waits for approval again. It is posted with the rights of whoever
    approved it. What fails is rolled back alone, and is told on its row.
    """

    _name = "metered.approval"
    _description = "Invoice Approval"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D626170  # "mbap"
    _job_cron = "metered_billing.ir_cron_approvals"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    renewal_id = fields.Many2one(
        "metered.renewal",
        string="Renewal Run",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="Empty if the invoices belong to several runs.",
    )
    user_id = fields.Many2one("res.users", string="Approved By", readonly=True)
    expected = fields.Integer(string="Invoices")
    posted = fields.Integer(readonly=True, help="Posted invoices.")
    failures = fields.Integer(
        string="Not Posted", readonly=True, help="Invoices that could not be posted."
    )
    changed = fields.Integer(
        readonly=True,
        help="Invoices that were changed after they were approved. They are waiting "
        "for approval again.",
    )
    review_ids = fields.One2many(
        "metered.review", "approval_id", string="Approved Invoices", readonly=True
    )

    @api.depends("user_id", "create_date")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for approval in self:
            approval.display_name = self.env._(
                "Approval by %s", approval.user_id.name or ""
            )

    def action_resume(self):
        """Let an approval that stopped go on."""
        self.check_access("read")
        for approval in self.sudo().filtered(lambda a: a.state == "failed"):
            approval.write({"state": "running", "error": False})
            approval._enqueue()
        return True

    def action_view_reviews(self):
        """Open the invoices of this approval."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_review",
            [("approval_id", "=", self.id)],
            context={},
        )

    # === THE JOB === #

    def _run(self, commit, seconds):
        return self._run_portions(commit, seconds, FIRST_PORTION, PORTION)

    def _run_portion(self, size):
        begun = time.monotonic()
        portion = self.env["metered.review"].search(
            [("approval_id", "=", self.id), ("state", "=", "approved")],
            order="id",
            limit=size,
        )
        if portion:
            self._post_portion(portion._locked())
            self._add_to_counters(
                records=len(portion), run_seconds=time.monotonic() - begun
            )
            self.env.flush_all()
        return bool(portion)

    def _post_portion(self, rows):
        """Post what of these is still as it was approved.

        :param rows: ``metered.review`` that are locked
        """
        rows = rows.filtered(lambda r: r.approval_id == self and r.state == "approved")
        changed = rows.filtered(lambda row: not row._is_as_approved())
        changed._log(lambda row: row._changed_text())
        changed._back_to_review(lambda row: row._changed_text())
        self._add_to_counters(changed=len(changed))
        rows -= changed
        failed = rows.browse()
        try:
            with self.env.cr.savepoint():
                self._post(rows)
        except Exception as error:
            if is_temporary(error):
                raise
            _logger.info("Posting one by one after: %s", error)
            for row in rows:
                failed |= self._post_alone(row)
        rows -= failed
        self._send(rows)
        self._add_to_counters(posted=len(rows), failures=len(failed))

    def _post_alone(self, row):
        """Post one; the row where that fails, and what failed is told on it."""
        try:
            with self.env.cr.savepoint():
                self._post(row)
        except Exception as error:
            if is_temporary(error):
                raise
            if not isinstance(error, UserError):
                _logger.warning("Posting %s failed", row.invoice_id, exc_info=error)
            reason = self._error_words(error)
            row.write({"state": "failed", "error": reason})
            row._log(
                lambda row: self.env._(
                    "This invoice was approved, but could not be posted: %s", reason
                )
            )
            return row
        return row.browse()

    def _post(self, rows):
        """Post the invoices of rows, each with the total that was approved.

        :raises UserError: posting refused, or the total is another one then
        """
        invoices = rows.invoice_id
        if not invoices:
            return
        with POSTING.said():
            # Nothing is posted that the person could not post by hand.
            invoices.with_user(self.user_id).with_company(self.company_id).action_post()
        for row in rows:
            if row.state != "posted" or row.currency_id.compare_amounts(
                row.invoice_id.amount_total, row.approved_amount
            ):
                raise UserError(row._changed_text())

    def _send(self, rows):
        """Have the invoices sent whose templates say so."""
        to_send = rows.filtered(lambda row: row._is_sent()).invoice_id
        unsent = to_send._metered_queue_mail(self.user_id)
        for row in rows:
            if row.invoice_id in unsent:
                row.note = row.invoice_id._metered_unsent_text()


class MeteredReview(models.Model):
    _inherit = "metered.review"

    def _is_sent(self):
        """Whether the invoice is sent when it is posted."""
        template = self.subscription_id.template_id
        return bool(template) and template._metered_invoicing()[2]

    def _changed_text(self):
        """That the draft is not the one that was approved."""
        self.ensure_one()
        return self.env._(
            "This invoice was changed after %(user)s approved it for %(before)s. The "
            "amount is now %(now)s. Review and approve it again.",
            user=self.approved_uid.name,
            before=self.currency_id.format(self.approved_amount),
            now=self.currency_id.format(self.invoice_id.amount_total),
        )
