# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""CGRateS' own test cases (see vectors/README.md) through the rating engine."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from unittest import TestCase

import numpy as np

from odoo.addons.metered_billing.rating import (
    NO_DECK,
    NO_RATE,
    Deck,
    Slot,
    TimeBand,
)
from odoo.addons.metered_billing.rating.bands import Calendar
from odoo.addons.metered_billing.rating.increments import billed_seconds
from odoo.addons.metered_billing.rating.money import ROUNDINGS, round_ratio
from odoo.addons.metered_billing.tests.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    instant,
    rates_of,
)

VECTORS = Path(__file__).parent / "vectors"
ROUNDING = {"*up": "up", "*down": "down", "*middle": "half_up"}

TIERS = "priced in tiers within the call"
CONTINUED = "the second half of a call, without connection fee"
CALENDAR = "a time band by month, day of the month or year"
NOT_RUN = {
    "cgr-unit-006": CONTINUED,
    "cgr-tut-001": TIERS,
    "cgr-tut-002": TIERS,
    "cgr-oldtut-002": TIERS,
    "cgr-oldtut-006": TIERS,
    "cgr-oldtut-011": TIERS,
    "cgr-oldtut-012": TIERS,
    "cgr-span-1": TIERS,
    "cgr-band-03": CALENDAR,
    "cgr-band-04": CALENDAR,
    "cgr-band-06": CALENDAR,
    "cgr-band-07": CALENDAR,
    "cgr-band-16": CALENDAR,
    "cgr-band-18": CALENDAR,
    "cgr-band-19": CALENDAR,
    "cgr-split-4": CALENDAR,
}
"""What the engine has no notion of; nothing else may be left out."""


def vectors(name):
    text = (VECTORS / f"cgrates_{name}.json").read_text(encoding="utf-8")
    return json.loads(text)["vectors"]


def e8(text):
    value = Decimal(text) * 10**8
    assert value == int(value), text
    return int(value)


def seconds_of(text):
    """Return `10s`, `1m` or a bare number as units; CGRateS takes 0 as 1 second."""
    factor = {"s": 1, "m": 60}.get(text[-1])
    value = int(text[:-1]) * factor if factor else int(text)
    return value or 1


def minute_of(text):
    hour, minute, second = map(int, text.split(":"))
    assert not second
    return hour * 60 + minute


def slot_of(timing):
    """Return the hours of a CGRateS timing, None where it is by month or year."""
    if {"months", "month_days", "years"} & set(timing):
        return None
    days = [day - 1 for day in timing.get("week_days", range(1, 8))]
    start = minute_of(timing.get("start", "00:00:00"))
    end = minute_of(timing["end"]) if "end" in timing else 1440
    return Slot(days, start, end)


class Plans:
    """A CGRateS configuration as decks: a rating plan is a deck, a subject a chain."""

    def __init__(self, vector):
        self.config, self.input = vector["config"], vector["input"]
        derived = vector.get("derived", {})
        self.matched = derived.get("matched", {}).get("destination_id")
        self.start = self.input["start"] or "2024-06-12T12:00:00Z"
        self.bands, self.rates, self.decks = [], [], []
        for plan in self.config.get("rating_plans", ()):
            self._add_plan(plan)
        ids = {
            plan["id"]: number
            for number, plan in enumerate(self.config.get("rating_plans", ()), start=1)
        }
        self.chain = tuple(ids[plan] for plan in self._plans(self.input["subject"]))

    def _named(self, kind, name):
        return [row for row in self.config[kind] if row["id"] == name]

    def _plans(self, subject):
        """Yield the plan in force for a subject, then those of its fallbacks."""
        profiles = {
            profile["subject"]: profile
            for profile in self.config["rating_profiles"]
            if profile["tenant"] == self.input["tenant"]
            and profile["category"] == self.input["category"]
        }
        profile = profiles.get(subject) or profiles.get("*any", {})
        active = [
            activation
            for activation in profile.get("activations", ())
            if (activation["activation_time"] or "") <= self.start
        ]
        if active:
            yield active[-1]["rating_plan"]
            for fallback in active[-1]["fallback_subjects"]:
                yield from self._plans(fallback)

    def _add_plan(self, plan):
        deck_id = len(self.decks) + 1
        bands, rounding = [], ("half_up", 6)
        for binding in plan["bindings"]:
            timing = self._named("timings", binding["timing"])[0]
            slot = slot_of(timing)
            if slot is None:
                continue  # 1 January, on which no call is made here
            band = TimeBand(len(self.bands) + 1, (slot,))
            self.bands.append(band)
            bands.append((-Decimal(binding["weight"]), -slot.start_minute, band.id))
            for row in self._named("destination_rates", binding["destination_rates"]):
                self._add_rate(deck_id, band.id, row)
                if self.matched in (None, row["destination"]):
                    decimals = min(row["rounding_decimals"], 6)
                    rounding = (ROUNDING[row["rounding_method"]], decimals)
        crossing = "split" if self.input["tor"] == "*voice" else "start"
        priority = [band_id for _weight, _start, band_id in sorted(bands)]
        self.decks.append(
            Deck(deck_id, "UTC", *rounding, crossing, frozenset(), priority)
        )

    def _add_rate(self, deck_id, band_id, row):
        first, *later = self._named("rates", row["rate"])
        steps = [seconds_of(slot["rate_increment"]) for slot in (first, *later)]
        prefixes = [""]
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
                    "price_e8": e8(first["rate"]),
                    "per_seconds": seconds_of(first["rate_unit"]),
                    "connection_fee_e8": e8(first.get("connect_fee") or "0"),
                    "max_charge_e8": e8(row["max_cost"])
                    if row.get("max_cost_strategy") == "*free"
                    else -1,
                    "initial_increment": steps[0],
                    "increment": steps[-1],
                }
            )

    def rate(self):
        """Return the output row of the vector's call."""
        number = self.input["destination"].removeprefix("+")
        units = self.input.get("usage_seconds", self.input.get("usage_units"))
        call = call_of(f"+{number}" if number.isdigit() else None, self.start, units)
        engine = engine_of(rates_of(*self.rates), self.decks, self.bands, [self.chain])
        return engine.rate(frame_of([call])).frame.iloc[0]


class TestRateDeck(TestCase):
    def test_every_case(self):
        run = 0
        for vector in vectors("rate_deck"):
            if vector["id"] in NOT_RUN:
                continue
            with self.subTest(vector["id"]):
                row = Plans(vector).rate()
                run += 1
                if "error" in vector["expected"]:
                    self.assertIn(row["status"], (NO_RATE, NO_DECK))
                    continue
                cost = vector["expected"]["cost"]
                derived = vector.get("derived", {})
                if not derived.get("reproducible_with_exact_decimals", True):
                    cost = derived["exact_decimal_cost"]
                self.assertEqual(row["status"], 0)
                charge = Fraction(int(row["charge_micro"]), 10**6)
                self.assertEqual(charge, Fraction(cost))
        self.assertGreaterEqual(run, 48)


class TestPrimitives(TestCase):
    def test_every_case(self):
        for vector in vectors("primitives"):
            if vector["id"] not in NOT_RUN:
                with self.subTest(vector["id"]):
                    check = getattr(self, f"_check_{vector['model']}")
                    check(vector["config"], vector["input"], vector["expected"])

    def _check_round(self, config, given, expected):
        value = Fraction(given["value"]) * 10 ** config["decimals"]
        found = round_ratio(
            np.array([value.numerator]),
            np.array([value.denominator]),
            ROUNDINGS.index(ROUNDING[config["method"]]),
        )
        value = Fraction(int(found[0]), 10 ** config["decimals"])
        self.assertEqual(value, Fraction(expected["value"]))

    def _check_round_up_to_increment(self, config, given, expected):
        seconds = np.array([int(given["seconds"])])
        found = billed_seconds(seconds, 0, int(config["increment_seconds"]))
        self.assertEqual(found.tolist(), [int(expected["seconds"])])

    def _check_time_band_active(self, config, given, expected):
        calendar = Calendar("UTC", (), ((slot_of(config["band"]),),))
        moment = np.array([instant(given["at"])])
        calendar.cover(int(moment[0]), int(moment[0]))
        active = calendar.active[calendar.class_at(moment)[0], 1]
        self.assertEqual(active, expected["active"])

    def _check_time_band_split(self, config, given, expected):
        band = TimeBand(1, (slot_of(config["band"]),))
        rates = rates_of({}, {"band_id": 1})
        engine = engine_of(rates, [Deck(1, crossing="split", bands=(1,))], [band])
        start, end = instant(given["start"]), instant(given["end"])
        call = call_of(start=start, seconds=(end - start) // 1_000_000)
        parts = engine.rate(frame_of([call])).parts[0]
        found = [(part.billed_seconds, part.band_id == 1) for part in parts]
        wanted = [(int(p["seconds"]), p["in_band"]) for p in expected["parts"]]
        self.assertEqual(found, wanted)

    def _check_call_position_tiers(self, config, given, expected):
        (slot,) = config["slots"]
        rate = {
            "price_e8": e8(slot["rate"]),
            "per_seconds": seconds_of(slot["rate_unit"]),
            "increment": seconds_of(slot["increment"]),
            "initial_increment": 0,
        }
        call = call_of(seconds=int(given["seconds"]))
        row = engine_of(rates_of(rate), [Deck(1)]).rate(frame_of([call])).frame.iloc[0]
        (part,) = expected["parts"]
        self.assertEqual(row["billed_seconds"], int(part["seconds"]))
        self.assertEqual(row["charge_micro"], int(part["cost"]) * 10**6)
