# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...rating.carried import Waiting
from ..company.res_company import MOST_MONTHS


class ResCompany(models.Model):
    """How long small amounts are carried forward."""

    _inherit = "res.company"

    metered_carry_months = fields.Integer(
        string="Carry Forward At Most (months)",
        default=12,
        help="Usage is carried forward for this number of months at most, then it is "
        "invoiced, regardless of its amount. 0 means no limit.",
    )
    metered_carry_year_end = fields.Boolean(
        string="Invoice at Year End",
        default=True,
        help="Usage of a calendar year is not carried forward into the next.",
    )

    @api.constrains("metered_carry_months")
    def _check_metered_carry_months(self):
        for company in self:
            if not 0 <= company.metered_carry_months <= MOST_MONTHS:
                raise ValidationError(
                    self.env._(
                        "The number of months to carry usage forward must be between "
                        "0 (no limit) and %s.",
                        MOST_MONTHS,
                    )
                )

    def _metered_carry_waiting(self):
        """How long small amounts may wait, ``rating.carried.Waiting``."""
        self.ensure_one()
        return Waiting(self.metered_carry_months, self.metered_carry_year_end)
