# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tiers as an operator writes them down: what is refused, and with which words."""

from fractions import Fraction
from unittest import TestCase

from odoo.addons.metered_billing.rating.charge_models import (
    Graduated,
    GraduatedPercentage,
    Stairstep,
    Tiers,
    Volume,
)


def up_to(*ends):
    return [{"up_to": end, "unit_price": 1} for end in ends]


class TestTiersAreChecked(TestCase):
    def _refused(self, rows, *words):
        with self.assertRaises(ValueError) as caught:
            Tiers(rows)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_tiers_follow_each_other(self):
        Tiers(up_to("0.1", 1, None))
        Tiers([{"up_to": 10, "first": 0}, {"up_to": None, "first": 11}])
        Tiers([{"up_to": "0.5", "first": 0}, {"up_to": None, "first": "0.5"}])

    def test_no_tier(self):
        self._refused([], "at least one")

    def test_the_first_begins_at_zero(self):
        self._refused([{"up_to": 10, "first": 1}], "Tier 1", "must start at 0")

    def test_a_gap_is_named(self):
        rows = [{"up_to": 10, "first": 0}, {"up_to": 20, "first": 12}]
        self._refused(
            rows, "Tier 2", "starts at 12", "tier 1 ends at 10", "leaves a gap"
        )
        rows = [{"up_to": "0.5"}, {"up_to": 2, "first": "1.5"}]
        self._refused(rows, "Tier 2", "leaves a gap")

    def test_an_overlap_is_named(self):
        rows = [{"up_to": 10}, {"up_to": 20, "first": 10}, {"up_to": 30, "first": 15}]
        self._refused(
            rows, "Tier 3", "starts at 15", "tier 2 ends at 20", "so they overlap"
        )

    def test_ends_ascend(self):
        self._refused(up_to(10, 10), "Tier 2", "must be greater than its start 10")
        self._refused(up_to(10, 5), "Tier 2", "its end 5")
        self._refused(up_to(0), "Tier 1")

    def test_only_the_last_has_no_end(self):
        self._refused(up_to(None, 10), "Tier 2", "tier 1 has no end")

    def test_a_block_has_units(self):
        self._refused([{"up_to": None, "block": 0}], "Tier 1", "block")

    def test_a_binary_float_is_refused(self):
        with self.assertRaises(TypeError):
            Tiers([{"up_to": None, "unit_price": 0.1}])

    def test_a_step_has_no_unit_price(self):
        with self.assertRaisesRegex(ValueError, "Tier 1"):
            Stairstep(up_to(10))

    def test_a_percentage_needs_its_rate(self):
        with self.assertRaises(KeyError):
            GraduatedPercentage(up_to(10))


class TestBeyondTheLastTier(TestCase):
    def test_is_refused(self):
        for model in (Graduated, Volume):
            self.assertEqual(model(up_to(10)).price(10).amount, 10)
            with self.assertRaisesRegex(ValueError, "10.5 is above 10"):
                model(up_to(10)).price("10.5")

    def test_or_has_the_price_of_the_last_tier(self):
        for model in (Graduated, Volume):
            priced = model(up_to(10), beyond="last").price("10.5")
            self.assertEqual(priced.amount, Fraction("10.5"))

    def test_another_word_is_refused(self):
        with self.assertRaises(ValueError):
            Tiers(up_to(10), beyond="perhaps")
