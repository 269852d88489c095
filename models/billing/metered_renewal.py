# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ...ingest.aside import Aside
from ...ingest.conflicts import is_temporary
from ..screen.actions import RELOAD, notification, window_action

_logger = logging.getLogger(__name__)
#: subscriptions that are renewed together and committed together, at first and at most:
#: imports wait for the usage that a portion bills
FIRST_PORTION, PORTION = 5, 50
#: said while a run renews: since when it has asked the usage URLs
ASKED = Aside("metered_usage_urls_asked")
#: names the problem on a subscription, for its activity
PROBLEM = "renewal"


class MeteredRenewal(models.Model):
    """One run over all subscriptions of a company that are due.

    Invoices, the claims of their periods, the next dates and how far the run is are
    committed together, a portion at a time: a run that is killed goes on where it was,
    and a period is invoiced once. What fails is rolled back alone, is told on the
    subscription, and is tried again by the next run.
    """

    _name = "metered.renewal"
    _description = "Renewal Run"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D62726E  # "mbrn"
    _job_cron = "metered_billing.ir_cron_process_renewals"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    date = fields.Date(
        required=True,
        readonly=True,
        help="Renew subscriptions that are due until this day.",
    )
    expected = fields.Integer(string="Due Subscriptions")
    records = fields.Integer(string="Processed Subscriptions")
    invoices = fields.Integer(readonly=True, help="Invoices created.")
    closed = fields.Integer(readonly=True, help="Subscriptions whose term has ended.")
    failures = fields.Integer(
        string="Failed", readonly=True, help="Subscriptions that could not be renewed."
    )
    last_subscription_id = fields.Integer(
        readonly=True, help="All subscriptions up to this ID have been processed."
    )
    subscription_ids = fields.Many2many(
        "sale.subscription",
        string="Selected Subscriptions",
        readonly=True,
        help="Subscriptions selected for renewal. Empty for all that were due.",
    )
    failure_ids = fields.One2many(
        "metered.renewal.failure",
        "renewal_id",
        readonly=True,
    )
    period_ids = fields.One2many(
        "metered.period",
        "renewal_id",
        readonly=True,
    )

    @api.depends("date", "company_id")
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._(
                "Renewals of %(date)s", date=format_date(self.env, run.date)
            )

    # === START === #

    @api.model
    def _start(self, company):
        """The run of a company: one that is not finished, or a new one.

        :return: ``metered.renewal`` record; empty where nothing is due
        """
        run = self.search(
            [
                ("company_id", "=", company.id),
                ("state", "in", ("queued", "running")),
                ("subscription_ids", "=", False),
            ],
            limit=1,
        )
        if run:
            return run
        today = company._metered_today()
        subscriptions = self.env["sale.subscription"].with_company(company)
        due = subscriptions.search_count(
            subscriptions._metered_due_domain(company, today)
        )
        if not due:
            return run
        return self.create({"company_id": company.id, "date": today, "expected": due})

    @api.model
    def _start_chosen(self, subscriptions):
        """A run of a company over some subscriptions; empty where none of them is due.

        :param subscriptions: ``sale.subscription`` of one company, of a user who may
            write them
        """
        company = subscriptions.company_id
        today = company._metered_today()
        due = subscriptions.sudo().search(
            [
                *subscriptions._metered_due_domain(company, today),
                ("id", "in", subscriptions.ids),
            ]
        )
        if not due:
            return self.browse()
        return self.create(
            {
                "company_id": company.id,
                "date": today,
                "expected": len(due),
                "subscription_ids": due.ids,
            }
        )

    def action_start(self):
        """Renew what is due in the company now, in the background."""
        self.check_access("read")
        run = self.sudo()._start(self.env.company)
        if not run:
            return notification(
                self.env._("No subscription is due today, so nothing was renewed."),
                "info",
            )
        run._enqueue()
        return run._get_records_action(context={})

    def action_resume(self):
        """Let a run that stopped go on."""
        self.check_access("read")
        for run in self.sudo().filtered(lambda r: r.state == "failed"):
            run.write({"state": "running", "error": False})
            run._enqueue()
        return True

    # === THE JOB === #

    @api.model
    def _cron_process_renewals(self):
        """Work on the runs that are not finished, for a slice of time."""
        self._cron_process_jobs()

    def _run(self, commit, seconds):
        begun = time.monotonic()
        if not self._fetch_once(commit, seconds):
            return False
        if seconds is not None:
            seconds -= time.monotonic() - begun
        with ASKED.said(self.create_date):
            return self._run_portions(commit, seconds, FIRST_PORTION, PORTION)

    def _run_portion(self, size):
        """Renew the next subscriptions; whether there were any."""
        begun = time.monotonic()
        portion = self._next_portion(size)
        if portion:
            together = self._with_same_customers(portion)
            self._renew_portion(together)
            self.last_subscription_id = portion[-1].id
            self._add_to_counters(
                records=len(together), run_seconds=time.monotonic() - begun
            )
            self.env.flush_all()
        return bool(portion)

    def _due_domain(self):
        """Subscriptions that this run is to renew: a superset of them."""
        domain = self.env["sale.subscription"]._metered_due_domain(
            self.company_id, self.date
        )
        if self.subscription_ids:
            domain.append(("id", "in", self.subscription_ids.ids))
        return domain

    def _next_portion(self, size):
        subscriptions = self.env["sale.subscription"].with_company(self.company_id)
        tried = self.failure_ids.subscription_id.filtered(
            lambda one: one.id > self.last_subscription_id
        )
        return subscriptions.search(
            [
                *self._due_domain(),
                ("id", ">", self.last_subscription_id),
                ("id", "not in", tried.ids),
            ],
            order="id",
            limit=size,
        )

    # === A PORTION === #

    def _renew_portion(self, portion):
        """Start, renew period by period, and close what of these is due."""
        starting = portion.filtered(
            lambda s: s.stage_id.type == "pre" and not s.in_progress
        )
        failed = self._attempt(starting, lambda s: s._metered_start())
        due = portion - failed
        while due := due.filtered(lambda s: s._metered_is_due(self.date)):
            wave_failed = self._attempt(due, self._renew, together=True)
            failed |= wave_failed
            due -= wave_failed
        ended = (portion - failed).filtered(lambda s: s._metered_has_ended(self.date))
        failed |= self._attempt(ended, self._close)
        self._note_renewed(portion - failed)
        return failed

    def _renew(self, subscriptions):
        invoices = subscriptions._metered_renew(self)
        self._add_to_counters(invoices=len(invoices))

    def _close(self, subscription):
        known = subscription.invoice_ids
        subscription.close_subscription()
        invoices = subscription.invoice_ids - known
        subscription._metered_review(invoices, self)
        self._add_to_counters(invoices=len(invoices), closed=1)

    def _attempt(self, subscriptions, action, together=False):
        """Do something with these; what fails is rolled back, alone, and told.

        :param together: try all at once first, which is several times faster
        :return: the ``sale.subscription`` records that failed
        """
        failed = subscriptions.browse()
        if not subscriptions:
            return failed
        if together and len(subscriptions) > 1:
            try:
                with self.env.cr.savepoint():
                    action(subscriptions)
                return failed
            except Exception as error:
                if is_temporary(error):
                    raise
                _logger.info("Renewing one by one after: %s", error)
        for subscription in subscriptions:
            try:
                with self.env.cr.savepoint():
                    action(subscription)
            except Exception as error:
                if is_temporary(error):
                    raise
                self._tell(subscription, error)
                failed |= subscription
        return failed

    def _tell(self, subscription, error):
        """Report a failure here, and on the subscription as one activity."""
        if isinstance(error, UserError):
            reason = str(error)
        else:
            reason = f"{type(error).__name__}: {error}"
            _logger.warning("Renewing %s failed", subscription, exc_info=error)
        self.env["metered.renewal.failure"].create(
            {
                "renewal_id": self.id,
                "subscription_id": subscription.id,
                "date": subscription.recurring_next_date,
                "reason": reason,
            }
        )
        self._add_to_counters(failures=1)
        subscription._metered_raise(
            PROBLEM,
            self.env._("Renewal failed"),
            self.env._(
                "%(subscription)s was not renewed: %(reason)s Every renewal run tries "
                "it again.",
                subscription=subscription.name,
                reason=reason.rstrip(".") + ".",
            ),
        )

    def _note_renewed(self, renewed):
        """Close what was told about subscriptions that are renewed now."""
        failures = self.env["metered.renewal.failure"].search(
            [("subscription_id", "in", renewed.ids), ("renewed", "=", False)]
        )
        if failures:
            failures.renewed = True
            failures.subscription_id._metered_close(
                PROBLEM, self.env._("It has been renewed.")
            )

    def _renew_again(self, subscriptions):
        """Try some subscriptions of this run again, at once.

        :return: those that failed again
        """
        self.ensure_one()
        return self._renew_portion(subscriptions.with_company(self.company_id))

    # === ACTIONS === #

    def action_view_invoices(self):
        """Open the invoices that this run made."""
        self.ensure_one()
        self.check_access("read")
        return self.env["account.move"]._metered_invoices_action(
            [("id", "in", self.sudo().period_ids.invoice_id.ids)]
        )

    def action_view_failures(self):
        """Open the subscriptions that failed."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_renewal_failure",
            [("renewal_id", "=", self.id)],
            context={},
        )


class MeteredRenewalFailure(models.Model):
    """A subscription that a renewal run could not renew, with the reason."""

    _name = "metered.renewal.failure"
    _description = "Failed Renewal"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    renewal_id = fields.Many2one(
        "metered.renewal", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="renewal_id.company_id", store=True)
    subscription_id = fields.Many2one(
        "sale.subscription", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        related="subscription_id.partner_id", string="Customer"
    )
    date = fields.Date(string="Due", readonly=True)
    reason = fields.Text(readonly=True)
    cure = fields.Char(
        compute="_compute_cure", help="How to fix the problem.", string="How to Fix"
    )
    renewed = fields.Boolean(
        readonly=True, help="The subscription was renewed by a later attempt."
    )

    @api.depends("renewed")
    @api.depends_context("lang")
    def _compute_cure(self):
        for failure in self:
            failure.cure = not failure.renewed and self.env._(
                "Open the subscription, correct the problem, then click Try Again. "
                "The next run also tries again."
            )

    def action_open(self):
        """Open the subscription, where the cause is mended."""
        self.ensure_one()
        return self.subscription_id.get_formview_action()

    def action_retry(self):
        """Renew these subscriptions again, with all periods that are due.

        :return: a notification that says what became of it
        """
        self.check_access("read")
        failed = self.env["sale.subscription"]
        for run, failures in self.grouped("renewal_id").items():
            failed |= run.sudo()._renew_again(failures.subscription_id)
        retried = self.subscription_id
        if failed:
            message = self.env._(
                "Still failing: %(names)s. The reason is on the subscription.",
                names=", ".join(failed.mapped("name")),
            )
        else:
            message = self.env._(
                "Renewed: %(names)s.", names=", ".join(retried.mapped("name"))
            )
        return notification(message, "warning" if failed else "success", next=RELOAD)
