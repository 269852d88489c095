# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_access_log
from . import metered_alert_portal
from . import metered_portal
from . import metered_portal_alerts
from . import metered_portal_calls
from . import metered_portal_explain
from . import metered_portal_forecast
from . import metered_portal_invoice
from . import metered_portal_usage
from . import res_partner_portal
