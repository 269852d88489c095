# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from .unchecked_many2one import UncheckedMany2one


class MeteredPlanMark(models.Model):
    """Usage of a customer and some days that its calling plans have to be applied to.

    Only ever added to while records come in, so that imports do not wait for each
    other; the settling takes the marks that it has seen.
    """

    _name = "metered.plan.mark"
    _description = "Plans to Apply"
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = UncheckedMany2one(
        "res.partner", string="Customer", required=True, readonly=True
    )
    day_from = fields.Date(required=True, readonly=True)
    day_to = fields.Date(
        required=True, readonly=True, help="Last day with records of the customer."
    )

    _partner_idx = models.Index("(partner_id)")
