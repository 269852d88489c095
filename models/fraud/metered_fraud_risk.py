# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.classify import split_prefixes
from ...rating.prefixes import prefix_range


class MeteredFraudRisk(models.Model):
    """Prefixes that a company takes for risky, beside premium and satellite numbers."""

    _name = "metered.fraud.risk"
    _description = "High-Risk Numbers"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    prefixes = fields.Text(
        required=True,
        tracking=True,
        help="First digits of the international numbers without +, separated by "
        "spaces, for example 37282 for some numbers in Estonia.",
    )
    note = fields.Char(
        string="Origin", help="Where the prefixes come from, for example a notice."
    )

    @api.constrains("prefixes")
    def _check_prefixes(self):
        for risk in self:
            prefixes = split_prefixes(risk.prefixes)
            for prefix in prefixes:
                try:
                    prefix_range(prefix)
                except ValueError:
                    prefixes = ()
                if prefix.startswith("="):
                    prefixes = ()
            if not prefixes:
                raise ValidationError(
                    self.env._(
                        "Enter the prefixes as digits without +, separated by spaces, "
                        "for example 37282 37283."
                    )
                )
