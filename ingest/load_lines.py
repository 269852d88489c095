# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Lines of subscriptions as what records are told by: they say customer and meter.

A line is found by its id, by its external key, or by the references of its customer and
its product. Two lines with the same key are not chosen from: neither is found by it.
"""

from collections import Counter
from dataclasses import replace

import numpy as np

from ..rating import MAX_US, MIN_US
from .identify import PayerStep
from .settings import Payers

#: meanings of columns that name a line -> how it is called in an exception
LINE_TARGETS = ("line", "line_key", "line_item")
#: between the references of a customer and a product, as columns are joined
BETWEEN = "-"


def line_steps(targets):
    """Lookup steps for the lines that a source's columns name.

    :param targets: meanings of its columns
    :return: tuple of :class:`~.identify.PayerStep`
    """
    return tuple(
        PayerStep("", target, fact=target)
        for target in LINE_TARGETS
        if target in targets
    )


def lines_domain(company_id):
    """Lines that are billed by usage, those of closed subscriptions as well."""
    return [
        ("company_id", "=", company_id),
        ("sale_subscription_id", "!=", False),
        ("product_id.metered_meter_id.kind", "!=", "call"),
        ("product_id.metered_meter_id", "!=", False),
    ]


def line_keys(line):
    """What a line is found by.

    :param line: ``sale.subscription.line``
    :return: dict meaning of a column -> text, empty where it has none
    """
    customer = line.sale_subscription_id.partner_id
    owner = customer.ref or customer.commercial_partner_id.ref or ""
    item = line.product_id.default_code or ""
    return {
        "line": str(line.id),
        "line_key": (line.metered_external_key or "").strip(),
        "line_item": f"{owner}{BETWEEN}{item}" if owner and item else "",
    }


def with_lines(settings, source):
    """Settings that find customers by lines of subscriptions, where a column names one.

    :param settings: :class:`~.settings.ImportSettings`
    :param source: the ``metered.source`` of them, with all rights
    :return: :class:`~.settings.ImportSettings`
    """
    targets = {step.kind for step in settings.steps} & set(LINE_TARGETS)
    if not targets:
        return settings
    lines = source.env["sale.subscription.line"].search(
        lines_domain(source.company_id.id), order="id"
    )
    keys = [
        (target, line_keys(line)[target], line) for line in lines for target in targets
    ]
    times = Counter((target, key) for target, key, _line in keys)
    keys = [one for one in keys if one[1] and times[one[:2]] == 1]
    zones, zone_of = list(settings.zones), []
    for _target, _key, line in keys:
        partner = line.sale_subscription_id.partner_id
        zone = partner.metered_tz or partner.commercial_partner_id.metered_tz
        zone = zone or zones[0]
        if zone not in zones:
            zones.append(zone)
        zone_of.append(zones.index(zone))
    known, count = settings.payers, len(keys)
    before = len(known.partner_id)

    def longer(array, values):
        return np.append(array, np.array(values, np.int64))

    nothing = [0] * count
    return replace(
        settings,
        zones=tuple(zones),
        payers=Payers(
            index=known.index.extended(
                [target for target, _key, _line in keys],
                [key for _target, key, _line in keys],
                [MIN_US] * count,
                [MAX_US] * count,
            ),
            identifier_id=longer(known.identifier_id, nothing),
            partner_id=longer(
                known.partner_id,
                [line.sale_subscription_id.partner_id.id for *_key, line in keys],
            ),
            subscription_id=longer(
                known.subscription_id,
                [line.sale_subscription_id.id for *_key, line in keys],
            ),
            dial_plan=longer(known.dial_plan, nothing),
            zone=longer(known.zone, zone_of),
            chain=longer(known.chain, nothing),
            meter_id=longer(
                np.zeros(before, np.int64),
                [line.metered_meter_id.id for *_key, line in keys],
            ),
        ),
    )
