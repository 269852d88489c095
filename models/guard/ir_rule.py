# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.fields import Domain


class IrRule(models.Model):
    """A dialog of this module is its opener's."""

    _inherit = "ir.rule"

    def _compute_domain(self, model_name, mode="read"):
        """Odoo's rules; of our transient models moreover: one's own records only.

        Odoo asks nobody who made a transient record. A record of data for each model
        could be forgotten for the next one, or archived.
        """
        domain = super()._compute_domain(model_name, mode)
        model = self.env.registry[model_name]
        if not model._transient or not issubclass(
            model, self.env.registry["metered.guarded"]
        ):
            return domain
        own = Domain("create_uid", "=", self.env.uid)
        return (domain & own).optimize(self.env[model_name])
