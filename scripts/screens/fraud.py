# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls that look like toll fraud."""

from .screen import form, listed

SCREENS = [
    form("fraud_alarm", "fraud_alarm", "metered.fraud.alarm"),
    listed("fraud_alarms", "fraud_alarm"),
]
