# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_invoice_floor
from . import metered_period_carry
from . import metered_renewal_carry
from . import metered_review_carry
from . import res_company_carry
from . import res_partner_carry
from . import sale_subscription_carry
from . import sale_subscription_carry_bill
