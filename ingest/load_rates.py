# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading decks and their rates from the database into the rating engine."""

import pandas as pd
import pyarrow as pa

from ..rating import MAX_US, MIN_US, Deck, RatingEngine, Slot, TimeBand
from ..rating.call_tiers import COLUMNS as TIER_COLUMNS
from ..rating.prefixes import E164_DIGITS
from .frames import copy_out

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOLIDAY = 7

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


def deck_chain(partner, company, tried=None):
    """Decks that price a customer's calls: the customer's, the group's, the company's.

    :param partner: ``res.partner`` record, in the context of the company
    :param company: ``res.company`` record
    :param tried: :class:`~.tried_rates.TriedRates`, as if they were in force
    :return: tuple of deck ids, the deck to ask first first
    """
    deck, group_deck = own_decks(partner)
    chain = usable_decks(deck | group_deck | company.metered_deck_id, company)
    return tried.chain(chain) if tried else chain


def usable_decks(decks, company):
    """Ids of those decks that may price a company's calls: active ones of its own."""
    usable = decks.filtered(lambda deck: deck.active and deck.company_id == company)
    return tuple(usable.ids)


def own_decks(partner):
    """The customer's deck and the one of its group."""
    owner = partner.commercial_partner_id
    group = partner.metered_group_id or owner.metered_group_id
    return partner.metered_deck_id or owner.metered_deck_id, group.deck_id


def load_engine(env, chains, number=None, tried=None):
    """The rating engine for chains of decks.

    :param env: environment with rights to read all decks
    :param chains: list of tuples of deck ids
    :param number: normalised, or a collection of such; the engine rates calls to these
        and to no others
    :param tried: see :func:`deck_chain`
    :return: (:class:`~..rating.RatingEngine`, dict deck id -> currency id)
    """
    decks = env["metered.rate.deck"].browse(
        sorted({deck_id for chain in chains for deck_id in chain})
    )
    rates = load_rates(env, decks, number, tried)
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


def load_rates(env, decks, number=None, tried=None):
    """The rates of decks as the engine's frame, a row per prefix.

    :param decks: ``metered.rate.deck`` records
    :param number: normalised, or a collection of such; None: the rates of all numbers
    :param tried: see :func:`deck_chain`
    :return: DataFrame with :data:`RATE_COLUMNS`
    """
    starts = None
    if number is not None:
        numbers = [number] if isinstance(number, str) else number
        starts = sorted({start for each in numbers for start in prefixes_of(each)})
    found = copy_out(
        env.cr,
        RATES,
        {"min": MIN_US, "max": MAX_US, "decks": decks.ids, "starts": starts},
        RATE_COLUMNS,
    )
    if tried and tried.deck_id in decks.ids:
        return tried.rates(found.to_pandas(), starts)
    return found.to_pandas()


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
