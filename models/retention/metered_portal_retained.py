# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class MeteredPortal(models.AbstractModel):
    """Calls that a portal user cannot see anymore."""

    _inherit = "metered.portal"

    @api.model
    def _details_gone_text(self, user):
        """Until when there are no calls of a portal user's customer anymore, or ""."""
        companies = self._companies(user)
        texts = (
            company._metered_no_details_text(company.metered_details_until)
            for company in companies
        )
        return " ".join(dict.fromkeys(filter(None, texts)))
