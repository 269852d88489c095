# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_batch_readings
from . import metered_cdr_readings
from . import metered_identifier_registers
from . import metered_meter_counter
from . import metered_reading
from . import metered_register
from . import metered_register_book
from . import metered_register_factor
from . import metered_usage_readings
from . import res_partner_registers
from . import sale_subscription_taken_back
