# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ..models.billing.account_move import REVERSING
from ..models.guard.metered_guarded import BY_PROGRAM


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def _modify_default_reverse_values(self, origin_move):
        """Let the new draft know which invoice it is made instead of."""
        return {
            **super()._modify_default_reverse_values(origin_move),
            "metered_replaces_id": origin_move.id,
            "metered_period_id": origin_move.metered_period_id.id,
        }

    def reverse_moves(self, is_modify=False):
        """Charge usage, and hold the billing period, with the draft that replaces."""
        with REVERSING.said(), BY_PROGRAM.said():
            action = super().reverse_moves(is_modify)
        if is_modify:
            drafts = self.new_move_ids.filtered("metered_replaces_id")
            for draft in drafts:
                self.env["metered.period"].sudo().search(
                    [("invoice_id", "=", draft.metered_replaces_id.id)]
                ).invoice_id = draft
            drafts._metered_take_over()
        return action
