# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Lines of subscriptions as what records are told by: they say customer and meter.

A line is found by its id, by its external key, or by the references of its customer and
its product. Two lines with the same key are not chosen from: neither is found by it.

References may contain what joins them: "A-1" with "2" is not "A" with "1-2". So a
column of each is joined in a way that can be parted again.
"""

from collections import Counter
from dataclasses import replace

import numpy as np

from ..rating import MAX_US, MIN_US
from .identify import PayerStep
from .joined import ESCAPE, JOINT, joined
from .settings import Payers

#: meanings of columns that name a line -> how it is called in an exception
LINE_TARGETS = ("line", "line_key", "line_item")


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
    :return: dict meaning of a column -> list of texts
    """
    customer = line.sale_subscription_id.partner_id
    owner = customer.ref or customer.commercial_partner_id.ref or ""
    item = line.product_id.default_code or ""
    key = (line.metered_external_key or "").strip()
    return {
        "line": [str(line.id)],
        "line_key": [key] if key else [],
        "line_item": _item_keys(owner, item) if owner and item else [],
    }


def _item_keys(owner, item):
    """Both references as two columns say them, and as one column has them joined."""
    apart, together = joined(owner, item), f"{owner}{JOINT}{item}"
    # With the escape in it, it could be what two other columns are joined to.
    return [apart] if apart == together or ESCAPE in together else [apart, together]


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
        (target, key, line)
        for line in lines
        for target, some in line_keys(line).items()
        if target in targets
        for key in some
    ]
    times = Counter((target, key) for target, key, _line in keys)
    keys = [one for one in keys if times[one[:2]] == 1]
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
