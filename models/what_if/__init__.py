# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_what_if_question
from . import metered_what_if
from . import metered_what_if_golden
from . import metered_what_if_price
from . import metered_what_if_result
from . import metered_what_if_run
from . import metered_what_if_tried
