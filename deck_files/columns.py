# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the columns of a rate deck mean, told from their names.

The names are those that carriers and switches use; our own export uses the first of
each. Case, blanks and punctuation do not count.
"""

import re

#: meaning -> names, compared without anything but letters and digits
COLUMNS = {
    "prefix": (
        "prefix",
        "dial codes",
        "dial code",
        "dialcode",
        "dialing code",
        "dialling code",
        "code",
        "codes",
        "dst prefix",
        "destination code",
        "area code",
        "breakout",
        "breakouts",
    ),
    "country_code": ("country code", "cc"),
    "name": (
        "name",
        "destination",
        "description",
        "destination name",
        "network",
        "location",
        "zone",
        "area",
        "region",
    ),
    "country": ("country",),
    "call_type": ("call type", "type of call", "service"),
    "band": ("time band", "band", "timing", "time class", "peak"),
    "price": (
        "price",
        "rate",
        "rate min",
        "rate per min",
        "rate per minute",
        "price min",
        "price per min",
        "price per minute",
        "cost per min",
        "cost per minute",
        "price n",
        "new rate",
        "new price",
        "rate usd",
        "rate eur",
        "usd min",
        "eur min",
        "next rate",
    ),
    "first_price": ("price 1", "first price", "initial rate"),
    "per_seconds": ("per seconds", "price per seconds", "rate unit", "per s"),
    "first_increment": (
        "first increment",
        "first",
        "first s",
        "interval 1",
        "initial increment",
        "initial interval",
        "min duration",
        "minimum duration",
        "min time",
        "initial period",
    ),
    "next_increment": (
        "next increment",
        "next",
        "then",
        "then s",
        "interval n",
        "subsequent increment",
        "next interval",
        "increment seconds",
        "recurring interval",
        "increment",
    ),
    "increments": (
        "billing",
        "billing increment",
        "billing increments",
        "increments",
        "billing terms",
        "pulse",
        "interval",
        "rounding rules",
    ),
    "connection_fee": (
        "connection fee",
        "connect fee",
        "connect cost",
        "connect charge",
        "setup fee",
        "connection charge",
        "connection",
    ),
    "minimum": ("minimum charge", "min charge"),
    "maximum": ("maximum charge", "max charge", "max cost"),
    "grace_seconds": ("grace seconds", "grace period", "free below"),
    # The last length that is free.
    "free_seconds": ("free up to and including", "free up to", "free seconds"),
    "tiers": ("tiers", "tiers within the call", "tiered rate", "tiered price"),
    "included_seconds": ("included seconds",),
    "valid_from": (
        "valid from",
        "effective from",
        "effective",
        "effective date",
        "start date",
        "date from",
        "from date",
        "activation date",
        "date",
    ),
    # The first day without the rate; our own export's.
    "valid_before": ("valid before",),
    # Carriers mean the last day of the rate, or a moment late on it.
    "last_day": (
        "valid until",
        "valid to",
        "effective to",
        "end date",
        "effective till",
        "effective until",
        "valid till",
        "last day",
        "expiry date",
        "date to",
    ),
    "change": ("change", "status", "changes", "comment", "comments", "rate change"),
    "discontinued": ("discontinued", "closed", "deleted"),
    "forbidden": ("forbidden", "blocked"),
}

_NAMES = {
    re.sub(r"[^a-z0-9]", "", name): meaning
    for meaning, names in COLUMNS.items()
    for name in names
}
#: without these there is no deck
NEEDED = ("prefix", "price")


def recognise(header):
    """Say what each column of a header means.

    :param header: the texts of a row
    :return: dict meaning -> position; the first of several columns of one meaning
    """
    found = {}
    for place, text in enumerate(header):
        meaning = _NAMES.get(re.sub(r"[^a-z0-9]", "", text.lower()))
        if meaning:
            found.setdefault(meaning, place)
    return found


def is_header(row):
    """Whether a row names the columns of a deck."""
    return all(meaning in recognise(row) for meaning in NEEDED)
