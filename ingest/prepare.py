# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From a frame of raw records to finished CDRs, usage and exceptions, in memory.

validate > charging rules > identify > normalise numbers > classify > rate > sum up

Pure: the same frame and settings give the same result anywhere, so that it can run in
a thread beside the database, in a simulation, or on another machine.
"""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..rating import NO_DECK, NO_RATE, RATED, TOO_LARGE
from ..rating.engine import EARLIEST_US, LATEST_US
from ..rating.prefixes import number_keys
from . import mapping
from .causes import cause_key
from .durations import parse_seconds
from .extract import column, extract
from .identify import identify
from .numbers import normalise_numbers
from .outcome import Prepared, Rejected, sum_usage
from .prepare_usage import UsageSteps
from .rules import first_rule
from .times import parse_times

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
REASON_OF_STATUS = {"no_rate": (NO_RATE, NO_DECK), "too_large": (TOO_LARGE,)}
UNKNOWN_OF_BAD_LINES = (
    "partner_id",
    "start_us",
    "seconds",
    "callee",
    "meter_id",
    "destination_id",
    "rule_id",
    "estimate",
)
MICRO = Decimal(1_000_000)
DIRECTIONS = np.array(["outbound", "inbound", "internal"], object)


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
    duplicates = _reject_bad_lines(bad, rejected, settings.source_id)
    total = len(frame) + len(bad)
    if ids is None:
        ids = mapping.call_ids(frame, settings.columns)
    kept = _first_of_each(ids)
    if kept is not None:
        duplicates += len(frame) - len(kept)
        frame, lines, ids = frame.take(kept), lines[kept], ids.take(pa.array(kept))
    chunk = _UsageChunk if settings.record_kind == "usage" else _Chunk
    work = chunk(frame, lines, ids, settings, rejected)
    cdrs = work.run()
    usage_of, usage = sum_usage(cdrs)
    return Prepared(total, cdrs, usage_of, usage, rejected, duplicates)


def _reject_bad_lines(bad, rejected, source_id):
    """Add unreadable lines to the rejected; the number of repeated ones."""
    seen, repeated = set(), 0
    for line in bad:
        # Of a line that is too long only the beginning is kept.
        where = f"{line.line}:" if line.reason == "too_long" else ""
        key = mapping.digest(where + line.raw)
        if key in seen:
            repeated += 1
            continue
        seen.add(key)
        rejected.line.append(line.line)
        rejected.call_id.append(key)
        rejected.reason.append(
            line.reason if line.reason == "column_count" else "unparsable"
        )
        rejected.detail.append(line.message)
        rejected.raw.append(line.raw)
        rejected.readable.append(False)
        rejected.row.append(-1)
        rejected.cause.append(
            cause_key(rejected.reason[-1], source_id, line.message, (), None, 0, 0, 0)
        )
        rejected.tried.append([])
        for name in UNKNOWN_OF_BAD_LINES:
            getattr(rejected, name).append(None)
    return repeated


def _first_of_each(ids):
    """Positions of the first record of every id; None when no id repeats."""
    encoded = pc.dictionary_encode(ids)
    if len(encoded.dictionary) == len(ids):
        return None
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    _codes, first = np.unique(codes, return_index=True)
    return np.sort(first)


class _Chunk:
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
            "seconds": self._measured(),
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

    def _durations(self):
        settings, limits = self.settings, self.settings.limits
        texts, spec = mapping.read_target(self.frame, settings.columns, "seconds")
        if texts is None:
            valid = np.zeros(self.count, bool)
            texts = pa.array([""] * self.count, pa.string())
        else:
            self.seconds, valid = parse_seconds(
                texts, settings.duration_rounding, spec.style or "s"
            )
        charged = self.billable
        self._reject(charged & ~valid, "invalid_duration", texts)
        if limits.max_seconds:
            absurd = charged & valid & (self.seconds > limits.max_seconds)
            self._reject(absurd, "absurd_duration", texts)
        self.seconds = np.where(valid, self.seconds, 0)
        totals, spec = mapping.read_target(self.frame, settings.columns, "duration")
        self.duration = self.seconds
        if totals is not None:
            total, valid = parse_seconds(
                totals, settings.duration_rounding, spec.style or "s"
            )
            self.duration = np.where(valid, total, self.seconds)
        # Both are columns of 32 bits; only records not charged can be that absurd.
        top = np.iinfo(np.int32).max
        self.duration = np.minimum(self.duration, top)
        self.seconds = np.minimum(self.seconds, top)
        self._plausible_times(charged)

    def _plausible_times(self, charged):
        limits, when = self.settings.limits, self.start_us
        self._reject(charged & (when > limits.latest_us), "future", None)
        self._reject(charged & (when < limits.earliest_us), "too_old", None)

    def _measured(self):
        """What a record's quantity is: whole seconds."""
        return self.seconds

    def _kept_properties(self):
        return mapping.properties(self.frame, self.settings.columns)

    def _identify(self):
        settings = self.settings
        plan = settings.plans[0][0]
        self.payer = identify(
            self.frame,
            settings.steps,
            settings.payers.index,
            DIRECTIONS[self.direction],
            self.start_us,
            lambda values: pc.fill_null(normalise_numbers(values, plan), ""),
        )
        nobody = self.billable & (self.payer < 0)
        if (nobody & self.alive).any():
            self._reject(nobody, "unknown_customer", self._looked_for(nobody))

    def _looked_for(self, mask):
        """What the payer steps looked for first, for the people who mend it."""
        shown = np.full(self.count, "", object)
        for step, values in self._step_values():
            values = values.to_numpy(zero_copy_only=False)
            take = mask & (shown == "") & (values != "")
            shown[take] = [f"{step.kind} {value}" for value in values[take]]
        return shown

    def _tried(self, rows):
        """Everything that the payer steps looked for, as identifiers are compared.

        :param rows: int64 array of positions
        :return: dict position -> list of "kind value" texts
        """
        tried = {row: [] for row in rows.tolist()}
        if not tried:
            return tried
        plan = self.settings.plans[0][0]
        direction = DIRECTIONS[self.direction]
        for step, values in self._step_values():
            values = values.take(pa.array(rows))
            if step.kind == "number":
                own = normalise_numbers(values, plan)
                values = pc.coalesce(own, values)
            for row, value in zip(rows.tolist(), values.to_pylist(), strict=True):
                if value and (not step.direction or step.direction == direction[row]):
                    tried[row].append(f"{step.kind} {value}")
        return tried

    def _step_values(self):
        """The payer steps that the file has a column for, with their texts."""
        for step in self.settings.steps:
            if step.column in self.frame.columns:
                values = column(self.frame, step.column)
                yield step, extract(values, step.pattern)

    def _numbers(self):
        settings = self.settings
        payers = settings.payers
        self.plan = np.append(payers.plan, 0)[self.payer]
        columns = settings.columns
        self.caller = self._normalised(
            mapping.read_target(self.frame, columns, "caller")[0]
        )
        self.callee_raw = mapping.read_target(self.frame, columns, "callee")[0]
        self.callee = self._normalised(self.callee_raw)

    def _normalised(self, values):
        if values is None:
            return pa.nulls(self.count, pa.string())
        plans = self.settings.plans
        if len(plans) == 1 or not self.plan.any():
            return normalise_numbers(values, plans[0][0])
        result = normalise_numbers(values, plans[0][0])
        for position in range(1, len(plans)):
            mask = self.plan == position
            if mask.any():
                mask = pa.array(mask)
                own = normalise_numbers(values.filter(mask), plans[position][0])
                result = pc.replace_with_mask(result, mask, own)
        return result

    def _classify(self):
        self.callee_key = number_keys(self.callee)
        caller_key = number_keys(self.caller)
        direction = DIRECTIONS[self.direction]
        self.destination_id = np.zeros(self.count, np.int64)
        self.meter_id = np.zeros(self.count, np.int64)
        for position, (_plan, classifier) in enumerate(self.settings.plans):
            rows = slice(None)
            if len(self.settings.plans) > 1:
                rows = np.flatnonzero(self.plan == position)
                if not len(rows):
                    continue
            self.destination_id[rows], self.meter_id[rows] = classifier.classify(
                direction[rows], caller_key[rows], self.callee_key[rows]
            )
        lost = self.billable & (self.meter_id == 0)
        if (lost & self.alive).any():
            shown = self.callee if self.callee_raw is None else self.callee_raw
            self._reject(lost, "no_destination", shown)

    def _rate(self):
        settings = self.settings
        zero = np.zeros(self.count, np.int64)
        self.rated = {
            "rate_id": zero,
            "band_id": zero.copy(),
            "billed_seconds": zero.copy(),
            "charge_micro": zero.copy(),
            "currency_id": zero.copy(),
        }
        rows = np.flatnonzero(self.alive & self.billable)
        if not len(rows):
            return
        calls = pd.DataFrame(
            {
                "number_key": self.callee_key[rows],
                "start_us": self.start_us[rows],
                "seconds": self.seconds[rows],
                "meter_id": self.meter_id[rows],
                "chain": settings.payers.chain[self.payer[rows]],
            }
        )
        result = settings.engine.rate(calls).frame
        status = result["status"].to_numpy()
        currency = settings.currency_of_deck
        decks, inverse = np.unique(result["deck_id"].to_numpy(), return_inverse=True)
        values = {
            "rate_id": result["rate_id"].to_numpy(),
            "band_id": result["band_id"].to_numpy(),
            "billed_seconds": result["billed_seconds"].to_numpy(),
            "charge_micro": result["charge_micro"].to_numpy(),
            "currency_id": np.array([currency.get(int(d), 0) for d in decks], np.int64)[
                inverse
            ],
        }
        whole = len(rows) == self.count
        for name, value in values.items():
            if whole:
                self.rated[name] = value
            else:
                self.rated[name][rows] = value
        for reason, codes in REASON_OF_STATUS.items():
            unrated = np.zeros(self.count, bool)
            unrated[rows[np.isin(status, codes)]] = True
            if unrated.any():
                self._reject(unrated, reason, self.callee)

    def _days(self, known):
        """The customer's calendar day of each record, days since the epoch."""
        zone = np.where(known, np.append(self.settings.payers.zone, 0)[self.payer], 0)
        day = np.zeros(self.count, np.int64)
        for position, name in enumerate(self.settings.zones):
            rows = zone == position
            if rows.any():
                day[rows] = local_days(self.start_us[rows], name)
        return day

    def _reject(self, mask, reason, detail):
        """Turn the records of ``mask`` that are still on board into exceptions."""
        rows = np.flatnonzero(mask & self.alive)
        if not len(rows):
            return
        self.alive[rows] = False
        rejected = self.rejected
        rejected.row += rows.tolist()
        rejected.line += self.lines[rows].tolist()
        rejected.call_id += self.ids.take(pa.array(rows)).to_pylist()
        rejected.reason += [reason] * len(rows)
        if detail is None:
            rejected.detail += [None] * len(rows)
        elif isinstance(detail, pa.Array):
            rejected.detail += detail.take(pa.array(rows)).to_pylist()
        else:
            rejected.detail += [detail[row] for row in rows]
        rejected.raw += mapping.raw_texts(self.frame, rows)
        rejected.readable += [True] * len(rows)

    def _complete_rejected(self):
        """Tell of the rejected all that the later steps found out as well."""
        rejected, settings = self.rejected, self.settings
        first = len(rejected.cause)
        rows = np.array(rejected.row[first:], np.int64)
        if not len(rows):
            return
        reasons = np.array(rejected.reason[first:], object)
        # Whose a number is depends on the time: nobody's where the time is not known.
        payer = np.where(self.time_valid[rows], self.payer[rows], -1)
        partner = np.append(settings.payers.partner_id, 0)[payer]
        tried = self._tried(rows[reasons == "unknown_customer"])
        rejected.tried += [tried.get(row, []) for row in rows.tolist()]
        rejected.partner_id += [int(p) or None for p in partner]
        rejected.start_us += [
            int(t) if ok else None
            for t, ok in zip(self.start_us[rows], self.time_valid[rows], strict=True)
        ]
        rejected.seconds += self.seconds[rows].tolist()
        rejected.callee += self.callee.take(pa.array(rows)).to_pylist()
        for name in ("meter_id", "destination_id", "rule_id"):
            ids = getattr(self, name)[rows]
            getattr(rejected, name).extend(int(value) or None for value in ids)
        rejected.estimate += self._estimates(rows, payer, reasons)
        rejected.cause += [
            cause_key(
                rejected.reason[at],
                settings.source_id,
                rejected.detail[at],
                rejected.tried[at],
                rejected.callee[at],
                rejected.meter_id[at] or 0,
                rejected.destination_id[at] or 0,
                rejected.rule_id[at] or 0,
            )
            for at in range(first, len(rejected))
        ]

    def _estimates(self, rows, payer, reasons):
        """What rejected records would cost: by their customer's decks where they have
        one, by the company's otherwise.

        :return: list of Decimal in the company's currency, None where nobody can tell
        """
        settings = self.settings
        estimates = [None] * len(rows)
        seconds, start = self.seconds[rows], self.start_us[rows]
        known = np.flatnonzero(
            (seconds > 0)
            & self.time_valid[rows]
            & (start >= EARLIEST_US)
            & (start < LATEST_US)
            & ~np.isin(reasons, [*REASON_OF_STATUS])
        )
        if not len(known):
            return estimates
        chain = np.append(settings.payers.chain, settings.default_chain)[payer]
        result = settings.engine.rate(
            pd.DataFrame(
                {
                    "number_key": self.callee_key[rows[known]],
                    "start_us": start[known],
                    "seconds": seconds[known],
                    "meter_id": self.meter_id[rows[known]],
                    "chain": chain[known],
                }
            )
        ).frame
        for at, status, deck, micro in zip(
            known.tolist(),
            result["status"].tolist(),
            result["deck_id"].tolist(),
            result["charge_micro"].tolist(),
            strict=True,
        ):
            if status == RATED:
                currency = settings.currency_of_deck.get(deck, 0)
                factor = settings.rate_of_currency.get(currency, 1)
                estimates[at] = micro / MICRO * factor
        return estimates


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
