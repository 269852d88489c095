# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is other with records that are no calls: events, and readings of meters.

They have a quantity and a meter instead of numbers and a duration. No rate deck prices
them: a price is found for what a billing period comes to, when it is invoiced.
"""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.chargeover.usage import AGGREGATIONS
from . import mapping
from .direction_columns import unread_words
from .exception_store import printable
from .prepare_readings import ReadingSteps
from .quantities import UNIT, read_quantities
from .quantity_unit import OTHER_UNIT, other_unit
from .times import parse_times
from .told_hours import told_hours
from .unread_quantity import unread_quantity

#: how values become one, where a word is not known
UNKNOWN = "?"


class UsageSteps(ReadingSteps):
    """The steps of a chunk that take the place of those of calls."""

    def _durations(self):
        """Quantities; without a column of them every record counts 1."""
        charged = self.billable
        self.unread = None, None
        texts, spec = mapping.read_target(self.frame, self.settings.columns, "quantity")
        self.quantity = np.full(self.count, UNIT, object)
        if texts is not None:
            self.quantity, valid, unclear = read_quantities(texts, spec)
            self._reject(charged & unclear, "unclear_quantity", texts)
            self._reject(charged & ~valid, "invalid_quantity", texts)
        elif not self.settings.fills_columns:
            self.unread = unread_quantity(self.frame, self.settings)
        self.duration = self.seconds
        self._tell_hours()
        self._plausible_times(charged)
        self._read_properties()

    def _tell_hours(self):
        """Tell hours that a clock shows twice apart by the order of the records."""
        settings = self.settings
        if settings.repeated_hour or not self.twice.any():
            return
        columns = {"payer": self.payer}
        for target in ("meter", "serial"):
            texts, _spec = mapping.read_target(self.frame, settings.columns, target)
            if texts is not None:
                columns[target] = texts.to_numpy(zero_copy_only=False)
        keys = pd.DataFrame(columns).groupby([*columns], dropna=False).ngroup()
        texts, spec = mapping.read_target(self.frame, settings.columns, "start_time")
        second, _valid = parse_times(texts, spec.style, settings.timezone, later=True)
        self.start_us, self.twice = told_hours(
            np.where(self.payer < 0, -1, keys.to_numpy()),
            self.start_us,
            second,
            self.twice,
        )

    def _read_properties(self):
        """Columns to keep, and what a column of JSON holds."""
        self.properties = None
        kept = mapping.properties(self.frame, self.settings.columns)
        texts, _spec = mapping.read_target(
            self.frame, self.settings.columns, "properties"
        )
        if texts is None:
            self.properties = kept
            return
        columns = kept.to_pylist() if kept is not None else ["{}"] * self.count
        merged, wrong = [], np.zeros(self.count, bool)
        for row, (own, text) in enumerate(zip(columns, texts.to_pylist(), strict=True)):
            found = _json_object(text)
            wrong[row] = found is None
            kept = {**json.loads(own), **(found or {})}
            merged.append(printable(json.dumps(kept, ensure_ascii=False)))
        self._reject(self.billable & wrong, "invalid_properties", texts)
        self.properties = pa.array(
            [None if text == "{}" else text for text in merged], pa.string()
        )

    def _numbers(self):
        self.dial_plan = np.zeros(self.count, np.int64)
        self.caller = self.callee = pa.nulls(self.count, pa.string())

    def _classify(self):
        """The meter that the record names, or else the source's own."""
        settings = self.settings
        self.destination_id = np.zeros(self.count, np.int64)
        self.meter_id = np.full(self.count, settings.default_meter_id, np.int64)
        codes, _spec = mapping.read_target(self.frame, settings.columns, "meter")
        if codes is not None:
            encoded = codes.dictionary_encode()
            meters = [
                settings.meter_of_code.get(code.strip(), 0)
                if code.strip()
                else settings.default_meter_id
                for code in encoded.dictionary.to_pylist()
            ]
            rows = encoded.indices.to_numpy(zero_copy_only=False)
            self.meter_id = np.array(meters, np.int64)[rows]
        self._meters_of_lines()
        self._reject(self.billable & (self.meter_id == 0), "unknown_meter", codes)
        self._check_types()
        self._reject_uncounted(*self.unread)
        self._reject_other_units()
        self._read_readings()

    def _meters_of_lines(self):
        """A line of a subscription says which meter its records are of."""
        of_lines = self.settings.payers.meter_id
        if of_lines is not None:
            told = np.append(of_lines, 0)[self.payer]
            self.meter_id = np.where(told, told, self.meter_id)

    def _check_types(self):
        """What a record says of how values become one must be what its meter does."""
        settings = self.settings
        texts, _spec = mapping.read_target(self.frame, settings.columns, "usage_type")
        if texts is None:
            return
        encoded = pc.dictionary_encode(pc.utf8_trim_whitespace(texts))
        told = [
            AGGREGATIONS.get(text.lower(), UNKNOWN) if text else ""
            for text in encoded.dictionary.to_pylist()
        ]
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        told = np.array([*told, ""], object)[codes]
        meters, rows = np.unique(self.meter_id, return_inverse=True)
        own = np.array(
            [settings.aggregation_of.get(meter, "") for meter in meters.tolist()],
            object,
        )[rows]
        self._reject(self.billable & (told != "") & (told != own), "wrong_type", texts)

    def _reject_uncounted(self, name, texts):
        """Have a person say whether an unread column of numbers is the quantity.

        Meters that count records need none.
        """
        if texts is None:
            return
        counting = np.fromiter(self.settings.counting_meters, np.int64)
        asked = self.billable & ~np.isin(self.meter_id, counting)
        self._reject(asked, "unclear_quantity", unread_words(name, texts))

    def _reject_other_units(self):
        """Have a person say what quantities are multiplied by.

        Where their column names another unit than that of the meter.
        """
        settings = self.settings
        texts, spec = mapping.read_target(self.frame, settings.columns, "quantity")
        if texts is None or spec.factor:
            return
        for meter_id in np.unique(self.meter_id[self.billable]).tolist():
            unit = settings.unit_of_meter.get(meter_id, "")
            found = other_unit(self.frame, settings.columns, unit)
            if found and meter_id not in settings.counting_meters:
                asked = self.billable & (self.meter_id == meter_id)
                words = pc.binary_join_element_wise(found[0], texts, OTHER_UNIT)
                self._reject(asked, "unclear_quantity", words)

    def _rate(self):
        zero = np.zeros(self.count, np.int64)
        self.rated = {
            "rate_id": zero,
            "band_id": zero,
            "billed_seconds": zero,
            "charge_micro": zero,
            "charged": np.zeros(self.count, bool),
            "currency_id": np.where(self.billable, self.settings.currency_id, 0),
        }

    def _measured(self):
        return self.quantity

    def _kept_properties(self):
        return self.properties

    def _estimates(self, rows, payer, reasons):
        return [None] * len(rows)


def _json_object(text):
    """The object that a text is; {} for an empty one, None where it is no object."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
        # Python reads NaN, Infinity and 1e999, which are no JSON.
        json.dumps(found, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
