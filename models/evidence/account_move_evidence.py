# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class AccountMove(models.Model):
    """Invoices whose usage somebody wants to see proven."""

    _inherit = "account.move"

    metered_engine = fields.Char(
        string="Metered Billing Version",
        readonly=True,
        copy=False,
        help="The version of Metered Billing that charged the usage.",
    )

    def action_metered_evidence(self):
        """Have an evidence pack made of each of these invoices, in the background.

        :raises UserError: for a document that is not a posted invoice with usage
        """
        self.check_access("read")
        packs = self.env["metered.evidence"]
        packs.check_access("read")
        made = packs.sudo()._start_for(self.sudo())
        return made.with_env(self.env)._get_records_action()

    def _metered_lineage(self):
        """What the document is, as JSON."""
        return {
            "id": self.id,
            "number": self.name,
            "status": self.state,
            "date": self.invoice_date.isoformat() if self.invoice_date else None,
            "customer": self.partner_id.display_name,
            "version": self.metered_engine or None,
        }
