# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tests made from the registry, the views and the code: what is added is tried, too."""
