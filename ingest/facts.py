# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Mapped facts as texts: what charging rules and payer steps speak of.

A rule on a fact holds whatever the file calls the column. A rule or step on a column
that the file has not, but that is called like a mapped fact, speaks of the fact, too:
sources that were set up before facts could be named go on to work with the columns
that a person chose since.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .answered import only_answered
from .duration_words import named_unit
from .durations import doubted_with, may_be_doubted, parse_named
from .extract import column, extract
from .mapping import heading, read_target, same_name
from .quantities import quantity_texts, read_quantities
from .two_times import durations_of_times
from .unit_of_times import minutes_beside, unit_of_times

#: fact -> what a user reads
FACTS = {
    "direction": "Direction",
    "caller": "Calling number",
    "callee": "Called number",
    "seconds": "Chargeable seconds",
    "duration": "Total duration in seconds",
    "quantity": "Quantity",
    "meter": "Meter code",
    "call_id": "Record id",
}
#: records whose durations are compared with their times
_MOST_COMPARED = 200
#: facts that may tell the customer
PAYER_FACTS = ("caller", "callee", "meter", "call_id")


class RecordFacts:
    """The mapped facts of a frame of records, each read once.

    :param frame: DataFrame, text columns under the source's own names
    :param settings: :class:`~.settings.ImportSettings`
    :param is_doubting: whether durations depend on those around them
    """

    def __init__(self, frame, settings, is_doubting=True):
        self.frame = frame
        self._settings = settings
        self._is_doubting = is_doubting
        self._texts = {}
        self._seconds = {}
        #: pyarrow strings, the understood direction: empty where it is not known
        self.direction = None

    def text(self, fact):
        """What a fact is of every record, as text without blanks around it.

        Durations are whole seconds, quantities without zeros at the end, as far as
        they can be read.

        :param fact: a key of :data:`FACTS`
        :return: pyarrow strings; empty ones where the file does not tell the fact
        """
        if fact == "direction" and self.direction is not None:
            return self.direction
        if fact not in self._texts:
            self._texts[fact] = self._read(fact)
        return self._texts[fact]

    def spoken(self, fact):
        """The same as the records say it, without blanks around it."""
        texts, _spec = read_target(self.frame, self._settings.columns, fact)
        if texts is None:
            return pa.array([""] * len(self.frame), pa.string())
        return pc.utf8_trim_whitespace(texts)

    def is_told(self, fact):
        """Whether the file has a column for a fact."""
        return fact in FACTS and any(
            spec.target == fact and spec.resolve(self.frame.columns)
            for spec in self._settings.columns
        )

    def seconds(self, fact):
        """A duration: what the records say, its seconds, and where it can be read.

        Where no column tells it, it is counted from the times, see ``two_times``.

        :param fact: `seconds` or `duration`
        :return: (pyarrow strings, int64 array, bool array, bool array: it may be one
            in several units); four None where the file does not tell it
        """
        if fact not in self._seconds:
            settings = self._settings
            texts, spec = read_target(self.frame, settings.columns, fact)
            if texts is not None:
                unit, named = spec.style, named_unit(heading(self.frame, spec))
                if fact == "duration" and not unit and not named:
                    _texts, seconds = read_target(
                        self.frame, settings.columns, "seconds"
                    )
                    unit = seconds.style if seconds else ""
                found = parse_named(texts, settings.duration_rounding, unit, named)
                is_open = fact == "seconds" and not unit and not named
                if is_open and self._is_doubting:
                    found = _doubted(texts, *found, self._has_other_unit(texts))
                if fact == "seconds":
                    found = only_answered(self.frame, settings.columns, *found)
                self._seconds[fact] = (texts, *found)
            else:
                self._seconds[fact] = self._between_times(fact)
        return self._seconds[fact]

    def _has_other_unit(self, texts):
        """Whether whole numbers are known to be no seconds, or the times say so."""
        settings = self._settings
        if settings.doubts_durations:
            return True
        first, texts = self.frame[:_MOST_COMPARED], texts[:_MOST_COMPARED]
        unit = unit_of_times(first, settings.columns, settings.timezone, texts)
        unit = unit or minutes_beside(
            first, settings.columns, texts, settings.column_names
        )
        return unit not in ("", "s")

    def _between_times(self, fact):
        settings = self._settings
        nothing = None, None, None, None
        if read_target(self.frame, settings.columns, "seconds")[0] is not None:
            return nothing
        lasting = durations_of_times(
            self.frame,
            settings.columns,
            settings.timezone,
            settings.duration_rounding,
        )
        if lasting is None:
            return nothing
        clear = np.zeros(len(self.frame), bool)
        if fact == "seconds":
            found = lasting.seconds, lasting.valid, clear
            return lasting.texts, *only_answered(self.frame, settings.columns, *found)
        return lasting.texts, lasting.total, lasting.valid, clear

    def _read(self, fact):
        texts = self.spoken(fact)
        if fact in ("seconds", "duration"):
            found, values, valid, _unclear = self.seconds(fact)
            if found is None:
                return texts
            read = pa.array(values).cast(pa.string())
        elif fact == "quantity":
            _texts, spec = read_target(self.frame, self._settings.columns, fact)
            if spec is None:
                return texts
            values, valid, _unclear = read_quantities(texts, spec)
            read = pa.array(quantity_texts(values), pa.string())
        else:
            return texts
        return pc.if_else(pa.array(valid), read, texts)


def _doubted(texts, seconds, valid, unclear, at_any_rate):
    """The same without whole numbers that the others cast doubt on."""
    if not (at_any_rate or unclear.any() or may_be_doubted(texts, seconds)):
        return seconds, valid, unclear
    doubted = doubted_with(texts, unclear, at_any_rate)
    return np.where(doubted, 0, seconds), valid & ~doubted, unclear | doubted


def named_texts(frame, facts, name, fact=""):
    """The texts that a rule's condition or a payer step speaks of.

    :param frame: the source's records, text columns
    :param facts: :class:`RecordFacts`, or None
    :param name: name of the source's column
    :param fact: a key of :data:`FACTS` instead of it
    :return: (pyarrow strings, the fact that they are or ""); (None, "") where the file
        tells neither
    """
    if facts is not None:
        if fact:
            return facts.text(fact), fact
        if name not in frame.columns and facts.is_told(name):
            return facts.text(name), name
    name = same_name(name or fact, frame.columns)
    if not name:
        return None, ""
    return column(frame, name), ""


def step_texts(frame, facts, step):
    """The identifiers that a payer step takes out of the records.

    :param step: :class:`~.identify.PayerStep`
    :return: pyarrow strings without blanks around them, None where the file does not
        tell them
    """
    texts, _fact = named_texts(frame, facts, step.column, step.fact)
    if texts is None:
        return None
    return pc.utf8_trim_whitespace(
        extract(pc.utf8_trim_whitespace(texts), step.pattern)
    )
