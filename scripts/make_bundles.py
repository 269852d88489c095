# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Make and keep the web client's scripts and styles, as Odoo does before browser tests.

Run by odoo_env.py. Without this each browser test makes them, and rolls them back.
"""


def main(env):
    """Make all bundles."""
    env["ir.qweb"]._pregenerate_assets_bundles()
    env.cr.commit()


if __name__ == "__main__":
    main(env)  # noqa: F821  (given by odoo_env.py)
