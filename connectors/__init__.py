# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What speaks a switch's or feed's own language and yields frames; no Odoo in here.

Files of CDRs: ``files`` is the way in (``detect_format``, ``check_file``,
``read_chunks``). Switches that are asked over a network: ``sources`` is
(``make_connector``).
"""
