# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import account_move_told
from . import metered_batch_told
from . import metered_webhook
from . import metered_webhook_delivery
from . import metered_webhook_secret
