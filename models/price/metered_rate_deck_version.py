# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import format_date


class MeteredRateDeckVersion(models.Model):
    """One file that was applied to a deck, and what it changed."""

    _name = "metered.rate.deck.version"
    _description = "Rate Deck Version"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    deck_id = fields.Many2one(
        "metered.rate.deck",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    company_id = fields.Many2one(related="deck_id.company_id", store=True)
    date_from = fields.Date(
        string="Applied From",
        readonly=True,
        help="First day of rates without a date of their own. Empty: they always held.",
    )
    file_name = fields.Char(string="File", readonly=True)
    attachment_id = fields.Many2one("ir.attachment", readonly=True, ondelete="restrict")
    user_id = fields.Many2one("res.users", string="Applied By", readonly=True)
    whole = fields.Boolean(
        string="Whole Deck",
        readonly=True,
        help="Rates that the file does not name were ended.",
    )
    count_new = fields.Integer(string="New", readonly=True)
    count_dearer = fields.Integer(string="Dearer", readonly=True)
    count_cheaper = fields.Integer(string="Cheaper", readonly=True)
    count_terms = fields.Integer(string="Other Terms", readonly=True)
    count_closed = fields.Integer(string="Ended", readonly=True)
    count_prolonged = fields.Integer(string="Prolonged", readonly=True)
    count_unchanged = fields.Integer(string="Unchanged", readonly=True)

    @api.depends("file_name", "create_date")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for version in self:
            day = format_date(self.env, version.create_date)
            version.display_name = f"{version.file_name} ({day})"

    def action_download(self):
        """Download the file as it was applied."""
        self.ensure_one()
        self.check_access("read")
        self.attachment_id.sudo()._metered_check()
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self.attachment_id.id}?download=true",
            "target": "download",
        }

    def action_view_rates(self):
        """Open the rates that came with this file."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_rate"
        )
        action["domain"] = [("version_id", "=", self.id)]
        action["context"] = {}
        return action
