# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ...connectors.sources import CONNECTORS


class ResPartner(models.Model):
    """What hosted switches call a customer, as fields of the customer.

    Each is the names of its source accounts, on whichever source of that type; the
    accounts are what is stored.
    """

    _inherit = "res.partner"

    metered_netsapiens_domain = fields.Char(
        string="NetSapiens Domain",
        compute="_compute_metered_domains",
        inverse="_inverse_metered_netsapiens_domain",
        groups="metered_billing.group_metered_user",
        help="Name of this customer on NetSapiens, for example acme.12345.service. "
        "Separate several names with commas.",
    )
    metered_brightlink_domain = fields.Char(
        string="Brightlink Domain",
        compute="_compute_metered_domains",
        inverse="_inverse_metered_brightlink_domain",
        groups="metered_billing.group_metered_user",
        help="Name of this customer on Brightlink PBX Cloud. Separate several names "
        "with commas.",
    )
    metered_domain_fields = fields.Char(
        compute="_compute_metered_sources",
        groups="metered_billing.group_metered_user",
        help="Names of the fields above for which this company has a source.",
    )
    metered_lists_accounts = fields.Boolean(
        compute="_compute_metered_sources",
        groups="metered_billing.group_metered_user",
        help="Whether any source can list its accounts.",
    )

    def _compute_metered_sources(self):
        sources = self.env["metered.source"].search(
            [("company_id", "=", self.env.company.id)]
        )
        names = {source._kind().customer_field for source in sources} - {""}
        self.metered_domain_fields = ",".join(sorted(names))
        self.metered_lists_accounts = any(s._lists_accounts() for s in sources)

    @api.depends(
        "metered_account_ids.name",
        "metered_account_ids.active",
        "metered_account_ids.source_id",
    )
    @api.depends_context("company")
    def _compute_metered_domains(self):
        names = {kind.customer_field for kind in CONNECTORS.values()}
        for name in names & set(self._fields):
            for partner in self:
                accounts = partner._metered_accounts_shown_in(name)
                partner[name] = ", ".join(accounts.mapped("name"))

    def action_metered_choose_account(self):
        """Choose what a switch calls this customer from what it lists."""
        self.ensure_one()
        return self.env["metered.account.choice"]._action_open(self)

    def _metered_accounts_shown_in(self, name):
        company = self.env.company
        return self.metered_account_ids.filtered(
            lambda a: (
                a.active
                and a.source_id._kind().customer_field == name
                and a.source_id.company_id == company
            )
        )

    def _inverse_metered_netsapiens_domain(self):
        self._metered_set_domains("metered_netsapiens_domain")

    def _inverse_metered_brightlink_domain(self):
        self._metered_set_domains("metered_brightlink_domain")

    def _metered_set_domains(self, field):
        """Give the customer the accounts that were entered, and take away others."""
        wanted = {
            partner: [
                name.strip()
                for name in (partner[field] or "").split(",")
                if name.strip()
            ]
            for partner in self
        }
        for partner, names in wanted.items():
            accounts = partner._metered_accounts_shown_in(field)
            new = [name for name in names if name not in accounts.mapped("name")]
            accounts.filtered(lambda a, n=names: a.name not in n).active = False
            if not new:
                continue
            source = accounts.source_id[:1] or self._metered_source_of(field)
            if not source:
                raise UserError(
                    self.env._("Connect a source of that type before entering domains.")
                )
            for name in new:
                source._assign_account(name, partner)

    def _metered_source_of(self, field):
        """The first source of this company whose accounts a field shows."""
        keys = [key for key, kind in CONNECTORS.items() if kind.customer_field == field]
        domain = [
            ("company_id", "=", self.env.company.id),
            ("source_type", "in", keys),
        ]
        return self.env["metered.source"].search(domain, limit=1)
