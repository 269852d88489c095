# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, time, timedelta

from odoo import api, fields, models
from odoo.tools import format_date

from ...ingest.store import lock_source

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


class MeteredCompleteness(models.Model):
    """What the switch counts of a day beside what we hold of it."""

    _name = "metered.completeness"
    _description = "Records per Day"
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
    day = fields.Date(required=True, readonly=True, help="In UTC, as switches count.")
    is_counted = fields.Boolean(
        string="Switch Counts", readonly=True, help="Some switches cannot count."
    )
    switch_count = fields.Integer(string="On the Switch", readonly=True)
    held_count = fields.Integer(
        string="Held", readonly=True, help="Call details and exceptions."
    )
    gap = fields.Integer(
        string="Missing",
        readonly=True,
        help="Records that the switch counts and that are not here.",
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
                    "%(day)s: on the switch and not here: %(gap)s.",
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
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_completeness"
        )
        action["domain"] = [("source_id", "=", self.id)]
        action["context"] = {}
        return action

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
                    "The switch counts %(records)s more than are here; the last of "
                    "these days is %(day)s. Open Records per Day on the source, choose "
                    "the filter Records Missing, and fetch these days again.",
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
            ["day:count_distinct", "account_id:count_distinct", "gap:sum", "day:max"],
        )
        return found
