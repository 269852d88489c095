# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_rerate
from . import metered_rerate_difference
from . import metered_rerate_document
from . import metered_rerate_invoiced
from . import metered_rerate_run
