# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import actions
from . import metered_dashboard
from . import metered_dashboard_attention
from . import metered_dashboard_destinations
from . import metered_dashboard_usage
from . import metered_onboarding
from . import usage_presets
