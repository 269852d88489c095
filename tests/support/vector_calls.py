# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Cases of other engines about calls, put to the rating engine.

One function a model: (config, input) -> the answers by the names of `expected`.
"""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np

from odoo.addons.metered_billing.rating import (
    DECK_FEE,
    HOLIDAY,
    NO_DECK,
    NO_RATE,
    RATED,
    Calendar,
    Cover,
    Deck,
    Part,
    Slot,
    TimeBand,
    billed_seconds,
    rounded,
)
from odoo.addons.metered_billing.tests.support.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    instant,
    rates_of,
)

ROUNDING = {"*up": "up", "*down": "down", "*middle": "half_up"}
SECONDS = {"s": 1, "m": 60, "h": 3600}


def e8(text):
    value = Decimal(text) * 10**8
    assert value == int(value), text
    return int(value)


def price_of(rate, unit):
    """Return (price in e8, per seconds), over more seconds where e8 is too coarse."""
    price, per_seconds = Fraction(rate) * 10**8, seconds_of(unit)
    times = price.denominator
    return int(price * times), per_seconds * times


def duration_of(text):
    """Return `1m30s`, `10s` or a bare number (of units) as an integer."""
    text = str(text)
    parts = re.findall(r"(\d+)([smh])", text)
    if not parts:
        return int(text)
    return sum(int(number) * SECONDS[unit] for number, unit in parts)


def seconds_of(text):
    """Return a duration; CGRateS takes 0 as 1 second."""
    return duration_of(text) or 1


def begin_of(slot):
    """Return from which second of the call a slot of a rate holds."""
    begin = slot.get("group_interval_start", slot.get("from_second"))
    return duration_of(begin or 0)


def tier_of(rate_id, slot):
    price_e8, per_seconds = price_of(slot["rate"], slot["rate_unit"])
    return {
        "rate_id": rate_id,
        "from_second": begin_of(slot),
        "price_e8": price_e8,
        "per_seconds": per_seconds,
        "increment": seconds_of(slot.get("rate_increment", slot.get("increment"))),
    }


def cover_of(seconds=0, fee=DECK_FEE):
    """Return the cover of one call."""
    columns = (seconds, fee, 0, 1)
    return Cover(*(np.array([value], dtype=np.int64) for value in columns))


def slot_of(timing, last_second=1):
    """Return the hours of a CGRateS timing, whose end is itself within it.

    :param last_second: 0 where the end is the instant that it is split at
    """
    days = [day - 1 for day in timing.get("week_days", range(1, 8))]
    if "week_days" not in timing:
        days.append(HOLIDAY)
    start, end = time_of(timing.get("start", "00:00:00")), 24 * 3600
    if "end" in timing:
        end = time_of(timing["end"]) + last_second
    return Slot(
        days,
        start // 60,
        end // 60,
        months=timing.get("months", ()),
        month_days=timing.get("month_days", ()),
        years=timing.get("years", ()),
        start_second=start % 60,
        end_second=end % 60,
    )


def time_of(text):
    hour, minute, second = map(int, text.split(":"))
    return (hour * 60 + minute) * 60 + second


class Plans:
    """A CGRateS configuration as decks: a rating plan is a deck, a subject a chain."""

    def __init__(self, config, given, rounding=("half_up", 6)):
        """
        :param rounding: of all decks; CGRateS has one for each destination
        """
        self.config, self.input, self.rounding = config, given, rounding
        self.start = self.input.get("start") or "2024-06-12T12:00:00Z"
        self.bands, self.rates, self.decks = [], [], []
        self.tiers, self.roundings = [], {}
        for plan in self.config.get("rating_plans", ()):
            self._add_plan(plan)
        ids = {
            plan["id"]: number
            for number, plan in enumerate(self.config.get("rating_plans", ()), start=1)
        }
        self.chain = tuple(ids[plan] for plan in self._plans(self.input["subject"]))

    def _named(self, kind, name):
        return [row for row in self.config[kind] if row["id"] == name]

    def _plans(self, subject, asked=()):
        """Yield the plan in force for a subject, then those of its fallbacks.

        :param asked: subjects on the way to this one, which are not asked again
        """
        if subject in asked:
            return
        profiles = {
            profile["subject"]: profile
            for profile in self.config["rating_profiles"]
            if profile["tenant"] == self.input["tenant"]
            and profile["category"] == self.input["category"]
        }
        profile = profiles.get(subject) or profiles.get("*any", {})
        active = sorted(
            (
                activation
                for activation in profile.get("activations", ())
                if (activation["activation_time"] or "") <= self.start
            ),
            key=lambda activation: activation["activation_time"] or "",
        )
        if active:
            yield active[-1]["rating_plan"]
            for fallback in active[-1]["fallback_subjects"]:
                yield from self._plans(fallback, (*asked, subject))

    def _add_plan(self, plan):
        deck_id = len(self.decks) + 1
        bands = []
        for binding in plan["bindings"]:
            timing = self._named("timings", binding["timing"])[0]
            slot = slot_of(timing)
            band = TimeBand(len(self.bands) + 1, (slot,))
            self.bands.append(band)
            bands.append((-Decimal(binding["weight"]), -slot.start, band.id))
            for row in self._named("destination_rates", binding["destination_rates"]):
                self._add_rate(deck_id, band.id, row)
        crossing = "split" if self.input["tor"] == "*voice" else "start"
        priority = [band_id for _weight, _start, band_id in sorted(bands)]
        self.decks.append(
            Deck(deck_id, "UTC", *self.rounding, crossing, frozenset(), priority)
        )

    def _add_rate(self, deck_id, band_id, row):
        slots = self._named("rates", row["rate"])
        first, *later = sorted(slots, key=lambda slot: begin_of(slot))
        prefixes = [""]
        price_e8, per_seconds = price_of(first["rate"], first["rate_unit"])
        if row["destination"] != "*any":
            prefixes = self._named("destinations", row["destination"])[0]["prefixes"]
        for prefix in prefixes:
            if prefix.isalpha():
                continue  # "voicemail", which no call here goes to
            self.rates.append(
                {
                    "deck_id": deck_id,
                    "band_id": band_id,
                    "prefix": prefix.removeprefix("+"),
                    "price_e8": price_e8,
                    "per_seconds": per_seconds,
                    "connection_fee_e8": e8(first.get("connect_fee") or "0"),
                    "max_charge_e8": e8(row["max_cost"])
                    if row.get("max_cost_strategy") == "*free"
                    else -1,
                    "initial_increment": 0,
                    "increment": seconds_of(first["rate_increment"]),
                }
            )
            self.tiers += [tier_of(len(self.rates), slot) for slot in later]
            decimals = min(row["rounding_decimals"], 6)
            rounding = (ROUNDING[row["rounding_method"]], decimals)
            self.roundings[len(self.rates)] = rounding

    def rate(self):
        """Return the output row of the vector's call, and its connection fee."""
        number = self.input["destination"].removeprefix("+")
        units = self.input.get("usage_seconds", self.input.get("usage_units"))
        call = call_of(f"+{number}" if number.isdigit() else None, self.start, units)
        rates = rates_of(*self.rates)
        engine = engine_of(rates, self.decks, self.bands, [self.chain], self.tiers)
        # only a first part of a call has the fee
        fee = 0 if self.input.get("continuation_of_call") else DECK_FEE
        row = engine.rate(frame_of([call]), cover_of(fee=fee)).frame.iloc[0]
        fees = {rate["rate_id"]: rate["connection_fee_e8"] for rate in rates}
        fee = fees.get(row["rate_id"], 0) if fee and row["billed_seconds"] else 0
        return row, Fraction(fee, 10**8)


def rate_deck(config, given):
    plans = Plans(config, given)
    row, _fee = plans.rate()
    if row["status"] in (NO_RATE, NO_DECK):
        # a cost of -1 is CGRateS' way to store that there is none
        errors = {NO_DECK: "NO_RATE", NO_RATE: "UNAUTHORIZED_DESTINATION"}
        return {"error": errors[row["status"]], "cost": -1}
    row, fee = Plans(config, given, plans.roundings[row["rate_id"]]).rate()
    assert row["status"] == RATED
    return {"cost": Fraction(int(row["charge_micro"]), 10**6), "connect_fee": fee}


def round(config, given):
    """Round a number; CGRateS leaves it as it is where it knows no such method."""
    method = ROUNDING.get(config["method"])
    if method is None:
        return {"value": given["value"]}
    return {"value": rounded(given["value"], config["decimals"], method)}


def round_up_to_increment(config, given):
    """Round seconds up; a started second of a call is a whole one."""
    seconds = np.array([int(rounded(given["seconds"], 0, "up"))])
    found = billed_seconds(seconds, 0, int(Fraction(config["increment_seconds"])) or 1)
    return {"seconds": int(found[0])}


def time_band_active(config, given):
    calendar = Calendar("UTC", (), ((slot_of(config["band"]),),))
    moment = np.array([instant(given["at"])])
    calendar.cover(int(moment[0]), int(moment[0]))
    active = calendar.active[calendar.class_at(moment)[0], 1]
    return {"active": bool(active)}


def time_band_split(config, given):
    band = TimeBand(1, (slot_of(config["band"], last_second=0),))
    rates = rates_of({}, {"band_id": 1})
    engine = engine_of(rates, [Deck(1, crossing="split", bands=(1,))], [band])
    start, end = instant(given["start"]), instant(given["end"])
    call = call_of(start=start, seconds=(end - start) // 1_000_000)
    rated = engine.rate(frame_of([call]))
    row = rated.frame.iloc[0]
    parts = rated.parts.get(0)
    if parts is None:
        parts = [Part(0, 0, row["band_id"], start, int(row["billed_seconds"]))]
    return {
        "parts": [
            {"seconds": part.billed_seconds, "in_band": part.band_id == 1}
            for part in parts
        ]
    }


def call_position_tiers(config, given):
    first, *later = sorted(config["slots"], key=begin_of)
    rate = tier_of(1, first) | {"initial_increment": 0}
    del rate["from_second"]
    tiers = [tier_of(1, slot) for slot in later]
    engine = engine_of(rates_of(rate), [Deck(1)], tiers=tiers)
    call = frame_of([call_of(seconds=int(given["seconds"]))])
    pieces = engine.pieces_of(np.array([0]), call["seconds"].to_numpy())
    parts = [
        {"seconds": seconds, "cost": Fraction(price * seconds, per)}
        for price, per, seconds in (
            tuple(int(column[0]) for column in piece) for piece in pieces
        )
        if seconds
    ]
    row = engine.rate(call).frame.iloc[0]
    total = sum(part["cost"] for part in parts)
    assert Fraction(int(row["charge_micro"]), 10**6) == total / 10**8
    for part in parts:
        part["cost"] /= 10**8
    return {"parts": parts}


# ---- a call that is bought and sold


def cdr_two_sided(config, given):
    found = {
        name: _side(config, given, config[name], may_cover)
        for name, may_cover in (("customer", True), ("vendor", False))
    }
    profit = found["customer"]["amount_untaxed"] - found["vendor"]["amount_untaxed"]
    return {**found, "profit": profit}


def _side(config, given, terms, may_cover):
    """Charge one side of a call; a package of the customer's covers his alone."""
    per_seconds = config["rate_per_seconds"]
    first, after = terms["initial_interval"], terms["next_interval"]
    price_e8, per = price_of(terms["initial_rate"], per_seconds)
    rate = {
        "price_e8": price_e8,
        "per_seconds": per,
        "initial_increment": first,
        "increment": after,
        "connection_fee_e8": e8(terms.get("connect_fee") or "0"),
    }
    price_e8, per = price_of(terms["next_rate"], per_seconds)
    tier = {
        "rate_id": 1,
        "from_second": first,
        "price_e8": price_e8,
        "per_seconds": per,
        "increment": after,
    }
    rounding = config["amount_rounding"]
    rounding = {"none": "half_up", "half": "half_up"}.get(rounding, rounding)
    decimals = config.get("amount_decimals", 6)
    deck = Deck(1, rounding=rounding, decimals=decimals)
    engine = engine_of(rates_of(rate), [deck], tiers=[tier])
    seconds = given["duration"] if given["answered"] else 0
    call = frame_of([call_of(seconds=seconds)])
    row = engine.rate(call).frame.iloc[0]
    billed = int(row["billed_seconds"])
    covered = may_cover and given["covered_by_package"]
    if covered:
        row = engine.rate(call, cover_of(billed, 0)).frame.iloc[0]
    # the total is rounded once, too: from the exact amount, not from the rounded one
    before = 0 if covered else _exact_charge(engine, call, rate["connection_fee_e8"])
    total = before * (1 + Fraction(terms.get("vat_percent") or 0) / 100)
    amount = Fraction(int(row["charge_micro"]), 10**6)
    return {
        "billed_seconds": int(row["billed_seconds"]),
        "amount_untaxed": Fraction(rounded(amount, decimals, rounding)),
        "amount_total": Fraction(rounded(total, decimals, rounding)),
    }


def _exact_charge(engine, call, fee_e8):
    """Return the charge of a call at the one rate of an engine, before rounding."""
    seconds = call["seconds"].to_numpy()
    if not seconds[0]:
        return Fraction(0)
    pieces = engine.pieces_of(np.array([0]), seconds)
    usage = sum(
        Fraction(int(price[0]) * int(billed[0]), int(per[0]))
        for price, per, billed in pieces
    )
    return (usage + fee_e8) / 10**8
