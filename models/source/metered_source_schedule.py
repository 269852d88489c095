# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ...connectors.checks import Check

ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: states of a sync that is not over
UNDER_WAY = ("queued", "running")
_LAST_SYNCS = """
    SELECT id, (SELECT id FROM metered_sync
                 WHERE source_id = source.id AND state IN ('done', 'failed')
                 ORDER BY id DESC LIMIT 1)
      FROM unnest(%s) AS source (id)
"""


class MeteredSource(models.Model):
    """When a connected source is asked for what is new."""

    _inherit = "metered.source"

    sync_hours = fields.Integer(
        string="Every (hours)",
        default=24,
        help="How often new records are fetched. 0 means only manually.",
    )
    next_sync = fields.Datetime(
        help="When new records are fetched next. Leave empty to fetch them the next "
        "time the scheduled action runs.",
        copy=False,
    )
    overlap_hours = fields.Integer(
        string="Overlap (hours)",
        default=48,
        help="Every sync starts this long before the end of the previous one, because "
        "calls that were still in progress appear later. Records that are "
        "already stored are not stored again.",
    )
    first_days = fields.Integer(
        string="First Sync (days)",
        default=31,
        help="How far back the first sync of an account goes.",
    )
    sync_before_invoice = fields.Boolean(
        string="Sync Before Invoicing",
        default=True,
        help="Fetches the latest records before a renewal or manual invoice.",
    )
    unreachable_policy = fields.Selection(
        [
            ("hold", "Keep the invoice as a draft and notify the responsible user"),
            (
                "bill",
                "Bill the records available; later records go on the next invoice",
            ),
        ],
        string="If Unreachable",
        required=True,
        default="hold",
        help="What happens to a renewal if the latest records of the period could not "
        "be fetched from the source.",
    )
    synced_until = fields.Datetime(
        readonly=True,
        copy=False,
        help="For a source without accounts: all records up to this time have been "
        "fetched.",
    )
    sync_error = fields.Char(readonly=True, copy=False)
    last_record = fields.Datetime(
        readonly=True, copy=False, help="Start of the newest imported record."
    )
    sync_ids = fields.One2many(
        "metered.sync", "source_id", string="Syncs", readonly=True
    )
    running_sync_count = fields.Integer(compute="_compute_sync_counts")
    sync_count = fields.Integer(compute="_compute_sync_counts")

    def _compute_sync_counts(self):
        counts = {}
        for source, state, count in self.env["metered.sync"]._read_group(
            [("source_id", "in", self.ids)], ["source_id", "state"], ["__count"]
        ):
            counts.setdefault(source, {})[state] = count
        for source in self:
            of_source = counts.get(source, {})
            source.sync_count = sum(of_source.values())
            source.running_sync_count = sum(of_source.get(s, 0) for s in UNDER_WAY)

    @api.constrains("sync_hours", "overlap_hours", "first_days")
    def _check_schedule(self):
        for source in self:
            if min(source.sync_hours, source.overlap_hours) < 0 or (
                source.first_days < 1
            ):
                raise ValidationError(
                    self.env._(
                        "Sync hours cannot be negative, and the first sync must go "
                        "back at least one day."
                    )
                )

    # === STARTING === #

    @api.model
    def _cron_sync(self):
        """Start what is due, and work on what is not over, for a slice of time."""
        now = fields.Datetime.now()
        due = self.search(
            [
                ("is_connected", "=", True),
                ("is_posted_to", "=", False),
                ("has_offsets", "=", False),
                ("sync_hours", ">", 0),
                "|",
                ("next_sync", "=", False),
                ("next_sync", "<=", now),
            ]
        )
        for source in due:
            source._start_syncs("schedule")
            source.next_sync = now + timedelta(hours=source.sync_hours)
        self._start_posted()
        self._start_offsets()
        self.search(self._watched_domain())._watch_silence()
        self._put_away_imported(None)
        self.env["metered.sync"]._cron_process_syncs()

    def _sync_accounts(self):
        """Accounts that are asked for one by one.

        :return: list of ``metered.source.account``; an empty one stands for all of the
            source together
        """
        self.ensure_one()
        if self._needs_account():
            return list(self.account_ids.filtered("active"))
        return [self.env["metered.source.account"]]

    def _start_syncs(self, kind, accounts=None, date_from=None, date_to=None):
        """Queue a sync of each account; one that waits already is left to itself.

        :param str kind: see ``metered.sync``
        :param accounts: ``metered.source.account``; None: all of these sources
        :param date_from: datetime in UTC; None: where the last sync ended, and the
            overlap before it
        :param date_to: datetime in UTC; None: now
        :return: ``metered.sync``, those that were waiting included
        """
        syncs = self.env["metered.sync"].sudo()
        for source in self:
            wanted = source._sync_accounts()
            if accounts is not None and source._needs_account():
                wanted = list(accounts.filtered(lambda a, s=source: a.source_id == s))
            waiting = {}
            if not date_from:
                waiting = source._waiting_syncs(kind)
            found = syncs.union(*(waiting[a] for a in wanted if a in waiting))
            found.write({"not_before": False})
            syncs |= found | syncs.create(
                [
                    source._prepare_sync(kind, account, date_from, date_to)
                    for account in wanted
                    if account not in waiting
                ]
            )
        syncs._enqueue()
        return syncs

    def _waiting_syncs(self, kind):
        """Syncs that nobody has begun with, by account."""
        return {
            sync.account_id: sync
            for sync in self.env["metered.sync"]
            .sudo()
            .search(
                [
                    ("source_id", "=", self.id),
                    ("kind", "=", kind),
                    ("state", "=", "queued"),
                ]
            )
        }

    def _prepare_sync(self, kind, account, date_from, date_to):
        now = fields.Datetime.now()
        until = (account or self).synced_until
        if not date_from and until:
            date_from = until - timedelta(hours=self.overlap_hours)
        date_from = date_from or now - timedelta(days=self.first_days)
        return {
            "source_id": self.id,
            "account_id": account.id,
            "kind": kind,
            "date_from": date_from,
            "date_to": date_to or now,
            "is_open": not date_to and (not until or date_from <= until),
        }

    def action_sync(self):
        """Fetch what is new of every account now."""
        self.ensure_one()
        self.check_access("write")
        if not self._sync_accounts():
            raise UserError(
                self.env._(
                    "%s has no accounts. Enter your customers' accounts on the "
                    "Accounts page.",
                    self.name,
                )
            )
        return self._start_syncs("manual")._action_open()

    def action_view_syncs(self):
        """Open the syncs of this source."""
        self.ensure_one()
        return self.env["metered.sync"]._action_list([("source_id", "=", self.id)])

    # === CHECKS === #

    def _check_last_sync(self):
        """Of a connected source the last sync tells whether records come in."""
        name = self.env._("Last sync")
        sync = self._read_together("_read_last_sync")
        if not sync:
            return Check(
                name,
                False,
                self.env._("No sync yet."),
                self._fetch_label(),
                "fetch",
            )
        if sync.state == "failed":
            return Check(name, False, sync.error, self.env._("Open sync"), "last_sync")
        return Check(
            name,
            True,
            self.env._(
                "%(day)s: %(records)s",
                day=format_date(self.env, self._local_day(sync.finished)),
                records=self.env["metered.explanation"]._records(sync.records),
            ),
        )

    def _read_last_sync(self):
        """Of each source the last sync that is over."""
        self.env["metered.sync"].flush_model(["source_id", "state"])
        self.env.cr.execute(_LAST_SYNCS, (self.ids,))
        found = dict(self.env.cr.fetchall())
        syncs = self.env["metered.sync"].browse(filter(None, found.values()))
        return {sync.source_id.id: sync for sync in syncs}

    def _open_failed_sync(self):
        failed = [("source_id", "=", self.id), ("state", "=", "failed")]
        return self.env["metered.sync"].search(failed, limit=1)._get_records_action()
