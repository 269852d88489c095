# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A measured service: an alarm company pays for its highest number of calls at once.

For the other customers of its group the number is statistics only.
"""

import datetime

CUSTOMER = "SecureWatch Alarms"
FREE, PRICE = 2, 3.0


def make_service(env, partner):
    """What the group has without a charge, and what this customer has instead."""
    active = env["metered.meter"]._usual_parameters(env.company)[:1]
    shared = {"meter_id": active.id, "date_from": "2026-10-01"}
    env["metered.measured.service"].create(
        [
            {**shared, "group_id": partner.metered_group_id.id},
            {
                **shared,
                "partner_id": partner.id,
                "charge_basis": "max",
                "unit_price": PRICE,
                "free_units": FREE,
                "rate_code": "CALLS",
            },
        ]
    )


def expected(calls, renewal):
    """What the invoice has to charge, by looking at each call and all others.

    :param calls: ``independent.Call`` records
    :param renewal: first day that was not billed
    :return: list of (quantity, price)
    """
    own = []
    for call in calls:
        if call.customer == CUSTOMER and call.day < renewal and call.seconds:
            end = call.answered + datetime.timedelta(seconds=call.seconds)
            own.append((call.answered, end))
    most = max(sum(begin <= at < end for begin, end in own) for at, _end in own)
    return [(float(most - FREE), PRICE)]


def found(invoice):
    """What the invoice charges."""
    lines = invoice.invoice_line_ids.filtered("metered_price_id")
    return [(line.quantity, line.price_unit) for line in lines]
