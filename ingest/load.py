# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading a source's settings from the database into plain values.

With ``load_rates``, ``load_classes`` and ``load_more`` the only part of the pipeline
that knows the ORM. What it reads is frozen for the run: a rate that changes while an
import runs counts from the next slice on.
"""

from decimal import Decimal

import numpy as np

from odoo import fields

from ..connectors.sources import kind_of
from ..notation.numbers import POINT
from ..rating import MAX_US, MIN_US
from ..rating.rate_search import EARLIEST_US, LATEST_US
from .classify import Classifier
from .dial_plans import dial_plan
from .identify import IdentifierIndex, PayerStep
from .load_classes import load_classes, own_country, source_dial_plan
from .load_fraud import load_fraud
from .load_lines import line_steps, with_lines
from .load_rates import deck_chain, load_engine, own_decks, usable_decks
from .mapping import ColumnSpec
from .rules import Condition, Rule
from .settings import ImportSettings, Limits, Payers

HOUR_US = 3_600_000_000
IDENTIFIER_FIELDS = (
    "kind",
    "normalised",
    "date_from",
    "date_to",
    "partner_id",
    "subscription_id",
    "account_id",
)
CUSTOMER_FIELDS = (
    "commercial_partner_id",
    "country_id",
    "metered_deck_id",
    "metered_group_id",
    "metered_tz",
)


def load_settings(source, plan_partners, alert_partners=frozenset()):
    """Everything an import of a source needs.

    :param source: one ``metered.source`` record with all rights, in its company
    :param plan_partners: ids of customers whose calls may take from a calling plan
    :param alert_partners: ids of customers whose usage an alert looks at
    :return: :class:`~.settings.ImportSettings`
    """
    source.env.flush_all()
    company = source.company_id
    identifiers = source.env["metered.identifier"].search_fetch(
        [
            # Said here: what a caller's context says of archived ones charges nobody.
            ("active", "=", True),
            ("company_id", "=", company.id),
            ("source_id", "in", [False, source.id]),
            ("normalised", "!=", False),
        ],
        IDENTIFIER_FIELDS,
        # An identifier of the source itself is looked at before one of all sources.
        order="source_id NULLS FIRST, id",
    )
    # Of thousands of customers only what is needed: they have a hundred fields more.
    customers = identifiers.partner_id
    customers.fetch(CUSTOMER_FIELDS)
    customers.commercial_partner_id.fetch(CUSTOMER_FIELDS)
    chains, chain_of, default_chain = _chains(identifiers, company)
    engine, currency_of_deck = load_engine(source.env, chains)
    dial_plans, dial_plan_of, assumed = _dial_plans(source, identifiers)
    zones, zone_of = _zones(identifiers, company)
    meters, types = _meters(source), source.event_type_ids
    rate_of_currency = company_rates(company, currency_of_deck.values())
    settings = ImportSettings(
        source_id=source.id,
        company_id=company.id,
        timezone=source.timezone,
        duration_rounding=source.duration_rounding,
        repeated_hour=source.repeated_hour or "",
        columns=column_specs(source.column_ids),
        rules=tuple(_rule(rule) for rule in source.rule_ids),
        steps=line_steps(source.column_ids.mapped("target"))
        + tuple(
            PayerStep(
                s.column or "", s.kind, s.pattern or "", s.direction or "", s.fact or ""
            )
            for s in source.payer_ids
        ),
        default_outcome=source.default_outcome,
        default_direction=source.default_direction,
        words={word.key: word.direction for word in source.word_ids},
        limits=_limits(source),
        dial_plans=dial_plans,
        assumed_dial_plans=assumed,
        zones=zones,
        payers=Payers(
            index=IdentifierIndex(
                identifiers.mapped("kind"),
                identifiers.mapped("normalised"),
                [to_us(i.date_from, MIN_US) for i in identifiers],
                [to_us(i.date_to, MAX_US) for i in identifiers],
            ),
            identifier_id=np.array(identifiers.ids, np.int64),
            partner_id=np.array([i.partner_id.id for i in identifiers], np.int64),
            subscription_id=np.array(
                [i.subscription_id.id or 0 for i in identifiers], np.int64
            ),
            dial_plan=dial_plan_of,
            zone=zone_of,
            chain=chain_of,
        ),
        engine=engine,
        chains=tuple(chains),
        currency_of_deck=currency_of_deck,
        default_chain=default_chain,
        record_kind=source.record_kind,
        meter_of_code={meter.code: meter.id for meter in meters}
        | {kind.name.strip(): kind.meter_id.id for kind in types},
        counters=frozenset(
            meter.id
            for meter in meters | source.meter_id | types.meter_id
            if meter.kind == "counter"
        ),
        default_meter_id=source.meter_id.id or 0,
        counting_meters=frozenset(
            meter.id
            for meter in meters | source.meter_id | types.meter_id
            if meter.aggregation in ("count", "unique")
        ),
        unit_of_meter={
            meter.id: meter.unit or ""
            for meter in meters | source.meter_id | types.meter_id
        },
        aggregation_of={meter.id: meter.aggregation for meter in meters},
        currency_id=company.currency_id.id,
        rate_of_currency=rate_of_currency,
        fraud=load_fraud(
            company,
            customers,
            lambda partner: customer_zone(partner, zones[0]),
            rate_of_currency,
            dial_plans[0][1],
        ),
        plan_partners=plan_partners,
        alert_partners=alert_partners,
        sealed=company.metered_sealing,
        fills_columns=kind_of(source.source_type).has_own_fields,
    )
    return with_lines(settings, source)


def column_specs(columns):
    """What the columns of a source mean.

    :param columns: ``metered.source.column`` records
    :return: tuple of :class:`~.mapping.ColumnSpec`
    """
    return tuple(
        ColumnSpec(
            column.target,
            column.columns,
            column.style or _usual_style(column),
            column.pattern or "",
            column.factor or "",
        )
        for column in columns
    )


def _usual_style(column):
    is_json = kind_of(column.source_id.source_type).writes_json
    return POINT if column.target == "quantity" and is_json else ""


def company_rates(company, currency_ids):
    """What one unit of each currency is in the company's own, for estimates.

    :param currency_ids: iterable of ids
    :return: dict currency id -> Decimal
    """
    today = fields.Date.context_today(company)
    currencies = company.env["res.currency"].browse(
        {company.currency_id.id, *currency_ids}
    )
    return {
        currency.id: Decimal(
            repr(
                currency._get_conversion_rate(
                    currency, company.currency_id, company, today
                )
            )
        )
        for currency in currencies
    }


def to_us(moment, default):
    """A naive UTC datetime as epoch microseconds; ``default`` for an empty one."""
    if not moment:
        return default
    return int(np.datetime64(moment, "us").astype(np.int64))


def _meters(source):
    """The meters that records may name, by their codes; the company's own first."""
    return source.env["metered.meter"].search(
        [
            ("active", "=", True),
            ("kind", "!=", "call"),
            ("company_id", "in", [False, source.company_id.id]),
        ],
        order="company_id NULLS FIRST, id",
    )


def _rule(rule):
    return Rule(
        rule.id,
        rule.outcome,
        rule.direction or "",
        tuple(
            Condition(c.column or "", c.operator, c.value or "", c.fact or "")
            for c in rule.condition_ids
        ),
    )


def _limits(source):
    now = to_us(fields.Datetime.now(), 0)
    return Limits(
        max_seconds=source.max_duration_hours * 3600,
        # No call is rated outside the years that the engine knows.
        latest_us=min(now + source.future_hours * HOUR_US, LATEST_US - 1),
        earliest_us=max(
            now - source.max_age_days * 24 * HOUR_US
            if source.max_age_days
            else EARLIEST_US,
            _first_kept_us(source),
        ),
    )


def _first_kept_us(source):
    """When the days begin of which records are all there, in any time zone.

    A record of an earlier day may have been billed before: nothing tells anymore.
    """
    company = source.company_id
    are_calls = source.record_kind == "call"
    gone = company.metered_details_until if are_calls else company.metered_records_until
    if not gone:
        return EARLIEST_US
    return to_us(fields.Datetime.to_datetime(gone), 0) + 2 * 24 * HOUR_US


def _chains(identifiers, company):
    """Decks in order of precedence per identifier: customer, group, company.

    :return: (chains, position in them per identifier, position of the company's own)
    """
    default = usable_decks(company.metered_deck_id, company)
    # Many customers, few different chains: positions by chain, by decks, by customer.
    positions = {(): 0}
    positions.setdefault(default, len(positions))
    of_decks, of_partner, chain_of = {}, {}, []
    for identifier in identifiers:
        partner = identifier.partner_id
        if partner not in of_partner:
            decks = own_decks(partner)
            if decks not in of_decks:
                chain = deck_chain(partner, company)
                of_decks[decks] = positions.setdefault(chain, len(positions))
            of_partner[partner] = of_decks[decks]
        chain_of.append(of_partner[partner])
    return list(positions), np.array(chain_of, np.int64), positions[default]


def _dial_plans(source, identifiers):
    """Dialling plans with their classifiers: the source's, and those of customers.

    :return: (dial plans, position in them per identifier, positions of those that only
        the customer's address suggests)
    """
    prefixes, meter_of_class = load_classes(source.env, source.company_id)

    def classifier(country):
        return Classifier(prefixes, meter_of_class, country.id, source.local_digits)

    dial_plans = [(source_dial_plan(source), classifier(source.country_id))]
    position, assumed = {}, set()
    countries = customer_countries(source, identifiers)
    dial_plan_of = []
    for country, is_assumed in countries:
        key = country, is_assumed
        if country == source.country_id:
            position[key] = 0
        elif key not in position:
            position[key] = len(dial_plans)
            dial_plans.append((dial_plan(country.code), classifier(country)))
            if is_assumed:
                assumed.add(position[key])
        dial_plan_of.append(position[key])
    return tuple(dial_plans), np.array(dial_plan_of, np.int64), frozenset(assumed)


def customer_countries(source, identifiers):
    """Where the customers of identifiers dial, as seen from a source.

    Their account's *Dialing Country*, else the country of their address, else the
    source's home country.

    :return: list of (``res.country``, whether only the address says so)
    """
    accounts = source.account_ids.filtered("country_id")
    by_partner = {account.partner_id: account.country_id for account in accounts}
    own, found = {}, []
    for identifier in identifiers:
        partner = identifier.partner_id
        told = identifier.account_id.country_id or by_partner.get(partner)
        if partner not in own:
            own[partner] = own_country(partner)
        country = told or own[partner] or source.country_id
        found.append((country, not told and country != source.country_id))
    return found


def _zones(identifiers, company):
    """Time zones in which customers' days begin; the first is the company's."""
    zones = [company_zone(company)]
    zone_of = []
    for identifier in identifiers:
        zone = customer_zone(identifier.partner_id, zones[0])
        if zone not in zones:
            zones.append(zone)
        zone_of.append(zones.index(zone))
    return tuple(zones), np.array(zone_of, np.int64)


def company_zone(company):
    """The time zone in which a company's days begin, an IANA name."""
    return company.metered_tz or company.resource_calendar_id.tz or "UTC"


def customer_zone(partner, default):
    """The time zone in which a customer's days begin."""
    return partner.metered_tz or partner.commercial_partner_id.metered_tz or default
