# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_api
from . import metered_api_charge
from . import metered_api_key
from . import metered_api_use
