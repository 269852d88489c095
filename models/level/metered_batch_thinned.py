# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError


class MeteredBatch(models.Model):
    """An import some of whose samples were thinned cannot be undone any more."""

    _inherit = "metered.batch"

    thinned = fields.Integer(
        string="Thinned Samples",
        readonly=True,
        copy=False,
        help="Old samples of levels that are no longer listed one by one. They are "
        "billed as before.",
    )

    def _check_not_thinned(self):
        """Refuse to undo what is not there any more record by record.

        :raises UserError: naming the way to correct it
        """
        if self.thinned:
            raise UserError(
                self.env._(
                    "%(file)s cannot be undone, because some of its samples are old "
                    "and were thinned. To correct a level, import a sample with the "
                    "same time and another record ID: of the same time, the sample "
                    "imported last counts.",
                    file=self.file_name,
                )
            )
