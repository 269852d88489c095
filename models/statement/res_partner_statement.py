# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ...statement import Masking
from ..customer.res_partner import USER
from ..screen.actions import window_action
from .res_company_statement import CHOICES, HIDDEN_DIGITS, ITEMS


class ResPartner(models.Model):
    """What a customer chose for their statements; what is empty, the company says."""

    _inherit = "res.partner"

    metered_statement_items = fields.Selection(
        ITEMS,
        string="Calls on Statements",
        groups=USER,
        copy=False,
        help="Leave empty to use the setting of the company.",
    )
    metered_hidden_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits",
        groups=USER,
        copy=False,
        help="Digits at the end of called numbers that statements do not show. Leave "
        "empty to use the setting of the company.",
    )
    metered_hidden_caller_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits of Callers",
        groups=USER,
        copy=False,
        help="Digits at the end of the numbers of callers that statements do not show. "
        "Leave empty to use the setting of the company.",
    )

    def _metered_masking(self, company):
        """How this customer's numbers are shown by a company.

        :return: ``statement.Masking``
        """
        partner = self.commercial_partner_id
        items, digits, callers = (partner[name] or company[name] for name in CHOICES)
        return Masking(items, int(digits), int(callers))

    def action_view_metered_statements(self):
        """Open the statements of this customer."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_statement",
            [("partner_id", "=", self.commercial_partner_id.id)],
            context={},
        )
