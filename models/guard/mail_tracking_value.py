# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class MailTrackingValue(models.Model):
    """What a field was to a company is told to users of that company only.

    A field that depends on the company is tracked in a chatter that several companies
    may share: which deck a customer has in one of them is not for the others.
    """

    _name = "mail.tracking.value"
    _inherit = ["metered.guarded", "mail.tracking.value"]

    metered_company_id = fields.Many2one(
        "res.company",
        string="Company of the Value",
        readonly=True,
        ondelete="cascade",
    )

    @api.model
    def _create_tracking_values(
        self, initial_value, new_value, col_name, col_info, record
    ):
        values = super()._create_tracking_values(
            initial_value, new_value, col_name, col_info, record
        )
        field = record._fields.get(col_name)
        if field is not None and field.company_dependent:
            values["metered_company_id"] = record.env.company.id
        return values

    def _filter_has_field_access(self, env):
        companies = env.user.company_ids
        return (
            super()
            ._filter_has_field_access(env)
            .filtered(
                lambda value: (
                    value.metered_company_id in companies
                    or not value.metered_company_id
                )
            )
        )
