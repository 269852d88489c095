# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Identifiers that were created after the settings of a source were read.

A first sync of a thousand accounts creates identifiers a thousand times: each time only
these are read.
"""

from dataclasses import replace

import numpy as np

from ..rating import MAX_US, MIN_US
from .load import (
    CUSTOMER_FIELDS,
    customer_countries,
    customer_zone,
    deck_chain,
    to_us,
)
from .settings import Payers


def add_identifiers(settings, source, identifiers):
    """Settings that know these identifiers, too.

    :param settings: :class:`~.settings.ImportSettings`, as ``load_settings`` read them
    :param source: the ``metered.source`` of the settings and of the identifiers
    :param identifiers: ``metered.identifier``, created since
    :return: :class:`~.settings.ImportSettings`; None where the identifiers need what
        was not read: other decks, another time zone, another country's dialling
    """
    source = source.sudo().with_company(source.company_id)
    identifiers = identifiers.with_env(source.env).filtered("normalised").sorted("id")
    customers = identifiers.partner_id
    customers.fetch(CUSTOMER_FIELDS)
    customers.commercial_partner_id.fetch(CUSTOMER_FIELDS)
    known = settings.payers
    zone_of, chain_of = [], []
    dial_plan_of = _known_dial_plans(settings, source, identifiers)
    if dial_plan_of is None:
        return None
    for identifier in identifiers:
        partner = identifier.partner_id
        zone = customer_zone(partner, settings.zones[0])
        chain = deck_chain(partner, source.company_id)
        if zone not in settings.zones or chain not in settings.chains:
            return None
        zone_of.append(settings.zones.index(zone))
        chain_of.append(settings.chains.index(chain))

    def longer(array, values):
        return np.append(array, np.array(values, np.int64))

    return replace(
        settings,
        payers=Payers(
            index=known.index.extended(
                identifiers.mapped("kind"),
                identifiers.mapped("normalised"),
                [to_us(i.date_from, MIN_US) for i in identifiers],
                [to_us(i.date_to, MAX_US) for i in identifiers],
            ),
            identifier_id=longer(known.identifier_id, identifiers.ids),
            partner_id=longer(known.partner_id, [i.partner_id.id for i in identifiers]),
            subscription_id=longer(
                known.subscription_id, [i.subscription_id.id or 0 for i in identifiers]
            ),
            dial_plan=longer(known.dial_plan, dial_plan_of),
            zone=longer(known.zone, zone_of),
            chain=longer(known.chain, chain_of),
            meter_id=None
            if known.meter_id is None
            else longer(known.meter_id, [0] * len(identifiers)),
        ),
    )


def _known_dial_plans(settings, source, identifiers):
    """Positions of the identifiers' dialling plans, None where one was not read."""
    known = {(source.country_id.code, False): 0}
    for position, (dialling, _classifier) in enumerate(settings.dial_plans[1:], 1):
        known[dialling.country, position in settings.assumed_dial_plans] = position
    found = [
        known.get((country.code, is_assumed))
        for country, is_assumed in customer_countries(source, identifiers)
    ]
    return None if None in found else found
