# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From the source's own columns to the facts of a record."""

import hashlib
import json
import re
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.harmless import MOST_KEY, REPLACEMENT, key_text
from .door import NUL, may_hold, most_bytes
from .extract import column, extract
from .joined import escaped

_REPLACED = REPLACEMENT.encode()
_BETWEEN = re.compile(r"[\s_-]+")


@dataclass(frozen=True)
class ColumnSpec:
    """Where a fact is read from; see ``metered.source.column`` for the syntax."""

    target: str
    columns: str
    style: str = ""
    pattern: str = ""
    #: decimal text: what quantities are multiplied by; empty where nobody has said it
    factor: str = ""

    def resolve(self, names):
        """The columns to join, of the first alternative that the file has.

        :param names: the file's column names
        :return: tuple of names; empty when the file has none of the alternatives
        """
        alternatives = self.columns.split(",")
        for find in (_written_so, same_name):
            for begin in range(len(alternatives)):
                # A name may have commas and plus signs of its own.
                for end in range(len(alternatives), begin, -1):
                    alternative = ",".join(alternatives[begin:end])
                    if parts := _joined_names(alternative.split("+"), names, find):
                        return parts
        return ()


def _joined_names(parts, names, find):
    """The names that are joined by +, as few as possible; empty if one is none."""
    for end in range(len(parts), 0, -1):
        if name := find("+".join(parts[:end]).strip(), names):
            if end == len(parts):
                return (name,)
            if rest := _joined_names(parts[end:], names, find):
                return (name, *rest)
    return ()


def _written_so(name, names):
    return name if name in names else ""


def name_key(name):
    """A column's name as names are compared: `Call ID` and `call_id` are one."""
    return _BETWEEN.sub("", name.casefold())


def same_name(name, names):
    """The name of a file's column that is meant; empty where none or several may be.

    :param name: as the source writes it
    :param names: the file's column names
    """
    if name in names:
        return name
    key = name_key(name)
    found = [other for other in names if name_key(other) == key] if key else []
    return found[0] if len(found) == 1 else ""


def repeated_names(columns, names, repeated):
    """The names that a source reads, and that several columns of a file have.

    :param columns: sequence of :class:`ColumnSpec`
    :param names: the file's column names
    :param repeated: names that several of its columns have, which are called otherwise
    :return: list of (spec, tuple of these names)
    """
    found = []
    for spec in columns:
        parts = spec.resolve({*names, *repeated})
        if several := tuple(part for part in parts if part in repeated):
            found.append((spec, several))
    return found


#: facts that are moments; their parts are joined as a day and a clock are
TIMES = ("start_time", "answer_time", "end_time")
#: fact -> the one that it can be worked out from
INSTEAD = {"seconds": "end_time"}


def missing_targets(columns, names, needed=("start_time", "seconds")):
    """The needed facts that a file with these column names cannot give.

    :param columns: sequence of :class:`ColumnSpec`
    :param names: the file's column names
    :return: list of the specs that find no column, or bare target names where the
        source says nothing of them
    """
    missing = []
    for target in needed:
        specs = [
            spec
            for spec in columns
            if spec.target in (target, INSTEAD.get(target, target))
        ]
        if not specs:
            missing.append(target)
        elif not any(spec.resolve(names) for spec in specs):
            missing.append(specs[0])
    return missing


def filled_frame(frame, names):
    """A frame that has all columns of some names, empty where it had none.

    :param names: iterable of texts
    """
    missing = [name for name in sorted(names) if not same_name(name, frame.columns)]
    if not missing:
        return frame
    empty = pd.array([""] * len(frame), pd.ArrowDtype(pa.string()))
    return frame.assign(**dict.fromkeys(missing, empty))


def read_target(frame, columns, target):
    """The texts of one fact for every record.

    :param frame: the source's records, text columns
    :param columns: sequence of :class:`ColumnSpec`
    :param target: name of the fact
    :return: (pyarrow string array, the spec) or (None, None) without a column
    """
    for spec in columns:
        if spec.target != target:
            continue
        parts = spec.resolve(frame.columns)
        if not parts:
            continue
        arrays = [column(frame, part) for part in parts]
        values = arrays[0]
        if len(arrays) > 1:
            if target in TIMES:
                arrays = [_without_midnight(array) for array in arrays]
            elif target == "line_item":
                arrays = [escaped(array) for array in arrays]
            values = pc.binary_join_element_wise(*arrays, _between(spec))
        return extract(values, spec.pattern), spec
    return None, None


def heading(frame, spec):
    """What a file calls the columns that a fact is read from.

    :param spec: :class:`ColumnSpec`, or None
    """
    return "+".join(spec.resolve(frame.columns)) if spec else ""


def _without_midnight(texts):
    """Parts of times: the cell of a day in a spreadsheet has a clock, too."""
    texts = pc.utf8_trim_whitespace(texts)
    return pc.replace_substring_regex(
        texts, r"^([0-9]{4}-[0-9]{2}-[0-9]{2}) 00:00:00$", r"\1"
    )


#: what the ids of records begin with that have none of their own
CONTENT = "content:"


def _between(spec):
    """What the parts of a fact are joined with."""
    has_blank = " " in spec.style or "%" not in spec.style
    return " " if spec.target in TIMES and has_blank else "-"


def call_ids(frame, columns):
    """What tells records apart: the call id, or a digest where there is none.

    :return: pyarrow string array, never empty texts
    """
    return record_ids(frame, columns)[0]


def record_ids(frame, columns):
    """What tells records apart, and which of them have an id of their own.

    :return: (pyarrow string array, never empty texts; bool array)
    """
    values, _spec = read_target(frame, columns, "call_id")
    count = len(frame)
    if values is None:
        values = pa.array([""] * count, pa.string())
    # "-" is what an empty uniqueid and an empty sequence join to.
    blank = pc.match_substring_regex(values, r"^[\s-]*$")
    rows = pc.indices_nonzero(blank)
    if len(rows):
        digests = [digest(text) for text in _contents(frame, rows.to_numpy())]
        values = pc.replace_with_mask(values, blank, pa.array(digests, pa.string()))
    has_id = ~blank.to_numpy(zero_copy_only=False)
    return _safe_ids(values, frame), has_id


def _safe_ids(values, frame):
    """Ids that an index can hold; see ``connectors.harmless``."""
    if most_bytes(values) <= MOST_KEY and not (
        may_hold(values, NUL) or may_hold(values, _REPLACED)
    ):
        return values
    odd = pc.or_(
        pc.greater(pc.binary_length(values), MOST_KEY),
        pc.or_(
            pc.match_substring(values, "\0"), pc.match_substring(values, REPLACEMENT)
        ),
    )
    rows = pc.indices_nonzero(odd)
    if not len(rows):
        return values
    # Of what was replaced before, nobody knows any more what it was: all of the record
    # tells it from others.
    ids = [
        key_text(text, content if REPLACEMENT in text else None)
        for text, content in zip(
            values.take(rows).to_pylist(),
            _contents(frame, rows.to_numpy()),
            strict=True,
        )
    ]
    return pc.replace_with_mask(values, odd, pa.array(ids, pa.string()))


def _contents(frame, rows):
    """What some records say, whatever other columns there are beside theirs."""
    return [
        json.dumps(
            {name: text for name, text in json.loads(raw).items() if text},
            ensure_ascii=False,
            sort_keys=True,
        )
        for raw in raw_texts(frame, rows)
    ]


def digest(text):
    """A key for a record that has no id of its own: 128 bits of its content."""
    content = text.encode("utf-8", "surrogatepass")
    return CONTENT + hashlib.blake2b(content, digest_size=16).hexdigest()


def raw_texts(frame, rows):
    """Some records as JSON objects, column -> text: what an exception keeps.

    :param rows: int array of positions
    :return: list of str
    """
    taken = [
        pc.take(column(frame, name), pa.array(rows)).to_pylist()
        for name in frame.columns
    ]
    names = list(frame.columns)
    return [
        json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)
        for values in zip(*taken, strict=True)
    ]


def properties(frame, columns):
    """The columns to keep with the record, as JSON texts; None when there are none."""
    names = [
        name
        for spec in columns
        if spec.target == "property"
        for name in spec.resolve(frame.columns)
    ]
    if not names:
        return None
    arrays = [column(frame, name).to_pylist() for name in names]
    return pa.array(
        [
            json.dumps(
                {n: v for n, v in zip(names, values, strict=True) if v},
                ensure_ascii=False,
            )
            for values in zip(*arrays, strict=True)
        ],
        pa.string(),
    )
