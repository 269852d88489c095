# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The explanation of a charge: each step, and that it ends at the charge."""

import datetime
from fractions import Fraction
from unittest import TestCase

from hypothesis import given, settings

from odoo.addons.metered_billing.rating import (
    HOLIDAY,
    INPUT_COLUMNS,
    Deck,
    Slot,
    Step,
    TimeBand,
    explain,
)
from odoo.addons.metered_billing.rating.exact import exact_text
from odoo.addons.metered_billing.rating.steps import TEXTS
from odoo.addons.metered_billing.tests.rating.test_rating_invariants import (
    CHAINS,
    many_calls,
    worlds,
)
from odoo.addons.metered_billing.tests.support.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    instant,
    rates_of,
)

PEAK = TimeBand(1, (Slot(range(5), 8 * 60, 18 * 60),))
FREE_DAY = TimeBand(2, (Slot({HOLIDAY}),))


def steps_of(engine, **call):
    """Return {code: values} and the codes in order, of one call."""
    row = frame_of([call_of(**call)]).iloc[0]
    steps = explain(engine, {name: row[name] for name in INPUT_COLUMNS})
    assert all(isinstance(step, Step) and step.text for step in steps)
    return {step.code: step.values for step in steps}, [step.code for step in steps]


class TestExplain(TestCase):
    def test_every_step_of_a_plain_call(self):
        rate = {
            "prefix": "4930",
            "price_e8": 10**7,
            "initial_increment": 60,
            "increment": 6,
            "connection_fee_e8": 5 * 10**6,
            "valid_from_us": instant("2026-01-01T00:00"),
        }
        deck = Deck(1, timezone="Europe/Berlin", decimals=2, rounding="up")
        engine = engine_of(rates_of(rate, {"prefix": "49"}), [deck])
        values, codes = steps_of(engine, seconds=67)
        self.assertEqual(
            codes,
            [
                *("deck", "rate", "runner_up", "band", "increments", "usage"),
                *("connection_fee", "rounding", "charge"),
            ],
        )
        self.assertEqual(values["deck"], {"deck_id": 1, "place": 1})
        self.assertEqual(
            values["rate"],
            {
                "rate_id": 1,
                "prefix": "4930",
                "meter_id": 0,
                "price": "0.1",
                "per_seconds": 60,
                "valid_from": "2026-01-01T01:00:00+01:00",
                "valid_to": None,
            },
        )
        self.assertEqual(values["runner_up"], {"rate_id": 2, "prefix": "49"})
        self.assertEqual(values["band"]["local_time"], "2026-03-02T13:00:00+01:00")
        self.assertEqual(
            values["increments"],
            {
                "seconds": 67,
                "initial": 60,
                "increment": 6,
                "count": 3,
                "billed_seconds": 72,
            },
        )
        self.assertEqual(values["usage"]["amount"], "0.12")
        self.assertEqual(values["connection_fee"], {"fee": "0.05", "amount": "0.17"})
        self.assertEqual(
            values["rounding"],
            {"rounding": "up", "decimals": 2, "before": "0.17", "after": "0.17"},
        )
        self.assertEqual(values["charge"], {"charge": "0.17"})

    def test_what_was_passed_over_and_why(self):
        day = instant("2026-03-01T00:00")
        rates = rates_of(
            {"prefix": "493012", "valid_to_us": day},
            {"prefix": "49301", "valid_from_us": 2 * day},
            {"prefix": "4930", "band_id": 2},
            {"prefix": "493", "meter_id": 9},
            {"deck_id": 2, "prefix": "4"},
            {"deck_id": 2, "prefix": "44"},
        )
        decks = [Deck(1, bands=(2,)), Deck(2)]
        engine = engine_of(rates, decks, [FREE_DAY], [(1, 2)])
        row = frame_of([call_of()]).iloc[0]
        steps = explain(engine, row)
        passed = [
            (step.values["rate_id"], step.values["reason"])
            for step in steps
            if step.code == "rate_passed"
        ]
        self.assertEqual(passed, [(1, "ended"), (2, "not_yet"), (3, "other_band")])
        self.assertEqual(steps[3], Step("deck_passed", {"deck_id": 1}))
        self.assertEqual(steps[4], Step("deck", {"deck_id": 2, "place": 2}))

    def test_minimum_and_maximum(self):
        rates = rates_of({"min_charge_e8": 10**8, "max_charge_e8": 5 * 10**7})
        values, codes = steps_of(engine_of(rates, [Deck(1)]))
        self.assertEqual(values["minimum"]["minimum"], "1")
        self.assertEqual(values["maximum"], {"maximum": "0.5", "amount": "0.5"})
        self.assertEqual(values["charge"], {"charge": "0.5"})

    def test_endless_digits_are_marked(self):
        rates = rates_of({"price_e8": 10**7})
        values, _codes = steps_of(engine_of(rates, [Deck(1)]), seconds=1)
        self.assertEqual(values["rounding"]["before"], "0.001666666666…")
        self.assertEqual(values["rounding"]["after"], "0.001667")

    def test_free_calls(self):
        engine = engine_of(rates_of({"grace_seconds": 5}), [Deck(1)])
        values, codes = steps_of(engine, seconds=0)
        self.assertEqual(codes[-2:], ["free_zero", "charge"])
        values, codes = steps_of(engine, seconds=4)
        self.assertEqual(
            values["grace"], {"seconds": 4, "grace_seconds": 5, "rate_id": 1}
        )
        self.assertEqual(values["charge"], {"charge": "0"})

    def test_no_rate_and_no_deck(self):
        engine = engine_of(rates_of({"prefix": "1"}), [Deck(1)], (), [(1,), ()])
        self.assertEqual(steps_of(engine)[1], ["deck_passed", "no_rate"])
        self.assertEqual(steps_of(engine, chain=1)[1], ["no_deck"])

    def test_too_large(self):
        engine = engine_of(rates_of({"price_e8": 2**62, "per_seconds": 1}), [Deck(1)])
        self.assertEqual(steps_of(engine, seconds=10**6)[1][-1], "too_large")

    def test_parts_and_holiday(self):
        rates = rates_of({"price_e8": 6 * 10**7}, {"band_id": 2, "price_e8": 0})
        deck = Deck(
            1, crossing="split", bands=(2,), holidays={datetime.date(2026, 3, 2)}
        )
        engine = engine_of(rates, [deck], [FREE_DAY])
        row = frame_of([call_of(start="2026-03-01T23:59", seconds=90)]).iloc[0]
        steps = explain(engine, row)
        parts = [step.values for step in steps if step.code == "part"]
        self.assertEqual([part["billed_seconds"] for part in parts], [60, 30])
        self.assertEqual([part["amount"] for part in parts], ["0.6", "0"])
        self.assertEqual(parts[1]["local_time"], "2026-03-02T00:00:00+00:00")
        self.assertEqual(steps[-1], Step("charge", {"charge": "0.6"}))
        values, _codes = steps_of(engine)
        self.assertTrue(values["band"]["holiday"])

    def test_exact_texts(self):
        for amount, text in (
            (Fraction(0), "0"),
            (Fraction(10**30 + 1, 10**8), "10000000000000000000000.00000001"),
            (Fraction(-3, 8), "-0.375"),
            (Fraction(1200), "1200"),
            (Fraction(-1, 3), "-0.333333333333…"),
        ):
            self.assertEqual(exact_text(amount), text)

    @settings(max_examples=60, deadline=None)
    @given(worlds, many_calls)
    def test_every_explanation_ends_at_the_charge(self, world, calls):
        rates, decks, bands = world
        engine = engine_of(rates, decks, bands, CHAINS)
        frame = frame_of(calls)
        charged = engine.rate(frame).frame
        outcome = {1: "no_rate", 2: "no_deck", 3: "too_large"}
        for row in range(len(frame)):
            steps = explain(engine, frame.iloc[row])
            status = charged["status"].iloc[row]
            self.assertEqual(steps[-1].code, outcome.get(status, "charge"))
            self.assertLessEqual({step.code for step in steps}, set(TEXTS))
            self.assertTrue(all(step.text for step in steps))
            if not status:
                charge = Fraction(steps[-1].values["charge"]) * 10**6
                self.assertEqual(charge, int(charged["charge_micro"].iloc[row]))
