# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time

from odoo import api, models

from ...ingest.conflicts import again
from ...ingest.marks import mark_levels
from ...stored.level_hours import store_hours
from ..guard.unchecked_many2one import UncheckedMany2one

#: seconds that the scheduled action works at a time
SLICE_SECONDS = 40
#: marks, and records, whose hours are found together, and committed
SLICE_MARKS, SLICE_RECORDS = 1_000, 500_000

_MARKED = """
    SELECT meter_id, array_agg(id)
      FROM (SELECT usage.meter_id, usage.id,
                   sum(usage.records) OVER (ORDER BY usage.id) - usage.records AS before
              FROM (SELECT DISTINCT usage_id
                      FROM (SELECT usage_id FROM metered_level_mark
                             ORDER BY id LIMIT %s) oldest) mark
              JOIN metered_usage usage ON usage.id = mark.usage_id) found
     WHERE before < %s
     GROUP BY meter_id ORDER BY meter_id
"""


class MeteredLevelMark(models.Model):
    """Usage whose samples changed since the hours of its levels were found.

    Only ever added to while samples come in, as the marks of calling plans are. A mark
    is written by the transaction that changes the samples: hours of usage without one
    are what its samples come to. Those of usage with one are found when somebody looks.
    """

    _name = "metered.level.mark"
    _description = "Pending Level Update"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    usage_id = UncheckedMany2one("metered.usage", required=True, readonly=True)

    _usage_idx = models.Index("(usage_id)")

    def init(self):
        """Have the hours found of what was stored before there were any."""
        self.pool.post_init(self._mark_unknown)

    @api.model
    def _mark_unknown(self):
        self.env.cr.execute(
            "SELECT array_agg(usage.id) FROM metered_usage usage"
            "  JOIN metered_meter meter ON meter.id = usage.meter_id"
            " WHERE meter.kind = 'gauge' AND usage.records > 0 AND NOT EXISTS"
            "       (SELECT 1 FROM metered_level_hour WHERE usage_id = usage.id)"
        )
        mark_levels(self.env.cr, self.env.cr.fetchone()[0] or ())

    @api.model
    def _mark_meters(self, meters):
        """Have all hours of these meters found again."""
        usage = self.env["metered.usage"].sudo()
        found = usage._search([("meter_id", "in", meters.ids), ("records", ">", 0)])
        self.env.flush_all()
        mark_levels(self.env.cr, found.get_result_ids())
        self.env.ref("metered_billing.ir_cron_level_hours").sudo()._trigger()

    @api.model
    def _cron_store_hours(self):
        """Find the hours of what is marked, slice by slice."""
        begun = time.monotonic()
        while self._store_marked(self.env.cr.commit):
            if time.monotonic() - begun > SLICE_SECONDS:
                break
        self.env["ir.cron"]._commit_progress(remaining=self.search_count([]))

    @api.model
    def _store_marked(self, commit=None):
        """Find the hours of some marked usage, and take its marks.

        :param commit: function that commits; None: the caller's transaction has it all
        :return: whether any was marked
        """
        done = []

        def work(_failed):
            done[:] = [self._store_slice()]
            if commit:
                commit()

        again(self.env.cr, work, commit)
        return done[0]

    @api.model
    def _store_slice(self):
        cr = self.env.cr
        self.env.flush_all()
        # Marks that come in from here on are not seen, and so not taken.
        cr.execute("SELECT array_agg(id) FROM metered_level_mark")
        [every] = cr.fetchone()
        if not every:
            return False
        cr.execute(_MARKED, (SLICE_MARKS, SLICE_RECORDS))
        found = cr.fetchall()
        meters = self.env["metered.meter"].sudo().with_context(active_test=False)
        for meter_id, usage_ids in found:
            meter = meters.browse(meter_id)
            store_hours(cr, usage_ids, meter.level_property, meter._longest_held_us())
        usage = [key for _meter, keys in found for key in keys]
        cr.execute(
            "DELETE FROM metered_level_mark mark WHERE id = ANY(%s) AND (usage_id ="
            " ANY(%s) OR NOT EXISTS (SELECT 1 FROM metered_usage usage"
            "                         WHERE usage.id = mark.usage_id))",
            (every, usage),
        )
        self.env["metered.level.hour"].invalidate_model(flush=False)
        return True
