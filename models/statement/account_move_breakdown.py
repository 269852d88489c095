# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import Counter

from odoo import models

#: steps of a price that a customer reads on the invoice
_STEPS = frozenset(
    ("free_units", "tier", "volume", "stairstep", "packages", "percentage")
)


class AccountMove(models.Model):
    """How the amounts of lines are made up, for the printed invoice."""

    _inherit = "account.move"

    def _metered_breakdown(self):
        """What each tier, package, or free unit makes of the amounts of lines.

        Of lines whose tiers have lines of their own there is nothing to say.

        :return: dict id of a line -> list of texts in the language of the context
        """
        self.ensure_one()
        move = self.sudo()
        if not move.company_id.metered_invoice_breakdown:
            return {}
        lines = move.invoice_line_ids.filtered("metered_pricing")
        together = Counter(line._metered_charged_as() for line in lines)
        words = move.env["metered.explanation"]
        found = {}
        for line in lines:
            steps = [one for one in line._metered_price_steps() if one.code in _STEPS]
            if steps and together[line._metered_charged_as()] == 1:
                currency = line.metered_price_id.currency_id
                found[line.id] = [
                    f"{row['title']}: {row['text']}"
                    + (f" = {row['amount']}" if row["amount"] else "")
                    for row in words._rows(steps, currency, company=move.company_id)
                ]
        return found
