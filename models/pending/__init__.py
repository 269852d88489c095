# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import account_move_pending
from . import account_move_pending_recalculate
from . import account_move_pending_told
from . import metered_api_billforward
from . import metered_cdr_given
from . import metered_charge
from . import metered_charge_recalculate
from . import metered_charge_version
