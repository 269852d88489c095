# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from odoo import api, fields, models

from ...connectors.errors import SourceUnreachable
from ...connectors.formats import Chunk
from ...connectors.kafka.columns import OFFSET, PARTITION, TOPIC, Messages
from ...connectors.kafka.messages import BadMessage, Decoder
from ...connectors.kafka.source import mark
from ...ingest.conflicts import make_lasting
from ...ingest.mapping import digest
from .metered_source_partition import PROBLEM, MovedOn
from .metered_sync_end import LIMITS

#: first key of the locks of partitions that a worker is at ("mbpt"); the second is the
#: partition's id
PARTITION_LOCK_CLASS = 0x6D627074
#: what is looked at again when nothing was left
AGAIN = timedelta(minutes=1)
#: what is waited for the other workers of a source
BESIDE = timedelta(seconds=5)
#: messages not fetched yet for which one more worker is worth it
MESSAGES_OF_WORKER = 200_000
UNDER_WAY = ("queued", "running")


@dataclass
class _Reading:
    """What was read; written by the thread that reads ahead.

    A part that meets another transaction is stored again: until more than that is
    stored, nothing counts as noted.

    :ivar offsets: place -> offset up to which its records are stored and committed
    :ivar settled: records of the sync that are
    """

    offsets: dict
    settled: int
    parts: list = field(default_factory=list)
    ends: dict = field(default_factory=dict)
    lost: set = field(default_factory=set)

    def __post_init__(self):
        self.asked, self.ahead = self.settled, self.offsets

    def add(self, messages):
        """Remember where the messages of a part were, and what tells them from others.

        :param messages: ``connectors.kafka.columns.Messages``
        """
        places = messages.places
        names = {place: at for at, place in enumerate(self.offsets)}
        at = np.array([names[place] for place in places.names])[places.at]
        self.parts.append((at, places.offsets, places.stamps, messages.sizes()))

    def until(self, records):
        """What to note where so many records of the sync are stored.

        :return: list of (place, its offset before, offset of its next message, newest
            time, mark of the last message)
        """
        if records > self.asked:
            self.settle()
        found, names = {}, list(self.offsets)
        for at, offsets, stamps, sizes in _first(self.parts, records - self.settled):
            for number in np.unique(at).tolist():
                rows = np.flatnonzero(at == number)
                newest = max(int(stamps[rows].max()), found.get(number, (0, -1))[1])
                last = rows[-1]
                told = mark(offsets[last], stamps[last], sizes[last])
                found[number] = (int(offsets[last]) + 1, newest, told)
        moves = [
            (names[number], self.offsets[names[number]], following, newest, told)
            for number, (following, newest, told) in found.items()
        ]
        self.asked = records
        self.ahead = self.offsets | {place: end for place, _f, end, *_rest in moves}
        return moves

    def settle(self):
        """What was asked for last is committed."""
        count = self.asked - self.settled
        while count:
            part = self.parts[0]
            taken = min(count, len(part[0]))
            self.parts[0] = tuple(column[taken:] for column in part)
            if taken == len(part[0]):
                self.parts.pop(0)
            count -= taken
        self.offsets, self.settled = self.ahead, self.asked


def _first(parts, count):
    """The first so many messages of parts."""
    for part in list(parts):
        if count <= 0:
            return
        yield tuple(column[:count] for column in part)
        count -= len(part[0])


class MeteredSync(models.Model):
    """Syncs of topics: from where each partition is stored to where it ends.

    A sync is a worker. It takes partitions that no other one is at, and lets go of them
    when they have no more messages, or time is up. What arrives after it has begun is
    left to the next one, which begins soon.
    """

    _inherit = "metered.sync"

    def _run_offsets(self, commit, seconds, kept):
        deadline = None if seconds is None else time.monotonic() + seconds
        with self.source_id._make_connector(limits=LIMITS) as connector:
            partitions = self.env["metered.source.partition"].sudo()
            gone = partitions._find(self.source_id, connector, commit)
            if not self.cursor:
                # What one slice of time has finished with, the next one leaves alone.
                self.cursor = secrets.token_hex(8)
            if commit:
                commit()
            while True:
                claimed = self._claim_partitions(commit)
                if not claimed:
                    break
                try:
                    is_drained = self._read_partitions(
                        connector, claimed, commit, deadline, kept
                    )
                finally:
                    self._free_partitions(claimed, commit)
                if not is_drained:
                    return False
        self._keep_last_record(commit)
        if partitions._left(self.source_id, self.cursor):
            # Others are at them. What was there at the beginning is stored when they
            # are done, and not before.
            self.not_before = fields.Datetime.now() + BESIDE
            self._trigger_cron(self.not_before)
            return False
        self._tell_standing(gone)
        self.cursor = False
        return True

    def _claim_partitions(self, commit):
        """Partitions that this worker reads now; empty: there are none left."""
        partitions = self.env["metered.source.partition"].sudo()
        claimed = partitions._claim(
            self.source_id,
            self.cursor,
            self.source_id._partitions_of_worker(),
            lambda partition_id: self._lock_partition(partition_id, commit),
        )
        if commit:
            commit()
        return claimed

    def _lock_partition(self, partition_id, commit):
        lock = "pg_try_advisory_lock" if commit else "pg_try_advisory_xact_lock"
        self.env.cr.execute(
            f"SELECT {lock}(%s, %s)", (PARTITION_LOCK_CLASS, partition_id)
        )
        return self.env.cr.fetchone()[0]

    def _free_partitions(self, partitions, commit):
        """Let others have them; one of a transaction is free at its end."""
        if not commit or self.env.cr.closed:
            return
        # Whatever happened before: nothing of it is committed with this.
        self.env.cr.rollback()
        self.env.cr.execute(
            "SELECT pg_advisory_unlock(%s, id) FROM unnest(%s::int[]) AS id",
            (PARTITION_LOCK_CLASS, partitions.ids),
        )
        commit()

    def _read_partitions(self, connector, claimed, commit, deadline, kept):
        """Store what the partitions have; whether nothing is left of it.

        :param claimed: ``metered.source.partition``
        """
        gaps, marked, ends = {}, {}, {}
        for partition in claimed:
            low, high = connector.client.ends(*partition._place())
            gap = partition._describe_gap(low, high)
            if gap:
                gaps[partition] = gap
                continue
            partition.end_offset = high
            if high > partition.next_offset:
                ends[partition] = high
                if (offset := partition._marked_offset(low)) is not None:
                    marked[partition] = offset
            else:
                partition._finish_turn(self.cursor)
        if marked:
            gaps |= claimed._describe_replaced(connector, marked)
        for partition, gap in gaps.items():
            self._store_gap(partition, gap, commit, kept)
        ends = {one: high for one, high in ends.items() if one not in gaps}
        places = {partition._place(): partition for partition in ends}
        ends = {partition._place(): high for partition, high in ends.items()}
        if commit:
            commit()
        if not places:
            return True
        try:
            return self._store_messages(connector, places, ends, commit, deadline, kept)
        except MovedOn:
            if not commit:
                raise
            # Nothing of it is stored, and nothing is lost: somebody else was here.
            self.env.cr.rollback()
            self.env.invalidate_all()
            return True

    def _store_messages(self, connector, places, ends, commit, deadline, kept):
        reading = _Reading(
            {place: int(p.next_offset) for place, p in places.items()}, self.records
        )
        settings = kept.of(self.source_id)
        partitions = self.env["metered.source.partition"].union(*places.values())
        left = None if deadline is None else max(deadline - time.monotonic(), 1)
        portions = connector.read(dict(reading.offsets), left, ends)

        def on_stored(sync):
            for place, first, following, stamp, told in reading.until(sync.records):
                env = places[place].env(cr=sync.env.cr)
                places[place].with_env(env)._advance(first, following, stamp, told)
            if sync.env is not self.env:
                partitions.invalidate_recordset(flush=False)

        decoder = Decoder(connector.form, settings.column_names)
        chunks = _chunks(portions, reading, decoder, self.records)
        try:
            self._store_chunks(chunks, commit, on_stored, kept, is_abreast=True)
        finally:
            portions.close()
        return self._end_of_reading(connector, places, ends, reading, commit, kept)

    def _end_of_reading(self, connector, places, ends, reading, commit, kept):
        """Note what was found besides messages; whether nothing is left."""
        is_drained = True
        reading.settle()
        reached = dict(reading.offsets)
        for place, partition in places.items():
            end = reading.ends.get(place)
            if end is not None and end > reached[place]:
                # Behind the last message are marks of transactions.
                partition._advance(reached[place], end)
                reached[place] = end
            if place in reading.lost:
                low, high = connector.client.ends(*place)
                gap = partition._describe_gap(low, high)
                if gap is None:
                    raise SourceUnreachable(
                        f"Partition {partition.display_name} has no message "
                        f"{reached[place]:,} at the moment."
                    )
                self._store_gap(partition, gap, commit, kept)
            elif end is not None or reached[place] >= ends[place]:
                partition._finish_turn(self.cursor)
            else:
                is_drained = False
        make_lasting(self.env.cr)
        if commit:
            commit()
        connector.tell(reached)
        return is_drained

    # === GAPS === #

    def _store_gap(self, partition, text, commit, kept):
        """Stop at a gap: an exception that a person decides on."""
        following = int(partition.next_offset)
        raw = json.dumps(
            {
                TOPIC: partition.topic,
                PARTITION: str(partition.number),
                OFFSET: str(following),
                "(found)": fields.Datetime.to_string(fields.Datetime.now()),
            }
        )
        bad = BadMessage(self.records + 1, raw, "gap", note=text)
        empty = Decoder(self.source_id.sudo().kafka_format).chunk(Messages.of([]), 0)
        chunk = Chunk(empty.frame, empty.line, 0, [bad])

        def on_stored(_sync):
            partition._advance(following, following)
            partition.write({"state": "gap", "note": text, "gap_key": digest(raw)})
            partition.flush_recordset()

        self._store_chunks(iter([chunk]), commit, on_stored, kept)

    def _tell_standing(self, gone):
        """Tell a person what stands still; what is invoiced meanwhile may lack it.

        :param gone: topics that the cluster does not have
        """
        source = self.source_id
        texts = [
            self.env._("The cluster does not have the topic %s.", topic)
            for topic in gone
        ]
        gaps = source.partition_ids.filtered(lambda p: p.state == "gap")
        texts += gaps.mapped("note")
        # Until then nothing counts as fetched: see `_metered_is_behind`.
        self.is_open = not texts
        if not texts:
            source._metered_close(
                PROBLEM, self.env._("Fetching has resumed for all partitions.")
            )
            return
        # It goes on all day, and says it once.
        said = self.line_ids.mapped("message")
        for text in texts:
            if text not in said:
                self._note(text, "error")
        source._metered_raise(
            PROBLEM,
            self.env._("Partitions are not fetched"),
            self.env._(
                "%(problems)s Open the Partitions page of the source and choose where "
                "to continue, or correct its topics.",
                problems=" ".join(texts),
            ),
            counted=False,
        )


def _chunks(portions, reading, decoder, line):
    """Portions as chunks; read by a thread of its own, which must not know the ORM.

    :param int line: records of the sync before
    """
    for portion in portions:
        reading.ends.update(portion.ends)
        reading.lost.update(portion.lost)
        if not portion.count:
            continue
        messages = portion.messages
        chunk = decoder.chunk(messages, line + 1)
        reading.add(messages)
        line += len(messages)
        yield chunk


class MeteredSource(models.Model):
    _inherit = "metered.source"

    def _partitions_of_worker(self):
        """How many partitions a worker takes at the same time."""
        count = len(self.partition_ids)
        workers = self._parallel_syncs() if self._has_job_runner() else 1
        return max(-(-count // workers), 1)

    @api.model
    def _start_offsets(self):
        """Start syncs of the sources that are read continuously.

        One goes on all day, as far as the records of a day belong to one import; there
        are more where a lot is left, and others to work on it.

        :return: ``metered.sync``
        """
        syncs = self.env["metered.sync"].sudo()
        started = syncs.browse()
        domain = [("has_offsets", "=", True), ("kafka_continuous", "=", True)]
        for source in self.search(domain):
            under_way = syncs.search_count(
                [("source_id", "=", source.id), ("state", "in", UNDER_WAY)]
            )
            wanted = source._wanted_workers()
            if under_way >= wanted or source._wait_after_failures():
                continue
            if not under_way:
                started |= source._reopened_sync("schedule") or source._start_syncs(
                    "schedule"
                )
                under_way = 1
            account = self.env["metered.source.account"]
            more = syncs.create(
                [
                    source._prepare_sync("schedule", account, None, None)
                    for _worker in range(wanted - under_way)
                ]
            )
            more._enqueue()
            started |= more
            syncs._trigger_cron(fields.Datetime.now() + AGAIN)
        return started

    def _wanted_workers(self):
        """How many syncs side by side are worth it now."""
        if not self._has_job_runner():
            return 1
        reading = self.partition_ids.filtered(lambda p: p.state == "reading")
        lag = sum(reading.mapped("lag"))
        most = min(self._parallel_syncs(), len(reading))
        return max(1, min(most, int(lag // MESSAGES_OF_WORKER)))
