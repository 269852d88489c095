# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredSyncLine(models.Model):
    """A line of a sync's log."""

    _name = "metered.sync.line"
    _description = "Line of a Sync"
    _inherit = ["metered.guarded"]
    _order = "id"

    sync_id = fields.Many2one(
        "metered.sync", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="sync_id.company_id", store=True)
    date = fields.Datetime(default=lambda self: fields.Datetime.now(), readonly=True)
    level = fields.Selection(
        [("info", "Done"), ("warning", "Tried again"), ("error", "Failed")],
        default="info",
        readonly=True,
    )
    message = fields.Char(readonly=True)
