# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From a frame of raw records to finished CDRs, usage and exceptions, in memory.

validate > charging rules > identify > normalise numbers > classify > rate > sum up

Pure: the same frame and settings give the same result anywhere, so that it can run in
a thread beside the database, in a simulation, or on another machine.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from . import mapping
from .door import harmless_frame
from .identify import identify
from .numbers import normalise_numbers
from .outcome import Prepared, Rejected, sum_usage
from .prepare_calls import CallSteps
from .prepare_rejected import RejectingSteps, reject_bad_lines
from .prepare_usage import UsageSteps
from .rules import DIRECTIONS, first_rule
from .times import parse_times

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def prepare(frame, lines, bad, settings, ids=None):
    """Take one chunk of raw records all the way to rated ones.

    :param frame: DataFrame, text columns under the source's own names
    :param lines: int64 array, line in the file per record
    :param bad: sequence of ``connectors.files.BadLine``: what could not be read
    :param settings: :class:`~.settings.ImportSettings`
    :param ids: pyarrow strings: the call ids, where they are known from before
    :return: :class:`Prepared`
    """
    rejected = Rejected()
    duplicates = reject_bad_lines(bad, rejected, settings.source_id)
    total = len(frame) + len(bad)
    if ids is None:
        # Before anything is cut: ids that differ at their ends are different ones.
        ids = mapping.call_ids(frame, settings.columns)
    frame = harmless_frame(frame)
    kept = _first_of_each(ids)
    if kept is not None:
        duplicates += len(frame) - len(kept)
        frame, lines, ids = frame.take(kept), lines[kept], ids.take(pa.array(kept))
    chunk = _UsageChunk if settings.record_kind == "usage" else _CallChunk
    work = chunk(frame, lines, ids, settings, rejected)
    cdrs = work.run()
    usage_of, usage = sum_usage(cdrs)
    frame = frame if "is_reading" in cdrs else None
    return Prepared(total, cdrs, usage_of, usage, rejected, duplicates, frame)


def _first_of_each(ids):
    """Positions of the first record of every id; None when no id repeats."""
    encoded = pc.dictionary_encode(ids)
    if len(encoded.dictionary) == len(ids):
        return None
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    _codes, first = np.unique(codes, return_index=True)
    return np.sort(first)


class _Chunk(RejectingSteps):
    """One chunk on its way; each step may reject records still on board."""

    def __init__(self, frame, lines, ids, settings, rejected):
        self.frame = frame
        self.lines = lines
        self.ids = ids
        self.settings = settings
        self.rejected = rejected
        self.count = len(frame)
        self.alive = np.ones(self.count, bool)
        self.payer = np.full(self.count, -1, np.int64)
        self.start_us = np.zeros(self.count, np.int64)
        self.time_valid = np.zeros(self.count, bool)
        self.seconds = np.zeros(self.count, np.int64)

    # ---- steps

    def run(self):
        """Run all steps; the columns of the CDRs that came through."""
        settings = self.settings
        self._times()
        self._rules()
        self._durations()
        self._identify()
        self._numbers()
        self._classify()
        self._rate()
        self._complete_rejected()
        partner = np.append(settings.payers.partner_id, 0)[self.payer]
        known = self.payer >= 0
        cdrs = {
            "line": self.lines,
            "call_id": self.ids,
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

    def _times(self):
        settings = self.settings
        texts, spec = mapping.read_target(self.frame, settings.columns, "start_time")
        hint, _spec = mapping.read_target(self.frame, settings.columns, "time_hint")
        if texts is None:
            self._reject(np.ones(self.count, bool), "invalid_time", None)
            return
        self.start_us, self.time_valid = parse_times(
            texts, spec.style or "auto", settings.timezone, hint
        )
        self._reject(~self.time_valid, "invalid_time", texts)

    def _rules(self):
        settings = self.settings
        chosen = first_rule(self.frame, settings.rules)
        outcomes = [rule.outcome for rule in settings.rules]
        outcomes.append(settings.default_outcome)
        self.billable = np.array([o == "billable" for o in outcomes])[chosen]
        declared = np.array([o == "declared" for o in outcomes])[chosen]
        self.rule_id = np.array([r.id for r in settings.rules] + [0], np.int64)[chosen]
        names = list(DIRECTIONS)
        self.direction = np.full(
            self.count, names.index(settings.default_direction), np.int8
        )
        texts, _spec = mapping.read_target(self.frame, settings.columns, "direction")
        if texts is not None:
            encoded = pc.dictionary_encode(texts)
            codes = [
                names.index(mapping.DIRECTIONS[text.strip().lower()])
                if text.strip().lower() in mapping.DIRECTIONS
                else -1
                for text in encoded.dictionary.to_pylist()
            ]
            told = np.array([*codes, -1], np.int8)[encoded.indices.to_numpy()]
            self.direction = np.where(told >= 0, told, self.direction)
        ruled = np.array(
            [names.index(r.direction) if r.direction else -1 for r in settings.rules]
            + [-1],
            np.int8,
        )[chosen]
        self.direction = np.where(ruled >= 0, ruled, self.direction)
        if declared.any():
            names_of = {r.id: str(r.id) for r in settings.rules}
            self._reject(
                declared,
                "declared",
                [names_of.get(int(rule)) for rule in self.rule_id],
            )

    def _plausible_times(self, charged):
        limits, when = self.settings.limits, self.start_us
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
        )
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
