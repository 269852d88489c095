# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL


class MeteredStatement(models.Model):
    """Statements of calls that are not there anymore."""

    _inherit = "metered.statement"

    def _check_details_kept(self):
        """Refuse to make a statement whose calls would be missing.

        :raises UserError: call details of the invoice or the period were deleted
        """
        self.env.flush_all()
        tables, condition = self._usage_scope()
        rows = self.env.execute_query(
            SQL(
                "SELECT usage.id FROM %s WHERE %s AND meter.kind = 'call'"
                " AND usage.details_gone = 'deleted'",
                tables,
                condition,
            )
        )
        usage = self.env["metered.usage"].browse(row[0] for row in rows)
        if usage:
            raise UserError(
                self.env._(
                    "%(reason)s A statement of the calls can no longer be created. "
                    "Existing statements are kept.",
                    reason=usage._details_gone_text(),
                )
            )
