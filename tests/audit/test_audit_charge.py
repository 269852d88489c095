# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The second calculation of calls: by hand, and against the engine at random."""

import ast
import datetime
import random
import sys
from fractions import Fraction
from pathlib import Path
from unittest import TestCase
from unittest.mock import patch
from zoneinfo import ZoneInfo

from odoo.addons.metered_billing.audit.call_charge import Call, Cover, charge_call
from odoo.addons.metered_billing.audit.exact import rounded
from odoo.addons.metered_billing.audit.rates import Deck, Rate, RateBook, Tier
from odoo.addons.metered_billing.audit.time_bands import HOLIDAY, Hours
from odoo.addons.metered_billing.rating import RATED, decks, money
from odoo.addons.metered_billing.tests.support.reference_rating import (
    EPOCH,
    MAX_US,
    MIN_US,
    engine_of,
    frame_of,
)

FOLDER = Path(__file__).resolve().parents[2] / "audit"
WORKDAYS = frozenset(range(5))
NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)  # a Monday
SECOND = datetime.timedelta(seconds=1)


def book_of(*rates, bands=None, **deck):
    """A book with one deck."""
    book = RateBook({1: Deck(1, **deck)}, bands or {})
    for rate in rates:
        book.decks[1].add(rate)
    return book


def rate_of(number=1, price="0.06", **values):
    """A rate per minute of deck 1."""
    return Rate(number, 1, Fraction(price), **values)


def charge(book, seconds=60, number="+4930123456", start=NOON, cover=None, decks=(1,)):
    """(Rate, billed seconds, charge as a text) of a call."""
    found = charge_call(book, Call(number, start, seconds, 1, decks), cover)
    return found.rate and found.rate.id, found.billed, str(found.charge)


class TestByHand(TestCase):
    def test_it_shares_no_code(self):
        """Python alone: nothing of the engine, of Odoo, or of pandas."""
        allowed = {*sys.stdlib_module_names, "psycopg2"}
        for file in FOLDER.glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    self.assertLessEqual(node.level, 1, file.name)
                    names = [] if node.level else [node.module]
                for name in names:
                    self.assertIn(name.split(".")[0], allowed, file.name)

    def test_rounding(self):
        for amount, how, expected in (
            ("0.125", "half_up", "0.13"),
            ("0.125", "half_even", "0.12"),
            ("0.135", "half_even", "0.14"),
            ("-0.125", "half_up", "-0.13"),
            ("0.121", "up", "0.13"),
            ("-0.121", "up", "-0.13"),
            ("0.129", "down", "0.12"),
            ("0.12", "up", "0.12"),
        ):
            with self.subTest(amount=amount, how=how):
                self.assertEqual(rounded(Fraction(amount), 2, how), Fraction(expected))
        self.assertEqual(rounded(Fraction(1249), -2), 1200)

    def test_increments(self):
        book = book_of(rate_of(initial=60, increment=6))
        self.assertEqual(charge(book, 61), (1, 66, "33/500"))
        self.assertEqual(charge(book, 1), (1, 60, "3/50"))
        self.assertEqual(charge(book, 0), (1, 0, "0"))

    def test_grace_fee_minimum_maximum(self):
        book = book_of(
            rate_of(grace=6, fee=Fraction("0.1"), minimum=Fraction("0.2")), decimals=2
        )
        self.assertEqual(charge(book, 5), (1, 0, "0"))
        self.assertEqual(charge(book, 6), (1, 6, "1/5"))
        self.assertEqual(charge(book, 123), (1, 123, "11/50"))  # 0.223
        book = book_of(rate_of(maximum=Fraction(1)))
        self.assertEqual(charge(book, 6000), (1, 6000, "1"))

    def test_tiers_in_the_call(self):
        tier = Tier(60, Fraction("0.12"), 60, 6)
        book = book_of(rate_of(initial=60, increment=60, tiers=(tier,)))
        self.assertEqual(charge(book, 61), (1, 66, "9/125"))  # 0.06 + 6 s at 0.002

    def test_which_rate(self):
        day = datetime.date(2026, 3, 2)
        book = book_of(
            rate_of(1),
            rate_of(2, prefixes=("49", "44")),
            rate_of(3, prefixes=("493",), after=day),
            rate_of(4, prefixes=("49",), meter=1, first=day),
            rate_of(5, prefixes=("=911",)),
        )
        self.assertEqual(charge(book)[0], 4)
        self.assertEqual(charge(book, start=NOON - 86400 * SECOND)[0], 3)
        self.assertEqual(charge(book, number="+4412345678")[0], 2)
        self.assertEqual(charge(book, number="911")[0], 5)
        self.assertEqual(charge(book, number="+9112345678")[0], 1)
        self.assertEqual(charge(book, number=None)[0], 1)
        self.assertIsNone(charge(book, decks=())[0])

    def test_days_begin_where_the_deck_is(self):
        day = datetime.date(2026, 3, 3)
        rates = rate_of(1, after=day), rate_of(2, first=day)
        book = book_of(*rates, timezone="America/New_York")
        midnight = datetime.datetime(2026, 3, 3, 5, tzinfo=datetime.UTC)
        self.assertEqual(charge(book, start=midnight - SECOND)[0], 1)
        self.assertEqual(charge(book, start=midnight)[0], 2)

    def test_time_bands(self):
        """Peak on working days until 18:00 in Berlin; a holiday is no working day."""
        bands = {7: [Hours(WORKDAYS, 480, 1080)], 8: [Hours({HOLIDAY}, 1320, 120)]}
        rates = rate_of(1), rate_of(2, "0.12", band=7), rate_of(3, "0.24", band=8)
        deck = {
            "timezone": "Europe/Berlin",
            "holidays": frozenset([datetime.date(2026, 3, 3)]),
        }
        book = book_of(*rates, bands=bands, **deck)
        evening = datetime.datetime(2026, 3, 2, 16, 59, 30, tzinfo=datetime.UTC)
        self.assertEqual(charge(book, start=evening), (2, 60, "3/25"))
        self.assertEqual(charge(book, start=evening + 30 * SECOND)[0], 1)
        self.assertEqual(charge(book, start=NOON + 86400 * SECOND)[0], 1)
        night = datetime.datetime(2026, 3, 4, 0, 30, tzinfo=datetime.UTC)
        self.assertEqual(charge(book, start=night)[0], 3)
        book = book_of(*rates, bands=bands, crossing="split", **deck)
        # 30 s at 0.002 and 30 s at 0.001
        self.assertEqual(charge(book, start=evening), (2, 60, "9/100"))

    def test_plans(self):
        book = book_of(rate_of(fee=Fraction("0.1"), minimum=Fraction("0.5")))
        self.assertEqual(charge(book, cover=Cover(60)), (1, 60, "1/10"))
        self.assertEqual(charge(book, cover=Cover(60, True)), (1, 60, "0"))
        self.assertEqual(charge(book, cover=Cover(30)), (1, 60, "1/2"))
        cover = Cover(60, True, amount=Fraction("0.02"), paid=Fraction("0.015"))
        self.assertEqual(charge(book, cover=cover), (1, 60, "1/200"))


class TestAtRandom(TestCase):
    """Two thousand customers whose calls are charged both ways."""

    DECKS, CUSTOMERS = 60, 2_000
    FIRST = datetime.date(2026, 3, 26)  # summer time begins on the 29th
    ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = random.Random(19)  # noqa: S311 - no secret
        draw = cls.random
        cls.bands = {
            number: [
                Hours(
                    frozenset(draw.sample(range(8), draw.randint(3, 8))),
                    draw.randrange(0, 1440, 30),
                    draw.randrange(0, 1441, 30),
                )
                for _slot in range(2)
            ]
            for number in (1, 2, 3)
        }
        cls.book = RateBook({}, cls.bands)
        cls.rates, cls.tiers, cls.decks = [], [], []
        for number in range(1, cls.DECKS + 1):
            cls._draw_deck(number)
        cls.chains = [
            tuple(draw.sample(range(1, cls.DECKS + 1), draw.randint(1, 3)))
            for _customer in range(cls.CUSTOMERS)
        ]
        cls.calls = [
            {
                "number": "".join(draw.choices("12", k=8)),
                "start_us": cls._instant(draw.randint(0, 5 * 86_400_000), "UTC", 1_000),
                "seconds": draw.choice([0, 1, 5, 59, 60, 61, draw.randint(0, 1500)]),
                "meter_id": draw.randint(1, 2),
                "chain": chain,
            }
            for chain in range(cls.CUSTOMERS)
            for _call in range(2)
        ]
        for call in cls.calls:
            short = draw.random() < 0.05
            call["number"] = call["number"][:3] if short else "+" + call["number"]

    @classmethod
    def _instant(cls, units, zone, unit_us):
        begin = datetime.datetime.combine(cls.FIRST, datetime.time.min)
        begin = begin.replace(tzinfo=ZoneInfo(zone)).astimezone(datetime.UTC)
        at_us = (begin - EPOCH) // datetime.timedelta(microseconds=1)
        return at_us + units * unit_us

    @classmethod
    def _midnight_us(cls, day, zone):
        moment = datetime.datetime.combine(day, datetime.time.min)
        moment = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(datetime.UTC)
        return (moment - EPOCH) // datetime.timedelta(microseconds=1)

    @classmethod
    def _draw_deck(cls, number):
        draw = cls.random
        terms = {
            "timezone": draw.choice(cls.ZONES),
            "rounding": draw.choice(money.ROUNDINGS),
            "decimals": draw.randint(0, 6),
            "crossing": draw.choice(decks.CROSSINGS),
            "holidays": frozenset([datetime.date(2026, 3, 27)]),
        }
        cls.book.decks[number] = Deck(number, **terms)
        cls.decks.append(decks.Deck(number, bands=tuple(cls.bands), **terms))
        for _rate in range(20):
            cls._draw_rate(number, terms["timezone"])

    @classmethod
    def _draw_rate(cls, deck, zone):
        draw, number = cls.random, len(cls.rates) + 1
        first, after = (
            draw.choice(
                [None, None, cls.FIRST + datetime.timedelta(draw.randint(0, 4))]
            )
            for _end in "ab"
        )
        if first and after and first >= after:
            first = None
        prefix = "".join(draw.choices("12", k=draw.randint(0, 3)))
        if prefix and draw.random() < 0.1:
            prefix = "=" + prefix
        row = {
            "price_e8": draw.choice([draw.randint(0, 10**9), 10**7, -(10**6)]),
            "per_seconds": draw.choice([1, 60, 7]),
            "connection_fee_e8": draw.choice([0, 0, 12_345_678]),
            "min_charge_e8": draw.choice([0, 0, 10**7]),
            "max_charge_e8": draw.choice([-1, -1, 10**8]),
            "initial_increment": draw.choice([0, 1, 30, 60]),
            "increment": draw.choice([60, 30, 7, 13]),
            "grace_seconds": draw.choice([0, 0, 3]),
            "band_id": draw.choice([0, 0, 1, 2, 3]),
            "meter_id": draw.choice([0, 0, 1]),
        }
        tiers = ()
        if draw.random() < 0.2:
            terms = draw.randint(1, 90), draw.randint(0, 10**8), 60, 20
            cls.tiers.append(
                dict(
                    zip(
                        ("from_second", "price_e8", "per_seconds", "increment"),
                        terms,
                        strict=True,
                    ),
                    rate_id=number,
                )
            )
            tiers = (Tier(terms[0], Fraction(terms[1], 10**8), *terms[2:]),)
        cls.rates.append(
            {
                **row,
                "rate_id": number,
                "deck_id": deck,
                "prefix": prefix,
                "valid_from_us": cls._midnight_us(first, zone) if first else MIN_US,
                "valid_to_us": cls._midnight_us(after, zone) if after else MAX_US,
            }
        )
        most = row["max_charge_e8"]
        cls.book.decks[deck].add(
            Rate(
                number,
                deck,
                Fraction(row["price_e8"], 10**8),
                (prefix,),
                row["meter_id"],
                row["band_id"],
                first,
                after,
                row["per_seconds"],
                Fraction(row["connection_fee_e8"], 10**8),
                Fraction(row["min_charge_e8"], 10**8),
                None if most < 0 else Fraction(most, 10**8),
                row["initial_increment"],
                row["increment"],
                row["grace_seconds"],
                tiers,
            )
        )

    def _differences(self, calls):
        """Calls of which the two calculations say different things."""
        bands = [
            decks.TimeBand(
                number,
                tuple(decks.Slot(slot.days, slot.begin, slot.end) for slot in slots),
            )
            for number, slots in self.bands.items()
        ]
        engine = engine_of(self.rates, self.decks, bands, self.chains, self.tiers)
        frame = engine.rate(frame_of(calls)).frame
        found = []
        for call, status, rate, billed, micro in zip(
            calls,
            frame["status"].tolist(),
            frame["rate_id"].tolist(),
            frame["billed_seconds"].tolist(),
            frame["charge_micro"].tolist(),
            strict=True,
        ):
            own = charge_call(
                self.book,
                Call(
                    call["number"],
                    EPOCH + datetime.timedelta(microseconds=call["start_us"]),
                    call["seconds"],
                    call["meter_id"],
                    self.chains[call["chain"]],
                ),
            )
            engines = rate if status == RATED else None, billed, Fraction(micro, 10**6)
            ours = own.rate and own.rate.id, own.billed, own.charge
            if engines != ours:
                found.append((call, engines, ours, own.steps))
        return found

    def test_customers(self):
        self.assertEqual(self._differences(self.calls)[:3], [])

    def test_a_fault_is_found(self):
        """Half up that never rounds up."""
        wrong = {money.HALF_UP: lambda _quotient, rest, _denominator: rest < 0}
        with patch.dict(money._CARRIES, wrong):
            self.assertTrue(self._differences(self.calls[:400]))
