# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A chunk's records beside the known ones: what becomes of those that are others."""

from copy import copy

import numpy as np
import pyarrow as pa

from ..rating.exact import MICRO
from . import mapping
from .causes import cause_key
from .known import Verdicts
from .outcome import SAME_ID, Rejected
from .same_records import of_cdrs, of_frame, own_ids

#: columns of CDRs that are compared
COMPARED = ("start_us", "quantity", "caller", "callee")
#: reasons of records that are not read far enough to be compared
UNREAD = tuple(
    f"{how}_{what}"
    for how in ("unclear", "invalid")
    for what in ("time", "duration", "quantity", "number")
)
COMPARED_OF_EVENTS = (*COMPARED, "content")


def cdr_verdicts(prepared):
    """What is to be found out about the CDRs of a chunk.

    :param prepared: :class:`~.outcome.Prepared`
    :return: :class:`~.known.Verdicts`
    """
    compared = COMPARED_OF_EVENTS if "content" in prepared.cdrs else COMPARED
    return Verdicts(
        prepared.cdrs["call_id"],
        prepared.cdrs["fingerprint"],
        lambda rows: of_cdrs(_taken(prepared.cdrs, compared, rows)),
        prepared.cdrs["partner_id"],
    )


def rejected_verdicts(prepared, settings):
    """What is to be found out about what was rejected of a chunk.

    :return: :class:`~.known.Verdicts`
    """
    rejected = prepared.rejected
    at = np.array(rejected.row, np.int64)
    plain = [
        record_id or call_id
        for record_id, call_id in zip(rejected.record_id, rejected.call_id, strict=True)
    ]
    return Verdicts(
        pa.array(plain, pa.string()),
        pa.array(rejected.fingerprint, pa.string()),
        lambda rows: of_frame(prepared.frame.iloc[at[rows]], settings),
        np.array([partner or 0 for partner in rejected.partner_id], np.int64),
        is_read=at >= 0,
    )


def note_others(rejected, verdicts, frame, settings):
    """Rejected records, with the reason of those that have another one's id.

    What a record says that is not understood is no difference: it is asked first, and
    the record compared when it is tried again.

    :param rejected: :class:`~.outcome.Rejected`, which stays as it is
    :param frame: the chunk's records
    :return: :class:`~.outcome.Rejected`
    """
    rows = np.flatnonzero(verdicts.other)
    if not len(rows):
        return rejected
    changed = copy(rejected)
    for name in ("call_id", "record_id", "reason", "detail", "cause", "tried"):
        setattr(changed, name, list(getattr(rejected, name)))
    at = np.array(rejected.row, np.int64)[rows]
    plain = verdicts.ids.take(pa.array(rows)).to_pylist()
    keys = own_ids(plain, of_frame(frame.iloc[at], settings))
    for row, text, key in zip(rows.tolist(), plain, keys, strict=True):
        if rejected.fingerprint[row] is None:
            changed.call_id[row], changed.record_id[row] = key, text
        if rejected.reason[row] in UNREAD:
            continue
        changed.reason[row], changed.detail[row] = SAME_ID, verdicts.detail[row]
        changed.cause[row] = _cause(settings)
        changed.tried[row] = []
    return changed


def rejected_cdrs(prepared, rows, details, settings):
    """CDRs that have another one's id as rejected records.

    :param prepared: :class:`~.outcome.Prepared`
    :param rows: int64 array of positions among its CDRs
    :param details: list of texts, see ``same_records.details``
    :return: :class:`~.outcome.Rejected`
    """
    rejected = Rejected()
    if not len(rows):
        return rejected
    cdrs = _taken(prepared.cdrs, prepared.cdrs, rows)
    plain = cdrs["call_id"].to_pylist()
    prints = cdrs["fingerprint"].to_pylist()
    keys = own_ids(plain, of_cdrs(cdrs))
    count = len(rows)
    is_call = settings.record_kind == "call"
    rejected.line += cdrs["line"].tolist()
    # What has no id of its own is told by its content.
    rejected.call_id += [
        text if by_facts else key
        for text, key, by_facts in zip(plain, keys, prints, strict=True)
    ]
    rejected.record_id += [
        None if by_facts else text for text, by_facts in zip(plain, prints, strict=True)
    ]
    rejected.fingerprint += prints
    rejected.reason += [SAME_ID] * count
    rejected.detail += details
    rejected.raw += mapping.raw_texts(prepared.frame, cdrs["row"])
    rejected.readable += [True] * count
    rejected.partner_id += _ids(cdrs["partner_id"])
    rejected.start_us += cdrs["start_us"].tolist()
    rejected.seconds += cdrs["quantity"].tolist() if is_call else [0] * count
    rejected.row += cdrs["row"].tolist()
    rejected.cause += [_cause(settings)] * count
    rejected.tried += [[] for _row in rows]
    rejected.callee += cdrs["callee"].to_pylist()
    for name in ("meter_id", "destination_id", "rule_id"):
        getattr(rejected, name).extend(_ids(cdrs[name]))
    rejected.estimate += [
        micro * MICRO * settings.rate_of_currency.get(currency, 1)
        if charged and is_call
        else None
        for micro, currency, charged in zip(
            cdrs["charge_micro"].tolist(),
            cdrs["currency_id"].tolist(),
            cdrs["billable"].tolist(),
            strict=True,
        )
    ]
    return rejected


def _cause(settings):
    return cause_key(SAME_ID, settings.source_id, None, (), None, 0, 0, 0)


def _ids(values):
    return [int(value) or None for value in values.tolist()]


def _taken(columns, names, rows):
    at = pa.array(rows)
    return {
        name: columns[name].take(at)
        if isinstance(columns[name], pa.Array)
        else columns[name][rows]
        for name in names
    }
