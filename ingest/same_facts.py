# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls that another import brought already, under another id or without one.

A file is exported once more without its ids, or a spreadsheet saves it and makes 77 of
00000077, or 77.0. Its calls are the same: of the same customer, from and to the same
numbers, of the same length, begun in the same second. One is a duplicate where its id
is the other's, written otherwise, or where neither has an id and only one of them tells
fractions of a second. Otherwise a person says whether it is another call. Where the
time of one has no seconds, and not both have ids, or ids that are one, that they began
in the same minute is enough.

Two ids of one form are two calls, as the switch says: of one trunk several begin at
once. Only where most calls of a file are known under other ids, it has new ones. And
within one import equal calls are never asked about. Nor is anything compared that is
not charged. Only imports are looked at whose calls lie in the
same days, so a file that goes on where the last one ended costs one query a chunk.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from ..rating.prefixes import number_keys
from .causes import text_shape
from .frames import copy_out
from .mapping import CONTENT
from .same_records import SHOWN_ID, Comparable, id_key, plain_id
from .shifted_calls import shifted_calls
from .times import SECOND_US

MINUTE_US = 60 * SECOND_US
#: columns that are equal where two calls may be one
_TOGETHER = ["minute", "quantity", "partner_id", "callee"]
#: between the ids of two records that say the same
SAME = " ≡ "
#: what is compared of the calls of a chunk, beside who pays and whether it is charged
FACTS = ("start_us", "quantity", "caller", "callee")

_OVERLAPPING = """
    SELECT id, source_id FROM metered_batch
     WHERE company_id = %s AND id != %s AND state != 'undone'
       AND first_start <= timestamp 'epoch' + %s * interval '1 microsecond'
       AND last_start >= timestamp 'epoch' + %s * interval '1 microsecond'
"""
_KNOWN = """
    SELECT known.call_id, (extract(epoch FROM known.start_time) * 1000000)::bigint,
           known.quantity::bigint, known.caller, known.callee, known.partner_id,
           known.batch_id,
           (known.fingerprint IS NULL AND left(known.call_id, 8) != 'content:')::int
      FROM unnest(%s::bigint[]) AS new (minute)
     CROSS JOIN LATERAL (
           SELECT * FROM metered_cdr
            WHERE start_time >= timestamp 'epoch' + new.minute * interval '1 minute'
              AND start_time < timestamp 'epoch'
                             + (new.minute + 1) * interval '1 minute'
           OFFSET 0) known
     WHERE known.batch_id = ANY(%s) AND known.partner_id = ANY(%s)
       AND known.state = 'rated' AND known.callee IS NOT NULL
"""
_KNOWN_TYPES = {
    "call_id": pa.string(),
    "start_us": pa.int64(),
    "quantity": pa.int64(),
    "caller": pa.string(),
    "callee": pa.string(),
    "partner_id": pa.int64(),
    "batch_id": pa.int64(),
    "has_id": pa.int64(),
}
_SPAN = """
    UPDATE metered_batch
       SET first_start = least(first_start,
                timestamp 'epoch' + %s * interval '1 microsecond'),
           last_start = greatest(last_start,
                timestamp 'epoch' + %s * interval '1 microsecond')
     WHERE id = %s
"""


_ELSEWHERE = """
    UPDATE metered_batch SET elsewhere = coalesce(elsewhere, 0) + %s,
           elsewhere_batch_id = %s
     WHERE id = %s
"""


@dataclass
class KnownCalls:
    """What other imports brought of the calls of a chunk.

    :ivar duplicates: list of rows
    :ivar doubtful: dict row -> detail, of those that may be another one of the source
    :ivar elsewhere: list of rows that another source of the company has, too: both are
        charged, and a person is told
    :ivar elsewhere_batch_id: import of one of these; 0 for none
    """

    duplicates: list = field(default_factory=list)
    doubtful: dict = field(default_factory=dict)
    elsewhere: list = field(default_factory=list)
    elsewhere_batch_id: int = 0


def note_elsewhere(cr, known, batch_id):
    """Note on a batch how many of its calls another source has, too.

    :param known: :class:`KnownCalls`
    """
    if known.elsewhere:
        count = len(known.elsewhere)
        cr.execute(_ELSEWHERE, (count, known.elsewhere_batch_id, batch_id))


def note_span(cr, cdrs, batch_id):
    """Note on a batch from when to when its calls are.

    :param cdrs: dict of columns as in :class:`~.outcome.Prepared`, not empty
    """
    start_us = cdrs["start_us"]
    cr.execute(_SPAN, (int(start_us.min()), int(start_us.max()), batch_id))


def known_calls(cr, cdrs, settings, batch_id, among):
    """Calls of a chunk that another import of the company brought.

    :param cdrs: dict of columns as in :class:`~.outcome.Prepared`
    :param settings: :class:`~.settings.ImportSettings`
    :param batch_id: id of the batch, whose own calls do not count
    :param among: bool array: the calls that are looked at
    :return: :class:`KnownCalls`
    """
    rows = np.flatnonzero(
        among
        & cdrs["billable"]
        & (cdrs["partner_id"] > 0)
        & cdrs["callee"].is_valid().to_numpy(zero_copy_only=False)
    )
    rows = rows[cdrs["quantity"][rows].astype(np.int64) > 0]
    if settings.record_kind != "call" or not len(rows):
        return KnownCalls()
    start_us = cdrs["start_us"][rows]
    # Times without seconds are those of a minute.
    first, last = int(start_us.min()) - MINUTE_US, int(start_us.max()) + MINUTE_US
    cr.execute(_OVERLAPPING, (settings.company_id, batch_id, last, first))
    source_of = dict(cr.fetchall())
    own = [batch for batch, source in source_of.items() if source == settings.source_id]
    shifted = shifted_calls(cr, cdrs, settings, rows, batch_id)
    if not source_of:
        return KnownCalls(doubtful=shifted)
    minutes = np.unique(start_us // MINUTE_US).tolist()
    payers = np.unique(cdrs["partner_id"][rows]).tolist()
    table = copy_out(cr, _KNOWN, (minutes, [*source_of], payers), _KNOWN_TYPES)
    if not table.num_rows:
        return KnownCalls(doubtful=shifted)
    known = {
        name: table.column(name).combine_chunks().to_numpy()
        if kind == pa.int64()
        else table.column(name).combine_chunks()
        for name, kind in _KNOWN_TYPES.items()
    }
    found = _verdicts(cdrs, rows, known, np.isin(known["batch_id"], own))
    for row in {*shifted} - {*found.duplicates} - {*found.doubtful}:
        found.doubtful[row] = shifted[row]
    return found


def _verdicts(cdrs, rows, known, is_own):
    """What becomes of the rows; ``is_own``: which known calls are of the source."""
    mine, theirs = _pairs(cdrs, rows, known, is_own)
    own = _comparable({name: _taken(cdrs[name], mine) for name in FACTS})
    other = _comparable({name: _taken(known[name], theirs) for name in FACTS})
    own_us, other_us = cdrs["start_us"][mine], known["start_us"][theirs]
    own_id = ~_has_no_id(cdrs, mine)
    other_id = known["has_id"][theirs] > 0
    in_second = own.second == other.second
    is_whole = (own_us % MINUTE_US == 0) | (other_us % MINUTE_US == 0)
    have_ids = own_id & other_id
    near = in_second | (is_whole & ~have_ids)
    # Ids that are one, written otherwise, are no proof of two calls.
    for at in np.flatnonzero(is_whole & have_ids & ~in_second).tolist():
        one = plain_id(cdrs["call_id"][mine[at]].as_py())
        two = plain_id(known["call_id"][theirs[at]].as_py())
        near[at] = one != two and id_key(one) == id_key(two)
    # Two fractions of a second are two calls.
    exact = (own_us % SECOND_US > 0) & (other_us % SECOND_US > 0) & (own_us != other_us)
    near &= ~(exact & ~own_id & ~other_id)
    theirs_then = Comparable(own.second, other.quantity, other.caller, other.callee)
    near &= own.same_as(theirs_then)
    same = np.flatnonzero(near & is_own[theirs])
    other_source = np.flatnonzero(near & in_second & ~is_own[theirs])
    duplicates, doubtful, others = set(), {}, {}
    ids = cdrs["call_id"].take(pa.array(mine[same])).to_pylist()
    known_ids = known["call_id"].take(pa.array(theirs[same])).to_pylist()
    for at, row, one, two in zip(
        same.tolist(), mine[same].tolist(), ids, known_ids, strict=True
    ):
        both = own_id[at] and other_id[at]
        neither = not (own_id[at] or other_id[at]) and in_second[at]
        if neither or both and (one == two or id_key(one) == id_key(two)):
            duplicates.add(row)
            continue
        is_alike = both and _form(one) == _form(two)
        (others if is_alike else doubtful).setdefault(row, (at, one, two))
    others = {row: pair for row, pair in others.items() if row not in duplicates}
    starts = np.unique(cdrs["start_us"][[*others]] // SECOND_US)
    if len(starts) > 1 and 2 * len(others) >= len(rows) - len(duplicates):
        doubtful = {**others, **doubtful}
    doubtful = {row: pair for row, pair in doubtful.items() if row not in duplicates}
    texts = own.take(np.array([at for at, *_ids in doubtful.values()], int)).describe()
    doubtful = {
        row: f"{_shown(two)}{SAME}{_shown(one)}: {text}"
        for (row, (_at, one, two)), text in zip(doubtful.items(), texts, strict=True)
    }
    left = {*mine[other_source].tolist()} - duplicates - {*doubtful}
    batches = known["batch_id"][theirs[other_source]]
    return KnownCalls(
        sorted(duplicates), doubtful, sorted(left), int(batches[0]) if left else 0
    )


def _form(text):
    """What an id looks like: 99 and 100 are of one form."""
    return re.sub("0+", "0", text_shape(text))


def _shown(text):
    return "-" if text.startswith(CONTENT) else text[:SHOWN_ID]


def _pairs(cdrs, rows, known, is_own):
    """Rows of the chunk and of the known calls that may be one: of one minute each.

    Of known calls with which a row would have the same verdict, the first one is
    enough: thousands that say the same are not compared with each other.
    """
    new = pd.DataFrame(
        {
            "row": rows,
            "minute": cdrs["start_us"][rows] // MINUTE_US,
            "quantity": cdrs["quantity"][rows].astype(np.int64),
            "partner_id": cdrs["partner_id"][rows],
            "callee": number_keys(cdrs["callee"].take(pa.array(rows))),
        }
    )
    there = pd.DataFrame(
        {
            "known": np.arange(len(known["start_us"])),
            "minute": known["start_us"] // MINUTE_US,
            "quantity": known["quantity"],
            "partner_id": known["partner_id"],
            "callee": number_keys(known["callee"]),
        }
    )
    there = there.merge(new[_TOGETHER].drop_duplicates(), on=_TOGETHER)
    new = new.merge(there[_TOGETHER].drop_duplicates(), on=_TOGETHER)
    at = there["known"].to_numpy()
    ids = known["call_id"].take(pa.array(at)).to_pylist()
    # Of numbers that are none, the keys are all the same.
    for name in ("caller", "callee"):
        there[f"{name}_text"] = known[name].take(pa.array(at)).to_pylist()
    there["key"] = [id_key(text) for text in ids]
    there["form"] = [_form(text) for text in ids]
    there["is_own"] = is_own[at]
    there["has_id"] = known["has_id"][at] > 0
    start_us = known["start_us"][at]
    # Fractions of a second tell those apart that have no id.
    there["moment"] = np.where(there["has_id"], start_us // SECOND_US, start_us)
    alike = [
        *_TOGETHER,
        *("caller_text", "callee_text", "is_own", "has_id", "moment"),
    ]
    row_ids = cdrs["call_id"].take(pa.array(new["row"].to_numpy())).to_pylist()
    new["key"] = [id_key(text) for text in row_ids]
    found = pd.concat(
        [
            new.merge(there.drop_duplicates([*alike, "key"]), on=[*_TOGETHER, "key"])[
                ["row", "known"]
            ],
            new.merge(there.drop_duplicates([*alike, "form"]), on=_TOGETHER)[
                ["row", "known"]
            ],
        ]
    )
    found = found.drop_duplicates().sort_values(["row", "known"])
    return found["row"].to_numpy(), found["known"].to_numpy()


def _comparable(facts):
    return Comparable(
        facts["start_us"] // SECOND_US,
        pa.array(facts["quantity"].astype(np.int64)).cast(pa.string()),
        facts["caller"],
        facts["callee"],
    )


def _has_no_id(cdrs, rows):
    prints = cdrs["fingerprint"].take(pa.array(rows))
    return prints.is_valid().to_numpy(zero_copy_only=False)


def _taken(values, rows):
    return values.take(pa.array(rows)) if isinstance(values, pa.Array) else values[rows]
