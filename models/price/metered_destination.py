# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.classify import split_prefixes
from ...rating.prefixes import prefix_range

#: so many prefixes are looked for one by one
FEW_PREFIXES = 50


def number_start(prefix):
    """How the numbers of a prefix begin: 44 as +44, the short code =911 as 911."""
    return prefix[1:] if prefix.startswith("=") else f"+{prefix}"


class MeteredDestination(models.Model):
    _name = "metered.destination"
    _description = "Destination"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "metered.cure",
        "metered.golden.guard",
    ]
    _order = "name"

    _curing = frozenset(
        {"prefixes", "country_id", "kind", "meter_id", "active", "company_id"}
    )

    # A new one has no rate and no allowance yet; but it may take numbers from another.
    _pricing = frozenset({"prefixes", "active"})

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self._default_company(),
        help="Leave empty to share it with all companies.",
    )
    country_id = fields.Many2one("res.country", index=True)
    kind = fields.Selection(
        [
            ("fixed", "Landline or general"),
            ("mobile", "Mobile"),
            ("toll_free", "Toll-free"),
            ("premium", "Premium"),
            ("shared_cost", "Shared cost"),
            ("satellite", "Satellite and global networks"),
            ("emergency", "Emergency"),
            ("directory", "Directory assistance"),
        ],
        required=True,
        default="fixed",
        help="Together with the country, determines the call type.",
    )
    meter_id = fields.Many2one(
        "metered.meter",
        string="Call Type",
        ondelete="restrict",
        domain="[('kind', '=', 'call')]",
        check_company=True,
        help="Choose a call type to override the usual one for calls to this "
        "destination.",
    )
    prefixes = fields.Text(
        required=True,
        help="First digits of the international number without +, separated by "
        "spaces, for example 44 for the United Kingdom. Use an equals sign for a "
        "short code that must be dialed exactly, for example =911.",
    )
    prefix_count = fields.Integer(compute="_compute_prefix_count")

    @api.depends("prefixes")
    def _compute_prefix_count(self):
        for destination in self:
            destination.prefix_count = len(destination._split_prefixes())

    @api.constrains("prefixes")
    def _check_prefixes(self):
        for destination in self:
            for prefix in destination._split_prefixes():
                try:
                    prefix_range(prefix)
                except ValueError as error:
                    raise ValidationError(
                        self.env._(
                            "Destination %(name)s: %(problem)s",
                            name=destination.name,
                            problem=self.env["metered.explanation"]._error(error),
                        )
                    ) from error

    def _split_prefixes(self):
        """The prefixes one by one: they are separated by spaces, commas or lines."""
        self.ensure_one()
        return split_prefixes(self.prefixes)

    def _cure_targets(self):
        """Calls to numbers with these prefixes; all of them where there are many."""
        targets = []
        for company, destinations in self.grouped("company_id").items():
            target = {"reasons": ["no_destination"]}
            prefixes = {
                number_start(prefix)
                for destination in destinations[:FEW_PREFIXES]
                for prefix in destination._split_prefixes()
            }
            if max(len(destinations), len(prefixes)) <= FEW_PREFIXES:
                target["prefixes"] = sorted(prefixes)
            companies = company or self._every_company()
            targets.append((companies, target))
        return targets
