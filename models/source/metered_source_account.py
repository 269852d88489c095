# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.dial_plans import dial_plan


class MeteredSourceAccount(models.Model):
    _name = "metered.source.account"
    _description = "Source Account"
    _inherit = ["metered.guarded", "metered.audit", "metered.cure"]
    _order = "source_id, partner_id, name"

    _curing = frozenset({"country_id"})

    name = fields.Char(
        string="Account",
        required=True,
        help="What the switch calls this customer: a domain, a tenant, a trunk group.",
    )
    active = fields.Boolean(default=True)
    source_id = fields.Many2one(
        "metered.source",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
    )
    country_id = fields.Many2one(
        "res.country",
        string="Dials As In",
        help="Where this customer dials: 020 7946 0120 from a British office, for "
        "example. Empty: in the country of its address, and without one in the "
        "source's home country. Choose the home country where the switch itself writes "
        "all numbers as they are dialed there.",
    )
    identifier_ids = fields.One2many("metered.identifier", "account_id")

    _name_uniq = models.Constraint(
        "UNIQUE (source_id, name)",
        "This account already exists on the source.",
    )

    @api.constrains("country_id")
    def _check_country(self):
        for account in self.filtered("country_id"):
            try:
                dial_plan(account.country_id.code)
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "Nothing is known about how numbers are dialed in "
                        "%(country)s. Choose another country for %(account)s.",
                        country=account.country_id.name,
                        account=account.name,
                    )
                ) from error

    def _cure_targets(self):
        """Calls whose number was no number as it was read."""
        return [
            (
                company,
                {
                    "reasons": ["no_destination"],
                    "partner_ids": accounts.partner_id._metered_family().ids,
                },
            )
            for company, accounts in self.grouped("company_id").items()
        ]

    def _audit_home(self):
        return self.partner_id
