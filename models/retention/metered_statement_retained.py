# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError


class MeteredStatement(models.Model):
    """Statements of calls that are not there anymore."""

    _inherit = "metered.statement"

    def _check_details_kept(self):
        """Refuse to make a statement whose calls would be missing.

        :raises UserError: call details of the invoice were deleted
        """
        usage = self.invoice_id.invoice_line_ids.metered_usage_ids
        if usage.filtered(lambda row: row.details_gone == "deleted"):
            raise UserError(
                self.env._(
                    "%(reason)s A statement of the calls cannot be made anymore. "
                    "Statements that were made before are kept.",
                    reason=usage._details_gone_text(),
                )
            )
