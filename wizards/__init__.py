# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

# By name, but what a file inherits stands above it: tests/house/test_model_files.py
from . import account_move_reversal
from . import base_partner_merge
from . import metered_account_choice
from . import metered_alert_lift
from . import metered_batch_undo
from . import metered_company_setup
from . import metered_deck_import
from . import metered_deck_check
from . import metered_deck_import_choices
from . import metered_exception_cure
from . import metered_exception_assign
from . import metered_exception_correct
from . import metered_exception_destination
from . import metered_exception_dismiss
from . import metered_exception_rate
from . import metered_fraud_dismiss
from . import metered_golden_confirm
from . import metered_import
from . import metered_import_columns
from . import metered_import_outcomes
from . import metered_import_questions
from . import metered_import_sheets
from . import metered_manual_invoice
from . import metered_manual_invoice_again
from . import metered_manual_invoice_checks
from . import metered_manual_invoice_search
from . import metered_meter_replace
from . import metered_price_change
from . import metered_quote
from . import metered_rate_change
from . import metered_rate_finder
from . import metered_rate_proposal
from . import metered_rerate_approve
from . import metered_rerate_start
from . import metered_retention_start
from . import metered_review_approve
from . import metered_review_hold
from . import metered_subscription_setup
from . import metered_sync_start
from . import metered_usage_setup
from . import metered_usage_preset
from . import metered_what_if_start
from . import sheet_names
