# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ..guard.unchecked_many2one import UncheckedMany2one
from .metered_seal import REASONS


class MeteredSealNote(models.Model):
    """Why sealed usage is not what it was: it waits for another seal.

    Written by the transaction that changes the usage, see ``ingest/marks.py``. What
    differs from its seal without a note was changed by nothing that may.
    """

    _name = "metered.seal.note"
    _description = "Pending Seal"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    day = fields.Date(readonly=True)
    invoice_id = UncheckedMany2one("account.move", string="Invoice", readonly=True)
    reason = fields.Selection(REASONS, required=True, readonly=True)
    about = fields.Char(readonly=True)
    moment = fields.Datetime(required=True, readonly=True)

    @api.model
    def _note_invoices(self, moves, reason):
        """Note that invoices are posted, or no longer are.

        :param moves: ``account.move`` of any company
        :param str reason: one of ``REASONS``
        """
        now = fields.Datetime.now()
        self.sudo().create(
            [
                {
                    "company_id": move.company_id.id,
                    "invoice_id": move.id,
                    "reason": reason,
                    "about": move.name,
                    "moment": now,
                }
                for move in moves
                if move.company_id.metered_sealing
            ]
        )
