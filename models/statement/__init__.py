# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import account_move_breakdown
from . import account_move_send_statement
from . import account_move_statement
from . import metered_hidden_list
from . import metered_statement
from . import metered_statement_content
from . import metered_statement_country
from . import metered_statement_mailed
from . import metered_statement_password
from . import metered_statement_period
from . import metered_statement_rows
from . import metered_statement_zip
from . import res_company_statement
from . import res_partner_statement
from . import sale_subscription_statement
from . import statement_figures
