# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import account_move_dispute
from . import metered_cdr_dispute
from . import metered_dispute
from . import metered_dispute_days
from . import metered_dispute_decide
from . import metered_dispute_event
from . import metered_dispute_line
from . import metered_dispute_open
from . import metered_dispute_portal
from . import metered_dispute_told
from . import metered_statement_dispute
from . import metered_usage_dispute
from . import res_company_dispute
