# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rating of one call as one would explain it: slow, obvious, in Decimal.

`Reference` shares nothing with the engine but the dataclasses that describe decks:
prefixes are compared as text, time bands minute by minute in local time, a split call
is walked one increment at a time, and amounts are exact fractions of decimals.
"""

import datetime
import decimal
from fractions import Fraction
from functools import cache
from itertools import groupby
from zoneinfo import ZoneInfo

import pandas as pd

from odoo.addons.metered_billing.rating import (
    MAX_US,
    MIN_US,
    NO_DECK,
    NO_RATE,
    RATED,
    TOO_LARGE,
    RatingEngine,
    number_keys,
)
from odoo.addons.metered_billing.rating.call_tiers import COLUMNS

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
ROUNDING = {
    "half_up": decimal.ROUND_HALF_UP,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
    "half_even": decimal.ROUND_HALF_EVEN,
}


def at(instant_us):
    return EPOCH + datetime.timedelta(microseconds=instant_us)


def prefix_matches(prefix, number):
    if prefix == "":
        return True
    if prefix.startswith("="):
        return number == prefix[1:]
    return number is not None and number.startswith("+" + prefix)


def day_type(deck, day):
    return 7 if day in deck.holidays else day.weekday()


def day_fits(deck, slot, day):
    return (
        day_type(deck, day) in slot.days
        and (not slot.months or day.month in slot.months)
        and (not slot.month_days or day.day in slot.month_days)
        and (not slot.years or day.year in slot.years)
    )


def band_holds(deck, band, instant):
    local = instant.astimezone(ZoneInfo(deck.timezone))
    second = (local.hour * 60 + local.minute) * 60 + local.second
    today = local.date()
    yesterday = today - datetime.timedelta(days=1)
    for slot in band.slots:
        start = slot.start_minute * 60 + slot.start_second
        end = slot.end_minute * 60 + slot.end_second
        if end > start:
            if day_fits(deck, slot, today) and start <= second < end:
                return True
        else:
            if day_fits(deck, slot, today) and second >= start:
                return True
            if day_fits(deck, slot, yesterday) and second < end:
                return True
    return False


@cache
def of_one_second(price_e8, per_seconds):
    return Fraction(price_e8, 10**8 * per_seconds)


class Reference:
    """Rates calls one at a time; rates are dicts with the engine's column names."""

    def __init__(self, rates, decks, bands, chains, tiers=()):
        self.rates = rates
        self.tiers = {}
        for tier in tiers:
            self.tiers.setdefault(tier["rate_id"], []).append(tier)
        self.decks = {deck.id: deck for deck in decks}
        self.bands = {band.id: band for band in bands}
        self.chains = chains
        self._held = {}

    def candidates(self, call):
        """Return the rates for a call's number, type and date, the first choice first.

        Of these applies the first one whose time band holds.
        """
        return [
            rate
            for deck_id in self.chains[call["chain"]]
            for rate in self._candidates_in(self.decks[deck_id], call)
        ]

    def _candidates_in(self, deck, call):
        candidates = [
            rate
            for rate in self.rates
            if rate["deck_id"] == deck.id
            and prefix_matches(rate["prefix"], call["number"])
            and rate["meter_id"] in (0, call["meter_id"])
            and rate["valid_from_us"] <= call["start_us"] < rate["valid_to_us"]
        ]
        return sorted(
            candidates,
            key=lambda rate: (
                -len(rate["prefix"].removeprefix("=")),
                rate["meter_id"] == 0,
                deck.bands.index(rate["band_id"]) if rate["band_id"] else 99,
                -rate["valid_from_us"],
                rate["rate_id"],
            ),
        )

    def first_in_band(self, candidates, instant_us):
        """Return the first rate whose band holds at an instant, None for none."""
        for rate in candidates:
            if not rate["band_id"] or self._holds(rate, instant_us):
                return rate
        return None

    def _holds(self, rate, instant_us):
        """Whether a rate's band holds at an instant: asked for twice and more."""
        key = rate["deck_id"], rate["band_id"], instant_us
        if key not in self._held:
            deck, band = self.decks[key[0]], self.bands.get(key[1])
            self._held[key] = band is None or band_holds(deck, band, at(instant_us))
        return self._held[key]

    def rate(self, call):
        """Return (status, rate id, billed seconds, charge in micro-units, parts)."""
        if not self.chains[call["chain"]]:
            return "no_deck", None, 0, 0, []
        candidates = self.candidates(call)
        rate = self.first_in_band(candidates, call["start_us"])
        if rate is None:
            return "no_rate", None, 0, 0, []
        seconds = call["seconds"]
        if seconds == 0 or seconds < rate["grace_seconds"]:
            return "rated", rate["rate_id"], 0, 0, []
        increments = self.increments(call, rate, candidates)
        charge = self.charge(rate, increments)
        status = "rated" if abs(charge) < 2**63 else "too_large"
        _current, position, step, _price = increments[-1]
        return (
            status,
            rate["rate_id"],
            position + step,
            charge if status == "rated" else 0,
            self._parts(increments),
        )

    def increments(self, call, rate, candidates):
        """Return (rate, from second, seconds, price of one second) of each."""
        split = self.decks[rate["deck_id"]].crossing == "split"
        increments = []
        position = 0
        current = rate
        while position < call["seconds"]:
            if position and split:
                instant = call["start_us"] + position * 1_000_000
                current = self.first_in_band(candidates, instant) or current
            terms = self.terms_at(current, position)
            step = terms["increment"]
            if not position:
                step = rate["initial_increment"] or rate["increment"]
            price = of_one_second(terms["price_e8"], terms["per_seconds"])
            increments.append((current, position, step, price))
            position += step
        return increments

    def terms_at(self, rate, position):
        """Return the price and increment that hold at a second of a call."""
        tiers = self.tiers.get(rate["rate_id"], ())
        begun = [tier for tier in tiers if tier["from_second"] <= position]
        return max(begun, key=lambda tier: tier["from_second"], default=rate)

    def charge(self, rate, increments, covered=0, fee_e8=None, extra=0):
        """Return the charge in micro-units.

        :param covered: seconds from the beginning that a plan has taken
        :param fee_e8: connection fee instead of the rate's
        :param extra: what the plan charges
        """
        if fee_e8 is None:
            fee_e8 = rate["connection_fee_e8"]
        amount, left = Fraction(fee_e8, 10**8), 0
        # Fractions are slow: seconds at one price are multiplied once.
        # pylint: disable-next=bad-builtin-groupby; those that follow each other
        for price, run in groupby(increments, key=lambda increment: increment[3]):
            rest = sum(
                step - min(max(covered - position, 0), step)
                for _current, position, step, _price in run
            )
            amount += price * rest
            left += rest
        if left and rate["min_charge_e8"] > 0:
            amount = max(amount, Fraction(rate["min_charge_e8"], 10**8))
        if rate["max_charge_e8"] >= 0:
            amount = min(amount, Fraction(rate["max_charge_e8"], 10**8))
        deck = self.decks[rate["deck_id"]]
        rounded = round_exactly(amount + extra, deck.decimals, deck.rounding)
        return int(rounded * 10**6)

    @staticmethod
    def _parts(increments):
        """Return [rate id, from second, seconds] of runs of increments at one rate."""
        parts = []
        for rate, position, step, _price in increments:
            if parts and parts[-1][0] == rate["rate_id"]:
                parts[-1][2] += step
            else:
                parts.append([rate["rate_id"], position, step])
        return parts


def round_exactly(amount, decimals, rounding):
    """Round a Fraction with the decimal module.

    A ratio has endless digits, the decimal module does not. Cutting it after 30 and
    marking what was cut by one more digit keeps it on its side of every tie.
    """
    with decimal.localcontext() as context:
        context.prec = 200
        scaled = abs(amount) * 10**30
        digits = decimal.Decimal(scaled.numerator // scaled.denominator)
        if scaled.denominator != 1:
            digits += decimal.Decimal("0.1")
        if amount < 0:
            digits = -digits
        value = digits.scaleb(-30)
        return value.quantize(decimal.Decimal(1).scaleb(-decimals), ROUNDING[rounding])


# ---- what the tests build their cases from

RATE = {
    "rate_id": 1,
    "deck_id": 1,
    "meter_id": 0,
    "prefix": "",
    "band_id": 0,
    "valid_from_us": MIN_US,
    "valid_to_us": MAX_US,
    "price_e8": 6 * 10**6,
    "per_seconds": 60,
    "connection_fee_e8": 0,
    "min_charge_e8": 0,
    "max_charge_e8": -1,
    "initial_increment": 1,
    "increment": 1,
    "grace_seconds": 0,
}
"""A rate for everything: 0.06 a minute, by the second."""


def rates_of(*changes):
    """Return rates as a list of dicts, numbered from 1 unless they say otherwise."""
    return [
        {**RATE, "rate_id": number, **change}
        for number, change in enumerate(changes, start=1)
    ]


def instant(text):
    """Return microseconds since the epoch of an ISO 8601 text, UTC by default."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


def call_of(number="+4930123456", start="2026-03-02T12:00", seconds=60, **changes):
    """Return one call; 2026-03-02 is a Monday."""
    return {
        "number": number,
        "start_us": instant(start) if isinstance(start, str) else start,
        "seconds": seconds,
        "meter_id": 1,
        "chain": 0,
        **changes,
    }


def frame_of(calls):
    """Return the engine's input frame for calls as `call_of` makes them."""
    columns = ("start_us", "seconds", "meter_id", "chain")
    frame = {name: [call[name] for call in calls] for name in columns}
    frame = pd.DataFrame(frame, dtype="int64")
    frame.insert(0, "number_key", number_keys([call["number"] for call in calls]))
    return frame


def engine_of(rates, decks, bands=(), chains=((1,),), tiers=()):
    """Return a `RatingEngine` for rates, and tiers within calls, given as dicts."""
    frame = pd.DataFrame(rates, columns=list(RATE))
    tiers = pd.DataFrame(tiers, columns=list(COLUMNS), dtype="int64")
    return RatingEngine(frame, decks, bands, chains, tiers)


STATUS = {
    RATED: "rated",
    NO_RATE: "no_rate",
    NO_DECK: "no_deck",
    TOO_LARGE: "too_large",
}


def outcomes(rated):
    """Return `RatedCalls` in the form of `Reference.rate`, without the parts."""
    frame = rated.frame
    return [
        (STATUS[status], rate or None, billed, charge)
        for status, rate, billed, charge in zip(
            frame["status"],
            frame["rate_id"].tolist(),
            frame["billed_seconds"].tolist(),
            frame["charge_micro"].tolist(),
            strict=True,
        )
    ]
