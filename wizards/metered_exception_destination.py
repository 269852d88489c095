# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..ingest.causes import destination_prefix
from ..models.exception.metered_cure import NO_CURE
from ..models.price.metered_destination import number_start
from .metered_exception_cure import MOST_LINES


class MeteredExceptionDestination(models.TransientModel):
    """Say where calls lead to that fitted no destination.

    Users may do this although they may not change destinations: it adds some of the
    company's own, and changes none that companies share.
    """

    _name = "metered.exception.destination"
    _description = "Add Destinations for Exceptions"
    _inherit = ["metered.guarded", "metered.exception.cure"]

    line_ids = fields.One2many("metered.exception.destination.line", "wizard_id")

    @api.model
    def _prepare_values(self, target, company):
        rows = self._select(
            target,
            SQL("cause, count(*), sum(estimate), min(callee)"),
            SQL("reason = 'no_destination' AND company_id = %s", company.id),
            SQL("GROUP BY cause ORDER BY count(*) DESC, cause LIMIT %s", MOST_LINES),
        )
        rows = [(destination_prefix(row[0]), *row) for row in rows]
        rows = [row for row in rows if row[0]]
        if not rows:
            raise UserError(
                self.env._(
                    "The called parties are not phone numbers, so there is no prefix "
                    "to add. Correct or dismiss these records."
                )
            )
        return {
            "records": sum(row[2] for row in rows),
            "estimate": sum(row[3] or 0 for row in rows),
            "line_ids": [
                Command.create(
                    {
                        "prefix": prefix,
                        "example": example,
                        "records": records,
                        "estimate": estimate,
                        "country_id": self._country(prefix).id,
                    }
                )
                for prefix, _cause, records, estimate, example in rows
            ],
        }

    @api.model
    def _country(self, prefix):
        """The only country with this calling code."""
        if not prefix.isdigit():
            return self.env["res.country"]
        for length in (3, 2, 1):
            found = self.env["res.country"].search(
                [("phone_code", "=", int(prefix[:length]))], limit=2
            )
            if found:
                return found if len(found) == 1 else found.browse()
        return found

    def action_add(self):
        """Add the destinations, and try the calls again that fitted none."""
        self.ensure_one()
        if not self.line_ids:
            raise UserError(self.env._("There are no destinations left to add."))
        for line in self.line_ids.filtered(lambda line: not line.name):
            raise UserError(
                self.env._(
                    "Enter a destination for prefix %s, or remove the line.",
                    line.prefix,
                )
            )
        company = self._company()
        for line in self.line_ids:
            line._check_needed(company)
        # Only adds, and only to what is the company's own: see the class.
        with NO_CURE.said():
            cured = self._add_destinations(company)
        return self._start("retry", target=cured._cure_targets()[0][1])

    def _add_destinations(self, company):
        """The destinations of a company that have the prefixes of the lines then."""
        model = self.env["metered.destination"].sudo()
        cured = model
        for line in self.line_ids:
            own = model.search(
                [
                    ("company_id", "=", company.id),
                    ("name", "=", line.name),
                    ("country_id", "=", line.country_id.id),
                    ("kind", "=", line.kind),
                ],
                limit=1,
            )
            if own:
                own.prefixes = f"{own.prefixes} {line.prefix}"
            else:
                own = model.create(
                    {
                        "company_id": company.id,
                        "name": line.name,
                        "country_id": line.country_id.id,
                        "kind": line.kind,
                        "prefixes": line.prefix,
                    }
                )
            cured |= own
        return cured


class MeteredExceptionDestinationLine(models.TransientModel):
    _name = "metered.exception.destination.line"
    _description = "Destination to Add"
    _inherit = ["metered.guarded"]

    wizard_id = fields.Many2one(
        "metered.exception.destination", required=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="wizard_id.currency_id")
    prefix = fields.Char(
        required=True,
        help="First digits of the international number, without +. =1234 is a short "
        "code that must be dialed exactly.",
    )
    name = fields.Char(
        string="Destination", help="Name of the destination these calls go to."
    )
    country_id = fields.Many2one("res.country")
    kind = fields.Selection(
        selection=lambda self: (
            self.env["metered.destination"]
            ._fields["kind"]
            ._description_selection(self.env)
        ),
        required=True,
        default="fixed",
        help="Together with the country, determines the call type.",
    )
    example = fields.Char()
    records = fields.Integer()
    estimate = fields.Monetary(string="At Stake (estimate)")

    def _check_needed(self, company):
        """Refuse a destination that no call of the company waits for."""
        start = number_start(self.prefix)
        if not self.wizard_id._select(
            {"reasons": ["no_destination"]},
            SQL("1"),
            SQL(
                "company_id = %s AND callee LIKE %s",
                company.id,
                start.replace("%", "").replace("_", "") + "%",
            ),
            SQL("LIMIT 1"),
        ):
            raise UserError(
                self.env._(
                    "No call to %s is waiting for a destination. Add other "
                    "destinations under Configuration.",
                    self.prefix,
                )
            )
