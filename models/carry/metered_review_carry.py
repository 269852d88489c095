# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

# A line of a period that was carried forward has days of it.
_CARRIED = """
    SELECT line.move_id, sum(line.price_subtotal)
      FROM account_move_line line
     WHERE line.move_id = ANY(%s) AND line.display_type = 'product'
       AND EXISTS (
        SELECT FROM metered_period period
         WHERE period.invoice_id = line.move_id
           AND period.carry_end IS NOT NULL
           AND period.date_from <= line.metered_date_from
           AND period.date_to >= line.metered_date_to)
     GROUP BY line.move_id
"""


class MeteredReview(models.Model):
    """What of an invoice is of periods that were carried forward."""

    _inherit = "metered.review"

    carried_amount = fields.Monetary(
        string="Carried Forward",
        readonly=True,
        help="Part of the usage that was carried forward from earlier periods, "
        "excluding taxes.",
    )
    still_carried = fields.Char(
        compute="_compute_still_carried",
        help="Usage of this customer that is carried forward and not on an invoice "
        "yet.",
    )

    def _compute_still_carried(self):
        periods = self.env["metered.period"]
        for review in self:
            review.still_carried = ", ".join(
                periods._describe_carried(
                    one["amount"], one["currency"], one["since"], one["problem"]
                )
                for one in review.partner_id._metered_carried(review.company_id)
            )

    def _read_carried(self):
        """What was carried forward on each invoice: dict id -> float, without taxes."""
        self.env["metered.period"].flush_model(["invoice_id", "carry_end"])
        self.env.cr.execute(_CARRIED, (self.invoice_id.ids,))
        return {move_id: float(amount) for move_id, amount in self.env.cr.fetchall()}

    def _carried_findings(self):
        """That an invoice has usage which was carried forward, for its findings."""
        self.ensure_one()
        if not self.carried_amount:
            return []
        amount = self.currency_id.format(self.carried_amount)
        return [self.env._("carried forward from earlier periods: %s", amount)]
