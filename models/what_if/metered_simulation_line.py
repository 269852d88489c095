# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..guard.unchecked_many2one import UncheckedMany2one
from ..record.metered_sums import Money


class MeteredSimulationLine(models.Model):
    """What calls cost, and would cost: by customer, call type and destination."""

    _name = "metered.simulation.line"
    _description = "Result of a Simulation"
    _inherit = ["metered.guarded", "metered.sums"]
    _log_access = False
    _order = "simulation_id desc, difference, id"

    simulation_id = fields.Many2one(
        "metered.simulation",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    # Many lines: what the run and the calls keep in place needs no foreign key.
    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    meter_id = fields.Many2one("metered.meter", string="Call Type", readonly=True)
    destination_id = fields.Many2one("metered.destination", readonly=True)
    currency_id = UncheckedMany2one("res.currency", readonly=True)
    calls = fields.Integer(readonly=True)
    seconds = fields.Float(digits=0, readonly=True, help="Connected seconds.")
    unrated = fields.Integer(
        string="Without Rate",
        readonly=True,
        help="Calls that no rate of the deck fits; they count as nothing.",
    )
    below = fields.Integer(
        string="Calls Below",
        readonly=True,
        help="Calls that cost more with the deck than they are charged now.",
    )
    before = Money(string="Now", readonly=True, help="What the calls are charged.")
    after = Money(string="Then", readonly=True, help="What the deck makes of them.")
    difference = Money(readonly=True)
    lost = Money(
        string="Shortfall",
        readonly=True,
        help="How much more than their charge the calls below cost.",
    )

    _scope_uniq = models.UniqueIndex(
        "(simulation_id, partner_id, meter_id, coalesce(destination_id, 0),"
        " currency_id)"
    )

    def action_view_cdrs(self):
        """Open the calls of this line."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_cdr"
        )
        run = self.simulation_id
        action["domain"] = [
            ("partner_id", "=", self.partner_id.id),
            ("meter_id", "=", self.meter_id.id),
            ("destination_id", "=", self.destination_id.id),
            ("usage_id.day", ">=", run.date_from),
            ("usage_id.day", "<=", run.date_to),
        ]
        action["context"] = {}
        return action
