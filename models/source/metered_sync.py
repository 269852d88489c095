# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..job.metered_job import UNFINISHED
from ..screen.actions import window_action

#: syncs that are removed in one transaction
PORTION = 1_000
ENDED = ("done", "failed")


class MeteredSync(models.Model):
    """Fetches a stretch of time from a source: phone numbers and records.

    Pages go through the one pipeline. What is stored of them is committed together
    with the cursor after them, so that a sync that is killed goes on with the page
    that was not stored; a page that comes twice is known by its records' ids.

    Syncs leave with their logs when they are older than their company keeps them. What
    they brought in stays, and so do the imports that say where it came from: of which
    account, and of which time. An import goes with its sync when everything in it had
    been known before.
    """

    _name = "metered.sync"
    _description = "Sync"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D627379  # "mbsy"
    _job_cron = "metered_billing.ir_cron_sync"

    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    account_id = fields.Many2one(
        "metered.source.account",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="Empty if the source was synced as a whole.",
    )
    partner_id = fields.Many2one(
        related="account_id.partner_id", string="Customer", store=True
    )
    kind = fields.Selection(
        [
            ("schedule", "Scheduled"),
            ("manual", "Manual"),
            ("gap", "Refetch of missing records"),
            ("invoice", "Before an invoice"),
        ],
        string="Reason",
        required=True,
        readonly=True,
    )
    date_from = fields.Datetime(string="From", required=True, readonly=True)
    date_to = fields.Datetime(string="Until", required=True, readonly=True)
    is_open = fields.Boolean(
        readonly=True, help="The sync covered the time up to its start."
    )
    expected = fields.Integer(
        string="Records on the Switch",
        help="Number counted by the switch; 0 if it cannot count.",
    )
    records = fields.Integer(string="Records Read")
    cursor = fields.Text(readonly=True, help="Where to continue.")
    pages = fields.Integer(readonly=True, help="Number of responses from the switch.")
    is_prepared = fields.Boolean(readonly=True, help="Phone numbers were fetched.")
    is_fetched = fields.Boolean(readonly=True, help="All records were stored.")
    identifiers = fields.Integer(
        readonly=True, help="Number of phone numbers and extensions found."
    )
    batch_id = fields.Many2one(
        "metered.batch", string="Import", readonly=True, ondelete="set null"
    )
    rated = fields.Integer(related="batch_id.rated")
    not_billable = fields.Integer(related="batch_id.not_billable")
    duplicates = fields.Integer(related="batch_id.duplicates")
    exceptions = fields.Integer(related="batch_id.exceptions")
    attempts = fields.Integer(readonly=True)
    not_before = fields.Datetime(
        string="Retries", readonly=True, help="The source could not be reached."
    )
    line_ids = fields.One2many(
        "metered.sync.line",
        "sync_id",
        string="Log",
        readonly=True,
    )

    @api.depends("source_id", "account_id", "date_from", "date_to")
    def _compute_display_name(self):
        for sync in self:
            days = dict.fromkeys(
                format_date(self.env, sync.source_id._local_day(moment))
                for moment in (sync.date_from, sync.date_to)
                if moment
            )
            sync.display_name = self.env._(
                "%(what)s, %(days)s",
                what=sync.account_id.name or sync.source_id.name or "",
                days=" – ".join(days),
            )

    @api.depends("records", "expected", "run_seconds", "state")
    def _compute_progress(self):
        computed = super()._compute_progress()
        for sync in self:
            if not sync.expected and sync.state != "done":
                sync.progress = 0.0
        return computed

    def _note(self, message, level="info"):
        """Write a line into the log of each."""
        self.env["metered.sync.line"].create(
            [{"sync_id": s.id, "level": level, "message": message} for s in self]
        )

    # === SCREENS === #

    def action_resume(self):
        """Let a sync that failed go on where it stopped."""
        self.check_access("read")
        for sync in self.sudo().filtered(lambda s: s.state == "failed"):
            sync.write(
                {"state": "queued", "error": False, "attempts": 0, "not_before": False}
            )
            sync._enqueue()
        return True

    def _action_open(self):
        """Open these: the form of one, the list of several."""
        if len(self) == 1:
            return self._get_records_action(context={})
        return self._action_list([("id", "in", self.ids)])

    @api.model
    def _action_list(self, domain):
        return window_action(self.env, "action_metered_sync", domain, context={})

    def action_view_cdrs(self):
        """Open the calls that this sync brought in."""
        self.ensure_one()
        if not self.batch_id:
            raise UserError(self.env._("This sync has not imported anything yet."))
        return self.batch_id.action_view_cdrs()

    # === AGE === #

    @api.autovacuum
    def _gc_syncs(self):
        """Remove a portion of each company's.

        :return: (how many, whether there are more)
        """
        kept = self._kept()
        removed, more = 0, False
        for company in self.env["res.company"].search([("metered_sync_days", ">", 0)]):
            days = timedelta(days=company.metered_sync_days)
            aged = self.search(
                [
                    ("company_id", "=", company.id),
                    ("state", "in", ENDED),
                    ("finished", "<", fields.Datetime.now() - days),
                    ("id", "not in", kept.ids),
                ],
                order="id",
                limit=PORTION,
            )
            removed += len(aged)
            more = more or len(aged) == PORTION
            aged._remove()
        return removed, more

    def _kept(self):
        """What is still looked at, whatever its age.

        The last one of each account tells how it stands with it, and one that failed
        can go on as long as the account has that problem. A renewal waits for its own.
        """
        last = self._newest([("state", "in", ENDED)])
        failed = self._newest([("state", "=", "failed")]).filtered(
            lambda sync: (sync.account_id or sync.source_id).sync_error
        )
        renewals = self.env["metered.renewal"].search(UNFINISHED)
        return last | failed | renewals.sync_ids

    @api.model
    def _newest(self, domain):
        """The newest of these for each account, and each source without accounts."""
        rows = self._read_group(domain, ["source_id", "account_id"], ["id:max"])
        return self.browse([newest for _source, _account, newest in rows])

    def _remove(self):
        batches = self.batch_id
        self.unlink()
        known = batches.filtered(lambda batch: not batch._holds_records())
        known.unlink()


class MeteredSyncLine(models.Model):
    """A line of a sync's log."""

    _name = "metered.sync.line"
    _description = "Sync Log Line"
    _inherit = ["metered.guarded"]
    _order = "id"

    sync_id = fields.Many2one(
        "metered.sync", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="sync_id.company_id", store=True)
    date = fields.Datetime(default=lambda self: fields.Datetime.now(), readonly=True)
    level = fields.Selection(
        [("info", "Done"), ("warning", "Retry"), ("error", "Failed")],
        default="info",
        readonly=True,
    )
    message = fields.Char(readonly=True)
