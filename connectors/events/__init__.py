# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What programs push: from the bytes of a request to events, without a database.

``body`` unpacks, ``reading`` parts the text into documents, ``cloud_event`` makes an
event of each. Source: CloudEvents 1.0, its JSON format and its HTTP binding.
"""
