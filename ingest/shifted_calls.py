# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The same calls once more, each shifted by the same quarter hours.

A file is exported again in another time zone, and one of both exports has no ids: its
calls are of the same customers, between the same numbers and as long, and all of them
begin so many hours earlier. They would be charged twice. Two calls that are so alike
are no proof, but most calls of a file are: a person says whether these are other calls.

Calls that are a whole number of days apart are not compared: some are made every day.
"""

from collections import Counter

import numpy as np
import pyarrow as pa

from .same_records import id_key
from .times import SECOND_US

QUARTER_US = 900 * SECOND_US
#: time zones are no farther apart, as they are used for one file
MOST_QUARTERS = 14 * 4
#: calls that are looked at before the others are
SAMPLE = 40
#: where all have ids, by which nearly all that are known are found anyway
SAMPLE_WITH_IDS = 10
#: between by how many minutes a call is shifted, and the call
SHIFTED = " ⇄ "

_AT_OTHER_TIMES = """
    SELECT new.row, shift.quarters, known.fingerprint IS NULL, known.call_id
      FROM unnest(%(rows)s::bigint[], %(seconds)s::bigint[], %(partners)s::bigint[],
                  %(callees)s::text[], %(callers)s::text[], %(lengths)s::bigint[])
           AS new (row, second, partner_id, callee, caller, quantity)
     CROSS JOIN unnest(%(quarters)s::bigint[]) AS shift (quarters)
     CROSS JOIN LATERAL (
           SELECT * FROM metered_cdr
            WHERE start_time >= timestamp 'epoch'
                      + (new.second - shift.quarters * 900) * interval '1 second'
              AND start_time < timestamp 'epoch'
                      + (new.second - shift.quarters * 900 + 1) * interval '1 second'
           OFFSET 0) known
     WHERE known.batch_id = ANY(%(batches)s) AND known.state = 'rated'
       AND known.partner_id = new.partner_id AND known.quantity = new.quantity
       AND known.callee = new.callee
       AND known.caller IS NOT DISTINCT FROM new.caller
"""
_BATCHES = """
    SELECT id FROM metered_batch
     WHERE source_id = %s AND id != %s AND state != 'undone'
       AND first_start <= timestamp 'epoch' + %s * interval '1 microsecond'
       AND last_start >= timestamp 'epoch' + %s * interval '1 microsecond'
"""


def shifted_calls(cr, cdrs, settings, rows, batch_id):
    """Calls that another import of the source brought, at other times.

    Of two calls with ids of their own the ids tell whether they are one, however they
    are written.

    :param cdrs: dict of columns as in :class:`~.outcome.Prepared`
    :param settings: :class:`~.settings.ImportSettings`
    :param rows: int64 array: the charged calls
    :param batch_id: id of the batch, whose own calls do not count
    :return: dict row -> detail
    """
    if not len(rows):
        return {}
    start_us = cdrs["start_us"][rows]
    most = MOST_QUARTERS * QUARTER_US
    last, first = int(start_us.max()) + most, int(start_us.min()) - most
    cr.execute(_BATCHES, (settings.source_id, batch_id, last, first))
    batches = [batch for (batch,) in cr.fetchall()]
    if not batches:
        return {}
    quarters = [q for q in range(-MOST_QUARTERS, MOST_QUARTERS + 1) if q]
    has_ids = cdrs["fingerprint"].take(pa.array(rows)).null_count == len(rows)
    size = SAMPLE_WITH_IDS if has_ids else SAMPLE
    places = np.unique(np.linspace(0, len(rows) - 1, size).astype(np.int64))
    found = _at_other_times(cr, cdrs, rows[places], quarters, batches)
    least = 1 if settings.doubts_times else 2
    counts = Counter(quarter for _row, quarter in found)
    likely = [quarter for quarter, count in counts.items() if count >= least]
    matched = {row for row, quarter in found if quarter in likely}
    if not matched or 2 * len(matched) < len(places):
        return {}
    if len(places) < len(rows):
        found = _at_other_times(cr, cdrs, rows, likely, batches)
    texts = {}
    for row, quarter in sorted(found):
        if quarter in likely:
            texts.setdefault(row, f"{quarter * 15:+d} min{SHIFTED}{_shown(cdrs, row)}")
    return texts


def _at_other_times(cr, cdrs, rows, quarters, batches):
    """Pairs of (row, quarters of an hour by which it begins later than a known one)."""
    taken = pa.array(rows)
    cr.execute(
        _AT_OTHER_TIMES,
        {
            "rows": rows.tolist(),
            "seconds": (cdrs["start_us"][rows] // SECOND_US).tolist(),
            "partners": cdrs["partner_id"][rows].tolist(),
            "callees": cdrs["callee"].take(taken).to_pylist(),
            "callers": cdrs["caller"].take(taken).to_pylist(),
            "lengths": cdrs["quantity"][rows].tolist(),
            "quarters": quarters,
            "batches": batches,
        },
    )
    found = set()
    for row, quarter, has_id, call_id in cr.fetchall():
        if has_id and not cdrs["fingerprint"][row].is_valid:
            if id_key(call_id) != id_key(cdrs["call_id"][row].as_py()):
                continue
        found.add((row, quarter))
    return found


def _shown(cdrs, row):
    start = np.datetime64(int(cdrs["start_us"][row]) // SECOND_US, "s")
    caller, callee = (cdrs[name][row].as_py() or "?" for name in ("caller", "callee"))
    shown = str(start).replace("T", " ")
    return f"{shown} {caller} → {callee} {cdrs['quantity'][row]} s"
