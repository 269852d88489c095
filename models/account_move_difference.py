# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class AccountMove(models.Model):
    """Documents that bill a difference to invoiced usage: it is billed once.

    A document that is cancelled, deleted or taken back in full bills nothing, and
    rating the usage again finds the difference once more. Where that has happened, the
    document cannot come back.
    """

    _inherit = "account.move"

    def _metered_differences(self):
        """The differences that these documents bill, with all rights."""
        if not self.ids:
            return self.env["metered.rerate.difference"].sudo()
        return (
            self.env["metered.rerate.difference"]
            .sudo()
            .search([("move_id", "in", self.ids)])
        )

    def write(self, vals):
        """Tell what is not billed any more; refuse what would be billed twice."""
        if vals.get("state") not in ("draft", "cancel"):
            return super().write(vals)
        revived = self.filtered(lambda move: move.state == "cancel")
        # What took a document back is withdrawn: it bills again.
        revived |= self.filtered(
            lambda move: move.state == "posted"
        ).reversed_entry_id.filtered(lambda move: move._metered_is_void())
        cancelled = self.filtered(lambda move: move.state != "cancel")
        result = super().write(vals)
        revived._metered_differences()._check_billed_once()
        if vals["state"] == "cancel":
            cancelled._metered_differences()._note_unbilled(
                cancelled, self.env._("%(document)s was cancelled.")
            )
        return result

    def _post(self, soft=True):
        """Tell what is not billed any more when all of it is taken back."""
        posted = super()._post(soft)
        void = posted.reversed_entry_id.filtered(lambda move: move._metered_is_void())
        void._metered_differences()._note_unbilled(
            void, self.env._("%(document)s was taken back.")
        )
        return posted

    def unlink(self):
        """Tell what is not billed any more."""
        self._metered_differences()._note_unbilled(
            self, self.env._("%(document)s was deleted.")
        )
        return super().unlink()
