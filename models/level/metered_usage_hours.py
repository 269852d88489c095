# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ...rating.level_hours import BY_HOURS
from ...stored.level_hours import in_one_unit, read_hours
from .metered_level_bands import LevelHours

#: samples of a period up to which these tell what it comes to
MANY_SAMPLES = 20_000


class MeteredUsage(models.Model):
    """What many samples come to, without reading most of them."""

    _inherit = "metered.usage"

    def _level_by_hours(self, found, rows, company, partner, period):
        """What a level comes to, from its hours.

        :param period: microseconds UTC (from, until)
        :return: as ``rating.level_hours.level_by_hours``; None where the samples have
            to be asked
        """
        meter, (aggregation, _percent) = found.meter, found.basis
        if meter._counts_calls() or aggregation not in BY_HOURS:
            return None
        if sum(rows.mapped("records")) <= MANY_SAMPLES:
            return None
        before, values = self._usage_before(found, company, partner)
        first_id = values["subscription"]
        terms = (meter.level_property, meter._longest_held_us(), first_id)
        parts = [
            read_hours(self.env.cr, rows.ids, *terms),
            read_hours(self.env.cr, before, *terms, is_opening=True),
        ]
        # A day may begin within an hour, which both its days have then.
        every = rows | self.browse(before)
        hours = LevelHours(meter, every, first_id, *in_one_unit(parts))
        return hours.comes_to(period, aggregation)
