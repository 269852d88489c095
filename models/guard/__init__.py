# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import engine
from . import ir_rule
from . import last_use
from . import metered_guarded
from . import mail_tracking_value
from . import metered_allowed_networks
from . import metered_append_only
from . import metered_audit
from . import unchecked_many2one
from . import untrusted
