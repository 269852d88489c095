# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    metered_deck_id = fields.Many2one(
        related="company_id.metered_deck_id", readonly=False
    )
    metered_cost_deck_id = fields.Many2one(
        related="company_id.metered_cost_deck_id", readonly=False
    )
    metered_bills = fields.Selection(
        related="company_id.metered_bills", readonly=False, required=True
    )
    metered_tz = fields.Selection(related="company_id.metered_tz", readonly=False)
    metered_responsible_id = fields.Many2one(
        related="company_id.metered_responsible_id", readonly=False
    )
    metered_pending_remind_hours = fields.Integer(
        related="company_id.metered_pending_remind_hours", readonly=False
    )
    metered_pending_hours = fields.Integer(
        related="company_id.metered_pending_hours", readonly=False
    )
    metered_samples_months = fields.Integer(
        related="company_id.metered_samples_months", readonly=False
    )
    metered_carry_months = fields.Integer(
        related="company_id.metered_carry_months", readonly=False
    )
    metered_carry_year_end = fields.Boolean(
        related="company_id.metered_carry_year_end", readonly=False
    )
    metered_statement_auto = fields.Boolean(
        related="company_id.metered_statement_auto", readonly=False
    )
    metered_statement_monthly = fields.Selection(
        related="company_id.metered_statement_monthly", readonly=False
    )
    metered_statement_day = fields.Integer(
        related="company_id.metered_statement_day", readonly=False
    )
    metered_statement_items = fields.Selection(
        related="company_id.metered_statement_items", readonly=False
    )
    metered_hidden_digits = fields.Selection(
        related="company_id.metered_hidden_digits", readonly=False
    )
    metered_hidden_caller_digits = fields.Selection(
        related="company_id.metered_hidden_caller_digits", readonly=False
    )
    metered_statement_rows = fields.Integer(
        related="company_id.metered_statement_rows", readonly=False
    )
    metered_invoice_breakdown = fields.Boolean(
        related="company_id.metered_invoice_breakdown", readonly=False
    )
    metered_invoice_summary = fields.Boolean(
        related="company_id.metered_invoice_summary", readonly=False
    )
    metered_statement_font = fields.Binary(
        related="company_id.metered_statement_font", readonly=False
    )
    metered_statement_mailed = fields.Selection(
        related="company_id.metered_statement_mailed", readonly=False, required=True
    )
    metered_statement_mail_mb = fields.Integer(
        related="company_id.metered_statement_mail_mb", readonly=False
    )
    metered_statement_objection = fields.Text(
        related="company_id.metered_statement_objection", readonly=False
    )
    metered_sealing = fields.Boolean(
        related="company_id.metered_sealing", readonly=False
    )
    metered_seal_days = fields.Integer(
        related="company_id.metered_seal_days", readonly=False
    )
    metered_dispute_days = fields.Integer(
        related="company_id.metered_dispute_days", readonly=False
    )
    metered_dispute_deadline = fields.Integer(
        related="company_id.metered_dispute_deadline", readonly=False
    )
    metered_dispute_limit = fields.Monetary(
        related="company_id.metered_dispute_limit", readonly=False
    )
    metered_sync_days = fields.Integer(
        related="company_id.metered_sync_days", readonly=False
    )
