# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How numbers and days are written: the decimal sign, and whether the day comes first.

Pure: texts in, plain values out; what a text is about is known to who reads it.
"""
