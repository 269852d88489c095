# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: what decides how the readings of all registers of a meter are understood
DECIDING = ("digits", "factor", "at_period_end")
DIGITS = DECIDING.index("digits")


class MeteredMeter(models.Model):
    """What a meter of the kind *counter* says of its registers."""

    _inherit = "metered.meter"

    digits = fields.Integer(
        string="Digits Before the Decimal Point",
        help="Number of digits after which the register starts again at 0. 0 means it "
        "never does.",
    )
    factor = fields.Float(
        digits=0,
        default=1.0,
        help="Readings are multiplied by this factor to convert them to the unit: the "
        "transformer ratio, or units per pulse. A register can have a different "
        "factor from a certain day on.",
    )
    at_period_end = fields.Selection(
        [
            ("interpolate", "Interpolate"),
            ("carry", "Bill up to the last reading"),
        ],
        string="No Reading at End of Period",
        required=True,
        default="interpolate",
        help="Interpolate: usage between two readings is spread evenly over time. If "
        "there is no later reading yet, the latest rate of consumption is "
        "assumed; any difference is billed in the next period. Bill up to the "
        "last reading: usage between two readings belongs to the day of the "
        "later one.",
    )
    most_percent = fields.Integer(
        string="Maximum Rollover (%)",
        default=10,
        help="A reading lower than the previous one counts as a rollover if the "
        "register would have advanced by no more than this percentage of its "
        "range. Otherwise it becomes an exception.",
    )
    most_per_day = fields.Float(
        string="Maximum per Day",
        digits=0,
        help="The same limit as a maximum increase per day. It replaces the "
        "percentage. 0 means the percentage is used.",
    )
    register_count = fields.Integer(compute="_compute_register_count")

    _counter_is_summed = models.Constraint(
        "CHECK (kind != 'counter' OR aggregation = 'sum')",
        "Usage of a counter must be summed over the billing period.",
    )
    _digits_plausible = models.Constraint(
        "CHECK (digits IS NULL OR digits BETWEEN 0 AND 18)",
        "A register must have 0 to 18 digits before the decimal point.",
    )
    _percent_plausible = models.Constraint(
        "CHECK (most_percent IS NULL OR most_percent BETWEEN 0 AND 99)",
        "The percentage must be between 0 and 99.",
    )

    def _compute_register_count(self):
        groups = self.env["metered.register"]._read_group(
            [("meter_id", "in", self.ids)], ["meter_id"], ["__count"]
        )
        counts = {meter.id: count for meter, count in groups}
        for meter in self:
            meter.register_count = counts.get(meter.id, 0)

    @api.constrains("factor", "kind")
    def _check_factor(self):
        for meter in self.filtered(lambda meter: meter.kind == "counter"):
            self.env["metered.register.factor"]._in_nano(meter.factor)

    @api.constrains("kind")
    def _check_counter_kind(self):
        """What came in as a reading stays one, and what was counted is none."""
        registers = self.env["metered.register"].sudo()
        for meter in self:
            if meter.kind != "counter" and registers.search_count(
                [("meter_id", "=", meter.id)], limit=1
            ):
                raise ValidationError(
                    self.env._(
                        "%(meter)s has readings, so it must stay a counter. Add "
                        "another meter for other kinds of records.",
                        meter=meter.name,
                    )
                )

    def _counter_before(self):
        """What registers depend on, before a change."""
        return {meter: [meter[name] for name in DECIDING] for meter in self}

    def _counter_after(self, before):
        """Have registers looked at anew whose meter is another one now."""
        changed = self.filtered(lambda m: before[m] != [m[name] for name in DECIDING])
        registers = self.env["metered.register"].sudo()
        registers = registers.with_context(active_test=False).search(
            [("meter_id", "in", changed.ids)]
        )
        registers.filtered(
            lambda r: before[r.meter_id][DIGITS] != r.meter_id.digits
        )._check_ledgers(plausible=True)
        registers._changed()

    def action_view_registers(self):
        """Open the registers of this meter."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_register"
        )
        return {
            **action,
            "domain": [("meter_id", "=", self.id)],
            "context": {"default_meter_id": self.id},
        }
