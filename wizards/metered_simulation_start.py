# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError


class MeteredSimulationStart(models.TransientModel):
    """Say which deck to try on which calls, or whose margins to look at."""

    _name = "metered.simulation.start"
    _description = "What If"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    kind = fields.Selection(
        [("what_if", "What if"), ("margin", "Margins")],
        required=True,
        default="what_if",
    )
    deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Try This Deck",
        domain="[('company_id', '=', company_id)]",
        context={"active_test": False},
        help="Any deck, also an archived one or one that nobody has yet.",
    )
    replaces_id = fields.Many2one(
        "metered.rate.deck",
        string="In Place Of",
        domain="[('company_id', '=', company_id), ('id', '!=', deck_id)]",
        help="Only customers who have this deck are rated. Empty: the deck is asked "
        "first for every customer.",
    )
    partner_ids = fields.Many2many(
        "res.partner", string="Customers", help="With their contacts. Empty: all."
    )
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self._default_date(1)
    )
    date_to = fields.Date(
        string="To",
        required=True,
        default=lambda self: fields.Date.subtract(self._default_date(0), days=1),
        help="Last day.",
    )

    @api.model
    def _default_date(self, months_ago):
        today = fields.Date.context_today(self)
        return fields.Date.subtract(today.replace(day=1), months=months_ago)

    def action_run(self):
        """Rate the calls in memory, and show what comes of it."""
        self.ensure_one()
        if self.company_id not in self.env.user.company_ids:
            raise AccessError(self.env._("You do not work in that company."))
        if self.date_from > self.date_to:
            raise UserError(self.env._("The first day lies after the last day."))
        if self.kind == "what_if" and not self.deck_id:
            raise UserError(self.env._("Choose the deck to try."))
        for records in (self.partner_ids, self.deck_id, self.replaces_id):
            records.check_access("read")
        return self.env["metered.simulation"]._start(
            {
                "company_id": self.company_id.id,
                "kind": self.kind,
                "deck_id": self.deck_id.id,
                "replaces_id": self.replaces_id.id,
                "date_from": self.date_from,
                "date_to": self.date_to,
                "partner_ids": [Command.set(self.partner_ids.ids)],
            }
        )
