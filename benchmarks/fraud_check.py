# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How long it takes to look for toll fraud in calls that are being stored."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import imports
import numpy as np
import pyarrow as pa
from effort import Effort

from odoo.addons.metered_billing.ingest.frames import copy_out
from odoo.addons.metered_billing.ingest.fraud_store import DAY, SECOND_US, watch
from odoo.addons.metered_billing.ingest.run import CHUNK_RECORDS
from odoo.addons.metered_billing.stored.fraud_days import check_waiting, sum_day

OLDEST_DAYS, RECENT_DAYS = 3, 1

_CALLS = """
    SELECT partner_id, (extract(epoch FROM start_time) * 1000000)::bigint,
           quantity::bigint, (coalesce(charge, 0) * 1000000)::bigint,
           coalesce(currency_id, 0), coalesce(destination_id, 0), callee, caller,
           direction, (usage_id IS NOT NULL)::int
      FROM metered_cdr WHERE partner_id IS NOT NULL ORDER BY start_time
"""
_COLUMNS = {
    **dict.fromkeys(
        (
            *("partner_id", "start_us", "quantity", "charge_micro"),
            *("currency_id", "destination_id"),
        ),
        pa.int64(),
    ),
    **dict.fromkeys(("callee", "caller", "direction"), pa.string()),
    "billable": pa.int64(),
}


@dataclass(frozen=True)
class FraudFigures:
    """Processor seconds of client and server for all calls that are stored.

    :ivar month: in the import, at the end of their month: those of the last day count
    :ivar later: after it: the days before are summed, and their calls checked
    :ivar one_day: in the import, as if all of them were of the last day
    """

    month: float
    later: float
    one_day: float


def measure(env, operator):
    """Look at all stored calls once more, in the chunks of an import, as if new.

    :param operator: :class:`workload.Workload`
    :return: :class:`FraudFigures`; what was written is taken back
    """
    days = env["metered.fraud.day"].sudo()
    calls = copy_out(env.cr, _CALLS, (), _COLUMNS)
    start = calls["start_us"].to_numpy()
    now = int(start.max()) // SECOND_US + 1
    known = replace(
        days._fraud_settings(operator.source.company_id),
        now=now,
        oldest=now - OLDEST_DAYS * DAY,
        recent=now - RECENT_DAYS * DAY,
    )
    month = _watch(env, operator, known, calls)
    with Effort.measure(env.cr) as effort:
        for day in range(now // DAY - OLDEST_DAYS - 1, now // DAY + 1):
            sum_day(env.cr, known, day)
        env.cr.execute("DELETE FROM metered_fraud_mark")
        after = 0
        while after is not None:
            _found, after = check_waiting(env.cr, known, after)
    later = effort.processor
    env.cr.execute(
        "SELECT (SELECT count(*) FROM metered_fraud_day),"
        " (SELECT count(*) FROM metered_fraud_wait)"
    )
    sums, waiting = env.cr.fetchone()
    imports.compare(
        [("days without a sum", sums < 1, False), ("calls that wait", waiting, 0)]
    )
    env.cr.rollback()
    first = int(start.min())
    squeezed = first + (start - first) * DAY * SECOND_US // (int(start.max()) - first)
    calls = calls.set_column(1, "start_us", pa.array(squeezed))
    one_day = _watch(env, operator, replace(known, oldest=0, recent=0), calls)
    env.cr.rollback()
    return FraudFigures(month, later, one_day)


def _watch(env, operator, known, calls):
    """Processor seconds in which calls are looked at, chunk by chunk."""
    settings = SimpleNamespace(
        fraud=known, record_kind="call", source_id=operator.source.id
    )
    seconds = 0
    for first in range(0, calls.num_rows, CHUNK_RECORDS):
        chunk = calls.slice(first, CHUNK_RECORDS).combine_chunks()
        cdrs = {
            name: chunk.column(name).combine_chunks()
            if name in ("callee", "caller", "direction")
            else np.ascontiguousarray(chunk.column(name).to_numpy())
            for name in _COLUMNS
        }
        cdrs["billable"] = cdrs["billable"] > 0
        with Effort.measure(env.cr) as effort:
            watch(env.cr, cdrs, settings)
        seconds += effort.processor
    return seconds
