# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models

from ..models.screen.actions import CLOSE, notification

#: prices of a minute to begin with; the user sees and changes them
EXAMPLES = {
    "local": 0.01,
    "national": 0.02,
    "mobile": 0.05,
    "international": 0.25,
    "premium": 1.0,
}


class MeteredRateProposal(models.TransientModel):
    """A first rate deck: one price a minute for each call type."""

    _name = "metered.rate.proposal"
    _description = "Proposed Rates"
    _inherit = ["metered.guarded"]

    name = fields.Char(
        string="Rate Deck",
        required=True,
        default=lambda self: self._default_name(),
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
    )
    increments = fields.Selection(
        [
            ("1/1", "Per second"),
            ("60/1", "One minute minimum, then per second"),
            ("60/6", "One-minute minimum, then 6-second increments"),
            ("60/60", "Per started minute"),
        ],
        string="Charge For",
        required=True,
        default="1/1",
    )
    line_ids = fields.One2many(
        "metered.rate.proposal.line",
        "proposal_id",
        default=lambda self: self._default_line_ids(),
    )

    @api.model
    def _default_name(self):
        name = self.env._("Standard rates")
        taken = self.env["metered.rate.deck"].with_context(active_test=False)
        if taken.search_count([("name", "=", name)], limit=1):
            return f"{name} {fields.Date.context_today(self)}"
        return name

    @api.model
    def _default_line_ids(self):
        meters = self.env["metered.meter"].search(
            [
                ("kind", "=", "call"),
                ("company_id", "in", [False, self.env.company.id]),
            ]
        )
        return [
            Command.create(
                {"meter_id": meter.id, "price": EXAMPLES.get(meter.call_class, 0.0)}
            )
            for meter in meters
        ]

    def action_create(self):
        """Make the deck with its rates, the company's default where it has none."""
        self.ensure_one()
        first, step = map(int, self.increments.split("/"))
        company = self.env.company
        deck = self.env["metered.rate.deck"].create(
            {
                "name": self.name,
                "currency_id": self.currency_id.id,
                "timezone": company._metered_timezone(),
                "rate_ids": [
                    Command.create(
                        {
                            "name": line.meter_id.name,
                            "meter_id": line.meter_id.id,
                            "price": line.price,
                            "initial_increment": first,
                            "increment": step,
                        }
                    )
                    for line in self.line_ids
                ],
            }
        )
        if not company.metered_deck_id:
            # Who may make decks may say which one counts.
            company.sudo().metered_deck_id = deck
        return notification(
            self.env._(
                "%(deck)s now has %(count)s rates.",
                deck=deck.name,
                count=len(deck.rate_ids),
            ),
            next=CLOSE,
        )


class MeteredRateProposalLine(models.TransientModel):
    _name = "metered.rate.proposal.line"
    _description = "Proposed Rate"
    _inherit = ["metered.guarded"]

    proposal_id = fields.Many2one(
        "metered.rate.proposal", required=True, ondelete="cascade"
    )
    meter_id = fields.Many2one("metered.meter", string="Call Type", required=True)
    price = fields.Float(
        string="Price per Minute", digits=0, min_display_digits=4, help="0 means free."
    )
