# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools.misc import formatLang

#: customers that are shown of each kind
SHOWN = 10


class MeteredWhatIf(models.Model):
    """Who would pay more, and who less: the largest differences."""

    _inherit = "metered.simulation"

    customers = fields.Html(
        string="Who Pays More, Who Less",
        compute="_compute_customers",
        sanitize=False,
        help="The customers with the largest differences.",
    )

    @api.depends("state")
    @api.depends_context("uid", "lang")
    def _compute_customers(self):
        for run in self:
            run.customers = run.state == "done" and run._describe_customers()

    def _describe_customers(self):
        """Those who would pay most more, and most less, as HTML."""
        found = self.env["metered.simulation.line"]._read_group(
            [("simulation_id", "=", self.id)],
            ["partner_id", "currency_id"],
            ["before:sum", "after:sum", "difference:sum"],
        )
        more = sorted((row for row in found if row[4] > 0), key=lambda row: -row[4])
        less = sorted((row for row in found if row[4] < 0), key=lambda row: row[4])
        blocks = [
            (self.env._("Would pay more"), more, "text-danger"),
            (self.env._("Would pay less"), less, "text-success"),
        ]
        return self.env["ir.qweb"]._render(
            "metered_billing.simulation_customers",
            {
                "same": len(found) - len(more) - len(less),
                "blocks": [
                    {
                        "title": title,
                        "count": len(rows),
                        "others": max(len(rows) - SHOWN, 0),
                        "style": style,
                        "rows": [self._describe_customer(*row) for row in rows[:SHOWN]],
                    }
                    for title, rows, style in blocks
                ],
            },
        )

    def _describe_customer(self, partner, currency, before, after, difference):
        """One customer as texts."""
        share = 100 * difference / before if before else 0
        shown = formatLang(self.env, share, digits=1)
        # Less than a cent is still a difference.
        places = 2 if abs(difference) >= 0.005 else 4
        return {
            "id": partner.id,
            "name": partner.display_name or self.env._("Unknown"),
            "before": formatLang(self.env, before, digits=2),
            "after": formatLang(self.env, after, digits=2),
            "difference": formatLang(self.env, difference, digits=places),
            "share": f"{shown} %" if abs(share) >= 0.05 else "",
            "currency": currency.name,
        }
