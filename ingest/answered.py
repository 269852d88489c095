# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether calls were answered, as a column says it: ANSWERED, NO ANSWER, BUSY.

A call that nobody answered rang, and is not charged for the seconds of that. Where the
source reads the column, such calls last 0 seconds. Where it does not, and they would be
charged, a person says what the column means.

What the vendors write: Asterisk's disposition, 3CX's and Yeastar's status, FreeSWITCH's
hangup causes, Twilio's status, call lists. Numbers are SIP's responses (RFC 3261, `486
Busy Here`) or the causes of Q.850, where the name of the column says so.
"""

import re

import numpy as np
import pyarrow.compute as pc

from .extract import column
from .mapping import heading, name_key, read_target, same_name
from .text_columns import word_key

_ANSWERED = (
    "answered answer connected completed complete success successful ok accepted"
    " talked answeredcall callanswered normal normalclearing normalcallclearing"
    " angenommen beantwortet verbunden contestada atendida répondu décroché risposta"
)
_UNANSWERED = (
    "noanswer notanswered unanswered noanswered busy userbusy failed failure fail"
    " missed missedcall canceled cancel rejected callrejected declined"
    " abandoned congestion chanunavail unavailable nouseresponse originatorcancel"
    " unallocatednumber notconnected noreply verpasst besetzt abgelehnt nichtangenommen"
    " unbeantwortet perdida nocontestada ocupado manqué occupé persa occupato"
)
#: word of such a column -> whether the call was answered, by ``directions.word_key``
WORDS = dict.fromkeys(_ANSWERED.split(), True) | dict.fromkeys(
    _UNANSWERED.split(), False
)
#: as it is written in Britain
WORDS["canceled".replace("l", "ll")] = False
_YES_NO = dict.fromkeys(("yes", "true", "y", "1", "ja", "si"), True) | dict.fromkeys(
    ("no", "false", "n", "0", "nein"), False
)
#: a response of SIP, with its reason
_SIP = re.compile(
    r"(?:sip(?:/2\.0)?[ :/]*)?([2-6][0-9]{2})(?: +[a-z][a-z ./'-]*)", re.I
)
_SIP_NAME = re.compile(r"sip|^(?:call)?status(?:code)?$|responsecode")
_CODE = re.compile("[0-9]{1,3}")
#: causes that end a call that was answered, and those that it was not
_ENDED = frozenset((16, 31))
_NOT_BEGUN = frozenset(
    (*range(1, 6), *range(17, 23), *range(25, 30), 34, 38, *range(41, 48), 50, 57, 58)
)
_CAUSE_NAME = re.compile(
    r"(?:isdn|hangup|release|disconnect|termination)?cause(?:q850|code)?"
    r"|(?:hangup|release|disconnect|termination)code|(?:isdn)?q850(?:cause|code)?"
)
#: names of columns of yes and no
_ASKED = frozenset(("answered", "isanswered", "connected", "wasanswered", "angenommen"))
#: parts of the names of columns that say it, whatever other words they have
_NAMES = ("status", "disposition", "answered", "result", "outcome", "callstate")
#: records that are looked at before a column is read whole
_SAMPLE = 200
#: different ones among them: more are no words
_MOST_WORDS = 60


def meaning(name, text):
    """Whether a text of a column says that a call was answered; None: neither."""
    key = word_key(text)
    if key in WORDS:
        return WORDS[key]
    if text[:1].isdigit() or "SIP" in text:
        told = _coded(name_key(name), text.strip())
        if told is not None:
            return told
    return _YES_NO.get(key) if name_key(name) in _ASKED else None


def _coded(name, text):
    """What a number says of a column of such a name, by ``mapping.name_key``."""
    response = _SIP.fullmatch(text)
    if response or _CODE.fullmatch(text) and _SIP_NAME.search(name):
        code = int(response[1] if response else text)
        return code < 300 if 200 <= code < 700 else None
    if _CODE.fullmatch(text) and _CAUSE_NAME.fullmatch(name):
        code = int(text)
        return True if code in _ENDED else False if code in _NOT_BEGUN else None
    return None


def read_answered(frame, columns):
    """What the column says that the source reads.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :return: (pyarrow strings, bool array: answered, bool array: not answered); what is
        neither is not known. Three None where no column is read
    """
    texts, spec = read_target(frame, columns, "answered")
    if texts is None:
        return None, None, None
    codes = _codes(spec.resolve(frame.columns)[0], texts, _YES_NO)
    return texts, codes == 1, codes == 0


def unread_answered(frame, settings):
    """A column that says of some calls that they were not answered, and is not read.

    :param settings: :class:`~.settings.ImportSettings`
    :return: (name, pyarrow strings, bool array: not answered); three None without one
    """
    nothing = None, None, None
    if settings.record_kind != "call":
        return nothing
    if read_target(frame, settings.columns, "answered")[0] is not None:
        return nothing
    read = {same_name(name, frame.columns) for name in settings.column_names}
    read.update(n for spec in settings.columns for n in spec.resolve(frame.columns))
    for name in frame.columns:
        if name in read:
            continue
        texts = column(frame, name)
        if pc.count_distinct(texts[:_SAMPLE]).as_py() > _MOST_WORDS:
            continue
        is_named = any(part in name_key(name) for part in _NAMES)
        if not is_named and not _is_known(name, texts[:_SAMPLE]):
            continue
        if not is_named and not _is_known(name, texts):
            continue
        unanswered = _codes(name, texts) == 0
        if unanswered.any():
            return name, texts, unanswered
    return nothing


def _is_known(name, texts):
    words = [text.strip() for text in pc.unique(texts).to_pylist() if text]
    return all(meaning(name, word) is not None for word in words if word)


def _codes(name, texts, words=None):
    """1 for answered, 0 for not, -1 for neither, an int8 array.

    :param words: what others mean, too
    """
    encoded = pc.dictionary_encode(texts)
    found = []
    for text in encoded.dictionary.to_pylist():
        told = meaning(name, text or "")
        if told is None and words:
            told = words.get(word_key(text or ""))
        found.append(told)
    codes = np.array([-1 if one is None else int(one) for one in found] + [-1], np.int8)
    return codes[pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)]


def only_answered(frame, columns, seconds, valid, unclear):
    """Durations, of which those of calls that were not answered are 0.

    :param seconds, valid, unclear: as ``durations.parse_seconds`` returns them
    :return: the same three
    """
    _texts, _answered, unanswered = read_answered(frame, columns)
    if unanswered is None or not unanswered.any():
        return seconds, valid, unclear
    return (
        np.where(unanswered, 0, seconds),
        valid | unanswered,
        unclear & ~unanswered,
    )


def not_said(frame, settings):
    """Records of which the column that is read says nothing that is known.

    :param settings: :class:`~.settings.ImportSettings`
    :return: (name, pyarrow strings, bool array); three None where no column is read
    """
    texts, answered, unanswered = read_answered(frame, settings.columns)
    if texts is None:
        return None, None, None
    unknown = ~(answered | unanswered)
    if settings.fills_columns or unknown.all():
        # Each record has fields of its own, or the column is not used.
        filled = pc.not_equal(pc.utf8_trim_whitespace(texts), "")
        unknown &= filled.to_numpy(zero_copy_only=False)
    [name, *_others] = [
        heading(frame, spec) for spec in settings.columns if spec.target == "answered"
    ]
    return name, texts, unknown
