# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
import time
from itertools import takewhile

import numpy as np

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...connectors.errors import SourceAnswerError, SourceError
from ...connectors.events.cloud_event import CONTENT, KEY
from ...connectors.formats import Chunk
from ...connectors.records import text_frame
from ...ingest.event_inbox import plain_key
from ...ingest.isolate import MOST_RECORDS
from .metered_sync_end import FIRST_WAIT, LONGEST_WAIT

#: records that are taken from the inbox, rated and committed together: no more than can
#: be halved until the one is found that cannot be stored
PORTION = MOST_RECORDS
#: characters of these: a record of a switch may be a megabyte long
PORTION_CHARACTERS = 32 * 2**20
#: the same of events, each of which is small
PORTION_EVENTS = 20_000
#: failed syncs in a row that are told apart: after as many the wait is the longest
MOST_WAITS = 10


class MeteredInbox(models.Model):
    """Records that a switch posted and that are not rated yet.

    A record is committed here before the switch is told so: it is lost by neither. It
    leaves with the transaction that stores its CDR or exception.
    """

    _name = "metered.inbox"
    _description = "Posted Record"
    _inherit = ["metered.guarded"]
    _order = "id"
    _log_access = False

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="restrict", index=True
    )
    record = fields.Text(required=True, help="JSON, column to text.")
    event_key = fields.Char(help="The key that identifies the event or the call.")
    content = fields.Char(help="A digest of its content.")

    _event_uniq = models.UniqueIndex(
        "(source_id, event_key) WHERE event_key IS NOT NULL",
        "This event was already pushed.",
    )

    def init(self):
        """Ids of 64 bits: what comes in takes two billion within months."""
        self.env.cr.execute(
            """
            SELECT atttypid = 'int4'::regtype FROM pg_attribute
             WHERE attrelid = 'metered_inbox'::regclass AND attname = 'id'
            """
        )
        if self.env.cr.fetchone()[0]:
            self.env.cr.execute("ALTER SEQUENCE metered_inbox_id_seq AS bigint")
            self.env.cr.execute("ALTER TABLE metered_inbox ALTER COLUMN id TYPE bigint")


class MeteredSource(models.Model):
    _inherit = "metered.source"

    @api.constrains("active", "source_type", "company_id")
    @api.ondelete(at_uninstall=False)
    def _check_inbox(self):
        """Keep a source as long as records wait that its switch was told are stored.

        :raises ValidationError: they would be rated by nobody, or for somebody else
        """
        for source in self:
            waiting = source._posted_waiting()
            if waiting:
                raise ValidationError(
                    self.env._(
                        "The switch of %(switch)s has posted records that are waiting "
                        "to be rated: %(count)s. Click Sync Now on the source, wait "
                        "until it is done, then try again.",
                        switch=source.name,
                        count=waiting,
                    )
                )

    def _posted_waiting(self):
        """How many records wait to be rated that were posted."""
        return self._read_together("_read_posted_waiting") or 0

    def _read_posted_waiting(self):
        counts = (
            self.env["metered.inbox"]
            .sudo()
            ._read_group([("source_id", "in", self.ids)], ["source_id"], ["__count"])
        )
        return {source.id: count for source, count in counts}

    @api.model
    def _start_posted(self, kind="schedule"):
        """Start a sync for each source whose inbox is not empty.

        After one that failed, the next one of the schedule waits, longer each time.

        :return: ``metered.sync``
        """
        syncs = self.env["metered.sync"]
        for source in self.search([("is_posted_to", "=", True)]):
            if not self.env["metered.inbox"].search(
                [("source_id", "=", source.id)], limit=1
            ):
                continue
            not_before = kind == "schedule" and source._wait_after_failures()
            if not not_before:
                syncs |= source._reopened_sync(kind) or source._start_syncs(kind)
            elif not source._waiting_syncs(kind):
                [waiting] = source._start_syncs(kind)
                waiting.not_before = not_before
                syncs |= waiting
                waiting._trigger_cron(not_before)
        return syncs

    def _reopened_sync(self, kind):
        """The sync of today's events, to go on with; empty where there is none.

        They come all day: a sync, and an import, for each time that some were there
        would be thousands.
        """
        syncs = self.env["metered.sync"].sudo()
        if kind != "schedule" or not self._kind().has_own_fields:
            return syncs
        day = fields.Datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        newest = syncs.search([("source_id", "=", self.id)], limit=1)
        if (
            newest.kind != kind
            or newest.state != "done"
            or newest.create_date < day
            or newest.batch_id.state not in (False, "done")
        ):
            return syncs
        # What the last run said is said anew, of all of the day.
        newest.line_ids.filtered(lambda line: line.level == "info").unlink()
        newest.write({"state": "queued", "date_to": fields.Datetime.now()})
        newest._enqueue()
        return newest

    def _wait_after_failures(self):
        """When the next sync of the schedule may start; False: now."""
        syncs = self.env["metered.sync"].sudo()
        domain = [("source_id", "=", self.id), ("state", "in", ("done", "failed"))]
        recent = syncs.search(domain, limit=MOST_WAITS)
        failed = len([*takewhile(lambda sync: sync.state == "failed", recent)])
        if not failed:
            return False
        wait = min(FIRST_WAIT * 2 ** (failed - 1), LONGEST_WAIT)
        moment = (recent[0].finished or fields.Datetime.now()) + wait
        return moment if moment > fields.Datetime.now() else False

    def _has_posted(self):
        """Whether records were posted that are not rated yet."""
        return bool(self._posted_waiting())

    def _look_posted(self):
        waiting = self._posted_waiting()
        if waiting:
            return self.env._("%s waiting to be rated.", waiting)
        if not self.batch_count:
            raise SourceError(
                self.env._("The switch has not posted any calls yet."),
                remedy=self.env._("Set up mod_json_cdr, make a call, and test again."),
            )
        return self.env._("No records are waiting to be rated.")


class MeteredSync(models.Model):
    """Syncs of what was posted: the inbox is what is fetched from."""

    _inherit = "metered.sync"

    def _run_inbox(self, commit, seconds, kept):
        begun = time.monotonic()
        inbox = self.env["metered.inbox"].sudo()
        # What is posted meanwhile is left to the next sync, so that this one ends.
        last = inbox.search(
            [("source_id", "=", self.source_id.id)], order="id desc", limit=1
        )
        wanted = kept.of(self.source_id).column_names if last else ()
        kind = self.source_id._kind()
        while rows := self._next_posted(last.id):
            ids, records = (
                [row[0] for row in rows],
                [_columns(kind, *row[1:]) for row in rows],
            )
            self._store_chunks(
                posted_chunks(records, self.records + 1, kind.posted_columns, wanted),
                commit,
                # A portion that cannot be stored at once is stored part after part.
                lambda sync, ids=ids, before=self.records: sync._remove_posted(
                    ids[: sync.records - before]
                ),
                kept,
            )
            if seconds is not None and time.monotonic() - begun > seconds:
                return False
        return True

    def _next_posted(self, last):
        """The next records of the inbox, in the order in which they came.

        :param last: id of the last one that is looked at
        :return: list of (id, record, key and content of an event or None)
        """
        self.env["metered.inbox"].flush_model()
        is_of_events = self.source_id._kind().has_own_fields
        self.env.cr.execute(
            """
            SELECT id, record, event_key, content
              FROM (SELECT *, sum(length(record)) OVER (ORDER BY id)
                                - length(record) AS before
                      FROM (SELECT * FROM metered_inbox
                             WHERE source_id = %s AND id <= %s
                             ORDER BY id LIMIT %s) AS posted) AS portion
             WHERE before < %s
             ORDER BY id
            """,
            (
                self.source_id.id,
                last or 0,
                PORTION_EVENTS if is_of_events else PORTION,
                PORTION_CHARACTERS,
            ),
        )
        return self.env.cr.fetchall()

    def _remove_posted(self, ids):
        """Take records out of the inbox that are stored in this transaction."""
        self.env.cr.execute("DELETE FROM metered_inbox WHERE id = ANY(%s)", (ids,))
        self.env["metered.inbox"].invalidate_model()


def posted_chunks(records, line, columns, wanted):
    """Records that were posted as chunks: one, unless they have little in common.

    :param records: list of dicts, column -> text
    :param int line: of the first
    :param columns, wanted: see ``connectors.records.text_frame``
    :return: iterator of ``connectors.formats.Chunk``
    """
    try:
        frame = text_frame(records, columns, wanted)
    except SourceAnswerError:
        half = len(records) // 2
        if not half:
            raise
        yield from posted_chunks(records[:half], line, columns, wanted)
        yield from posted_chunks(records[half:], line + half, columns, wanted)
        return
    lines = np.arange(len(records), dtype=np.int64) + line
    yield Chunk(frame, lines, 0, [])


def _columns(kind, record, event_key, content):
    """A record of the inbox as the pipeline takes it."""
    found = json.loads(record)
    if event_key:
        found[CONTENT] = content
        if kind.has_own_fields:
            found[KEY] = plain_key(event_key, content)
    return found
