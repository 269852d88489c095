# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The words that switches say a call's direction with.

A word that is known here, or that the source remembers, is read. Every other one is
asked: with the wrong direction a call is charged that must not be, or the other way
round. ``origination`` and ``termination`` are not known on purpose: an exchange calls
inbound what a carrier calls outbound. Nor is ``local``: between extensions to an
exchange, and a call within the town to a carrier; nothing is proposed. A cell that says
nothing among others that do is asked about, too, as the word ``(empty)``.

What the vendors write: Twilio (``outbound-dial``, ``Outgoing Dial``; a trunk terminates
what goes out to the telephone network), the PSTN usage report of Microsoft Teams
(``user_out``, ``ByotIn``), BroadWorks (``Originating``), call lists (``missed``).
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from .mapping import read_target
from .rules import DIRECTIONS
from .text_columns import BETWEEN_WORDS, word_key

#: what a direction column may say -> direction, by :func:`word_key`
WORDS = {
    word: direction
    for direction, words in {
        "outbound": "outbound out outgoing orig originating outboundcall"
        " outgoingcall outcall outbounddial outboundapi outgoingdial outgoingapi"
        " trunkingterminating dialed"
        " dialled placed userout useroutconf useroutforwarding userouttransfer confout"
        " ucapout drout droutuserconf droutuserforwarding droutusertransfer"
        " dremergencyout droutucap byotout byotoutucap byotoutuserforwarding"
        " byotoutusertransfer ocout",
        "inbound": "inbound in incoming term terminating inboundcall"
        " incomingcall incall inboundqueue trunkingoriginating received missed userin"
        " confin ucapin"
        " drin drinucap byotin byotinucap ocin",
        "internal": "internal onnet internalcall",
    }.items()
    for word in words.split()
}
#: what is likely, and asked: words of other languages, initials
LIKELY = {
    word: direction
    for direction, words in {
        "outbound": "o ausgehend abgehend gehend sortant sortante émis saliente"
        " realizada uscente uitgaand saída wychodzące исходящий",
        "inbound": "i eingehend ankommend kommend entrant entrante reçu recibida"
        " entrata inkomend entrada przychodzące входящий",
        "internal": "intern interne interno interna internt",
    }.items()
    for word in words.split()
}
#: how a cell is called that says nothing, where others of its column do
EMPTY = "(empty)"


@dataclass(frozen=True)
class UnknownWord:
    """A word of a direction column whose meaning is not known.

    :ivar word: as it stands in the records, without blanks around it
    :ivar records: how many say so
    :ivar proposal: the direction that is likely; empty: none is
    """

    word: str
    records: int
    proposal: str = ""


def code_of(direction):
    """A direction's position in ``rules.DIRECTIONS``."""
    return DIRECTIONS.tolist().index(direction)


def known_direction(text, remembered):
    """What a text says of the direction.

    :param text: of a direction column
    :param remembered: dict :func:`word_key` -> direction: the source's own words
    :return: direction; empty where it says nothing, None where it is not known
    """
    key = word_key(text)
    return remembered.get(key) or WORDS.get(key) or ("" if not key else None)


def read_directions(texts, remembered):
    """What a direction column says.

    :param texts: pyarrow strings
    :param remembered: see :func:`known_direction`
    :return: (int8 array of positions in ``rules.DIRECTIONS``, -1 where the text says
        none; bool array: the text is not known)
    """
    encoded = pc.dictionary_encode(texts)
    found = [
        known_direction(text or "", remembered)
        for text in encoded.dictionary.to_pylist()
    ]
    codes = np.array([code_of(d) if d else -1 for d in found] + [-1], np.int8)
    unknown = np.array([d is None for d in found] + [False])
    rows = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return codes[rows], unknown[rows]


def said_nothing(texts, remembered, at_any_rate=False):
    """Where a direction column says nothing, though it does elsewhere.

    :param texts: pyarrow strings
    :param remembered: see :func:`known_direction`; also what :data:`EMPTY` means
    :param at_any_rate: whether it is known to say something elsewhere
    :return: (bool array; the position of its meaning in ``rules.DIRECTIONS``, or -1
        where that is not known)
    """
    encoded = pc.dictionary_encode(texts)
    words = [(text or "").strip() for text in encoded.dictionary.to_pylist()]
    rows = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    empty = np.array([not word for word in words] + [True])[rows]
    if not at_any_rate and not any(words):
        empty = np.zeros(len(empty), bool)
    meaning = remembered.get(word_key(EMPTY))
    return empty, code_of(meaning) if meaning else -1


def direction_words(frame, columns, remembered):
    """The words of a file's direction column that are not known, for the dialog.

    :param frame: DataFrame, text columns under the source's own names
    :param columns: sequence of ``mapping.ColumnSpec``
    :param remembered: see :func:`known_direction`
    :return: list of :class:`UnknownWord`, the most frequent first
    """
    texts, _spec = read_target(frame, columns, "direction")
    if texts is None:
        return []
    counts, spelled = Counter(), {}
    for entry in pc.value_counts(texts).to_pylist():
        text = (entry["values"] or "").strip()
        if known_direction(text, remembered) is None:
            counts[word_key(text)] += entry["counts"]
            spelled.setdefault(word_key(text), text)
    return [
        UnknownWord(spelled[key], count, likely_direction(spelled[key]))
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def likely_direction(text):
    """The direction that an unknown word likely means; empty: none is likely."""
    parts = [text, *BETWEEN_WORDS.split(text)]
    found = {
        WORDS.get(word_key(part)) or LIKELY.get(word_key(part))
        for part in parts
        if part and (len(part) > 1 or part == text)
    }
    found.discard(None)
    return found.pop() if len(found) == 1 else ""
