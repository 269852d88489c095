# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_portal
from . import metered_portal_calls
from . import res_partner_portal
