# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: a year
MOST_DAYS = 366


class ResCompany(models.Model):
    """Until when a company's customers can dispute, and who decides about how much."""

    _inherit = "res.company"

    metered_dispute_days = fields.Integer(
        string="Days to Decide",
        default=15,
        help="Working days within which a dispute must be decided, based on the "
        "company's working hours.",
    )
    metered_dispute_deadline = fields.Integer(
        string="Days to Dispute",
        default=90,
        help="Days after the invoice date during which customers can open disputes in "
        "the portal. 0 means at any time.",
    )
    metered_dispute_limit = fields.Monetary(
        string="Second Person Above",
        default=100.0,
        currency_field="currency_id",
        help="A credit above this amount needs the approval of an administrator of "
        "Metered Billing who did not decide it. 0 means never.",
    )

    @api.constrains(
        "metered_dispute_days", "metered_dispute_deadline", "metered_dispute_limit"
    )
    def _check_metered_disputes(self):
        for company in self:
            if not 1 <= company.metered_dispute_days <= MOST_DAYS:
                raise ValidationError(
                    company.env._("Enter 1 to %s days to decide a dispute.", MOST_DAYS)
                )
            if (
                company.metered_dispute_deadline < 0
                or company.metered_dispute_limit < 0
            ):
                raise ValidationError(
                    company.env._(
                        "The days to dispute, and the amount above which a second "
                        "person approves, cannot be negative."
                    )
                )
