# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, time

import pytz

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..ingest.causes import NO_KEY
from ..models.customer.metered_identifier import IDENTIFIER_KINDS
from ..models.exception.metered_cure import NO_CURE
from .metered_exception_cure import MOST_LINES


class MeteredExceptionAssign(models.TransientModel):
    """Say whose identifiers are that nobody had."""

    _name = "metered.exception.assign"
    _description = "Assign Identifiers to a Customer"
    _inherit = ["metered.guarded", "metered.exception.cure"]

    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        help="The customer who pays for these records.",
        check_company=True,
    )
    subscription_id = fields.Many2one(
        "sale.subscription",
        domain="[('company_id', '=', company_id),"
        " ('partner_id.commercial_partner_id.id', 'parent_of', partner_id)]",
        help="The usage is invoiced with this subscription. Leave empty to use the "
        "next invoice of any of the customer's subscriptions.",
        check_company=True,
    )
    source_id = fields.Many2one(
        "metered.source",
        string="Only on Source",
        domain="[('company_id', '=', company_id)]",
        help="Limit the identifier to one source. Leave empty for all sources.",
        check_company=True,
    )
    line_ids = fields.One2many("metered.exception.assign.line", "wizard_id")

    @api.model
    def _prepare_values(self, target, company):
        rows = self._select(
            target,
            SQL("cause, count(*), min(start_time), sum(estimate), min(id)"),
            SQL(
                "reason = 'unknown_customer' AND cause != %s AND company_id = %s",
                NO_KEY,
                company.id,
            ),
            SQL("GROUP BY cause ORDER BY count(*) DESC, cause LIMIT %s", MOST_LINES),
        )
        if not rows:
            raise UserError(
                self.env._("None of these exceptions has an unassigned identifier.")
            )
        examples = self.env["metered.exception"].browse([row[4] for row in rows])
        tried = examples._tried_kinds()
        lines = []
        for cause, records, oldest, estimate, example_id in rows:
            kind, _space, value = cause.partition(" ")
            kinds = tried.get(example_id, [])
            before = self._last_owner(company, kind, value, oldest)
            lines.append(
                Command.create(
                    {
                        # What is looked for as several kinds may be any of them.
                        "kind": kind if len(kinds) < 2 else False,
                        "kinds": ",".join(kinds or [kind]),
                        "value": value,
                        "records": records,
                        "estimate": estimate,
                        "estimated": estimate is not None,
                        "oldest": oldest,
                        "date_from": self._first_day(company, oldest),
                        "before_id": before.id,
                    }
                )
            )
        return {
            "line_ids": lines,
            "records": sum(row[1] for row in rows),
            "estimate": sum(row[3] or 0 for row in rows),
        }

    @api.model
    def _last_owner(self, company, kind, value, oldest):
        """The identifier that ended last before the oldest of the records."""
        return self.env["metered.identifier"].search(
            [
                ("company_id", "=", company.id),
                ("kind", "=", kind),
                ("normalised", "=", value),
                ("date_to", "<=", oldest),
            ],
            order="date_to DESC",
            limit=1,
        )

    @api.model
    def _first_day(self, company, oldest):
        """The day of the oldest record, in the company's billing time zone."""
        if not oldest:
            return False
        zone = pytz.timezone(company._metered_timezone())
        return pytz.utc.localize(oldest).astimezone(zone).date()

    @api.model
    def _moment(self, company, day, before):
        """Midnight at which a day begins, but not before another's time ended."""
        if not day:
            return False
        zone = pytz.timezone(company._metered_timezone())
        midnight = zone.localize(datetime.combine(day, time()))
        midnight = midnight.astimezone(pytz.utc).replace(tzinfo=None)
        return max(midnight, before.date_to or midnight)

    def action_assign(self):
        """Make the identifiers, and try everything again that looked for them.

        That is more than was selected: all records of these identifiers, of every
        import, each rated as of the time of its call.
        """
        self.ensure_one()
        if not self.partner_id:
            raise UserError(
                self.env._("Choose the customer who pays for these records.")
            )
        if not self.line_ids:
            raise UserError(self.env._("There are no identifiers left to assign."))
        company = self._company()
        for line in self.line_ids:
            line._check_kind()
        # These very records are tried again below, where the user sees the result.
        values = [
            {
                "company_id": company.id,
                "partner_id": self.partner_id.id,
                "subscription_id": self.subscription_id.id,
                "source_id": self.source_id.id,
                "kind": line.kind,
                "value": line.value,
                "date_from": self._moment(
                    company,
                    line.date_from,
                    self._last_owner(company, line.kind, line.value, line.oldest),
                ),
            }
            for line in self.line_ids
        ]
        with NO_CURE.said():
            identifiers = self.env["metered.identifier"].create(values)
        return self._start("retry", target=identifiers._cure_targets()[0][1])


class MeteredExceptionAssignLine(models.TransientModel):
    _name = "metered.exception.assign.line"
    _description = "Identifier to Assign"
    _inherit = ["metered.guarded"]

    wizard_id = fields.Many2one(
        "metered.exception.assign", required=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="wizard_id.currency_id")
    kind = fields.Selection(
        IDENTIFIER_KINDS,
        help="The kind of identifier. If the source looks up customers by several "
        "kinds, choose the right one.",
    )
    kinds = fields.Char(help="The kinds of identifiers the source looks up.")
    value = fields.Char(string="Identifier", required=True)
    records = fields.Integer()
    estimate = fields.Monetary(string="At Stake (estimate)")
    estimated = fields.Boolean(help="Whether the amount at stake can be estimated.")
    oldest = fields.Datetime(string="Oldest Record")
    date_from = fields.Date(
        string="From",
        help="First day on which the identifier belongs to the customer, in the "
        "billing time zone. It cannot be earlier than the end of another "
        "customer's assignment. Earlier records stay exceptions. Leave empty for "
        "no start date.",
    )
    before_id = fields.Many2one("metered.identifier")
    before_partner_id = fields.Many2one(
        related="before_id.partner_id",
        string="Previous Customer",
        help="The customer it was assigned to until a time before the oldest record.",
    )

    def _check_kind(self):
        """Refuse a kind that the records are not looked up by."""
        self.ensure_one()
        names = dict(self._fields["kind"]._description_selection(self.env))
        kinds = (self.kinds or self.kind or "").split(",")
        if self.kind in kinds and self.kind:
            return
        raise UserError(
            self.env._(
                "Choose the kind of identifier for %(value)s: %(kinds)s.",
                value=self.value,
                kinds=", ".join(names[kind] for kind in kinds if kind in names),
            )
        )
