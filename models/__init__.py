# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import account_move
from . import metered_job
from . import metered_batch
from . import metered_batch_job
from . import metered_batch_undo
from . import metered_cdr
from . import metered_customer_group
from . import metered_destination
from . import metered_exception
from . import metered_holiday
from . import metered_identifier
from . import metered_meter
from . import metered_period
from . import metered_rate
from . import metered_rate_deck
from . import metered_source
from . import metered_source_account
from . import metered_source_column
from . import metered_source_payer
from . import metered_source_rule
from . import metered_time_band
from . import metered_usage
from . import res_company
from . import res_config_settings
from . import res_partner
from . import sale_subscription
