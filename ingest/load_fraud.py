# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading what must be known to look for toll fraud."""

import numpy as np

from odoo import fields

from ..fraud import Limits
from ..rating.prefixes import PrefixIndex
from .classify import split_prefixes
from .fraud_settings import Destinations, FraudSettings
from .load_classes import own_country

DAY = 86_400
MICRO = 1_000_000
#: of calls that are checked while they are stored: nobody waits for what is older
RECENT_DAYS = 1
#: kinds of destinations that share their revenue, or cost as if they did
RISKY_KINDS = ("premium", "satellite")


def load_fraud(company, partners, zone_of, rate_of_currency, callers):
    """A company's settings.

    :param company: ``res.company`` with all rights
    :param partners: ``res.partner``: customers whose calls are looked at
    :param zone_of: function of a customer: its IANA time zone
    :param rate_of_currency, callers: see :class:`~.fraud_settings.FraudSettings`
    :return: :class:`~.fraud_settings.FraudSettings`; None: nothing is looked for
    """
    rows = company.env["metered.fraud.limit"].search(
        [("company_id", "=", company.id)], order="id"
    )
    general = rows.filtered(lambda row: not row.partner_id and not row.group_id)[:1]
    max_age = general.max_age_days if general else rows.DEFAULT_AGE_DAYS
    if not max_age:
        return None
    now = int(np.datetime64(fields.Datetime.now(), "s").astype(np.int64))
    destinations, zones_of_country = _destinations(company)
    home = company.country_id.id or 0
    zone = zone_of(partners.browse())
    return FraudSettings(
        company_id=company.id,
        now=now,
        oldest=now - max_age * DAY,
        recent=now - min(max_age, RECENT_DAYS) * DAY,
        destinations=destinations,
        place=(zone, home),
        callers=callers,
        places={
            partner.id: (zone_of(partner), own_country(partner).id or home)
            for partner in partners
        },
        limits=_limits(rows - general, general, partners, zones_of_country),
        default=_limit(general, zones_of_country),
        listed=_listed(company),
        rate_of_currency=rate_of_currency,
    )


def _destinations(company):
    """(:class:`Destinations`, dict country id -> zone)."""
    found = company.env["metered.destination"].search_fetch(
        [("company_id", "in", [False, company.id])], ["country_id", "kind"], order="id"
    )
    zone_of = {}
    columns = {"zone": [], "country": [], "risky": []}
    for destination in found:
        country = destination.country_id.id
        risky = destination.kind in RISKY_KINDS
        zone = destination.id
        if country and not risky:
            zone = zone_of.setdefault(country, zone)
        columns["zone"].append(zone)
        columns["country"].append(country or 0)
        columns["risky"].append(risky)
    arrays = {name: np.array(column, np.int64) for name, column in columns.items()}
    return Destinations(np.array(found.ids, np.int64), **arrays), zone_of


def _limits(rows, general, partners, zone_of):
    """Limits of customers that have their own, or are of a group that has."""
    of_group = {row.group_id: row for row in rows if row.group_id}
    of_partner = {row.partner_id: row for row in rows if row.partner_id}
    found = {}
    for partner in partners if rows else ():
        owner = partner.commercial_partner_id
        row = (
            of_partner.get(partner)
            or of_partner.get(owner)
            or of_group.get(partner.metered_group_id or owner.metered_group_id)
        )
        if row:
            found[partner.id] = _limit(row, zone_of, general)
    return found


def _limit(row, zone_of, general=None):
    if not row:
        return Limits()
    countries = row.country_ids or (general and general.country_ids)

    def amount(name):
        value = row[name] or (general and general[name])
        return round(value * MICRO) if value else None

    return Limits(
        floor=amount("floor") or Limits.floor,
        sensitivity=row.sensitivity,
        hour=amount("hour_limit"),
        day=amount("day_limit"),
        lines=row.lines_limit or (general and general.lines_limit) or None,
        zones=frozenset(
            zone_of[country.id] for country in countries if country.id in zone_of
        )
        if countries
        else None,
    )


def _listed(company):
    risks = company.env["metered.fraud.risk"].search(
        [("company_id", "=", company.id)], order="id"
    )
    prefixes = [
        (risk.id, prefix) for risk in risks for prefix in split_prefixes(risk.prefixes)
    ]
    if not prefixes:
        return None
    ids, texts = zip(*prefixes, strict=True)
    return PrefixIndex(np.zeros(len(ids), np.int64), texts, np.array(ids, np.int64))
