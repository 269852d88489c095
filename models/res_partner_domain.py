# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


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
        help="What NetSapiens calls this customer, such as acme.12345.service. Several "
        "are separated by commas.",
    )
    metered_brightlink_domain = fields.Char(
        string="Brightlink Domain",
        compute="_compute_metered_domains",
        inverse="_inverse_metered_brightlink_domain",
        groups="metered_billing.group_metered_user",
        help="What Brightlink PBX Cloud calls this customer. Several are separated by "
        "commas.",
    )
    metered_source_types = fields.Char(
        compute="_compute_metered_source_types",
        groups="metered_billing.group_metered_user",
        help="Types of sources that there are in this company.",
    )
    metered_lists_accounts = fields.Boolean(
        compute="_compute_metered_source_types",
        groups="metered_billing.group_metered_user",
        help="A source can be asked for its accounts.",
    )

    def _compute_metered_source_types(self):
        sources = self.env["metered.source"].search(
            [("company_id", "=", self.env.company.id)]
        )
        self.metered_source_types = ",".join(sorted(set(sources.mapped("source_type"))))
        self.metered_lists_accounts = any(s._lists_accounts() for s in sources)

    @api.depends(
        "metered_account_ids.name",
        "metered_account_ids.active",
        "metered_account_ids.source_id",
    )
    @api.depends_context("company")
    def _compute_metered_domains(self):
        for partner in self:
            for source_type in ("netsapiens", "brightlink"):
                accounts = partner._metered_accounts_of_type(source_type)
                partner[f"metered_{source_type}_domain"] = ", ".join(
                    accounts.mapped("name")
                )

    def action_metered_choose_account(self):
        """Choose what a switch calls this customer from what it lists."""
        self.ensure_one()
        return self.env["metered.account.choice"]._action_open(self)

    def _metered_accounts_of_type(self, source_type):
        company = self.env.company
        return self.metered_account_ids.filtered(
            lambda a: (
                a.active
                and a.source_id.source_type == source_type
                and a.source_id.company_id == company
            )
        )

    def _inverse_metered_netsapiens_domain(self):
        self._metered_set_domains("netsapiens")

    def _inverse_metered_brightlink_domain(self):
        self._metered_set_domains("brightlink")

    def _metered_set_domains(self, source_type):
        """Give the customer the accounts that were entered, and take away others."""
        wanted = {
            partner: [
                name.strip()
                for name in (partner[f"metered_{source_type}_domain"] or "").split(",")
                if name.strip()
            ]
            for partner in self
        }
        for partner, names in wanted.items():
            accounts = partner._metered_accounts_of_type(source_type)
            new = [name for name in names if name not in accounts.mapped("name")]
            accounts.filtered(lambda a, n=names: a.name not in n).active = False
            if not new:
                continue
            source = accounts.source_id[:1] or self.env["metered.source"].search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("source_type", "=", source_type),
                ],
                limit=1,
            )
            if not source:
                raise UserError(
                    self.env._("Connect a source of that type before entering domains.")
                )
            for name in new:
                source._assign_account(name, partner)
