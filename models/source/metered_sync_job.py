# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial

import numpy as np

from odoo import api, fields, models

from ...connectors.errors import SourceAnswerError, SourceError, SourceFileError
from ...connectors.formats import Chunk
from ...connectors.interface import join_pages
from ...ingest.conflicts import make_lasting
from ...ingest.load_more import add_identifiers
from ...ingest.run import run_chunks
from ..guard.metered_audit import BY_SWITCH
from .metered_sync_end import LIMITS

#: records that are stored and committed together
CHUNK_RECORDS = 2_000
#: pages of one sync, over all its slices: a switch may go on for ever
MOST_PAGES = 100_000


@dataclass
class _Reading:
    """How far the pages were read; written by the thread that reads ahead."""

    cursors: dict = field(default_factory=dict)  # records read -> cursor after them
    pages: int = 0
    last: str | None = None
    finished: bool = False


class KeptSettings:
    """What syncs of a slice rate records with: read once, and extended."""

    def __init__(self):
        # source id -> (settings, ids of identifiers that were added since)
        self._kept = {}

    def of(self, source):
        """The settings of a source: :class:`~..ingest.settings.ImportSettings`."""
        settings, added = self._kept.get(source.id, (None, ()))
        if settings and added:
            # Those of a transaction that failed are not there.
            found = source.env["metered.identifier"].sudo().browse(added).exists()
            settings = add_identifiers(settings, source, found)
        settings = settings or source._load_settings()
        self._kept[source.id] = (settings, ())
        return settings

    def renew(self, source, added, changed):
        """Know of other identifiers.

        :param added: ``metered.identifier`` that are new
        :param bool changed: others have ended
        """
        if changed:
            self._kept.pop(source.id, None)
        elif source.id in self._kept:
            settings, before = self._kept[source.id]
            self._kept[source.id] = (settings, (*before, *added.ids))


class MeteredSync(models.Model):
    """The work of a sync: phone numbers, then page after page."""

    _inherit = "metered.sync"

    def _run(self, commit, seconds, kept=None):
        slot = self._take_slot(commit)
        if slot is None:
            return False
        try:
            if not self._run_kind(commit, seconds, kept or KeptSettings()):
                return False
            self._close_problem(commit)
            return True
        except (SourceError, SourceFileError) as error:
            return self._source_failed(error, commit)
        except Exception:
            if commit:
                self.env.cr.rollback()
            raise
        finally:
            self._free_slot(slot, commit)

    def _run_kind(self, commit, seconds, kept):
        """Fetch from the kind of source that it is; see :meth:`_run`."""
        if self.source_id.is_posted_to:
            return self._run_inbox(commit, seconds, kept)
        if self.source_id.brings_files:
            return self._run_files(commit, seconds)
        if self.source_id.has_offsets:
            return self._run_offsets(commit, seconds, kept)
        return self._run_records(commit, seconds, kept)

    def _run_records(self, commit, seconds, kept):
        account = self.account_id
        with self.source_id._make_connector(limits=LIMITS) as connector:
            if not self.is_prepared:
                self._prepare(connector, kept)
                if commit:
                    commit()
            if not self.is_fetched and not self._read_pages(
                connector, commit, seconds, kept
            ):
                return False
            self._count_days(connector, account, commit)
        return True

    def _prepare(self, connector, kept):
        """What comes before the records: phone numbers, and how many there are."""
        account = self.account_id
        values = {"is_prepared": True}
        if account:
            connector.find(account.name)
            found = list(connector.identifiers(account.name))
            values["expected"] = self._ask_count(connector) or 0
            with BY_SWITCH.said():
                added, ended, moved = account._sync_identifiers(found)
            account._sample_daily(connector, found)
            values["identifiers"] = len(found)
            kept.renew(self.source_id, added, ended or moved)
            self._note(
                self.env._(
                    "%(count)s phone numbers and extensions: %(added)s new, %(ended)s "
                    "removed.",
                    count=len(found),
                    added=len(added),
                    ended=ended,
                )
            )
        else:
            values["expected"] = self._ask_count(connector) or 0
        self.write(values)

    def _ask_count(self, connector):
        return connector.count(self.account_id.name or "", *self._window())

    def _window(self):
        """The stretch of time, as aware datetimes."""
        return self.date_from.replace(tzinfo=UTC), self.date_to.replace(tzinfo=UTC)

    def _read_pages(self, connector, commit, seconds, kept):
        """Store page after page; whether all of them are stored."""
        reading = _Reading(last=self.cursor or None, pages=self.pages)
        deadline = None if seconds is None else time.monotonic() + seconds
        pages = connector.fetch(
            self.account_id.name or "", *self._window(), self.cursor or None
        )
        self._store_chunks(
            self._chunks(
                pages,
                reading,
                self.records,
                self._chunk_records(),
                deadline,
                kept.of(self.source_id).column_names,
            ),
            commit,
            # Within a page there is no cursor: it is fetched again, and known then.
            lambda sync: (
                sync.records in reading.cursors
                and sync.write(self._stored_until(reading.cursors[sync.records]))
            ),
            kept,
        )
        self.write(self._stored_until(None if reading.finished else reading.last))
        self.pages = reading.pages
        make_lasting(self.env.cr)
        if commit:
            commit()
        self._keep_last_record(commit)
        return reading.finished

    @staticmethod
    def _stored_until(cursor):
        """What to keep of how far the pages are stored; None: all of them are."""
        return {"cursor": cursor, "is_fetched": cursor is None}

    @staticmethod
    def _chunks(pages, reading, records, size, deadline, wanted=()):
        """Pages as chunks; read by a thread of its own, which must not know the ORM.

        :param int records: how many were stored before
        :param wanted: names of columns, see ``connectors.records.text_frame``
        """
        waiting, rows = [], 0
        for page in pages:
            reading.pages += 1
            if reading.pages > MOST_PAGES:
                raise SourceAnswerError(
                    f"The switch returned {MOST_PAGES:,} pages without reaching the "
                    "end.",
                    remedy="Fetch fewer days at once. If that does not help, the "
                    "switch sends the same pages repeatedly; contact its "
                    "vendor.",
                )
            if page.records:
                waiting.append(page)
                rows += page.records
            reading.last = page.cursor
            reading.finished = page.cursor is None
            late = deadline is not None and time.monotonic() > deadline
            if rows and (rows >= size or late or reading.finished):
                records += rows
                reading.cursors[records] = page.cursor
                lines = np.arange(records - rows + 1, records + 1, dtype=np.int64)
                yield Chunk(join_pages(waiting, wanted), lines, 0, [])
                waiting, rows = [], 0
            if late or reading.finished:
                return
        reading.finished = True

    def _store_chunks(self, chunks, commit, on_stored, kept, is_abreast=False):
        """Send chunks through the pipeline, counted here and on the batch.

        :param on_stored: called with this sync, in the environment of the transaction
            that stored its records so far
        :param kept: :class:`KeptSettings`
        :param bool is_abreast: several connections may store, see ``ingest.abreast``
        """
        clock = [time.monotonic()]
        first = next(chunks, None)
        if first is None:
            return
        batch = self._ensure_batch()
        marked = set()

        def count(batch, stored, rate_ids):
            now, sync = time.monotonic(), self.with_env(batch.env)
            batch._count(
                records=stored.records,
                rated=stored.rated,
                not_billable=stored.not_billable,
                duplicates=stored.duplicates,
                exceptions=stored.exceptions,
                run_seconds=now - clock[0],
            )
            sync._add_to_counters(records=stored.records, run_seconds=now - clock[0])
            clock[0] = now
            batch._raise_fraud_alarms(stored.suspicions)
            batch._mark_rates(rate_ids - marked)
            marked.update(rate_ids)
            on_stored(sync)
            make_lasting(batch.env.cr)
            if batch.env is not self.env:
                self.invalidate_recordset(flush=False)
                batch.with_env(self.env).invalidate_recordset(flush=False)

        run_chunks(
            self.env.cr,
            itertools.chain([first], chunks),
            kept.of(self.source_id),
            batch.id,
            partial(count, batch),
            commit,
            open_lanes=partial(batch._open_lanes, count) if is_abreast else None,
        )
        self.env["metered.usage"].invalidate_model()
        if kept.of(self.source_id).counters:
            self.env["metered.register"]._book_quietly(commit)

    @api.model
    def _chunk_records(self):
        """Records that are stored and committed together."""
        return CHUNK_RECORDS

    def _ensure_batch(self):
        """The batch that counts what this sync brings in."""
        if not self.batch_id:
            self.batch_id = (
                self.env["metered.batch"]
                # The sync has a log: of thousands of them nobody reads one more.
                .with_context(tracking_disable=True)
                .create(
                    {
                        "source_id": self.source_id.id,
                        "file_name": self.display_name,
                        "sync_id": self.id,
                        "account_id": self.account_id.id,
                        "date_from": self.date_from,
                        "date_to": self.date_to,
                        "state": "running",
                        "started": fields.Datetime.now(),
                    }
                )
            )
        elif self.batch_id.state != "running":
            self.batch_id.with_context(tracking_disable=True).state = "running"
        return self.batch_id
