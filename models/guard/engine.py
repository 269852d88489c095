# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which version of the program does what is kept."""


def engine_version(env):
    """The installed version of the module.

    :return: text
    """
    return env["ir.module.module"].sudo()._get("metered_billing").latest_version
