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
from .usage_calls import USAGE_CDRS

QUARTER_S = 900
QUARTER_US = QUARTER_S * SECOND_US
#: a day of usage is the customer's own, anywhere on earth
DAY_S = 86_400
#: time zones are no farther apart, as they are used for one file
MOST_QUARTERS = 14 * 4
#: calls that are looked at before the others are
SAMPLE = 40
#: where all have ids, by which nearly all that are known are found anyway
SAMPLE_WITH_IDS = 10
#: between by how many minutes a call is shifted, and the call
SHIFTED = " ⇄ "

#: Usage of the customers, which leads to their calls and to nobody else's.
_USAGE = """
    SELECT id FROM metered_usage
     WHERE company_id = %(company)s AND partner_id = ANY(%(partners)s)
       AND day >= (timestamp 'epoch' + %(first)s * interval '1 second')::date
       AND day <= (timestamp 'epoch' + %(last)s * interval '1 second')::date
"""
_AT_OTHER_TIMES = f"""
    SELECT new.row, (new.second - known.second) / {QUARTER_S},
           known.fingerprint IS NULL, known.call_id
      FROM unnest(%(rows)s::bigint[], %(seconds)s::bigint[], %(partners)s::bigint[],
                  %(callees)s::text[], %(callers)s::text[], %(lengths)s::bigint[])
           AS new (row, second, partner_id, callee, caller, quantity)
      JOIN (SELECT cdr.partner_id, cdr.callee, cdr.caller, cdr.quantity,
                   cdr.fingerprint, cdr.call_id,
                   floor(extract(epoch FROM cdr.start_time))::bigint AS second
              FROM {USAGE_CDRS}
             WHERE cdr.batch_id = ANY(%(batches)s) AND cdr.state = 'rated') known
        ON known.partner_id = new.partner_id AND known.quantity = new.quantity
       AND known.callee = new.callee
       AND coalesce(known.caller, '') = coalesce(new.caller, '')
     WHERE mod(new.second - known.second, {QUARTER_S}) = 0
       AND (new.second - known.second) / {QUARTER_S} = ANY(%(quarters)s::bigint[])
"""  # noqa: S608 - ours
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
    company_id = settings.company_id
    found = _at_other_times(cr, company_id, cdrs, rows[places], quarters, batches)
    least = 1 if settings.doubts_times else 2
    counts = Counter(quarter for _row, quarter in found)
    likely = [quarter for quarter, count in counts.items() if count >= least]
    matched = {row for row, quarter in found if quarter in likely}
    if not matched or 2 * len(matched) < len(places):
        return {}
    if len(places) < len(rows):
        found = _at_other_times(cr, company_id, cdrs, rows, likely, batches)
    texts = {}
    for row, quarter in sorted(found):
        if quarter in likely:
            texts.setdefault(row, f"{quarter * 15:+d} min{SHIFTED}{_shown(cdrs, row)}")
    return texts


def _at_other_times(cr, company_id, cdrs, rows, quarters, batches):
    """Pairs of (row, quarters of an hour by which it begins later than a known one)."""
    taken = pa.array(rows)
    seconds, partners = cdrs["start_us"][rows] // SECOND_US, cdrs["partner_id"][rows]
    around = max(map(abs, quarters)) * QUARTER_S + DAY_S
    cr.execute(
        _USAGE,
        {
            "company": company_id,
            "partners": np.unique(partners).tolist(),
            "first": int(seconds.min()) - around,
            "last": int(seconds.max()) + around,
        },
    )
    usage = [usage_id for (usage_id,) in cr.fetchall()]
    if not usage:
        return set()
    cr.execute(
        _AT_OTHER_TIMES,
        {
            "usage": usage,
            "rows": rows.tolist(),
            "seconds": seconds.tolist(),
            "partners": partners.tolist(),
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
