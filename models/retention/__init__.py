# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_batch_retained
from . import metered_hold
from . import metered_portal_retained
from . import metered_rerate_retained
from . import metered_retention_rule
from . import metered_retention_run
from . import metered_retention_sum
from . import metered_statement_retained
from . import metered_usage_retained
from . import res_company_retention
