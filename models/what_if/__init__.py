# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from . import metered_simulation_question
from . import metered_simulation
from . import metered_simulation_customers
from . import metered_simulation_golden
from . import metered_simulation_line
from . import metered_simulation_price
from . import metered_simulation_run
from . import metered_simulation_sheet
from . import metered_simulation_store
from . import metered_simulation_tried
