# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class MeteredRerate(models.Model):
    """Re-rating of days whose calls are not there anymore: their usage is skipped."""

    _inherit = "metered.rerate"

    skipped_note = fields.Char(compute="_compute_skipped_note")

    @api.depends("date_from", "company_id")
    def _compute_skipped_note(self):
        for run in self:
            text = run.company_id._metered_no_details_text(run.date_from)
            run.skipped_note = text and self.env._(
                "%s The usage of these calls is skipped and keeps its charges.", text
            )

    def _check_details_kept(self):
        """Say why nothing can be rated again, where the calls were deleted.

        :raises UserError: call details of the first day were masked or deleted
        """
        if self.skipped_note:
            raise UserError(self.skipped_note)
