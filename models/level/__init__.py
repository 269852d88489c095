# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_batch_thinned
from . import metered_level_bands
from . import metered_level_hour
from . import metered_level_kept
from . import metered_level_mark
from . import metered_level_series
from . import metered_level_so_far
from . import metered_level_window
from . import metered_meter_samples
from . import metered_usage_hours
from . import res_partner_levels
from . import sale_subscription_line_level
