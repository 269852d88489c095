# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading a source's settings from the database into plain values.

The only part of the pipeline that knows the ORM. What it reads is frozen for the run:
a rate that changes while an import runs counts from the next slice on.
"""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from odoo import fields

from ..rating import MAX_US, MIN_US, Deck, RatingEngine, Slot, TimeBand
from ..rating.call_tiers import COLUMNS as TIER_COLUMNS
from ..rating.prefixes import E164_DIGITS
from ..rating.rate_search import EARLIEST_US, LATEST_US
from .classify import Classifier, Destination
from .dial_plans import dial_plan
from .frames import copy_out
from .identify import IdentifierIndex, PayerStep
from .mapping import ColumnSpec
from .rules import Condition, Rule
from .settings import ImportSettings, Limits, Payers
from .tried_rates import KEY as TRIED

HOUR_US = 3_600_000_000
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOLIDAY = 7

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
    "metered_deck_id",
    "metered_group_id",
    "metered_tz",
)

RATES = r"""
    SELECT rate.id, rate.deck_id, coalesce(rate.meter_id, 0),
           coalesce(dest.prefix, rate.prefix, ''), coalesce(rate.band_id, 0),
           coalesce((extract(epoch FROM rate.date_from::timestamp
                     AT TIME ZONE deck.timezone) * 1000000)::bigint, %(min)s),
           coalesce((extract(epoch FROM rate.date_to::timestamp
                     AT TIME ZONE deck.timezone) * 1000000)::bigint, %(max)s),
           (rate.price * 100000000)::bigint, rate.per_seconds,
           (rate.connection_fee * 100000000)::bigint,
           (rate.min_charge * 100000000)::bigint,
           CASE WHEN rate.has_max_charge
                THEN (rate.max_charge * 100000000)::bigint ELSE -1 END,
           rate.initial_increment, rate.increment, rate.grace_seconds
      FROM metered_rate rate
      JOIN metered_rate_deck deck ON deck.id = rate.deck_id
      LEFT JOIN LATERAL (
            SELECT DISTINCT prefix
              FROM metered_destination destination,
                   regexp_split_to_table(
                        trim(destination.prefixes), '[\s,;]+') prefix
             WHERE destination.id = rate.destination_id AND prefix != ''
           ) dest ON TRUE
     WHERE rate.deck_id = ANY(%(decks)s)
       AND (%(starts)s::text[] IS NULL
            OR coalesce(dest.prefix, rate.prefix, '') = ANY(%(starts)s::text[]))
"""
RATE_COLUMNS = {
    "rate_id": pa.int64(),
    "deck_id": pa.int64(),
    "meter_id": pa.int64(),
    "prefix": pa.string(),
    "band_id": pa.int64(),
    "valid_from_us": pa.int64(),
    "valid_to_us": pa.int64(),
    "price_e8": pa.int64(),
    "per_seconds": pa.int64(),
    "connection_fee_e8": pa.int64(),
    "min_charge_e8": pa.int64(),
    "max_charge_e8": pa.int64(),
    "initial_increment": pa.int64(),
    "increment": pa.int64(),
    "grace_seconds": pa.int64(),
}


def load_settings(source):
    """Everything an import of a source needs.

    :param source: one ``metered.source`` record
    :return: :class:`~.settings.ImportSettings`
    """
    source = source.sudo().with_company(source.company_id)
    source.env.flush_all()
    company = source.company_id
    identifiers = source.env["metered.identifier"].search_fetch(
        [
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
    plans, plan_of = _plans(source, identifiers)
    zones, zone_of = _zones(identifiers, company)
    return ImportSettings(
        source_id=source.id,
        company_id=company.id,
        timezone=source.timezone,
        duration_rounding=source.duration_rounding,
        columns=tuple(
            ColumnSpec(c.target, c.columns, c.style or "", c.pattern or "")
            for c in source.column_ids
        ),
        rules=tuple(_rule(rule) for rule in source.rule_ids),
        steps=tuple(
            PayerStep(s.column, s.kind, s.pattern or "", s.direction or "")
            for s in source.payer_ids
        ),
        default_outcome=source.default_outcome,
        default_direction=source.default_direction,
        limits=_limits(source),
        plans=plans,
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
            plan=plan_of,
            zone=zone_of,
            chain=chain_of,
        ),
        engine=engine,
        currency_of_deck=currency_of_deck,
        default_chain=default_chain,
        record_kind=source.record_kind,
        meter_of_code=_meters(source),
        default_meter_id=source.meter_id.id or 0,
        currency_id=company.currency_id.id,
        rate_of_currency=company_rates(company, currency_of_deck.values()),
        plan_partners=source.env["metered.plan.mark"]._plan_partners(company),
    )


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
    meters = source.env["metered.meter"].search(
        [
            ("kind", "!=", "call"),
            ("company_id", "in", [False, source.company_id.id]),
        ],
        order="company_id NULLS FIRST, id",
    )
    return {meter.code: meter.id for meter in meters}


def _rule(rule):
    return Rule(
        rule.id,
        rule.outcome,
        rule.direction or "",
        tuple(
            Condition(c.column, c.operator, c.value or "") for c in rule.condition_ids
        ),
    )


def _limits(source):
    now = to_us(fields.Datetime.now(), 0)
    return Limits(
        max_seconds=source.max_duration_hours * 3600,
        # No call is rated outside the years that the engine knows.
        latest_us=min(now + source.future_hours * HOUR_US, LATEST_US - 1),
        earliest_us=(
            now - source.max_age_days * 24 * HOUR_US
            if source.max_age_days
            else EARLIEST_US
        ),
    )


def deck_chain(partner, company):
    """Decks that price a customer's calls: the customer's, the group's, the company's.

    :param partner: ``res.partner`` record, in the context of the company
    :param company: ``res.company`` record
    :return: tuple of deck ids, the deck to ask first first
    """
    deck, group_deck = _own_decks(partner)
    decks = deck | group_deck | company.metered_deck_id
    chain = tuple(decks.filtered("active").ids)
    tried = company.env.context.get(TRIED)
    return tried.chain(chain) if tried else chain


def _own_decks(partner):
    """The customer's deck and the one of its group."""
    owner = partner.commercial_partner_id
    group = partner.metered_group_id or owner.metered_group_id
    return partner.metered_deck_id or owner.metered_deck_id, group.deck_id


def _chains(identifiers, company):
    """Decks in order of precedence per identifier: customer, group, company.

    :return: (chains, position in them per identifier, position of the company's own)
    """
    default = tuple(company.metered_deck_id.filtered("active").ids)
    # Many customers, few different chains: positions by chain, by decks, by customer.
    positions = {(): 0}
    positions.setdefault(default, len(positions))
    of_decks, of_partner, chain_of = {}, {}, []
    for identifier in identifiers:
        partner = identifier.partner_id
        if partner not in of_partner:
            decks = _own_decks(partner)
            if decks not in of_decks:
                chain = deck_chain(partner, company)
                of_decks[decks] = positions.setdefault(chain, len(positions))
            of_partner[partner] = of_decks[decks]
        chain_of.append(of_partner[partner])
    return list(positions), np.array(chain_of, np.int64), positions[default]


def load_engine(env, chains, number=None):
    """The rating engine for chains of decks.

    :param env: environment with rights to read all decks
    :param chains: list of tuples of deck ids
    :param number: normalised; the engine rates calls to it and to no other
    :return: (:class:`~..rating.RatingEngine`, dict deck id -> currency id)
    """
    decks = env["metered.rate.deck"].browse(
        sorted({deck_id for chain in chains for deck_id in chain})
    )
    rates = load_rates(env, decks, number)
    return make_engine(env, chains, decks, rates)


def make_engine(env, chains, decks, rates):
    """The rating engine for chains of decks, with these rates; see `load_engine`."""
    bands = env["metered.time.band"].browse(sorted({*rates["band_id"]} - {0}))
    bands = bands.sorted(lambda band: (band.sequence, band.id))
    engine = RatingEngine(
        decks=[_deck(deck, bands) for deck in decks],
        bands=[_band(band) for band in bands],
        rates=rates,
        chains=chains,
        tiers=load_tiers(env, decks, rates),
    )
    return engine, {deck.id: deck.currency_id.id for deck in decks}


def load_rates(env, decks, number=None):
    """The rates of decks as the engine's frame, a row per prefix.

    :param decks: ``metered.rate.deck`` records
    :param number: normalised; None: the rates of all numbers
    :return: DataFrame with :data:`RATE_COLUMNS`
    """
    starts = None if number is None else prefixes_of(number)
    found = copy_out(
        env.cr,
        RATES,
        {"min": MIN_US, "max": MAX_US, "decks": decks.ids, "starts": starts},
        RATE_COLUMNS,
    )
    tried = env.context.get(TRIED)
    return tried.rates(found.to_pandas(), starts) if tried else found.to_pandas()


def load_tiers(env, decks, rates):
    """The tiers within the call, of the rates that there are.

    :param decks: ``metered.rate.deck`` records
    :param rates: what :func:`load_rates` returned
    :return: DataFrame with ``call_tiers.COLUMNS``
    """
    env.cr.execute(
        """
        SELECT tier.rate_id, tier.from_second, (tier.price * 100000000)::bigint,
               tier.per_seconds, tier.increment
          FROM metered_rate_tier tier
          JOIN metered_rate rate ON rate.id = tier.rate_id
         WHERE rate.deck_id = ANY(%s)
         ORDER BY tier.rate_id, tier.from_second
        """,
        (decks.ids,),
    )
    frame = pd.DataFrame(env.cr.fetchall(), columns=list(TIER_COLUMNS))
    return frame[frame["rate_id"].isin(rates["rate_id"])].astype("int64")


def prefixes_of(number):
    """Everything that the prefix of a rate for this number can be.

    :param number: normalised: `+` and digits, or a short code
    """
    if not number.startswith("+"):
        return ["", f"={number}"]
    # A number is padded with zeros where it is shorter than a prefix.
    digits = number[1:].ljust(E164_DIGITS, "0")
    return [digits[:length] for length in range(E164_DIGITS + 1)]


def _deck(deck, bands):
    return Deck(
        id=deck.id,
        timezone=deck.timezone,
        rounding=deck.rounding,
        decimals=deck.decimals,
        crossing=deck.crossing,
        holidays=frozenset(deck.holiday_ids.mapped("date")),
        bands=tuple(bands.ids),
    )


def _band(band):
    slots = []
    for slot in band.slot_ids:
        days = {day for day, name in enumerate(DAYS) if slot[name]}
        if slot.holiday:
            days.add(HOLIDAY)
        slots.append(
            Slot(frozenset(days), round(slot.hour_from * 60), round(slot.hour_to * 60))
        )
    return TimeBand(id=band.id, slots=tuple(slots))


def source_dial_plan(source):
    """How numbers are dialled at a source: as in its home country, or as it says."""
    overrides = {}
    if source.idd_prefixes:
        overrides["idd_prefixes"] = tuple(
            text.strip() for text in source.idd_prefixes.split(",") if text.strip()
        )
    if source.short_code_max:
        overrides["short_code_max"] = source.short_code_max
    return dial_plan(source.country_id.code, **overrides)


def load_classes(env, company):
    """What calls to which prefixes are.

    :return: (list of :class:`~.classify.Destination`, dict call class -> meter id)
    """
    shared = ("company_id", "in", [False, company.id])
    prefixes = [
        Destination(
            id=d.id,
            country_id=d.country_id.id or 0,
            kind=d.kind,
            prefixes=tuple(d._split_prefixes()),
            meter_id=d.meter_id.id or 0,
        )
        for d in env["metered.destination"].search([shared])
    ]
    meters = env["metered.meter"].search(
        [("kind", "=", "call"), ("call_class", "!=", False), shared],
        # The company's own meter comes last and so takes the place of a shared one.
        order="company_id NULLS FIRST, id",
    )
    return prefixes, {meter.call_class: meter.id for meter in meters}


def _plans(source, identifiers):
    """Dialling plans with their classifiers: the source's, and those of accounts."""
    prefixes, meter_of_class = load_classes(source.env, source.company_id)

    def classifier(country):
        return Classifier(prefixes, meter_of_class, country.id, source.local_digits)

    plans = [(source_dial_plan(source), classifier(source.country_id))]
    position = {source.country_id: 0}
    accounts = source.account_ids.filtered("country_id")
    by_partner = {account.partner_id: account.country_id for account in accounts}
    plan_of = []
    for identifier in identifiers:
        country = (
            identifier.account_id.country_id
            or by_partner.get(identifier.partner_id)
            or source.country_id
        )
        if country not in position:
            position[country] = len(plans)
            plans.append((dial_plan(country.code), classifier(country)))
        plan_of.append(position[country])
    return tuple(plans), np.array(plan_of, np.int64)


def _zones(identifiers, company):
    """Time zones in which customers' days begin; the first is the company's."""
    zones = [company._metered_timezone()]
    zone_of = []
    for identifier in identifiers:
        partner = identifier.partner_id
        zone = (
            partner.metered_tz or partner.commercial_partner_id.metered_tz or zones[0]
        )
        if zone not in zones:
            zones.append(zone)
        zone_of.append(zones.index(zone))
    return tuple(zones), np.array(zone_of, np.int64)
