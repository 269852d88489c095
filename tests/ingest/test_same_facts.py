# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Ids that are one, however they are written."""

import unittest

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.same_facts import id_key

WRITTEN_ANEW = (
    str.upper,
    lambda text: f"  {text} ",
    lambda text: f"{{{text}}}",
    lambda text: f'"{text}"',
)


class TestIdKey(unittest.TestCase):
    @given(st.uuids().map(str), st.lists(st.sampled_from(WRITTEN_ANEW), max_size=2))
    def test_ids_that_were_written_anew(self, text, changes):
        again = text
        for change in changes:
            again = change(again)
        self.assertEqual(id_key(again), id_key(text))
        # Stored as another call with the same id.
        self.assertEqual(id_key(f"{again}#0123456789abcdef"), id_key(text))
        self.assertEqual(id_key(f"{again}#"), id_key(text))

    @given(st.integers(0, 10**12), st.integers(0, 5), st.booleans())
    def test_numbers(self, number, zeros, is_float):
        again = "0" * zeros + str(number) + ".0" * is_float
        self.assertEqual(id_key(again), id_key(str(number)))

    @given(st.integers(0, 10**12), st.integers(0, 10**12))
    def test_other_numbers_are_others(self, one, other):
        self.assertEqual(id_key(f"{one}.1") == id_key(f"{other}.1"), one == other)
        self.assertEqual(id_key(str(one)) == id_key(str(other)), one == other)

    @given(st.text(max_size=9))
    def test_every_text_has_one(self, text):
        self.assertEqual(id_key(f" {text} "), id_key(text))
