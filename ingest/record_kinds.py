# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Columns that sort records into kinds, of which some are no calls to be charged.

A text message, a reversed charge, a test call or the other leg would be charged as a
call. Where the source reads such a column, or a charging rule speaks of it, or it is
kept with the record, a person has decided; else these records wait.
"""

import numpy as np
import pyarrow.compute as pc

from .extract import column
from .mapping import name_key, same_name
from .text_columns import word_key

#: records that are looked at before a column is read whole, and different words there
_SAMPLE, _MOST_WORDS = 200, 30
#: what is no call, or none to be charged once more
_OTHERS = frozenset(
    "sms mms smsmo mosms textmessage message data gprs packetdata ussd"
    " reversal reversed reverse refund refunded creditnote correction corrected void"
    " voided storno storniert chargeback duplicate test testcall".split()
)
#: what is one, whatever else it says
_CALLS = frozenset(
    "voice voicecall call calls telephony phone audio charge charged debit normal"
    " regular standard original cdr moc mocall sprache anruf llamada appel".split()
)
_NAMED = frozenset(
    "type kind recordtype typeofrecord cdrtype eventtype usagetype servicetype service"
    " callclass class transactiontype category".split()
)
_LEGS = {"leg", "callleg", "legtype", "legid"}
_OTHER_LEG = frozenset("b bleg legb 2".split())
_TESTS = {"test", "testcall", "istest", "istestcall"}
_YES = frozenset("y yes true t 1 x ja si".split())


def unread_kinds(frame, settings):
    """A column that is not read, and says of some records that they are no calls.

    :param frame: DataFrame of text columns under the source's own names
    :param settings: :class:`~.settings.ImportSettings`
    :return: (name, pyarrow strings, bool array: no call); three None without one
    """
    nothing = None, None, None
    if settings.record_kind != "call":
        return nothing
    read = {same_name(name, frame.columns) for name in settings.column_names}
    read.update(n for spec in settings.columns for n in spec.resolve(frame.columns))
    for name in frame.columns:
        if name in read:
            continue
        texts = column(frame, name)
        first = pc.unique(texts[:_SAMPLE])
        if len(first) > _MOST_WORDS or not _sorts(name, first.to_pylist()):
            continue
        encoded = pc.dictionary_encode(texts)
        words = encoded.dictionary.to_pylist()
        if not _sorts(name, words):
            continue
        others = np.array([_is_other(name, word) for word in words] + [False], bool)
        rows = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        if others[rows].any():
            return name, texts, others[rows]
    return nothing


def _sorts(name, words):
    """Whether a column of such words sorts records: by its name, or by all of them."""
    key = name_key(name)
    if key in _NAMED or key in _LEGS or key in _TESTS:
        return True
    keys = {word_key(word or "") for word in words} - {""}
    return bool(keys) and keys <= _OTHERS | _CALLS


def _is_other(name, word):
    key, word = name_key(name), word_key(word or "")
    if key in _LEGS:
        return word in _OTHER_LEG
    return word in _OTHERS or key in _TESTS and word in _YES
