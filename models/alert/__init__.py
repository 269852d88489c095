# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_account_action
from . import metered_alert
from . import metered_alert_check
from . import metered_alert_event
from . import metered_alert_mark
from . import metered_alert_state
from . import sale_subscription_entitled
