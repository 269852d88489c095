# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_source
from . import metered_sync
from . import metered_completeness
from . import metered_inbox
from . import metered_number_check
from . import metered_source_account
from . import metered_source_checks
from . import metered_source_clock
from . import metered_source_column
from . import metered_source_connection
from . import metered_source_file
from . import metered_source_found
from . import metered_source_http
from . import metered_source_payer
from . import metered_source_rule
from . import metered_source_schedule
from . import metered_source_secret
from . import metered_source_silence
from . import metered_source_store
from . import metered_source_token
from . import metered_source_word
from . import metered_sync_end
from . import metered_sync_job
from . import metered_sync_store
from . import metered_sync_worker
