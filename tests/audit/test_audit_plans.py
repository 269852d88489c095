# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Allowances decided anew: by hand, and against the engine at random."""

import datetime
import json
import random
from fractions import Fraction
from unittest import TestCase

import numpy as np

from odoo.addons.metered_billing import rating
from odoo.addons.metered_billing.audit.allowances import About, Balance, Term, take
from odoo.addons.metered_billing.audit.call_charge import Call
from odoo.addons.metered_billing.audit.plan_taken import Allowance, cover_of
from odoo.addons.metered_billing.audit.rates import Deck, Rate, RateBook
from odoo.addons.metered_billing.tests.support.reference_rating import (
    EPOCH,
    call_of,
    engine_of,
    frame_of,
    rates_of,
)

UNITS = {"minutes": "seconds", "units": "units", "records": "records", "money": "money"}


def book_of(price, fee, minimum, increment, decimals, rounding):
    """A book with one rate per minute for all calls."""
    book = RateBook({1: Deck(1, decimals=decimals, rounding=rounding)})
    rate = Rate(1, 1, price, fee=fee, minimum=minimum, increment=increment)
    book.decks[1].add(rate)
    return book


def about(meter=1, destination=0, own=True):
    return About(meter, destination, 0, 1, 0, own)


class TestByHand(TestCase):
    def setUp(self):
        super().setUp()
        self.book = book_of(Fraction("0.6"), Fraction(0), Fraction(0), 60, 4, "half_up")

    def call(self, seconds):
        return Call("+4930123456", EPOCH, seconds, 1, (1,))

    def test_the_rest_is_charged(self):
        """Of 100 s that are left a call of 61 s, billed as 120, takes 100."""
        term, balance = Term(7, 0, "minutes", "customer"), Balance([[100, 0]])
        found = take(self.book, self.call(61), [term], {(7, 0): balance}, about())
        self.assertEqual(found.entries, {7: [100, 100]})
        self.assertEqual((found.charge, balance.left), (Fraction("0.2"), 0))

    def test_steps_that_do_not_fit_are_not_taken(self):
        term = Term(7, 0, "minutes", "customer", increment=60, factor=2)
        balance = Balance([[200, 0]])
        found = take(self.book, self.call(61), [term], {(7, 0): balance}, about())
        self.assertEqual((found.entries, balance.left), ({7: [60, 60]}, 80))

    def test_its_own_price_when_it_is_used_up(self):
        terms = [
            Term(7, 0, "minutes", "customer"),
            Term(-7, 0, "minutes", "customer", price=Fraction("0.3")),
        ]
        balances = {(7, 0): Balance([[30, 0]]), (-7, 0): Balance(None)}
        found = take(self.book, self.call(60), terms, balances, about())
        self.assertEqual(found.entries, {7: [30, 30], -7: [30, 30]})
        self.assertEqual(found.charge, Fraction("0.15"))

    def test_money_pays_at_last(self):
        term, balance = Term(7, 0, "money", "customer"), Balance([[400_000, 0]])
        found = take(self.book, self.call(60), [term], {(7, 0): balance}, about())
        self.assertEqual(found.entries, {7: [400_000, 0]})
        self.assertEqual(found.charge, Fraction("0.2"))

    def test_another_subscriptions_calls(self):
        term, balance = Term(7, 0, "minutes", "subscription"), Balance([[100, 0]])
        some = about(own=False)
        found = take(self.book, self.call(60), [term], {(7, 0): balance}, some)
        self.assertEqual(found.entries, {})

    def test_what_rolls_over(self):
        """What expires first is used first; of the rest what expires last is kept."""
        balance = Balance([[10, 0], [20, 1], [30, 2]], used=15)
        self.assertEqual(balance.rolled(None), [[15, 1], [30, 2]])
        self.assertEqual(balance.rolled(35), [[5, 1], [30, 2]])

    def test_what_a_record_says(self):
        terms = {
            1: Allowance(1, 5, "minutes", True, Fraction("0.06"), Fraction("0.12")),
            2: Allowance(2, 1, "money", False, Fraction(0), Fraction(0)),
        }
        taken = {"-1": [30, 30], "1": [60, 60], "2": [5, 0]}
        cover = cover_of(json.dumps(taken), 90, terms)
        self.assertEqual((cover.seconds, cover.without_fee), (90, True))
        self.assertEqual(cover.amount, Fraction("0.12"))
        self.assertEqual(cover.paid, Fraction(5, 10**6))


class TestAtRandom(TestCase):
    def test_plans(self):
        draw = random.Random(7)  # noqa: S311 - no secret
        for number in range(120):
            with self.subTest(number=number):
                self._compare(draw)

    def _compare(self, draw):
        price, fee = draw.randint(0, 99), draw.choice([0, 0, 5])
        minimum, increment = draw.choice([0, 0, 30]), draw.choice([1, 6, 60])
        decimals = draw.choice([2, 4, 6])
        rounding = draw.choice(rating.money.ROUNDINGS)
        book = book_of(
            Fraction(price, 100),
            Fraction(fee, 100),
            Fraction(minimum, 100),
            increment,
            decimals,
            rounding,
        )
        rates = rates_of(
            {
                "price_e8": price * 10**6,
                "connection_fee_e8": fee * 10**6,
                "min_charge_e8": minimum * 10**6,
                "initial_increment": increment,
                "increment": increment,
            }
        )
        deck = rating.Deck(1, decimals=decimals, rounding=rounding)
        engine = engine_of(rates, [deck])
        terms = [self._term(draw, number) for number in (1, 2, 3)]
        allowances = [self._allowance(term, price) for term, price in terms]
        terms = [term for term, _price in terms]
        sizes = {"minutes": 900, "units": 900, "records": 5, "money": 2 * 10**6}
        lots = {
            term.id: [
                [draw.randint(0, sizes[term.unit]), periods]
                for periods in range(term.rolls + 1)
            ]
            for term in terms
        }
        calls = [
            call_of(
                start=draw.randint(0, 50) * 10**6,
                seconds=draw.choice([0, 1, 59, 61, draw.randint(0, 400)]),
                meter_id=draw.randint(1, 2),
                id=f"call-{place}",
                subscription_id=5,
                destination_id=draw.randint(1, 2),
            )
            for place in range(draw.randint(1, 12))
        ]
        frame = frame_of(calls).assign(
            **{
                name: [call[name] for call in calls]
                for name in ("id", "subscription_id", "destination_id")
            }
        )
        opening = rating.balances(
            [
                {
                    "allowance_id": term.id,
                    "key": 5,
                    "amount": amount,
                    "periods_left": periods,
                }
                for term in terms
                for amount, periods in lots[term.id]
            ]
        )
        rated = engine.rate(frame).frame
        planned = rating.apply_plans(engine, frame, rated, allowances, opening)
        expected = {call["id"]: {} for call in calls}
        for row, allowance, quantity, seconds in planned.taken[
            ["row", "allowance_id", "quantity", "seconds"]
        ].itertuples(index=False):
            if quantity:
                expected[calls[row]["id"]][allowance] = [quantity, seconds]
        balances = {(term.id, 0): Balance(lots[term.id]) for term in terms}
        charges = dict(
            zip(frame["id"], planned.frame["charge_micro"].tolist(), strict=True)
        )
        for call in sorted(calls, key=lambda call: (call["start_us"], call["id"])):
            start = EPOCH + datetime.timedelta(microseconds=call["start_us"])
            found = take(
                book,
                Call(call["number"], start, call["seconds"], call["meter_id"], (1,)),
                terms,
                balances,
                about(call["meter_id"], call["destination_id"]),
            )
            self.assertEqual(found.entries, expected[call["id"]])
            self.assertEqual(found.charge, Fraction(charges[call["id"]], 10**6))
        closing = planned.balances
        for term in terms:
            own = closing[(closing["allowance_id"] == term.id)]
            own = own[own["rolled"] > 0].sort_values("periods_left")
            rolled = np.column_stack([own["rolled"], own["periods_left"]]).tolist()
            self.assertEqual(balances[term.id, 0].rolled(term.limit), rolled)

    def _term(self, draw, number):
        """(Term, price in hundredths)."""
        unit = draw.choice(list(UNITS))
        price = draw.choice([0, 0, 7]) if unit != "money" else 0
        rolls, steps = draw.choice([0, 0, 2]), draw.choice([1, 1, 60])
        return (
            Term(
                number,
                draw.randint(0, 3),
                unit,
                "subscription",
                meters=frozenset(draw.choice([(), (), (1,)])),
                destinations=frozenset(draw.choice([(), (), (2,)])),
                increment=steps if unit in ("minutes", "units") else 1,
                factor=draw.choice([1, 1, 2]),
                price=Fraction(price, 100),
                waives_fee=unit != "money" and draw.random() < 0.3,
                free_calls=draw.random() < 0.3,
                rolls=rolls,
                limit=draw.choice([None, 100]) if rolls else None,
            ),
            price,
        )

    def _allowance(self, term, price):
        return rating.Allowance(
            term.id,
            UNITS[term.unit],
            amount=0,
            meter_ids=term.meters,
            destination_ids=term.destinations,
            priority=term.sequence,
            increment=term.increment,
            factor=term.factor,
            price_e8=price * 10**6,
            per_units=60 if term.unit == "minutes" else 1,
            fee_e8=0 if term.waives_fee else rating.DECK_FEE,
            free_calls=term.free_calls,
            rollover_periods=term.rolls,
            rollover_limit=term.limit,
        )
