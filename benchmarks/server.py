# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Odoo's own server: with workers it starts processes by the name of this file."""

from odoo.cli.command import main

if __name__ == "__main__":
    main()
