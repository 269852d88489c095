# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..screen.actions import window_action

#: other subscriptions of its customers that are renewed with a portion, at most
MOST_TOGETHER = 500


class MeteredRenewal(models.Model):
    """What a run carries forward."""

    _inherit = "metered.renewal"

    carried = fields.Integer(
        string="Carried Forward",
        compute="_compute_carried",
        help="Billing periods that came to less than the smallest invoice.",
    )
    carried_info = fields.Char(
        string="Amount Carried Forward",
        compute="_compute_carried",
        help="What the billing periods of this run came to that were carried forward, "
        "excluding taxes.",
    )

    def _compute_carried(self):
        groups = self.env["metered.period"]._read_group(
            [("renewal_id", "in", self.ids), ("carried_on", "!=", False)],
            ["renewal_id", "carried_currency_id"],
            ["__count", "carried_amount:sum"],
        )
        by_run = {}
        for run, currency, count, amount in groups:
            text = currency.format(amount) if amount else ""
            by_run.setdefault(run, []).append((count, text))
        for run in self:
            some = by_run.get(run._origin, [])
            run.carried = sum(count for count, _amount in some)
            run.carried_info = ", ".join(amount for _count, amount in some if amount)

    def action_view_carried(self):
        """Open the billing periods that this run carried forward."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_period",
            [("renewal_id", "=", self.id), ("carried_on", "!=", False)],
            context={"show_carried": True},
        )

    def _with_same_customers(self, portion):
        """A portion, and what else of its customers is due: it is decided together.

        :param portion: ``sale.subscription`` records, by their ids
        """
        if not self.env["metered.invoice.floor"]._of_company(self.company_id):
            return portion
        addresses = (
            portion.partner_invoice_id
            | portion.filtered(lambda one: not one.partner_invoice_id).partner_id
        )
        return portion | portion.search(
            [
                *self._due_domain(),
                ("id", ">", portion[-1].id),
                "|",
                ("partner_invoice_id", "in", addresses.ids),
                "&",
                ("partner_invoice_id", "=", False),
                ("partner_id", "in", addresses.ids),
            ],
            order="id",
            limit=MOST_TOGETHER,
        )
