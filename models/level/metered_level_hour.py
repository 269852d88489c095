# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..guard.unchecked_many2one import UncheckedMany2one


class MeteredLevelHour(models.Model):
    """What the samples of one hour come to: of a day's usage, and of one of its levels.

    Found by ``stored/level_hours.py`` after samples came or went; see
    ``metered.level.mark``.
    """

    _name = "metered.level.hour"
    _description = "Level per Hour"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "hour desc, id"
    _rec_name = "level_of"

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    usage_id = fields.Many2one(
        "metered.usage", required=True, readonly=True, ondelete="cascade"
    )
    level_of = fields.Char(
        required=True,
        readonly=True,
        help="Value of the property that distinguishes the customer's levels.",
    )
    hour = fields.Datetime(required=True, readonly=True, help="Start of the hour, UTC.")
    records = fields.Integer(readonly=True, help="Number of records.")
    samples = fields.Integer(readonly=True, help="Number of different sample times.")
    first_time = fields.Datetime(string="First Sample", readonly=True)
    last_time = fields.Datetime(string="Last Sample", readonly=True)
    last_id = fields.Float(digits=0, readonly=True, help="ID of the last sample.")
    lowest = fields.Float(digits=0, readonly=True, aggregator="min")
    highest = fields.Float(digits=0, readonly=True, aggregator="max")
    last = fields.Float(string="Last Level", digits=0, readonly=True, aggregator=None)
    area = fields.Float(
        string="Level × Time",
        digits=0,
        readonly=True,
        aggregator=None,
        help="Level multiplied by microseconds, between the first and the last sample.",
    )
    lapsed_area = fields.Float(
        string="Level × Time in Gaps",
        digits=0,
        readonly=True,
        aggregator=None,
        help="Level × time after a sample was no longer valid, until the next one.",
    )
    lapsed_us = fields.Float(
        string="Microseconds in Gaps", digits=0, readonly=True, aggregator=None
    )

    _hour_uniq = models.UniqueIndex("(usage_id, level_of, hour)")
