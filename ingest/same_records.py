# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""When two records are one: what they say is compared, not their ids alone.

Ids begin anew when a switch restarts, and a column that is called like an id may be
none. So a record with the id of another one is its duplicate only where it began in
the same second, is as long, and has the same numbers. These may be written otherwise:
another reading of a number, since a customer's country was changed, is the same number
where its national part is the same, or where it only lacks a code before it; and a
number that could not be read is any.

Records without an id are told by their *fingerprint*, which is made of their mapped
facts, so that the same calls exported with one more column are the same calls.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.events.cloud_event import CONTENT
from .day_order import with_shown_orders
from .dial_plans import international_lengths
from .directions import code_of, read_directions
from .extract import column
from .facts import RecordFacts, step_texts
from .mapping import properties, read_target
from .numbers import LEAST_BARE_DIGITS, normalise_numbers, with_form
from .quantities import quantity_texts
from .times import SECOND_US, parse_times

#: seconds of a record whose start cannot be read
NO_SECOND = -1
#: between the id of a record and the digest that tells it from the other one's
MARK = "#"
#: characters of an id, and of a digest, that are shown
SHOWN_ID, SHOWN_CONTENT = 64, 6
MOST_SECONDS = np.iinfo(np.int32).max


@dataclass
class Comparable:
    """What is compared of records, columns of one length.

    :ivar second: int64 array, epoch second of the start
    :ivar quantity: pyarrow strings: whole seconds of calls, decimals of other usage
    :ivar caller, callee: pyarrow strings, normalised numbers or null
    :ivar content: pyarrow strings: digests of all that was sent, of events; null where
        there is none
    """

    second: np.ndarray
    quantity: pa.Array
    caller: pa.Array
    callee: pa.Array
    content: pa.Array | None = None

    def take(self, rows):
        """The same of some rows.

        :param rows: int64 array
        """
        at = pa.array(rows)
        return Comparable(
            self.second[rows],
            self.quantity.take(at),
            self.caller.take(at),
            self.callee.take(at),
            None if self.content is None else self.content.take(at),
        )

    def same_as(self, others):
        """Which records say the same as another one each.

        :param others: :class:`Comparable` of as many
        :return: bool array
        """
        same = self.second == others.second
        if self.content is not None and others.content is not None:
            # Null, and so not known to differ, where either is none.
            alike = pc.equal(_or_null(self.content), _or_null(others.content))
            same &= _true(pc.fill_null(alike, True))
        same &= _true(pc.fill_null(pc.equal(self.quantity, others.quantity), False))
        for name in ("caller", "callee"):
            if not same.any():
                break
            one, other = getattr(self, name), getattr(others, name)
            # Null, and so not known to differ, where either is none.
            differ = ~_true(pc.fill_null(pc.equal(one, other), True)) & same
            rows = np.flatnonzero(differ)
            if len(rows):
                at = pa.array(rows)
                same[rows] = _same_line(one.take(at), other.take(at))
        return same

    def digests(self):
        """A short digest of each record, the same for records that say the same."""
        columns = [
            map(str, self.second.tolist()),
            self.quantity.to_pylist(),
            pc.fill_null(national(self.caller), "").to_pylist(),
            pc.fill_null(national(self.callee), "").to_pylist(),
        ]
        if self.content is not None:
            columns.append(pc.fill_null(self.content, "").to_pylist())
        return [
            hashlib.blake2b("\x1f".join(texts).encode(), digest_size=8).hexdigest()
            for texts in zip(*columns, strict=True)
        ]

    def describe(self):
        """Each record in a line, for the people who compare two of them."""
        texts = []
        for second, quantity, caller, callee in zip(
            self.second.tolist(),
            self.quantity.to_pylist(),
            self.caller.to_pylist(),
            self.callee.to_pylist(),
            strict=True,
        ):
            parts = ["?"]
            if second != NO_SECOND:
                moment = datetime.fromtimestamp(second, UTC)
                parts = [f"{moment:%Y-%m-%d %H:%M:%S} UTC"]
            if caller or callee:
                parts += [caller or "?", "→", callee or "?", f"{quantity} s"]
            else:
                parts.append(quantity)
            texts.append(" ".join(parts))
        if self.content is None:
            return texts
        return [
            f"{text} ({content[:SHOWN_CONTENT]})" if content else text
            for text, content in zip(texts, self.content.to_pylist(), strict=True)
        ]


def of_frame(frame, settings):
    """What is compared of raw records, read as the source's country dials.

    :param frame: DataFrame, text columns under the source's own names
    :param settings: :class:`~.settings.ImportSettings`
    :return: :class:`Comparable`
    """
    start_us, valid = _starts(frame, settings)
    facts = RecordFacts(frame, settings, is_doubting=False)
    return Comparable(
        np.where(valid, start_us // SECOND_US, NO_SECOND),
        _quantities(frame, settings, facts),
        *(_numbers(facts, name, settings) for name in ("caller", "callee")),
        contents(frame),
    )


def of_cdrs(cdrs):
    """What is compared of finished records.

    :param cdrs: dict of columns as in :class:`~.outcome.Prepared`
    """
    return Comparable(
        cdrs["start_us"] // SECOND_US,
        pa.array(quantity_texts(cdrs["quantity"]), pa.string())
        if cdrs["quantity"].dtype == object
        else pa.array(cdrs["quantity"]).cast(pa.string()),
        cdrs["caller"],
        cdrs["callee"],
        cdrs.get("content"),
    )


def contents(frame):
    """Digests of all that was sent, of events; None where none has any."""
    return column(frame, CONTENT) if CONTENT in frame.columns else None


def national(numbers):
    """Numbers without calling code: the same whichever country they were read in.

    :param numbers: normalised, as pyarrow strings
    """
    codes = "|".join(sorted(international_lengths()))
    return pc.replace_substring_regex(numbers, rf"^\+(?:{codes})0*", "")


def _same_line(one, other):
    """Where numbers are the same, whatever codes were put before what was dialled."""
    again = _true(pc.equal(national(one), national(other))).copy()
    for row in np.flatnonzero(~again).tolist():
        longer, shorter = sorted(
            (one[row].as_py(), other[row].as_py()), key=len, reverse=True
        )
        again[row] = len(shorter) > LEAST_BARE_DIGITS and longer.endswith(
            shorter.removeprefix("+")
        )
    return again


def own_ids(ids, comparable):
    """Ids that records with the id of another one have for themselves.

    :param ids: list of texts
    :param comparable: :class:`Comparable`
    :return: list of texts
    """
    return [
        f"{text}{MARK}{digest}"
        for text, digest in zip(ids, comparable.digests(), strict=True)
    ]


def details(ids, others, own):
    """What is said of records with the id of another one: both, side by side.

    :param ids: list of texts
    :param others: :class:`Comparable` of the records that had the ids first
    :param own: the records' own one
    :return: list of texts
    """
    return [
        f"{text[:SHOWN_ID]}: {first} ≠ {second}"
        for text, first, second in zip(
            ids, others.describe(), own.describe(), strict=True
        )
    ]


def fingerprints(frame, settings):
    """Digests of the mapped facts of records.

    :param frame: DataFrame, text columns under the source's own names
    :param settings: :class:`~.settings.ImportSettings`
    :return: list of texts
    """
    facts = RecordFacts(frame, settings, is_doubting=False)
    start_us, valid = _starts(frame, settings)
    words = facts.spoken("direction")
    told, unknown = read_directions(words, settings.words)
    told = np.where(told < 0, code_of(settings.default_direction), told)
    columns = [
        pc.if_else(
            pa.array(valid),
            pa.array(start_us).cast(pa.string()),
            facts.spoken("start_time"),
        ),
        *(facts.text(name) for name in ("seconds", "duration", "quantity")),
        *(_read_as(facts.text(name), settings) for name in ("caller", "callee")),
        pc.if_else(pa.array(unknown), words, pa.array(told).cast(pa.string())),
        facts.text("meter"),
        facts.spoken("properties"),
        pc.fill_null(_or_empty(properties(frame, settings.columns), len(frame)), ""),
    ]
    # Who pays for calls may be told by a column that the same calls had not before.
    for step in settings.steps if settings.record_kind == "usage" else ():
        columns.append(_or_empty(step_texts(frame, facts, step), len(frame)))
    joined = pc.binary_join_element_wise(*columns, "\x1f")
    return [
        hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), digest_size=16
        ).hexdigest()
        for text in joined.to_pylist()
    ]


def _or_empty(texts, count):
    return pa.array([""] * count, pa.string()) if texts is None else texts


def _starts(frame, settings):
    columns = with_shown_orders(frame, settings.columns)
    texts, spec = read_target(frame, columns, "start_time")
    if texts is None:
        return np.zeros(len(frame), np.int64), np.zeros(len(frame), bool)
    hint, _spec = read_target(frame, settings.columns, "time_hint")
    later = settings.repeated_hour == "second"
    return parse_times(texts, spec.style or "auto", settings.timezone, hint, later)


def _quantities(frame, settings, facts):
    if settings.record_kind == "usage":
        if not facts.is_told("quantity"):
            return pa.array(["1"] * len(frame), pa.string())
        return facts.text("quantity")
    texts, seconds, valid, _unclear = facts.seconds("seconds")
    if texts is None:
        return pa.array(["0"] * len(frame), pa.string())
    seconds = np.minimum(np.where(valid, seconds, 0), MOST_SECONDS)
    return pa.array(seconds).cast(pa.string())


def _numbers(facts, name, settings):
    if settings.record_kind == "usage" or not facts.is_told(name):
        return pa.nulls(len(facts.frame), pa.string())
    _texts, spec = read_target(facts.frame, settings.columns, name)
    dialling = with_form(settings.dial_plans[0][0], spec.style)
    return normalise_numbers(facts.text(name), dialling)


def _read_as(texts, settings):
    """Numbers in one form, whatever country they are read in; other texts as they
    are."""
    found = national(normalise_numbers(texts, settings.dial_plans[0][0]))
    return pc.coalesce(found, texts)


def _or_null(texts):
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _true(booleans):
    return booleans.to_numpy(zero_copy_only=False)


def plain_id(text):
    """An id as its record has it, without the mark of one that is told apart."""
    return re.sub(rf"{MARK}[0-9a-f]*$", "", text.strip())


def id_key(text):
    """An id as ids are compared that a spreadsheet or another program wrote anew.

    :param text: `00000077`, ` 77 `, `77.0`; `{5F1C...}`
    :return: text, the same for all that are one
    """
    text = plain_id(text).strip("{}\"' \t").casefold()
    text = re.sub(r"^([0-9]+)\.0+$", r"\1", text)
    return text.lstrip("0") or text[-1:]
