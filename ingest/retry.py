# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Taking exceptions through the pipeline once more."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa

from .load import load_settings
from .prepare import prepare
from .store import lock_source, store_cdrs


def retry_exceptions(exceptions):
    """Rate open exceptions again, as of today's settings.

    What is cured becomes CDRs of the original import. What is not stays open, with the
    reason as it is now.

    :param exceptions: ``metered.exception`` records; those that are not open, or whose
        columns could not be told apart, are left alone
    :return: number of records that became CDRs
    """
    cured = 0
    todo = exceptions.sudo().filtered(lambda e: e.state == "open" and e.readable)
    for source, of_source in todo.grouped("source_id").items():
        settings = load_settings(source)
        with lock_source(source.env.cr, source.id, None):
            for batch, of_batch in of_source.grouped("batch_id").items():
                records = {e: json.loads(e.raw) for e in of_batch}
                for _names, alike in of_batch.grouped(
                    lambda e, records=records: tuple(records[e])
                ).items():
                    cured += _retry_alike(
                        batch, alike, [records[e] for e in alike], settings
                    )
    return cured


def _retry_alike(batch, exceptions, records, settings):
    """Retry exceptions of one batch whose records have the same columns."""
    dtype = pd.ArrowDtype(pa.string())
    frame = pd.DataFrame(
        {
            name: pd.array([record[name] for record in records], dtype=dtype)
            for name in records[0]
        }
    )
    prepared = prepare(
        frame,
        np.array(exceptions.mapped("line"), np.int64),
        [],
        settings,
        ids=pa.array(exceptions.mapped("call_id"), pa.string()),
    )
    store_cdrs(batch.env.cr, prepared, settings, batch.id)
    cured_ids = set(prepared.cdrs["call_id"].to_pylist())
    cured = exceptions.filtered(lambda e: e.call_id in cured_ids)
    cured.write({"state": "resolved"})
    rejected = prepared.rejected
    now = {
        call_id: (reason, detail)
        for call_id, reason, detail in zip(
            rejected.call_id, rejected.reason, rejected.detail, strict=True
        )
    }
    for exception in exceptions - cured:
        reason, detail = now[exception.call_id]
        exception.write({"reason": reason, "detail": detail})
    for exception in exceptions:
        exception.attempts += 1
    rated = int(prepared.cdrs["billable"].sum())
    batch._count(
        rated=rated,
        not_billable=len(cured) - rated,
        exceptions=-len(cured),
    )
    batch.env["metered.usage"].invalidate_model()
    return len(cured)
