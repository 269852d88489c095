# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date


class MeteredRetentionStart(models.TransientModel):
    """What a retention rule would delete today; confirming it turns the rule on."""

    _name = "metered.retention.start"
    _description = "Retention Preview"
    _inherit = ["metered.guarded"]

    rule_id = fields.Many2one(
        "metered.retention.rule", required=True, ondelete="cascade"
    )
    kind = fields.Selection(related="rule_id.kind")
    is_on = fields.Boolean(related="rule_id.is_on")
    records = fields.Integer(
        compute="_compute_found",
        help="Would be deleted, or masked, if the rule ran now.",
    )
    free = fields.Integer(
        string="Calls Never Charged",
        compute="_compute_found",
        help="Calls that a charging rule does not charge. They are deleted with the "
        "others.",
    )
    usage = fields.Integer(string="Usage Days", compute="_compute_found")
    customers = fields.Integer(compute="_compute_found")
    first_day = fields.Date(string="From", compute="_compute_found")
    last_day = fields.Date(string="Until", compute="_compute_found")
    waiting = fields.Integer(
        string="Kept Back",
        compute="_compute_found",
        help="Old enough, but not on a posted invoice, in an open billing period, "
        "under dispute, or on hold.",
    )
    note = fields.Char(compute="_compute_found")
    is_sure = fields.Boolean(string="I understand that deleted data cannot be restored")

    @api.depends("rule_id")
    def _compute_found(self):
        for wizard in self:
            wizard.rule_id.check_access("read")
            rule = wizard.rule_id.sudo()
            values = rule._run_values() if rule else {}
            run = self.env["metered.retention.run"].sudo().new(values)
            found = run._preview() if rule else {}
            wizard.records = found.get("records", 0)
            wizard.free = found.get("free", 0)
            wizard.usage = found.get("usage", 0)
            wizard.customers = found.get("customers", 0)
            wizard.first_day = found.get("first_day")
            wizard.last_day = found.get("last_day")
            wizard.waiting = found.get("waiting", 0)
            wizard.note = values.get("stopped_by") and self.env._(
                "Old calls are waiting as open exceptions: %(count)s. Only call "
                "details before %(day)s are deleted. Correct or dismiss the "
                "exceptions.",
                count=values["stopped_by"],
                day=format_date(self.env, values["before"]),
            )

    def action_turn_on(self):
        """Turn the rule on, and start the first run."""
        self.ensure_one()
        if not self.is_sure:
            raise UserError(
                self.env._(
                    "Select the check box to confirm that deleted data cannot be "
                    "restored."
                )
            )
        run = self.rule_id._turn_on()
        return run.with_env(self.env)._get_records_action()
