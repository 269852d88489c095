# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

#: what can be tried, and what it takes the place of
TRIED = ("deck_id", "plan_id", "price_id")
REPLACED = ("replaces_id", "plan_replaces_id", "price_replaces_id")


class MeteredWhatIfStart(models.TransientModel):
    """Say what to try on which usage, or whose margins to look at."""

    _name = "metered.simulation.start"
    _inherit = ["metered.guarded", "metered.simulation.question"]
    _description = "What If"

    company_id = fields.Many2one(default=lambda self: self.env.company)
    deck_id = fields.Many2one(domain="[('company_id', '=', company_id)]")
    replaces_id = fields.Many2one(
        domain="[('company_id', '=', company_id), ('id', '!=', deck_id)]"
    )
    import_id = fields.Many2one(
        "metered.deck.import",
        readonly=True,
        help="A rate file in preview. What If calculates as if the file had been "
        "applied to the deck.",
    )
    file_name = fields.Char(related="import_id.file_name", string="Rate File")
    plan_id = fields.Many2one(domain="[('company_id', 'in', [False, company_id])]")
    plan_replaces_id = fields.Many2one(
        domain="[('company_id', 'in', [False, company_id]), ('id', '!=', plan_id)]"
    )
    price_id = fields.Many2one(domain="[('company_id', 'in', [False, company_id])]")
    price_replaces_id = fields.Many2one(
        domain="[('company_id', 'in', [False, company_id]), ('id', '!=', price_id),"
        " ('current_id', '=', False)]"
    )
    date_from = fields.Date(default=lambda self: self._default_date(1))
    date_to = fields.Date(
        default=lambda self: fields.Date.subtract(self._default_date(0), days=1)
    )

    @api.model
    def _default_date(self, months_ago):
        today = fields.Date.context_today(self)
        return fields.Date.subtract(today.replace(day=1), months=months_ago)

    def action_run(self):
        """Rate the calls in memory, and show what comes of it."""
        self.ensure_one()
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._(
                    "You do not have access to that company. Choose one of your own."
                )
            )
        if self.date_from > self.date_to:
            raise UserError(self.env._("The first day is after the last day."))
        tried = [self[name] for name in TRIED]
        if self.kind == "what_if" and not any(tried):
            raise UserError(
                self.env._("Choose a rate deck, calling plan or price to try.")
            )
        for records in (self.partner_ids, *tried, *(self[name] for name in REPLACED)):
            records.check_access("read")
        return self.env["metered.simulation"]._start(
            {
                **self._prepare_file(),
                "company_id": self.company_id.id,
                "kind": self.kind,
                **{name: self[name].id for name in (*TRIED, *REPLACED)},
                "rates_day": self.rates_day,
                "date_from": self.date_from,
                "date_to": self.date_to,
                "partner_ids": [Command.set(self.partner_ids.ids)],
            }
        )

    def _prepare_file(self):
        """Values of the file that is tried."""
        wizard = self.import_id
        if not wizard:
            return {}
        wizard.check_access("read")
        return {
            "file_id": wizard.attachment_id.id,
            "file_name": wizard.file_name,
            "file_date_from": wizard.date_from,
            "file_date_order": wizard.date_order,
            "file_choices": wizard.choices,
            "file_whole": wizard.whole == "whole",
        }
