# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A customer who questions two calls: one is credited, the other one refused."""

from odoo import Command

from odoo.addons.metered_billing.rating.exact import number, rounded

CUSTOMER = "Blue Mesa Logistics"
#: of the contact in the portal, its password, too
LOGIN = "customer"


def let_in(env, customer):
    """Give a contact of a customer access to the portal, and to calls.

    :return: ``res.partner``
    """
    contact = env["res.partner"].create(
        {
            "name": "Dana Ortiz",
            "email": "dana@bluemesa.example",
            "parent_id": customer.id,
            "metered_portal_calls": True,
        }
    )
    env["res.users"].with_context(no_reset_password=True).create(
        {
            "login": LOGIN,
            "password": LOGIN,
            "partner_id": contact.id,
            "group_ids": [Command.set(env.ref("base.group_portal").ids)],
        }
    )
    return contact


def settle(env, invoice):
    """Open a dispute about the two most expensive calls of an invoice, and decide.

    :return: the dispute
    """
    usage = invoice.invoice_line_ids.metered_usage_ids
    calls = env["metered.cdr"].search(
        [("usage_id", "in", usage.ids), ("charge", ">", 0)],
        order="charge desc, start_time, id",
        limit=2,
    )
    dispute = env["metered.dispute"]._dispute_calls(
        let_in(env, invoice.partner_id),
        calls.ids,
        [],
        "not_mine",
        "Nobody was in the warehouse at that time.",
        "phone",
    )
    dispute.action_start()
    credited, refused = dispute.line_ids.sorted("charge", reverse=True)
    credited.write(
        {
            "outcome": "credit",
            "approved": credited.charge,
            "answer": "A fault of our trunk: the line was not released.",
        }
    )
    refused.write({"outcome": "refuse", "answer": "The call was answered."})
    dispute.action_decide()
    return dispute


def expected(dispute):
    """What is to be credited: the more expensive of the two calls, in cents."""
    return float(rounded(max(number(line.charge) for line in dispute.line_ids), 2))
