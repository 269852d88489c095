# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_batch_fraud
from . import metered_fraud_alarm
from . import metered_fraud_alarm_raise
from . import metered_fraud_day
from . import metered_fraud_limit
from . import metered_fraud_risk
from . import metered_fraud_wait
