# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...rating.counters import NANO
from ...rating.exact import exact, exact_text, number


class MeteredRegisterFactor(models.Model):
    _name = "metered.register.factor"
    _description = "Register Factor"
    _inherit = ["metered.guarded", "metered.audit"]
    _order = "register_id, date_from NULLS FIRST, id"

    register_id = fields.Many2one(
        "metered.register", required=True, ondelete="cascade", index=True
    )
    date_from = fields.Date(
        string="From",
        help="First day this factor applies. Leave empty for no start date.",
    )
    factor = fields.Float(
        digits=0,
        required=True,
        default=1.0,
        help="Readings are multiplied by this factor to convert them to the "
        "meter's unit.",
    )

    _day_uniq = models.UniqueIndex(
        "(register_id, coalesce(date_from, '-infinity'))",
        "The register already has a factor starting on that day.",
    )

    @api.depends("factor")
    def _compute_display_name(self):
        for line in self:
            line.display_name = exact_text(number(line.factor))

    @api.constrains("factor")
    def _check_factor(self):
        for line in self:
            self._in_nano(line.factor)

    @api.model
    def _in_nano(self, factor):
        """A factor in 10⁻⁹, an integer.

        :raises ValidationError: for one that cannot be
        """
        value = exact(number(factor)) * NANO
        if value <= 0 or value.denominator != 1:
            raise ValidationError(
                self.env._(
                    "A factor must be greater than 0 and can have up to 9 decimal "
                    "places, for example 40 or 0.00125."
                )
            )
        return value.numerator

    @api.model_create_multi
    def create(self, vals_list):
        """What was used is another quantity from then on."""
        factors = super().create(vals_list)
        factors.register_id._changed()
        return factors

    def write(self, vals):
        """What was used is another quantity from then on."""
        registers = self.register_id
        done = super().write(vals)
        (registers | self.register_id)._changed()
        return done

    def unlink(self):
        """What was used is another quantity from then on."""
        registers = self.register_id
        done = super().unlink()
        registers._changed()
        return done
