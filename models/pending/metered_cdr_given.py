# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class MeteredCdr(models.Model):
    """Where the quantity of a record comes from that no source brought."""

    _inherit = "metered.cdr"

    def _explain_given(self):
        """Rows about a quantity that a program gave; none for other records."""
        self.ensure_one()
        told = self.properties or {}
        if self.source_id or self.register_id or "given_quantity" not in told:
            return []
        return [
            self.env["metered.explanation"]._row(
                "given",
                self.env._("Given quantity"),
                self.env._(
                    "%(program)s sent a quantity of %(given)s for the period. "
                    "%(other)s was already recorded, and this record is the "
                    "difference.",
                    program=told.get("given_by", ""),
                    given=told["given_quantity"],
                    other=told.get("recorded", "0"),
                ),
            )
        ]
