# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields


class BigInteger(fields.Integer):
    """An integer with a column of 64 bits."""

    _column_type = ("int8", "int8")
