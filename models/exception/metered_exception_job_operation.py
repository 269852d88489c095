# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json

from odoo import models

from ...ingest.exception_store import printable
from ...ingest.retry import corrected_id, retry_exceptions


class MeteredExceptionJob(models.Model):
    """What a job does to exceptions of one source: its four operations."""

    _inherit = "metered.exception.job"

    def _operate(self, settings, ids):
        """Do what the job does to records of one source.

        :return: number of records that are no exceptions any more
        """
        if self.operation == "dismiss":
            self._dismiss(ids)
            return 0
        if self.operation == "reopen":
            self._reopen(ids)
            return 0
        if self.operation == "correct":
            self._correct(settings, ids)
        return self._retry(settings, ids)

    def _retry(self, settings, ids):
        """Rate records again and count it on their batches."""
        self.env.flush_all()
        outcome = retry_exceptions(self.env.cr, settings, ids)
        self.env.invalidate_all(flush=False)
        for batch_id, retried in outcome.items():
            batch = self.env["metered.batch"].browse(batch_id)
            batch._mark_rates(retried.rate_ids)
            if retried.cured:
                batch._count(
                    rated=retried.rated,
                    not_billable=retried.not_billable,
                    duplicates=retried.duplicates,
                    exceptions=-retried.cured,
                )
        return sum(retried.cured for retried in outcome.values())

    def _dismiss(self, ids):
        self.env.cr.execute(
            """
            UPDATE metered_exception
               SET state = 'dismissed', dismiss_reason = %s, dismissed_uid = %s,
                   dismissed_date = now() AT TIME ZONE 'UTC',
                   write_date = now() AT TIME ZONE 'UTC'
             WHERE id = ANY(%s) AND state = 'open'
            """,
            (self.values["reason"], self.create_uid.id, ids),
        )
        self.env["metered.exception"].invalidate_model(flush=False)

    def _reopen(self, ids):
        # Who had dismissed it, and why, stays to be seen.
        self.env.cr.execute(
            """
            UPDATE metered_exception
               SET state = 'open', write_date = now() AT TIME ZONE 'UTC'
             WHERE id = ANY(%s) AND state = 'dismissed'
            """,
            (ids,),
        )
        self.env["metered.exception"].invalidate_model(flush=False)

    def _correct(self, settings, ids):
        """Change the raw columns of records; keep what they were."""
        cr = self.env.cr
        cr.execute(
            "SELECT id, raw, readable FROM metered_exception"
            " WHERE id = ANY(%s) AND state = 'open' ORDER BY id FOR UPDATE",
            (ids,),
        )
        rows = []
        for exception_id, raw, readable in cr.fetchall():
            if "record" in self.values:
                record = self.values["record"]
            elif readable:
                record = _changed(json.loads(raw), self.values["changes"])
            else:
                continue
            text = printable(json.dumps(record, ensure_ascii=False))
            if text != raw:
                known = None if readable else corrected_id(record, settings)
                rows.append((exception_id, text, known))
        if rows:
            cr.execute_values(
                "UPDATE metered_exception old"
                "   SET original = coalesce(old.original, old.raw), raw = new.raw,"
                "       readable = TRUE,"
                "       record_id = coalesce(new.record_id, old.record_id),"
                f"      corrected_uid = {int(self.create_uid.id)},"
                "       corrected_date = now() AT TIME ZONE 'UTC'"
                "  FROM (VALUES %s) AS new (id, raw, record_id)"
                " WHERE old.id = new.id",
                rows,
                template="(%s, %s, %s::text)",
            )
        self.env["metered.exception"].invalidate_model(flush=False)


def _changed(record, changes):
    """A record with changes applied.

    :param record: dict column -> text
    :param changes: list of dicts: column, find (empty: the whole value), replace
    """
    record = dict(record)
    for change in changes:
        name = change["column"]
        if name not in record:
            continue
        old = record[name] or ""
        find = change.get("find") or ""
        replace = change.get("replace") or ""
        record[name] = old.replace(find, replace) if find else replace
    return record
