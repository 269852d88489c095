# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import account_move_evidence
from . import account_move_line_lineage
from . import metered_cdr_lineage
from . import metered_charge_change
from . import metered_evidence
