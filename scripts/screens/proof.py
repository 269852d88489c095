# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements, disputes, small amounts, seals, retention."""

from .screen import form, listed

SCREENS = [
    listed("statements", "statement"),
    form("statement", "statement", "metered.statement"),
    listed("statement_countries", "statement_country"),
    listed("hidden_lists", "hidden_list"),
    listed("disputes", "dispute"),
    form("dispute", "dispute", "metered.dispute"),
    listed("portal_access", "access_log"),
    listed("invoice_floors", "invoice_floor"),
    listed("seals", "seal"),
    form("seal", "seal", "metered.seal"),
    form("seal_check", "seal_check", "metered.seal.check"),
    listed("retention_rules", "retention_rule"),
    listed("holds", "hold"),
]
