# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Names for the columns of a file: each once, whatever its header says.

A name that a header has more than once means none of its columns: they are numbered,
``Duration_1`` and ``Duration_2``, unless they say the same in all of the file. Then the
first of them has the name.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

_MOST_EXAMPLES = 3


@dataclass
class Repeated:
    """A name that several columns have, which differ.

    :ivar name: as the header has it
    :ivar columns: what the columns are called instead, in order
    :ivar records: in how many records they differ
    :ivar examples: texts of the first of these, joined by ``|``
    """

    name: str
    columns: tuple[str, ...]
    records: int = 0
    is_filled: bool = False
    examples: list[str] = field(default_factory=list)

    def add(self, frame):
        """Compare the columns in more records of the file."""
        arrays = [_texts(frame, name) for name in self.columns]
        first, *others = [pc.utf8_trim_whitespace(array) for array in arrays]
        differs = pa.array([False] * len(frame), pa.bool_())
        for other in others:
            differs = pc.or_(differs, pc.not_equal(first, other))
            self.is_filled |= bool(pc.any(pc.not_equal(other, "")).as_py())
        count = pc.sum(differs).as_py() or 0
        if count and len(self.examples) < _MOST_EXAMPLES:
            rows = [
                array.filter(differs)[:_MOST_EXAMPLES].to_pylist() for array in arrays
            ]
            self.examples += [" | ".join(texts) for texts in zip(*rows, strict=True)]
            del self.examples[_MOST_EXAMPLES:]
        self.records += count

    @property
    def is_open(self):
        """Whether it matters which of the columns is read.

        It does not where they are equal, or where the first alone has anything in it.
        """
        return bool(self.records) and self.is_filled


def unique_names(names):
    """Column names: stripped, none empty (column_3), none twice.

    :param names: texts of a header, '' where there is none
    :return: (tuple of names, tuple of pairs: a name that comes again, its columns)
    """
    plain = [
        name.strip() or f"column_{position}" for position, name in enumerate(names, 1)
    ]
    taken, counts, numbers = set(plain), Counter(plain), Counter()
    columns, repeated = {}, {}
    for wanted in plain:
        column = wanted
        while counts[wanted] > 1 and (column in columns or column in taken):
            numbers[wanted] += 1
            column = f"{wanted}_{numbers[wanted]}"
            while numbers[wanted] == 1 and (column in columns or column in taken):
                # The second is _2 at any rate, if that is free.
                column += "_1"
        if counts[wanted] > 1:
            repeated.setdefault(wanted, []).append(column)
        columns[column] = True
    return tuple(columns), tuple((n, tuple(c)) for n, c in repeated.items())


def settle_names(fmt, frames):
    """Give the name to the first of its columns where they say the same.

    :param fmt: ``formats.FileFormat``
    :param frames: of all records of the file
    :return: (FileFormat, list of :class:`Repeated` that are open)
    """
    found = [Repeated(name, columns) for name, columns in fmt.repeated]
    for frame in frames if found else ():
        for one in found:
            one.add(frame)
    same = {one.columns[0]: one.name for one in found if not one.is_open}
    left = [one for one in found if one.is_open]
    settled = replace(
        fmt,
        columns=tuple(same.get(column, column) for column in fmt.columns),
        repeated=tuple((one.name, one.columns) for one in left),
    )
    return settled, left


def _texts(frame, name):
    array = pa.array(frame[name])
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
