# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_customer_group
from . import metered_identifier
from . import res_partner
from . import res_partner_checks
from . import res_partner_domain
from . import res_partner_payer
from . import res_partner_quote
from . import res_partner_remedies
from . import res_partner_source_checks
from . import res_partner_usage
