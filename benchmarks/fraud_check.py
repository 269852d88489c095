# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How long it takes to look for toll fraud in calls that are being stored."""

import time
from dataclasses import replace
from types import SimpleNamespace

import imports
import numpy as np
import pyarrow as pa

from odoo.addons.metered_billing.ingest.frames import copy_out
from odoo.addons.metered_billing.ingest.fraud_store import watch
from odoo.addons.metered_billing.ingest.run import CHUNK_RECORDS

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


def measure(env, operator):
    """Look at all stored calls once more, in the chunks of an import, as if new.

    :param operator: :class:`workload.Workload`
    :return: seconds; what was written is taken back
    """
    days = env["metered.fraud.day"].sudo()
    known = replace(days._fraud_settings(operator.source.company_id), oldest=0)
    classifier = operator.source._load_settings().dial_plans[0]
    settings = SimpleNamespace(
        fraud=known, record_kind="call", dial_plans=(classifier,)
    )
    calls = copy_out(env.cr, _CALLS, (), _COLUMNS)
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
        begun = time.perf_counter()
        watch(env.cr, cdrs, settings)
        seconds += time.perf_counter() - begun
    env.cr.execute("SELECT count(*) FROM metered_fraud_day")
    imports.compare([("days without a sum", env.cr.fetchone()[0] < 1, False)])
    env.cr.rollback()
    return seconds
