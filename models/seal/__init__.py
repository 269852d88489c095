# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import account_move_seal
from . import metered_seal
from . import metered_seal_check
from . import metered_seal_making
from . import metered_seal_note
from . import res_company_seal
