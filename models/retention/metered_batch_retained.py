# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date


class MeteredBatch(models.Model):
    """An import whose records, or whose file, were deleted under retention."""

    _inherit = "metered.batch"

    details_deleted = fields.Integer(
        string="Deleted Under Retention",
        readonly=True,
        copy=False,
        help="Call records that were deleted because they were old. Their sums are "
        "kept and remain on the invoices.",
    )
    file_deleted_on = fields.Date(
        readonly=True,
        copy=False,
        help="The imported file was deleted under retention on this day. Its SHA-256 "
        "is kept, so that the same file is still recognized.",
    )

    def _check_details_kept(self):
        """Refuse to undo an import some of whose calls are not there anymore.

        :raises UserError: naming the way to correct it
        """
        if self.details_deleted:
            raise UserError(
                self.env._(
                    "%(file)s cannot be undone, because some of its records were "
                    "deleted under retention. Correct the invoices with a credit note.",
                    file=self.file_name,
                )
            )

    def _file_deleted_text(self):
        """What is said instead of a record of a file that was deleted, or ""."""
        if not self.file_deleted_on:
            return ""
        return self.env._(
            "The imported file was deleted under retention on %s.",
            format_date(self.env, self.file_deleted_on),
        )
