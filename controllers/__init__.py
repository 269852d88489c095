# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import billforward, chargeover, events, openapi, portal_alerts
from . import portal_disputes, portal_statements, portal_usage, quotes, usage
