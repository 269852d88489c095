# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ...ingest.reading_store import lock_registers, mark_registers


class MeteredBatch(models.Model):
    """Readings of counters that an import brought, and their taking back."""

    _inherit = "metered.batch"

    def _take_back_readings(self):
        """Take the readings of this import out of their ledgers.

        What they brought is taken back when the registers are booked; who changed one
        by hand has it taken back as well: the import brought it.
        """
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(
            "SELECT array_agg(DISTINCT register_id) FROM metered_reading"
            " WHERE batch_id = %s",
            (self.id,),
        )
        [registers] = cr.fetchone()
        if not registers:
            return
        lock_registers(cr, registers)
        cr.execute(
            "DELETE FROM metered_reading WHERE batch_id = %s"
            " RETURNING register_id, time",
            (self.id,),
        )
        left = self.env["metered.register"].browse(registers)
        changed = cr.fetchall()
        # An opening may have gone that what came later needs.
        left._check_ledgers()
        mark_registers(cr, *map(list, zip(*changed, strict=True)))
        self.env["metered.reading"].invalidate_model(flush=False)
        self.env["metered.register"].invalidate_model(flush=False)

    def _reading_invoices(self):
        """Invoices with what was used before or after readings of this import.

        :return: list of (invoice id, number of records)
        """
        self.env.cr.execute(
            """
            WITH own AS (
                SELECT id, register_id FROM metered_reading WHERE batch_id = %s
            )
            SELECT line.move_id, count(*)::int
              FROM metered_cdr cdr
              JOIN metered_usage usage ON usage.id = cdr.usage_id
              JOIN account_move_line line ON line.id = usage.invoice_line_id
             WHERE cdr.register_id IN (SELECT register_id FROM own)
               AND EXISTS (
                   SELECT 1
                     FROM jsonb_array_elements_text(cdr.properties -> 'readings') one
                     JOIN own ON own.id = one::int)
             GROUP BY line.move_id ORDER BY line.move_id
            """,
            (self.id,),
        )
        return self.env.cr.fetchall()
