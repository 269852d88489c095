# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import os

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..models.exception.metered_cure import NO_CURE
from ..models.price.metered_destination import number_start
from .metered_exception_cure import MOST_LINES


class MeteredExceptionRate(models.TransientModel):
    """Say what calls cost for which there was no rate.

    Users may do this although they may not change rate decks: it adds prices for
    calls that nothing prices, and changes none that there is.
    """

    _name = "metered.exception.rate"
    _description = "Add Rates for Exceptions"
    _inherit = ["metered.guarded", "metered.exception.cure"]

    deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Rate Deck",
        domain="[('purpose', '=', 'sale'), ('company_id', '=', company_id)]",
        help="The deck to add the rates to. The customer's deck sets prices for this "
        "customer, the company's default deck for everyone.",
        check_company=True,
    )
    deck_currency_id = fields.Many2one(
        related="deck_id.currency_id", string="Deck Currency"
    )
    date_from = fields.Date(
        string="Valid From",
        help="First day, in the time zone of the deck. Earlier calls stay exceptions.",
    )
    per_seconds = fields.Integer(string="Per (seconds)", default=60, required=True)
    initial_increment = fields.Integer(
        string="First Increment",
        default=1,
        required=True,
        help="Minimum number of seconds charged. 60/6 means the first 60 "
        "seconds, then 6-second increments.",
    )
    increment = fields.Integer(
        string="Next Increments",
        default=1,
        required=True,
        help="Length in seconds of each increment after the first.",
    )
    line_ids = fields.One2many("metered.exception.rate.line", "wizard_id")

    @api.model
    def _prepare_values(self, target, company):
        rows = self._select(
            target,
            SQL(
                "destination_id, meter_id, count(*), min(start_time), sum(estimate),"
                " min(callee), max(callee)"
            ),
            SQL("reason = 'no_rate' AND company_id = %s", company.id),
            SQL(
                "GROUP BY destination_id, meter_id"
                " ORDER BY sum(estimate) DESC NULLS LAST, count(*) DESC LIMIT %s",
                MOST_LINES,
            ),
        )
        if not rows:
            raise UserError(
                self.env._("None of these exceptions is a call without a rate.")
            )
        deck = self._deck(target, company)
        oldest = [row[3] for row in rows if row[3]]
        return {
            **self._usual_steps(deck),
            "deck_id": deck.id,
            "date_from": min(oldest).date() if oldest else False,
            "records": sum(row[2] for row in rows),
            "estimate": sum(row[4] or 0 for row in rows),
            "line_ids": [
                Command.create(
                    {
                        "destination_id": destination_id,
                        "meter_id": meter_id,
                        "prefix": False
                        if destination_id
                        else common_prefix(first, last),
                        "records": records,
                        "estimate": estimate,
                        "example": first,
                    }
                )
                for (
                    destination_id,
                    meter_id,
                    records,
                    _oldest,
                    estimate,
                    first,
                    last,
                ) in rows
            ],
        }

    @api.model
    def _usual_steps(self, deck):
        """Price unit and increments that most rates of a deck have.

        :return: dict of values; empty where the deck has no rates
        """
        names = ("per_seconds", "initial_increment", "increment")
        found = self.env["metered.rate"]._read_group(
            [("deck_id", "=", deck.id)],
            list(names),
            order="__count desc, increment desc",
            limit=1,
        )
        return dict(zip(names, found[0], strict=True)) if found else {}

    @api.onchange("deck_id")
    def _onchange_deck_id(self):
        """Another deck may bill in other steps."""
        self.update(self._usual_steps(self.deck_id._origin))

    @api.model
    def _deck(self, target, company):
        """The deck of the only customer; the company's default deck otherwise."""
        partners = self._select(
            target,
            SQL("DISTINCT partner_id"),
            SQL("reason = 'no_rate' AND company_id = %s", company.id),
            SQL("LIMIT 2"),
        )
        own = self.env["metered.rate.deck"]
        if len(partners) == 1 and partners[0][0]:
            partner = self.env["res.partner"].browse(partners[0][0])
            partner = partner.with_company(company)
            owner = partner.commercial_partner_id
            group = partner.metered_group_id or owner.metered_group_id
            own = partner.metered_deck_id or owner.metered_deck_id or group.deck_id
        return own or company.metered_deck_id

    def action_add(self):
        """Add the rates, and try the calls again that had none."""
        self.ensure_one()
        if not self.deck_id:
            raise UserError(
                self.env._(
                    "Choose a rate deck to add the rates to. If the company has no "
                    "rate deck, create one under Metered Billing, Configuration, Rate "
                    "Decks, and choose it as the default in Settings."
                )
            )
        self.deck_id.check_access("read")
        unpriced = self.line_ids.filtered(lambda line: not line.price and not line.free)
        if unpriced or not self.line_ids:
            raise UserError(
                self.env._(
                    "Enter a price for %s, select Free, or remove the line.",
                    unpriced[:1].display_name or self.env._("a destination"),
                )
            )
        self.line_ids.destination_id.check_access("read")
        self.line_ids.meter_id.check_access("read")
        for line in self.line_ids:
            line._check_needed(self.deck_id.company_id)
        # Only adds: see the class.
        values = [
            {
                "deck_id": self.deck_id.id,
                "name": line.destination_id.name or line.prefix,
                "destination_id": line.destination_id.id,
                "prefix": not line.destination_id and line.prefix,
                "meter_id": line.only_type and line.meter_id.id,
                "price": line.price,
                "per_seconds": self.per_seconds,
                "initial_increment": self.initial_increment,
                "increment": self.increment,
                "date_from": self.date_from,
            }
            for line in self.line_ids
        ]
        with NO_CURE.said():
            rates = self.env["metered.rate"].sudo().create(values)
        self.deck_id.sudo().message_post(
            body=self.env._(
                "Rates were added to cure exceptions: %s.",
                ", ".join(rates.mapped("display_name")),
            )
        )
        return self._start("retry", target=rates._cure_targets()[0][1])


class MeteredExceptionRateLine(models.TransientModel):
    _name = "metered.exception.rate.line"
    _description = "Rate to Add"
    _inherit = ["metered.guarded"]

    wizard_id = fields.Many2one(
        "metered.exception.rate", required=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="wizard_id.currency_id")
    deck_currency_id = fields.Many2one(
        related="wizard_id.deck_currency_id", string="Deck Currency"
    )
    destination_id = fields.Many2one("metered.destination")
    prefix = fields.Char(
        help="First digits of the international number, without +. Leave empty "
        "for all numbers."
    )
    meter_id = fields.Many2one("metered.meter", string="Call Type")
    only_type = fields.Boolean(
        string="This Call Type Only",
        help="Apply the rate only to calls of this call type.",
    )
    example = fields.Char()
    records = fields.Integer()
    estimate = fields.Monetary(string="At Stake (estimate)")
    price = fields.Float(digits=0, min_display_digits=4)
    free = fields.Boolean(help="These calls are free of charge.")

    @api.depends("destination_id", "prefix")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.destination_id.name or line.prefix

    def _check_needed(self, company):
        """Refuse a rate that no call waits for: rate decks are changed elsewhere.

        :param company: ``res.company`` of the deck
        """
        if self.destination_id:
            condition = SQL("destination_id = %s", self.destination_id.id)
        else:
            condition = SQL(
                "callee LIKE %s", number_start(self.prefix or "").replace("_", "") + "%"
            )
        target = {"reasons": ["no_rate"]}
        condition = SQL("company_id = %s AND %s", company.id, condition)
        if (self.destination_id or self.prefix) and not self.wizard_id._select(
            target, SQL("1"), condition, SQL("LIMIT 1")
        ):
            raise UserError(
                self.env._(
                    "No call to %s is waiting for a rate. Add other rates directly to "
                    "the rate deck.",
                    self.display_name,
                )
            )


def common_prefix(first, last):
    """The first digits that numbers share, as a rate's prefix.

    :param first, last: the least and the greatest of the numbers, or None
    :return: str; "" where they share nothing
    """
    if not first or not last:
        return ""
    if first == last and not first.startswith("+"):
        return f"={first}"
    return os.path.commonprefix([first, last]).lstrip("+")[:15]
