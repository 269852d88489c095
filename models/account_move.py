# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    metered_usage_count = fields.Integer(compute="_compute_metered_usage_count")

    def _compute_metered_usage_count(self):
        counts = dict(
            self.env["metered.usage"]
            .sudo()
            ._read_group(
                [("invoice_line_id.move_id", "in", self.ids)],
                ["invoice_line_id"],
                ["records:sum"],
            )
        )
        for move in self:
            move.metered_usage_count = sum(
                counts.get(line, 0) for line in move.invoice_line_ids
            )

    def action_view_metered_cdrs(self):
        """Open the calls that this invoice charges."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_cdr"
        )
        usage = self.env["metered.usage"].search(
            [("invoice_line_id.move_id", "=", self.id)]
        )
        action["domain"] = [("usage_id", "in", usage.ids)]
        action["context"] = {}
        return action


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    metered_usage_ids = fields.One2many(
        "metered.usage", "invoice_line_id", string="Usage", copy=False
    )
