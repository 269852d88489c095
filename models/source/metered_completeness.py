# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, time, timedelta
from math import ceil, inf

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...connectors.checks import Check
from ...ingest.store import lock_source
from ..screen.actions import notification, window_action
from .metered_source_checks import GAPS
from .metered_source_schedule import UNDER_WAY

#: days that one sync compares at most
MOST_DAYS = 62
#: names the problem on a source, for its activity
GAP = "gap"
HELD = """
    SELECT start_time::date, count(*)
      FROM (SELECT start_time FROM metered_cdr
             WHERE batch_id = ANY(%(batches)s)
               AND start_time >= %(begin)s AND start_time < %(end)s
             UNION ALL
            SELECT start_time FROM metered_exception
             WHERE batch_id = ANY(%(batches)s) AND state != 'resolved'
               AND start_time >= %(begin)s AND start_time < %(end)s
           ) held
     GROUP BY 1
"""
ONE_DAY = timedelta(days=1)
#: of days with gaps: see :meth:`MeteredSource._gaps`
_OF_GAPS = (
    "day:count_distinct",
    "account_id:count_distinct",
    "gap:sum",
    "day:max",
)
#: what a switch is asked by each sync beside its records: whether it knows the account,
#: its extensions, its phone numbers, how many records there are, and the first page
REQUESTS_OF_A_SYNC = 5
RECORDS_OF_A_PAGE = 100


class MeteredCompleteness(models.Model):
    """What the switch counts of a day beside what we hold of it.

    Days that lack records are fetched once more, with as little to ask the switch as
    possible.
    """

    _name = "metered.completeness"
    _description = "Daily Completeness"
    _inherit = ["metered.guarded"]
    _order = "day desc, source_id, account_id"
    _rec_name = "day"

    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    account_id = fields.Many2one(
        "metered.source.account", readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        related="account_id.partner_id", string="Customer", store=True
    )
    day = fields.Date(
        required=True,
        readonly=True,
        help="In UTC, which is what switches use for counting.",
    )
    is_counted = fields.Boolean(
        string="Switch Count", readonly=True, help="Some switches cannot count records."
    )
    switch_count = fields.Integer(string="On the Switch", readonly=True)
    held_count = fields.Integer(
        string="Stored", readonly=True, help="Call details and exceptions."
    )
    gap = fields.Integer(
        string="Missing",
        readonly=True,
        help="Records counted by the switch that are not stored here.",
    )
    compared = fields.Datetime(string="Compared On", readonly=True)
    state = fields.Selection(
        [
            ("ok", "Complete"),
            ("gap", "Records missing"),
            ("unknown", "Cannot be compared"),
        ],
        compute="_compute_state",
        store=True,
        string="Status",
    )

    _day_uniq = models.UniqueIndex("(source_id, coalesce(account_id, 0), day)")
    _gap_idx = models.Index("(source_id) WHERE state = 'gap'")

    @api.depends("gap", "is_counted")
    def _compute_state(self):
        for day in self:
            if not day.is_counted:
                day.state = "unknown"
            else:
                day.state = "gap" if day.gap > 0 else "ok"

    @api.model
    def _compare(self, source, account, counts):
        """Note what the switch counts of some days, beside what is held of them.

        :param account: ``metered.source.account``, empty for all of the source
        :param dict counts: day -> number on the switch, None where it cannot count
        """
        if not counts:
            return
        held = self._held(source, account, min(counts), max(counts))
        known = {
            row.day: row
            for row in self.search(
                [
                    ("source_id", "=", source.id),
                    ("account_id", "=", account.id),
                    ("day", "in", list(counts)),
                ]
            )
        }
        for day, count in counts.items():
            values = {
                "is_counted": count is not None,
                "switch_count": count or 0,
                "held_count": held.get(day, 0),
                "gap": count - held.get(day, 0) if count is not None else 0,
                "compared": fields.Datetime.now(),
            }
            if day in known:
                known[day].write(values)
            else:
                self.create(
                    {
                        "source_id": source.id,
                        "account_id": account.id,
                        "day": day,
                        **values,
                    }
                )

    @api.model
    def _held(self, source, account, first, last):
        """How many records are held, by day: of imports that reach into these days.

        The imports know that themselves: their syncs do not stay for ever.

        :return: dict day -> number
        """
        begin = datetime.combine(first, time())
        end = datetime.combine(last, time()) + timedelta(days=1)
        # The batches by their ids: the index on them reads these calls and no others.
        batches = self.env["metered.batch"].search(
            [
                ("source_id", "=", source.id),
                ("account_id", "=", account.id),
                ("date_from", "<", end),
                ("date_to", ">", begin),
            ]
        )
        self.env.flush_all()
        self.env.cr.execute(HELD, {"batches": batches.ids, "begin": begin, "end": end})
        return dict(self.env.cr.fetchall())

    # === FETCHING AGAIN === #

    def action_fetch_again(self):
        """Fetch these days once more; what is known is not stored again."""
        self.check_access("read")
        if not self:
            raise UserError(self.env._("Choose days to fetch again."))
        under_way = self._under_way()
        found, wanted = self.env["metered.sync"].sudo(), {}
        for (source, account), rows in self.grouped(_whose).items():
            for begin, end in rows._stretches():
                same = [
                    sync
                    for sync in under_way.get((source, account), ())
                    if sync.date_from <= begin and end <= sync.date_to
                ]
                if same:
                    found |= same[0]
                else:
                    accounts = wanted.get((source, begin, end), account)
                    wanted[source, begin, end] = accounts | account
        # A person does not wait for the next attempt.
        found.not_before = False
        found._enqueue()
        started = found.browse()
        for (source, begin, end), accounts in wanted.items():
            started |= source._start_syncs("gap", accounts, begin, end)
        return self._notify_started(started, found)

    def _under_way(self):
        """Syncs of gaps of these accounts that are not over, by source and account."""
        syncs = self.env["metered.sync"].sudo()
        return syncs.search(
            [
                ("source_id", "in", self.source_id.ids),
                ("account_id", "in", [*self.account_id.ids, False]),
                ("kind", "=", "gap"),
                ("state", "in", UNDER_WAY),
            ]
        ).grouped(_whose)

    def _stretches(self):
        """These days of one account as few stretches of time.

        Days in a row are one of them. Days between are fetched along where that is less
        to ask the switch than a further sync would.

        :return: list of (begin, end), datetimes in UTC
        """
        days = sorted(set(self.mapped("day")))
        costs = self._requests_of_days(days[0], days[-1])
        stretches = []
        for day in days:
            if stretches:
                first, last = stretches[-1]
                between = [last + ONE_DAY * at for at in range(1, (day - last).days)]
                asked = sum(costs.get(missed, inf) for missed in between)
                # One sync compares no more days than these.
                if asked <= REQUESTS_OF_A_SYNC and (day - first).days < MOST_DAYS:
                    stretches[-1] = (first, day)
                    continue
            stretches.append((day, day))
        return [
            (datetime.combine(first, time()), datetime.combine(last + ONE_DAY, time()))
            for first, last in stretches
        ]

    def _requests_of_days(self, first, last):
        """What fetching a day asks the switch: its pages, and how much it counts.

        :return: dict day -> requests, of the days whose records it has counted
        """
        rows = self.search(
            [
                ("source_id", "=", self.source_id.id),
                ("account_id", "=", self.account_id.id),
                ("is_counted", "=", True),
                ("day", ">=", first),
                ("day", "<=", last),
            ]
        )
        return {row.day: 1 + ceil(row.switch_count / RECORDS_OF_A_PAGE) for row in rows}

    def _notify_started(self, started, found):
        """Say what was started, and open it.

        :param found: ``metered.sync`` that fetch some of these days already
        """
        words = self.env["metered.explanation"]
        accounts, days = len(self.account_id), len(set(self.mapped("day")))
        said = [words._accounts(accounts)] if accounts else []
        said = ", ".join([*said, words._days(days)])
        if len(started) == 1:
            said = self.env._("%s: 1 sync started.", said)
        elif started:
            said = self.env._(
                "%(what)s: %(count)s syncs started.", what=said, count=len(started)
            )
        if found and started:
            said = self.env._(
                "%(started)s Other syncs are already in progress.", started=said
            )
        elif found:
            said = self.env._("%s: a sync is already in progress.", said)
        action = (started | found).sudo(False)._action_open()
        # An action that follows another would show its text as HTML source.
        return notification(
            said, "success" if started else "info", next={**action, "help": False}
        )


class MeteredSync(models.Model):
    _inherit = "metered.sync"

    def _count_days(self, connector, account, commit):
        """Ask the switch what it counts of each whole day of this sync."""
        begin, end = self._window()
        day = begin.date() + timedelta(days=begin.time() > time())
        last = end.date()
        day = max(day, last - timedelta(days=MOST_DAYS))
        counts = {}
        while day < last:
            start = datetime.combine(day, time(), UTC)
            counts[day] = connector.count(
                account.name or "", start, start + timedelta(days=1)
            )
            day += timedelta(days=1)
        if commit:
            # What others stored while the switch was asked counts.
            commit()
        self.env["metered.completeness"]._compare(self.source_id, account, counts)
        missing = {
            row.day: row.gap
            for row in self.env["metered.completeness"].search(
                [
                    ("source_id", "=", self.source_id.id),
                    ("account_id", "=", account.id),
                    ("day", "in", list(counts)),
                    ("state", "=", "gap"),
                ]
            )
        }
        for day, gap in missing.items():
            self._note(
                self.env._(
                    "%(day)s: on the switch but not stored here: %(gap)s.",
                    day=format_date(self.env, day),
                    gap=self.env["metered.explanation"]._records(gap),
                ),
                "warning",
            )
        self._tell_gaps(missing, commit)

    def _tell_gaps(self, missing, commit):
        """Raise or close the source's activity; syncs side by side take turns."""
        source = self.source_id
        if not missing and not source._metered_open_activities(GAP):
            return
        if commit:
            commit()
        with lock_source(self.env.cr, source.id, commit):
            source._tell_gaps()
            if commit:
                commit()


class MeteredSource(models.Model):
    _inherit = "metered.source"

    completeness_ids = fields.One2many(
        "metered.completeness", "source_id", readonly=True
    )
    gap_count = fields.Integer(compute="_compute_gap_count")

    def _compute_gap_count(self):
        counts = dict(
            self.env["metered.completeness"]._read_group(
                [("source_id", "in", self.ids), ("state", "=", "gap")],
                ["source_id"],
                ["__count"],
            )
        )
        for source in self:
            source.gap_count = counts.get(source, 0)

    def action_view_completeness(self):
        """Open the records per day of this source."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_completeness",
            [("source_id", "=", self.id)],
            context={},
        )

    def _tell_gaps(self):
        """Raise one activity while days are incomplete, and close it afterwards.

        It tells how it stands with all accounts, however many of them are found to be
        incomplete in a night.
        """
        words = self.env["metered.explanation"]
        for source in self:
            days, _accounts, missing, newest = gaps = source._gaps()
            if not days:
                source._metered_close(GAP, self.env._("All days are complete now."))
                continue
            source._metered_raise(
                GAP,
                self._describe_gaps(gaps),
                self.env._(
                    "The switch has %(records)s more than are stored here; the last "
                    "of these days is %(day)s. Open Completeness on the source, "
                    "choose the filter Records Missing, and fetch these days again.",
                    records=words._records(missing),
                    day=format_date(self.env, newest),
                ),
                counted=False,
            )

    def _describe_gaps(self, gaps):
        """Such as Records missing: 2 accounts, 14 days (32 records).

        :param gaps: as :meth:`_gaps` returns them
        """
        words = self.env["metered.explanation"]
        days, accounts, missing, _newest = gaps
        where = [words._accounts(accounts)] if accounts else []
        return self.env._(
            "Records missing: %(where)s (%(records)s)",
            where=", ".join([*where, words._days(days)]),
            records=words._records(missing),
        )

    def _compared_domain(self, accounts=None):
        """Days of this source, or only of some of its accounts."""
        domain = [("source_id", "=", self.id)]
        if accounts is not None:
            domain.append(("account_id", "in", accounts.ids))
        return domain

    def _gaps(self, accounts=None):
        """How incomplete the source is, or some of its accounts.

        :return: (days, accounts, records that are missing, the last of these days)
        """
        [found] = self.env["metered.completeness"]._read_group(
            [*self._compared_domain(accounts), ("state", "=", "gap")],
            [],
            _OF_GAPS,
        )
        return found

    # === CHECKS === #

    def _check_complete(self, accounts=None):
        """Whether any day lacks records; nothing where none was ever compared.

        :param accounts: only of these ``metered.source.account``; None: of all
        """
        name = self.env._("Complete")
        if accounts is None:
            gaps = self._read_together("_read_gaps")
        else:
            gaps = self._gaps(accounts)
        if gaps and gaps[0]:
            remedy = self.env._("View these days to fetch them again")
            return [Check(name, False, self._describe_gaps(gaps), remedy, GAPS)]
        if accounts is None:
            is_counted = self._read_together("_read_is_counted")
        else:
            is_counted = self.env["metered.completeness"].search(
                [*self._compared_domain(accounts), ("is_counted", "=", True)], limit=1
            )
        if is_counted:
            detail = self.env._("The number of records matches the switch.")
            return [Check(name, True, detail)]
        return []

    def _read_gaps(self):
        """How incomplete each source is: see :meth:`_gaps`."""
        found = self.env["metered.completeness"]._read_group(
            [("source_id", "in", self.ids), ("state", "=", "gap")],
            ["source_id"],
            _OF_GAPS,
        )
        return {source.id: gaps for source, *gaps in found}

    def _read_is_counted(self):
        """The sources of which a day was ever compared."""
        self.env["metered.completeness"].flush_model(["source_id", "is_counted"])
        self.env.cr.execute(
            """
            SELECT id, EXISTS (SELECT FROM metered_completeness
                                WHERE source_id = source.id AND is_counted)
              FROM unnest(%s) AS source (id)
            """,
            (self.ids,),
        )
        return dict(self.env.cr.fetchall())

    def _action_gaps(self, accounts=None):
        """Open the days on which records are missing."""
        action = self.action_view_completeness()
        action["domain"] = self._compared_domain(accounts)
        action["context"] = {"search_default_gaps": 1}
        return action


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _metered_check_complete(self, source):
        """Whether this customer's days are; nothing of files that are uploaded."""
        if not source.is_connected:
            return []
        return source._check_complete(self._metered_gap_accounts(source))

    def _metered_gap_accounts(self, source):
        """This customer's accounts; None where the source has none."""
        return self._metered_accounts(source) if source._needs_account() else None

    def _metered_open_gaps(self, source):
        return source._action_gaps(self._metered_gap_accounts(source))


def _whose(record):
    """Source and account of a day or a sync."""
    return record.source_id, record.account_id
