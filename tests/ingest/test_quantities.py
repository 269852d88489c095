# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Quantities of meters are read without losing a digit."""

import unittest

import pyarrow as pa

from odoo.addons.metered_billing.ingest.quantities import (
    parse_quantities,
    quantity_texts,
)


class TestQuantities(unittest.TestCase):
    def test_what_is_a_quantity(self):
        texts = ["3", "-1", "12.345", "0.000000001", "1.50", " 7 ", "5."]
        values, valid = parse_quantities(pa.array(texts))

        self.assertTrue(valid.all())
        self.assertEqual(
            quantity_texts(values),
            ["3", "-1", "12.345", "0.000000001", "1.5", "7", "5"],
        )

    def test_what_is_none(self):
        texts = ["", "1e3", "1,000", "0.0000000001", "one", "1" * 19, ".5"]
        _values, valid = parse_quantities(pa.array(texts))

        self.assertFalse(valid.any())

    def test_beyond_64_bits(self):
        values, _valid = parse_quantities(pa.array(["999999999999999999.9"] * 3))

        self.assertEqual(quantity_texts(values.sum(keepdims=True))[0][:7], "2999999")
