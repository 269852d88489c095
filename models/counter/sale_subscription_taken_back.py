# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class SaleSubscription(models.Model):
    """What is taken back, and what it can be set off against.

    An estimate that billed too much is taken back by a line below 0. An invoice of less
    than 0 cannot be posted: what is more than the invoice charges waits for the next.
    """

    _inherit = "sale.subscription"

    def _metered_within_charge(self, renewal):
        """Leave lines of late usage below 0 to a later invoice, if this would be too.

        Their usage stays open. The last bill of a subscription has no next one: a
        person makes a credit note of it.

        :param renewal: the renewal, whose ``usage_lines`` are prepared
        """
        self.ensure_one()
        if not renewal.fees:
            return
        total = sum(_amount(line) for line, _ids in renewal.usage_lines)
        total += sum(self._metered_flat_lines().mapped("price_subtotal"))
        if self.currency_id.compare_amounts(total, 0) >= 0:
            return
        left = [ids for line, ids in renewal.usage_lines if _amount(line) < 0]
        renewal.usage_lines = [
            (line, ids) for line, ids in renewal.usage_lines if _amount(line) >= 0
        ]
        usage = self.env["metered.usage"].sudo()
        usage.browse(key for ids in left for key in ids)._forget_price()


class MeteredUsage(models.Model):
    """Open usage whose line was not made after all."""

    _inherit = "metered.usage"

    def _forget_price(self):
        """Have these as they were before a line was prepared for them."""
        made = self.filtered(lambda usage: not usage.records)
        made.unlink()
        self.env.cr.execute(
            "UPDATE metered_usage SET amount = 0, billed_quantity = 0"
            " WHERE id = ANY(%s)",
            ((self - made).ids,),
        )
        self.invalidate_model(["amount", "billed_quantity", "minutes"], flush=False)


def _amount(line):
    """What a line of an invoice comes to, before taxes."""
    return line["quantity"] * line["price_unit"] * (1 - line.get("discount", 0) / 100)
