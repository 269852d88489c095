# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import big_integer
from . import metered_batch
from . import metered_batch_job
from . import metered_batch_undo
from . import metered_number_search
from . import metered_sums
from . import metered_cdr
from . import metered_cdr_cost
from . import metered_cdr_explain
from . import metered_usage
from . import metered_usage_cost
from . import metered_usage_sums
from . import owner_many2one
