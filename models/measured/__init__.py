# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_customer_group_measured
from . import metered_measured_service
from . import metered_meter_measured
from . import metered_price_basis
from . import metered_usage_measured
from . import res_partner_measured
from . import sale_subscription_measured
