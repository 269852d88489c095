# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .res_company_statement import HIDDEN_DIGITS, ITEMS


class MeteredStatementCountry(models.Model):
    """What the customers of a country may see of calls, unless they chose otherwise.

    Laws change: these are settings, of which some come with the module.
    """

    _name = "metered.statement.country"
    _description = "Country Statement Rules"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "country_id, id"
    _rec_name = "country_id"

    country_id = fields.Many2one("res.country", required=True, ondelete="cascade")
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self._default_company(),
        help="Leave empty for all companies. A company's own rules come first.",
    )
    items = fields.Selection(
        ITEMS, string="Calls on Statements", required=True, default="all"
    )
    hidden_digits = fields.Selection(
        HIDDEN_DIGITS,
        required=True,
        default="0",
        help="Number of final digits of called numbers that statements hide.",
    )
    hidden_caller_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits of Callers",
        required=True,
        default="0",
        help="Number of final digits of callers' numbers that statements always hide, "
        "regardless of what the customer chose.",
    )
    declaration = fields.Selection(
        [
            ("none", "Not needed"),
            ("digits", "For showing all digits"),
            ("items", "For listing calls"),
        ],
        string="Customer's Declaration",
        required=True,
        default="none",
        help="When the customer must declare that everyone who uses the numbers was "
        "informed. Enter the date and file of the declaration on the customer.",
    )
    short_in_full = fields.Boolean(
        string="Show Short Numbers in Full",
        default=True,
        help="Numbers of up to 6 digits are always shown in full.",
    )
    full_prefixes = fields.Char(
        string="Prefixes Shown in Full",
        help="Prefixes of numbers that are shown in full, such as premium-rate "
        "numbers. Enter them with the country code, separated by commas.",
    )
    note = fields.Text(string="Legal Basis", help="Source of these rules.")

    _country_uniq = models.UniqueIndex(
        "(country_id, coalesce(company_id, 0))",
        "The country already has rules for statements.",
    )

    @api.constrains("full_prefixes")
    def _check_full_prefixes(self):
        for rule in self:
            wrong = [one for one in rule._prefixes() if not re.fullmatch(r"\d+", one)]
            if wrong:
                raise ValidationError(
                    self.env._(
                        "%s is not a prefix. Enter digits with the country code, "
                        "such as 43900.",
                        wrong[0],
                    )
                )

    def _prefixes(self):
        """The beginnings of numbers that are shown in full: list of texts."""
        parts = (self.full_prefixes or "").split(",")
        return [part.strip().removeprefix("+") for part in parts if part.strip()]

    @api.model
    def _of(self, country, company):
        """The rules of a country; without any, those of a new record."""
        found = self.search(
            [
                ("country_id", "=", country.id),
                ("company_id", "in", [company.id, False]),
            ]
        )
        return found.sorted(lambda one: not one.company_id)[:1] or self.new()
