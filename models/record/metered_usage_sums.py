# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from .metered_sums import Money


class MeteredUsage(models.Model):
    """Amounts as they are now.

    Open usage of meters has its amount when it is invoiced; its rows say what it comes
    to so far. A sum of a group that has such usage is left empty: it would be less than
    its rows.
    """

    _inherit = "metered.usage"
    _summed_as = {"amount_so_far": "amount", "so_far_currency_id": "currency_id"}

    amount_so_far = Money(
        compute="_compute_amount_so_far",
        compute_sudo=True,
        currency_field="so_far_currency_id",
        min_display_digits=4,
        aggregator="sum",
        help="Amount of calls and of invoiced usage. For meter usage that is not "
        "invoiced yet, the amount so far.",
    )
    so_far_currency_id = fields.Many2one(
        "res.currency",
        string="Amount Currency",
        compute="_compute_amount_so_far",
        compute_sudo=True,
    )
    amount_note = fields.Selection(
        [("so_far", "so far"), ("unpriced", "no price")],
        string="Amount Type",
        compute="_compute_amount_so_far",
        compute_sudo=True,
        help="So far: the usage is priced with its billing period, so the amount "
        "changes with each new record of that period.",
    )

    @api.depends("amount", "currency_id", "invoice_line_id", "meter_id", "records")
    def _compute_amount_so_far(self):
        found = self.filtered_domain(self._so_far_domain())._price_so_far()
        for usage in self:
            usage.amount_note = False
            if usage.invoice_line_id or usage.meter_id.kind == "call":
                usage.amount_so_far = usage.amount
                usage.so_far_currency_id = usage.currency_id
            elif usage.id in found.amounts:
                amount, usage.so_far_currency_id = found.amounts[usage.id]
                usage.amount_so_far = float(amount)
                usage.amount_note = "so_far"
            else:
                # Without records an invoice that is no more had made it.
                usage.amount_so_far = 0.0
                usage.so_far_currency_id = usage.currency_id
                usage.amount_note = "unpriced" if usage.records else False

    # === SUMS === #

    @api.model
    def _unknown_sums(self, domain, groupby):
        groups = self.formatted_read_group(
            [*fields.Domain(domain), *self._priced_later_domain()], groupby, ["__count"]
        )
        return {
            tuple(group[spec] for spec in groupby)
            for group in groups
            if group["__count"]
        }
