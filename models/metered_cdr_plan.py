# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ..ingest.plan_cover import StoredPlans


class MeteredCdr(models.Model):
    """What a calling plan took of a call, for its explanation."""

    _inherit = "metered.cdr"

    def _plan_of_call(self):
        self.ensure_one()
        self.env.cr.execute(
            "SELECT plan_taken::text, plan_quantity::bigint FROM metered_cdr"
            " WHERE id = %s AND plan_taken IS NOT NULL",
            (self.id,),
        )
        found = self.env.cr.fetchone()
        if not found:
            return super()._plan_of_call()
        text, covered = found
        return StoredPlans(self.env.cr, [text]).of_call(text, covered)

    def _names_of_allowances(self):
        names = super()._names_of_allowances()
        taken = self.plan_taken or {}
        allowances = self.env["metered.calling.plan.allowance"].sudo()
        for key in map(int, taken):
            allowance = allowances.browse(abs(key)).exists()
            if allowance:
                names[key] = (
                    allowance.name
                    if key > 0
                    else self.env._("%s, used up", allowance.name)
                )
        return names
