# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import account_move
from . import account_move_charged
from . import account_move_line
from . import account_move_line_explain
from . import metered_review
from . import account_move_review
from . import account_move_send
from . import metered_approval
from . import metered_period
from . import metered_renewal
from . import metered_renewal_fetch
from . import metered_renewal_review
from . import metered_review_explain
from . import metered_review_figures
from . import metered_usage_invoice_lines
from . import metered_usage_so_far
from . import metered_usage_unbilled
from . import sale_subscription
from . import sale_subscription_dates
from . import sale_subscription_forecast
from . import sale_subscription_gauge
from . import sale_subscription_line
from . import sale_subscription_plan
from . import sale_subscription_quote
from . import sale_subscription_renew
from . import sale_subscription_template
