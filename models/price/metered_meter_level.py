# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ...rating.levels import OF_LEVELS

#: what only a level that holds between its samples can come to
WEIGHTED = ("time_average", "percentile")
HOUR_US = 3_600_000_000


class MeteredMeter(models.Model):
    """How the level of a meter is known between its samples; see ``rating.levels``."""

    _inherit = "metered.meter"

    level_source = fields.Selection(
        [
            ("samples", "Samples"),
            ("calls", "Concurrent calls (all answered calls)"),
            ("charged_calls", "Concurrent calls (only charged calls)"),
        ],
        string="Source of the Level",
        required=True,
        default="samples",
        help="Samples are imported, pushed, or fetched. The number of concurrent calls "
        "is calculated from the call details, to the second. No samples are needed.",
    )
    level_holds = fields.Boolean(
        string="Level Continues Between Samples",
        help="A sample is the level from its time until the next sample, even beyond "
        "the billing period: 10 seats remain 10 seats until another number is "
        "reported. If not selected, only the samples of the period count, one by one.",
    )
    percentile = fields.Integer(
        default=95,
        aggregator=None,
        help="The lowest level that was not exceeded for this percentage of the time. "
        "95 means that the highest levels, during 5% of the time (36 hours a month), "
        "are free.",
    )
    most_hours_held = fields.Float(
        string="A Sample Is Valid for (Hours)",
        digits=0,
        aggregator=None,
        help="After this time without a new sample there is a gap. 0 means that "
        "there are no gaps: a sample is valid until the next one.",
    )
    gap_policy = fields.Selection(
        [
            ("hold", "The last level continues"),
            ("zero", "The level is 0"),
            ("leave_out", "The level is unknown: leave out this time"),
        ],
        string="In a Gap",
        required=True,
        default="hold",
        help="Level during a gap. If the time is left out, averages and percentiles "
        "are calculated from the rest of the period.",
    )
    level_property = fields.Char(
        string="One Level Per",
        help="Name of a property, for example device, if a customer has several "
        "levels at once. The levels are added up. Leave empty if each contact has one "
        "level.",
    )

    _weighted_levels_hold = models.Constraint(
        "CHECK (kind = 'gauge' OR aggregation NOT IN ('time_average', 'percentile'))",
        "Only meters of the kind Samples of a level can have a time-weighted average "
        "or a percentile.",
    )
    _percentile_of_the_time = models.Constraint(
        "CHECK (percentile BETWEEN 1 AND 100)",
        "Enter a percentile between 1 and 100.",
    )
    _hours_held = models.Constraint(
        "CHECK (most_hours_held >= 0)",
        "The hours for which a sample is valid cannot be negative.",
    )

    _calls_are_a_level = models.Constraint(
        "CHECK (level_source = 'samples' OR (kind = 'gauge' AND aggregation IN"
        " ('max', 'min', 'last', 'time_average', 'percentile')))",
        "For concurrent calls, choose the kind Samples of a level, and as the "
        "aggregation the highest, lowest, or last quantity, the average level, or the "
        "percentile.",
    )

    def _prices_level(self, aggregation=None):
        """Whether what a period comes to depends on how long its levels held.

        :param aggregation: what a price takes in place of the meter's
        """
        aggregation = aggregation or self.aggregation
        return self.kind == "gauge" and (
            aggregation in WEIGHTED
            or self._counts_calls()
            or (self.level_holds and aggregation in OF_LEVELS)
        )

    def _counts_calls(self):
        """Whether its level is how many calls there are at one time."""
        return self.level_source != "samples"

    def _longest_held_us(self):
        """For how many microseconds a sample holds, None until the next one."""
        return round(self.most_hours_held * HOUR_US) or None

    @api.onchange("kind", "aggregation")
    def _onchange_level(self):
        """Levels are mostly told when they change."""
        if self.kind == "gauge" and not self._origin:
            self.level_holds = True
