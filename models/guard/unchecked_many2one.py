# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields


class UncheckedMany2one(fields.Many2one):
    """A many2one whose column has no foreign key in the database.

    Every foreign key costs one trigger call per copied row: a dozen of them would
    take longer than storing the CDR itself. What a CDR points to is kept in place
    by its usage row, whose foreign keys are real, and by the deletion checks of
    sources, batches, rates and identifiers.
    """

    def update_db_foreign_key(self, model, column):
        """Leave the column without a constraint, whatever ``ondelete`` says."""
