# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ...stored.why import explain_stored

#: steps that say how a charge comes from the duration, and nothing about other rates
TOLD_TO_CUSTOMERS = frozenset(
    {
        "free_zero",
        "grace",
        "increments",
        "call_tier",
        "part",
        "allowance_taken",
        "left_to_deck",
        "usage",
        "connection_fee",
        "minimum",
        "maximum",
        "plan_charge",
        "rounding",
        "allowance_money",
        "charge",
    }
)


class MeteredCdr(models.Model):
    """Disputes about calls."""

    _inherit = "metered.cdr"

    def action_dispute(self):
        """Open a dispute about these calls: ask why."""
        self.check_access("read")
        return self.env["metered.dispute.start"]._open(self)

    def _explained_to_customer(self):
        """How the charge of a call came about: no costs, and no rates of others.

        :return: list of rows of ``metered.explanation``
        """
        self.ensure_one()
        if self.state != "rated" or self.meter_id.kind != "call":
            return []
        story = explain_stored(self, self._plan_of_call())
        steps = [step for step in story.stored.steps if step.code in TOLD_TO_CUSTOMERS]
        return self.env["metered.explanation"]._rows(
            steps, self.currency_id, self._names_of_allowances()
        )
