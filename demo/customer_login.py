# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Somebody at a customer who looks at the portal."""

from odoo import Command

CUSTOMER = "Blue Mesa Logistics"
#: and the password
LOGIN = "customer"


def make(env, partner):
    """A contact of a customer who may log in to the portal and see calls."""
    contact = env["res.partner"].create(
        {
            "name": "Robin Hale",
            "email": "robin.hale@example.com",
            "parent_id": partner.id,
            "metered_portal_calls": True,
        }
    )
    return (
        env["res.users"]
        .with_context(no_reset_password=True)
        .create(
            {
                "name": contact.name,
                "login": LOGIN,
                "password": LOGIN,
                "partner_id": contact.id,
                "group_ids": [Command.set(env.ref("base.group_portal").ids)],
            }
        )
    )
