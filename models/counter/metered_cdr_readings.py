# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from .metered_usage_readings import reading_line


class MeteredCdr(models.Model):
    """Which readings a record of a counter is, or lies between."""

    _inherit = "metered.cdr"

    def _explain_readings(self):
        """Rows about the readings of a counter; none for other records."""
        self.ensure_one()
        words = self.env["metered.explanation"]
        label = self.env._("Readings")
        if self.state == "reading":
            return [
                words._row(
                    "reading",
                    label,
                    self.env._(
                        "This is the value the counter showed. The usage since the "
                        "previous reading is billed as separate records."
                    ),
                )
            ]
        told = self.properties or {}
        if not self.register_id or "from" not in told:
            return []
        text = reading_line(self.env, self.partner_id, self.company_id, told, told)
        if told.get("correction"):
            text = self.env._(
                "%(readings)s: the difference from the invoiced usage", readings=text
            )
        return [words._row("reading", label, text)]
