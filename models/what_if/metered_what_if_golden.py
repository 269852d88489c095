# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ...rating.exact import exact, number


class MeteredWhatIfGolden(models.Model):
    """A golden call that the deck that is tried would alter."""

    _name = "metered.simulation.golden"
    _description = "Affected Golden Call"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "simulation_id desc, id"

    simulation_id = fields.Many2one(
        "metered.simulation",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    company_id = fields.Many2one(related="simulation_id.company_id")
    call_id = fields.Many2one(
        "metered.golden.call",
        string="Golden Call",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    expected = fields.Char(readonly=True, help="The charge that was agreed.")
    before = fields.Char(
        string="Current", readonly=True, help="Charge with the current rates."
    )
    after = fields.Char(
        string="Simulated",
        readonly=True,
        help="Charge with the rates or prices being tried.",
    )
    verdict = fields.Selection(
        [("same", "As expected"), ("differs", "Differs"), ("unrated", "No rate")],
        readonly=True,
        help="Whether the new charge matches the agreed price.",
        string="Result",
    )

    def action_view_call(self):
        """Open the golden call."""
        self.ensure_one()
        return self.call_id._get_records_action(context={})


class MeteredWhatIf(models.Model):
    """Golden calls, checked against the deck that is tried."""

    _inherit = "metered.simulation"

    golden_ids = fields.One2many(
        "metered.simulation.golden",
        "simulation_id",
        string="Affected Golden Calls",
        readonly=True,
    )
    golden_count = fields.Integer(
        string="Golden Calls Checked",
        readonly=True,
        help="Number of golden calls checked. Those that would change are listed.",
    )

    def _finish(self):
        """Check the golden calls at last, when all else is known."""
        for run in self.filtered(lambda r: r.kind == "what_if" and r.deck_id):
            run._check_golden()
        return super()._finish()

    def _check_golden(self):
        """Store the golden calls whose price would change."""
        self = self.with_context(lang=self.create_uid.lang)  # noqa: PLW0642
        words = self.env["metered.explanation"]
        calls = self.env["metered.golden.call"].search(
            [
                ("active", "=", True),
                ("company_id", "=", self.company_id.id),
                ("meter_id.kind", "=", "call"),
            ]
        )
        if self.partner_ids:
            chosen = self._chosen_partners()
            calls = calls.filtered(lambda call: call.partner_id.id in chosen)
        day = max(self.rates_day or self.date_to, fields.Date.context_today(self))
        now, then = calls._looks(), calls._looks(day, self._tried_rates())
        rows = []
        for call in calls:
            before, after = now[call], then[call]
            if before != after:
                expected = words._number(exact(number(call.expected)))
                rows.append(
                    {
                        "simulation_id": self.id,
                        "call_id": call.id,
                        "expected": f"{expected} {call.currency_id.name}",
                        "before": before[0],
                        "after": after[0],
                        "verdict": after[1],
                    }
                )
        self.golden_ids.unlink()
        self.env["metered.simulation.golden"].create(rows)
        self.golden_count = len(calls)
