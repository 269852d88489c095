# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError

#: what decides how samples come to hours
_DECIDING = ("kind", "level_property", "most_hours_held")


class MeteredMeter(models.Model):
    """What becomes of a meter's samples when the meter changes."""

    _inherit = "metered.meter"

    def _levels_before(self, vals):
        """What has to be known of meters before they are written.

        :return: dict meter -> what decides about its samples; empty where nothing does
        :raises UserError: what is written needs of thinned samples what is gone
        """
        if not {*_DECIDING, "aggregation"} & vals.keys():
            return {}
        if vals.get("aggregation") == "unique" or "level_property" in vals:
            self._check_needs_nothing_thinned(vals)
        return {meter: [meter[name] for name in _DECIDING] for meter in self}

    def _levels_after(self, before):
        """Have the hours found again of meters whose samples mean something else."""
        changed = self.filtered(
            lambda meter: (
                meter in before and [meter[name] for name in _DECIDING] != before[meter]
            )
        )
        if changed:
            self.env["metered.level.mark"]._mark_meters(changed)

    def _check_needs_nothing_thinned(self, vals):
        """Refuse what would need a property that thinned samples do not have."""
        kept = self.env["metered.level.kept"].sudo()
        name = vals.get("level_property") or ""
        for meter in self:
            domain = [("meter_id", "=", meter.id)]
            if vals.get("aggregation") != "unique":
                if name == (meter.level_property or ""):
                    continue
                domain.append(("level_property", "!=", name))
            if kept.search_count(domain, limit=1):
                raise UserError(
                    self.env._(
                        "Older samples of %(meter)s were thinned and no longer have "
                        "the property that this change requires. Create another meter.",
                        meter=meter.name,
                    )
                )

    def _thinned_meters(self):
        """Meters whose old samples are thinned: those of levels.

        How many different values a property had is told by the records alone.
        """
        return self.with_context(active_test=False).search(
            [("kind", "=", "gauge"), ("aggregation", "!=", "unique")]
        )
