# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_destination
from . import metered_meter
from . import metered_given_quantity
from . import metered_meter_level
from . import metered_price
from . import metered_price_engine
from . import metered_price_text
from . import metered_price_tier
from . import metered_rate
from . import metered_rate_deck
from . import metered_rate_deck_file
from . import metered_rate_tier
from . import metered_time_band
from . import metered_usage_level
from . import metered_usage_pricing
from . import product_template
