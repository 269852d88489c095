# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Decks, rates and time bands of a database."""

import re

from .exact import exact
from .rates import Deck, Rate, RateBook, Tier
from .time_bands import HOLIDAY, Hours

_DECKS = """
    SELECT id, name, timezone, rounding, decimals, crossing, currency_id
      FROM metered_rate_deck
"""
_HOLIDAYS = """
    SELECT link.metered_rate_deck_id, holiday.date
      FROM metered_holiday_metered_rate_deck_rel link
      JOIN metered_holiday holiday ON holiday.id = link.metered_holiday_id
"""
_BANDS = "SELECT id FROM metered_time_band ORDER BY sequence, id"
_HOURS = """
    SELECT band_id, hour_from, hour_to, monday, tuesday, wednesday, thursday, friday,
           saturday, sunday, holiday
      FROM metered_time_band_slot ORDER BY id
"""
_TIERS = """
    SELECT rate_id, from_second, price::text, per_seconds, increment
      FROM metered_rate_tier ORDER BY rate_id, from_second
"""
_RATES = """
    SELECT rate.id, rate.deck_id, rate.meter_id, rate.band_id, rate.prefix,
           destination.id, destination.prefixes, rate.date_from, rate.date_to,
           rate.price::text, rate.per_seconds, rate.connection_fee::text,
           rate.min_charge::text, rate.has_max_charge, rate.max_charge::text,
           rate.initial_increment,
           rate.increment, rate.grace_seconds
      FROM metered_rate rate
      LEFT JOIN metered_destination destination ON destination.id = rate.destination_id
     ORDER BY rate.id
"""


def read_rates(cursor):
    """All decks, rates and time bands.

    :return: (`rates.RateBook`, dict id -> `rates.Rate`)
    """
    holidays = {}
    for deck, day in _all(cursor, _HOLIDAYS):
        holidays.setdefault(deck, set()).add(day)
    decks = {
        row[0]: Deck(*row, holidays=frozenset(holidays.get(row[0], ())))
        for row in _all(cursor, _DECKS)
    }
    bands = {band: [] for (band,) in _all(cursor, _BANDS)}
    for band, begin, end, *days in _all(cursor, _HOURS):
        chosen = frozenset(day for day, is_chosen in enumerate(days) if is_chosen)
        assert HOLIDAY == len(days) - 1
        bands[band].append(Hours(chosen, round(begin * 60), round(end * 60)))
    tiers = {}
    for rate, second, price, per_seconds, increment in _all(cursor, _TIERS):
        tier = Tier(second, exact(price), per_seconds, increment)
        tiers.setdefault(rate, []).append(tier)
    rates = {}
    for row in _all(cursor, _RATES):
        rate = _rate(row, tuple(tiers.get(row[0], ())))
        rates[rate.id] = rate
        decks[rate.deck].add(rate)
    return RateBook(decks, bands), rates


def _rate(row, tiers):
    number, deck, meter, band, prefix, destination, prefixes, first, after = row[:9]
    price, per_seconds, fee, minimum, has_maximum, maximum = row[9:15]
    starts = [prefix or ""]
    if destination:
        starts = [start for start in re.split(r"[\s,;]+", prefixes or "") if start]
    return Rate(
        number,
        deck,
        exact(price),
        # A destination without a prefix is one for all numbers.
        tuple(dict.fromkeys(starts or [""])),
        meter or 0,
        band or 0,
        first,
        after,
        per_seconds,
        exact(fee),
        exact(minimum),
        exact(maximum) if has_maximum else None,
        *row[15:],
        tiers=tiers,
    )


def _all(cursor, query):
    cursor.execute(query)
    return cursor.fetchall()
