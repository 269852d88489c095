# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_api_key_signature
from . import metered_chargeover
from . import metered_line_usage
from . import metered_renewal_ask
from . import metered_usage_request
