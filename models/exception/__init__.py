# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_cure
from . import metered_exception
from . import metered_exception_cause
from . import metered_exception_job
from . import metered_exception_target
