# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""CDRs that no rate fits any more become exceptions of the import they came with."""

import json
from types import SimpleNamespace
from typing import NamedTuple

from ..ingest.causes import cause_key
from ..ingest.exception_store import store_exceptions, update_exceptions
from ..ingest.load import company_rates
from ..ingest.outcome import Rejected

_OPEN_AGAIN = """
    UPDATE metered_exception exception
       SET state = 'open'
      FROM unnest(%s::text[]) AS old (call_id)
     WHERE exception.source_id = %s
       AND (exception.call_id = old.call_id OR exception.record_id = old.call_id)
 RETURNING old.call_id, exception.id
"""


class Unrated(NamedTuple):
    """A record that was rated and is not any more; times in epoch microseconds."""

    batch_id: int
    line: int
    call_id: str
    reason: str
    callee: str | None
    partner_id: int
    meter_id: int
    destination_id: int
    start_us: int
    seconds: int


def make_exceptions(batch, records, raw_texts):
    """Store records as exceptions, with their raw content.

    Their CDRs are deleted already. A record that was an exception once is that same
    exception again.

    :param batch: ``metered.batch`` record that they came with, with all rights; its
        source is locked by the caller
    :param records: list of :class:`Unrated`
    :param raw_texts: function (lines) -> dict line -> JSON text
    """
    cr, source, company = batch.env.cr, batch.source_id, batch.company_id
    settings = SimpleNamespace(
        company_id=company.id,
        source_id=source.id,
        rate_of_currency=company_rates(company, ()),
    )
    cr.execute(_OPEN_AGAIN, ([record.call_id for record in records], source.id))
    known = dict(cr.fetchall())
    again = [record for record in records if record.call_id in known]
    ids = [known[record.call_id] for record in again]
    update_exceptions(cr, ids, _rejected(again, {}, source), settings)
    records = [record for record in records if record.call_id not in known]
    if records:
        raw = raw_texts([record.line for record in records])
        store_exceptions(cr, _rejected(records, raw, source), settings, batch.id)


def _rejected(records, raw, source):
    """The records as an import rejects them.

    :param raw: dict line -> JSON text
    :return: :class:`~.outcome.Rejected`
    """
    rejected = Rejected()
    for record in records:
        text = raw.get(record.line)
        rejected.row.append(-1)
        rejected.line.append(record.line)
        rejected.call_id.append(record.call_id)
        rejected.record_id.append(None)
        rejected.fingerprint.append(None)
        rejected.reason.append(record.reason)
        rejected.detail.append(record.callee)
        rejected.raw.append(text or _without_file(record))
        rejected.readable.append(text is not None)
        rejected.partner_id.append(record.partner_id)
        rejected.start_us.append(record.start_us)
        rejected.seconds.append(record.seconds)
        rejected.callee.append(record.callee)
        rejected.meter_id.append(record.meter_id or None)
        rejected.destination_id.append(record.destination_id or None)
        rejected.rule_id.append(None)
        rejected.estimate.append(None)
        rejected.tried.append([])
        rejected.cause.append(
            cause_key(
                record.reason,
                source.id,
                record.callee,
                (),
                record.callee,
                record.meter_id,
                record.destination_id,
                0,
            )
        )
    return rejected


def _without_file(record):
    """What is known of a record whose file is gone."""
    facts = {
        "call_id": record.call_id,
        "callee": record.callee,
        "seconds": record.seconds,
    }
    return json.dumps(facts, ensure_ascii=False)
