# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From a frame of raw records to finished CDRs, usage and exceptions, in memory.

charging rules > identify > normalise numbers > validate > classify > rate > sum up

Pure: the same frame and settings give the same result anywhere, so that it can run in
a thread beside the database, in a simulation, or on another machine.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from . import mapping
from .day_order import shown_order, with_shown_orders
from .direction_columns import unread_directions, unread_words
from .directions import EMPTY, code_of, read_directions, said_nothing
from .door import harmless_frame
from .facts import RecordFacts
from .identify import identify
from .numbers import normalise_numbers
from .outcome import SAME_ID, Prepared, Rejected, sum_usage
from .prepare_calls import CallSteps
from .prepare_rejected import RejectingSteps, reject_bad_lines
from .prepare_usage import UsageSteps
from .repeats import without_repeats
from .rules import DIRECTIONS, first_rule
from .same_records import contents
from .times import needs_an_order, read_times
from .told_zone import doubted_zone

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def prepare(frame, lines, bad, settings, ids=None, has_id=None):
    """Take one chunk of raw records all the way to rated ones.

    :param frame: DataFrame, text columns under the source's own names
    :param lines: int64 array, line in the file per record
    :param bad: sequence of ``connectors.files.BadLine``: what could not be read
    :param settings: :class:`~.settings.ImportSettings`
    :param ids: pyarrow strings: the call ids, where they are known from before
    :param has_id: bool array: which of these are not to be told by their facts
    :return: :class:`Prepared`
    """
    rejected = Rejected()
    duplicates = reject_bad_lines(bad, rejected, settings.source_id)
    total = len(frame) + len(bad)
    if settings.fills_columns:
        frame = mapping.filled_frame(frame, settings.column_names)
    if ids is None:
        # Before anything is cut: ids that differ at their ends are different ones.
        ids, has_id = mapping.record_ids(frame, settings.columns)
    frame = harmless_frame(frame)
    columns = with_shown_orders(frame, settings.columns)
    settings = replace(settings, columns=columns)
    records = without_repeats(frame, ids, has_id, settings)
    duplicates += records.duplicates
    if records.duplicates:
        frame, lines = frame.take(records.rows), lines[records.rows]
    chunk = _UsageChunk if settings.record_kind == "usage" else _CallChunk
    work = chunk(frame, lines, records, settings, rejected)
    cdrs = work.run()
    usage_of, usage = sum_usage(cdrs)
    return Prepared(total, cdrs, usage_of, usage, rejected, duplicates, frame)


class _Chunk(RejectingSteps):
    """One chunk on its way; each step may reject records still on board."""

    def __init__(self, frame, lines, records, settings, rejected):
        self.frame = frame
        self.facts = RecordFacts(frame, settings)
        self.lines = lines
        self.ids = records.ids
        self.prints = records.prints
        self.same = records.same
        self.settings = settings
        self.rejected = rejected
        self.count = len(frame)
        self.alive = np.ones(self.count, bool)
        self.payer = np.full(self.count, -1, np.int64)
        self.start_us = np.zeros(self.count, np.int64)
        self.time_valid = np.zeros(self.count, bool)
        self.twice = np.zeros(self.count, bool)
        self.start_texts = None
        self.seconds = np.zeros(self.count, np.int64)

    # ---- steps

    def run(self):
        """Run all steps; the columns of the CDRs that came through."""
        settings = self.settings
        self._same_ids()
        self._times()
        self._directions()
        self._rules()
        self._identify()
        self._numbers()
        self._internal()
        self._check_rules()
        self._durations()
        self._check_payers()
        self._classify()
        self._rate()
        self._complete_rejected()
        partner = np.append(settings.payers.partner_id, 0)[self.payer]
        known = self.payer >= 0
        cdrs = {
            "line": self.lines,
            "row": np.arange(self.count),
            "call_id": self.ids,
            "fingerprint": self.prints,
            "start_us": self.start_us,
            "duration": self.duration,
            "quantity": self._measured(),
            "direction": pa.DictionaryArray.from_arrays(
                pa.array(self.direction), pa.array(DIRECTIONS.tolist())
            ).cast(pa.string()),
            "caller": self.caller,
            "callee": self.callee,
            "billable": self.billable,
            "rule_id": self.rule_id,
            "meter_id": self.meter_id,
            "destination_id": self.destination_id,
            "partner_id": partner,
            "subscription_id": np.append(settings.payers.subscription_id, 0)[
                self.payer
            ],
            "identifier_id": np.append(settings.payers.identifier_id, 0)[self.payer],
            "day": self._days(known),
            **self.rated,
            **self._more_columns(),
        }
        content = contents(self.frame)
        if content is not None:
            cdrs["content"] = content
        kept = self._kept_properties()
        if kept is not None:
            cdrs["properties"] = kept
        if self.alive.all():
            return cdrs
        alive = pa.array(self.alive)
        return {
            name: values.filter(alive)
            if isinstance(values, pa.Array)
            else values[self.alive]
            for name, values in cdrs.items()
        }

    def _same_ids(self):
        """Records with the id, or all the facts, of another one in the chunk."""
        if not self.same:
            return
        details = np.full(self.count, None, object)
        for row, (_plain, detail) in self.same.items():
            details[row] = detail
        self._reject(details != None, SAME_ID, details)  # noqa: E711 - elementwise

    def _times(self):
        settings = self.settings
        texts, spec = mapping.read_target(self.frame, settings.columns, "start_time")
        hint, _spec = mapping.read_target(self.frame, settings.columns, "time_hint")
        if texts is None:
            self._reject(np.ones(self.count, bool), "invalid_time", None)
            return
        self.start_us, self.time_valid, self.twice = read_times(
            texts,
            spec.style or "auto",
            settings.timezone,
            hint,
            settings.repeated_hour == "second",
        )
        self.start_texts = texts
        invalid = ~self.time_valid
        if invalid.any() and spec.style in ("", "auto"):
            unclear = invalid.copy()
            unclear[invalid] = needs_an_order(texts.filter(pa.array(invalid)))
            shown = shown_order(pc.utf8_trim_whitespace(texts))
            if shown and shown.swapped is not None:
                unclear |= shown.swapped
            self._reject(unclear, "unclear_time", texts)
        self._reject(invalid, "invalid_time", texts)

    def _directions(self):
        """What the direction column says: a position in DIRECTIONS, -1 for nothing."""
        self.told = np.full(self.count, -1, np.int8)
        self.is_unknown_word = np.zeros(self.count, bool)
        self.unread = None
        texts, _spec = mapping.read_target(
            self.frame, self.settings.columns, "direction"
        )
        if texts is not None:
            self.told, self.is_unknown_word = read_directions(
                texts, self.settings.words
            )
            if self.settings.fills_columns:
                # Each record has fields of its own, and may rightly lack this one.
                return
            empty, meaning = said_nothing(
                texts, self.settings.words, self.settings.doubts_directions
            )
            self.told[empty] = meaning
            self.is_unknown_word |= empty & (meaning < 0)
            return
        name, texts, codes = unread_directions(
            self.frame, self.settings, self.settings.doubts_directions
        )
        if name:
            usual = code_of(self.settings.default_direction)
            self.is_unknown_word = (codes >= 0) & (codes != usual)
            self.unread = unread_words(name, texts)

    def _rules(self):
        """Whether records are charged, and in which direction they went."""
        settings = self.settings
        default = code_of(settings.default_direction)
        understood = np.where(self.told >= 0, self.told, default).astype(np.int8)
        self.facts.direction = pa.DictionaryArray.from_arrays(
            pa.array(np.where(self.is_unknown_word, len(DIRECTIONS), understood)),
            pa.array([*DIRECTIONS, ""]),
        ).cast(pa.string())
        chosen = first_rule(self.frame, settings.rules, self.facts)
        outcomes = [rule.outcome for rule in settings.rules]
        outcomes.append(settings.default_outcome)
        self.billable = np.array([o == "billable" for o in outcomes])[chosen]
        self.declared = np.array([o == "declared" for o in outcomes])[chosen]
        self.rule_id = np.array([r.id for r in settings.rules] + [0], np.int64)[chosen]
        ruled = np.array(
            [code_of(r.direction) if r.direction else -1 for r in settings.rules]
            + [-1],
            np.int8,
        )[chosen]
        self.direction = np.where(ruled >= 0, ruled, understood)
        self.is_lost = self.is_unknown_word & self.billable & (ruled < 0)

    def _internal(self):
        """Only calls can be between extensions of one customer."""

    def _check_rules(self):
        if self.declared.any():
            rules = self.rule_id.astype(str).astype(object)
            self._reject(self.declared, "declared", rules)
        if self.is_lost.any():
            words = self.facts.spoken("direction")
            words = pc.if_else(pc.equal(words, ""), EMPTY, words)
            if self.unread is not None:
                words = self.unread
            self._reject(self.is_lost, "unknown_direction", words)

    def _plausible_times(self, charged):
        limits, when = self.settings.limits, self.start_us
        settings = self.settings
        name, words, doubted = doubted_zone(
            self.frame,
            settings.columns,
            settings.timezone,
            settings.column_names,
            settings.titles,
        )
        if name:
            self._reject(doubted, "unclear_time", unread_words(name, words))
        if not self.settings.repeated_hour and self.twice.any():
            self._reject(charged & self.twice, "repeated_hour", self.start_texts)
        self._reject(charged & (when > limits.latest_us), "future", None)
        self._reject(charged & (when < limits.earliest_us), "too_old", None)

    def _identify(self):
        settings = self.settings
        dialling = settings.dial_plans[0][0]
        self.payer = identify(
            self.frame,
            settings.steps,
            settings.payers.index,
            DIRECTIONS[self.direction],
            self.start_us,
            lambda values: pc.fill_null(normalise_numbers(values, dialling), ""),
            self.facts,
        )

    def _check_payers(self):
        nobody = self.billable & (self.payer < 0)
        if (nobody & self.alive).any():
            self._reject(nobody, "unknown_customer", self._looked_for(nobody))

    def _days(self, known):
        """The customer's calendar day of each record, days since the epoch."""
        zone = np.where(known, np.append(self.settings.payers.zone, 0)[self.payer], 0)
        day = np.zeros(self.count, np.int64)
        for position, name in enumerate(self.settings.zones):
            rows = zone == position
            if rows.any():
                day[rows] = local_days(self.start_us[rows], name)
        return day


class _CallChunk(CallSteps, _Chunk):
    """A chunk of calls."""


class _UsageChunk(UsageSteps, _Chunk):
    """A chunk of events and readings."""


def local_days(times_us, zone):
    """Calendar days of moments in a time zone.

    :param times_us: int64 array, epoch microseconds UTC
    :param zone: IANA name
    :return: int64 array, days since 1970-01-01
    """
    if zone == "UTC":
        return times_us // DAY_US
    index = pd.DatetimeIndex(times_us.view("datetime64[us]"), tz="UTC")
    local = index.tz_convert(zone).tz_localize(None)
    return local.to_numpy().astype("datetime64[D]").astype(np.int64)
