# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who pays: service identifiers, as they were at the time of the record."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .facts import step_texts


@dataclass(frozen=True)
class PayerStep:
    """One way of finding the payer.

    :param column: the source's column
    :param pattern: expression whose group is the identifier; empty: the whole text
    :param kind: kind of identifier; ``number`` compares normalised numbers
    :param direction: only for records of this direction; empty: for all
    :param fact: a mapped fact instead of the column, see ``facts.PAYER_FACTS``
    """

    column: str
    kind: str
    pattern: str = ""
    direction: str = ""
    fact: str = ""


class IdentifierIndex:
    """Service identifiers of one source, found by kind, value and time.

    :param kinds: sequence of kind texts
    :param values: sequence of identifier values (numbers normalised)
    :param valid_from_us, valid_to_us: half-open validity, epoch microseconds

    The position of an identifier in these sequences is what :meth:`find` returns.
    Validities of one (kind, value) must not overlap; where they do, the one that
    began last counts.
    """

    def __init__(self, kinds, values, valid_from_us, valid_to_us):
        self._by_kind = {}
        self._lengths = None
        self._count = len(kinds)
        start = np.asarray(valid_from_us, np.int64)
        end = np.asarray(valid_to_us, np.int64)
        kinds = np.asarray(kinds, object)
        texts = pa.array(values, pa.string())
        for kind in set(kinds):
            members = np.flatnonzero(kinds == kind)
            self._set(
                kind,
                members,
                pc.take(texts, pa.array(members)),
                start[members],
                end[members],
            )

    def _set(self, kind, members, texts, start, end):
        """Index the identifiers of a kind.

        :param members: int64 array of their positions; the others in the same order
        """
        encoded = pc.dictionary_encode(texts)
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        order = np.lexsort((members, start, codes))
        first = np.searchsorted(codes[order], np.arange(len(encoded.dictionary)))
        self._by_kind[kind] = (
            encoded.dictionary,
            members[order],
            first,
            np.append(first[1:], len(members)),
            start[order],
            end[order],
        )

    def extended(self, kinds, values, valid_from_us, valid_to_us):
        """This index with further identifiers, whose positions go on after its own.

        :return: :class:`IdentifierIndex`; this one stays as it is
        """
        added = IdentifierIndex(kinds, values, valid_from_us, valid_to_us)
        index = IdentifierIndex((), (), (), ())
        index._by_kind = dict(self._by_kind)
        index._count = self._count + added._count
        for kind, (texts, members, first, last, start, end) in added._by_kind.items():
            texts = pc.take(
                texts, pa.array(np.repeat(np.arange(len(first)), last - first))
            )
            members = members + self._count
            if kind in self._by_kind:
                known, *of_known = self._by_kind[kind]
                places = np.repeat(np.arange(len(known)), of_known[2] - of_known[1])
                texts = pa.concat_arrays([pc.take(known, pa.array(places)), texts])
                members = np.append(of_known[0], members)
                start = np.append(of_known[3], start)
                end = np.append(of_known[4], end)
            index._set(kind, members, texts, start, end)
        return index

    def short_lengths(self, most):
        """Lengths of the extensions, and of other numbers that are as short.

        :param most: digits of the longest one
        :return: int64 array
        """
        if self._lengths is None:
            found = set()
            for kind in ("extension", "number"):
                texts = self._by_kind.get(kind, (pa.array([], pa.string()),))[0]
                short = pc.match_substring_regex(texts, rf"^[0-9]{{1,{most}}}$")
                found.update(pc.unique(pc.binary_length(texts.filter(short))).tolist())
            self._lengths = np.array(sorted(found), np.int64)
        return self._lengths

    def find(self, kind, values, times_us):
        """Identifier in force for each record.

        :param kind: kind of identifier
        :param values: pyarrow string array
        :param times_us: int64 array, start of each record
        :return: int64 array of positions, -1 where there is none
        """
        found = np.full(len(values), -1, np.int64)
        if kind not in self._by_kind:
            return found
        dictionary, members, first, last, start, end = self._by_kind[kind]
        codes = pc.index_in(values, dictionary)
        codes = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(codes >= 0)
        # Numbers change hands rarely: the newest validity is nearly always the one.
        position = last[codes[rows]] - 1
        while len(rows):
            time = times_us[rows]
            inside = (start[position] <= time) & (time < end[position])
            found[rows[inside]] = members[position[inside]]
            more = ~inside & (position > first[codes[rows]])
            rows, position = rows[more], position[more] - 1
        return found


def identify(frame, steps, index, directions, times_us, numbers, facts=None):
    """Find the payer of every record by the ordered steps.

    :param frame: the source's records, text columns
    :param steps: sequence of :class:`PayerStep`
    :param index: :class:`IdentifierIndex`
    :param directions: object array of direction texts
    :param times_us: int64 array
    :param numbers: function (pyarrow strings) -> normalised pyarrow strings
    :param facts: the records' :class:`~.facts.RecordFacts`
    :return: int64 array of identifier positions, -1 where nobody was found
    """
    payer = np.full(len(frame), -1, np.int64)
    for step in steps:
        rows = payer < 0
        if step.direction:
            rows &= directions == step.direction
        rows = np.flatnonzero(rows)
        if not len(rows):
            continue
        values = step_texts(frame, facts, step)
        if values is None:
            continue
        if len(rows) < len(values):
            values = pc.take(values, pa.array(rows))
        if step.kind == "number":
            values = numbers(values)
        payer[rows] = index.find(step.kind, values, times_us[rows])
    return payer
