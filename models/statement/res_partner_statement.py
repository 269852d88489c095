# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

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
        help="Number of final digits of called numbers that statements hide. Leave "
        "empty to use the setting of the company.",
    )
    metered_hidden_caller_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits of Callers",
        groups=USER,
        copy=False,
        help="Number of final digits of callers' numbers that statements hide. Leave "
        "empty to use the setting of the company.",
    )

    metered_declared_on = fields.Date(
        string="Declaration Received On",
        groups=USER,
        copy=False,
        help="Date of the customer's declaration that everyone who uses the numbers "
        "knows that their calls are listed. It applies to periods that start later.",
    )
    metered_declaration = fields.Binary(
        string="Declaration", attachment=True, groups=USER, copy=False
    )
    metered_declaration_name = fields.Char(groups=USER, copy=False)
    metered_masking_info = fields.Char(
        string="Shown to the Customer",
        compute="_compute_metered_masking_info",
        groups=USER,
    )

    @api.depends(*CHOICES, "metered_declared_on", "country_id")
    @api.depends_context("company", "lang", "uid")
    def _compute_metered_masking_info(self):
        items = self._fields["metered_statement_items"]
        labels = dict(items._description_selection(self.env))
        for partner in self:
            company = self.env.company
            masking = partner._metered_masking(company)
            parts = [labels[masking.items]]
            if masking.items != "none" and masking.digits:
                parts.append(self.env._("without the last %s digits", masking.digits))
            if partner._metered_lacks_declaration(company):
                parts.append(
                    self.env._(
                        "%s requires a declaration first",
                        partner._metered_statement_rules(company).country_id.name,
                    )
                )
            partner.metered_masking_info = "; ".join(parts)

    def _metered_statement_rules(self, company):
        """The rules for statements of the customer's country, or of the company's."""
        country = self.commercial_partner_id.country_id or company.country_id
        return self.env["metered.statement.country"].sudo()._of(country, company)

    def _metered_lacks_declaration(self, company, day=None):
        """Whether the customer should have declared something, and had not on a day.

        :param day: first day of the calls that are shown; None: today
        """
        rules = self._metered_statement_rules(company)
        declared = self.commercial_partner_id.sudo().metered_declared_on
        day = day or fields.Date.context_today(self)
        return rules.declaration != "none" and not (declared and declared <= day)

    def _metered_masking(self, company, day=None):
        """How this customer's numbers are shown by a company.

        What the customer chose, else the company, else what is usual in the customer's
        country; without a declaration that is asked for there, less of it.

        :param day: first day of the calls that are shown; None: today
        :return: ``statement.Masking``
        """
        partner = self.commercial_partner_id.sudo()
        rules = partner._metered_statement_rules(company)
        items, digits, callers = (partner[name] or company[name] for name in CHOICES)
        if partner._metered_lacks_declaration(company, day):
            if rules.declaration == "items":
                items = "none"
            digits = max(digits or "0", rules.hidden_digits)
        elif rules.declaration == "digits":
            digits = digits or "0"
        return Masking(
            items or rules.items,
            int(digits or rules.hidden_digits),
            max(int(callers or 0), int(rules.hidden_caller_digits)),
            rules.short_in_full,
            tuple(rules._prefixes()),
            company._metered_never_shown(),
        )

    def action_metered_make_statement(self):
        """Ask for the days of a statement of this customer, and have it made."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_statement_start",
            context={"default_partner_id": self.id},
        )

    def action_view_metered_statements(self):
        """Open the statements of this customer."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_statement",
            [("partner_id", "=", self.commercial_partner_id.id)],
            context={},
        )
