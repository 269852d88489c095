# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import ir_attachment
from . import mail_activity
from . import metered_job
from . import metered_job_entry
