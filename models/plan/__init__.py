# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_allowance_balance
from . import metered_calling_plan
from . import metered_calling_plan_allowance
from . import metered_plan_mark
