# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Quantities of meters are read without losing a digit."""

import re
import unittest
from decimal import Decimal

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.quantities import (
    parse_quantities,
    quantities_in_both,
    quantity_texts,
    quantity_values,
)
from odoo.addons.metered_billing.notation.numbers import COMMA, CONVENTIONS, POINT


class TestQuantities(unittest.TestCase):
    def test_what_is_a_quantity(self):
        texts = ["3", "-1", "12.345", "0.000000001", "1.50", " 7 ", "5."]
        values, valid, unclear = parse_quantities(pa.array(texts))

        self.assertTrue(valid.all())
        self.assertFalse(unclear.any())
        self.assertEqual(
            quantity_texts(values),
            ["3", "-1", "12.345", "0.000000001", "1.5", "7", "5"],
        )

    def test_what_is_none(self):
        texts = ["", "1e3", "0.0000000001", "one", "1" * 19, "1,00,0", "--1", "1-2"]
        for convention in ("", POINT, COMMA):
            _values, valid, unclear = parse_quantities(pa.array(texts), convention)
            self.assertFalse(valid.any() or unclear.any())

    def test_the_decimal_sign_is_said_or_shown(self):
        open_ = ["1,234", "-1.234"]
        for convention, others, expected in (
            ("", [], None),
            ("", ["7", "1 234"], None),
            ("", ["1,5", "1.5"], None),
            ("", ["1,5"], ["1.234", "-1234"]),
            ("", [".5"], ["1234", "-1.234"]),
            (COMMA, ["7"], ["1.234", "-1234"]),
            (POINT, ["7"], ["1234", "-1.234"]),
        ):
            with self.subTest(convention=convention, others=others):
                texts = pa.array([*open_, *others])
                values, valid, unclear = parse_quantities(texts, convention)
                self.assertTrue(valid[2:].all() and not unclear[2:].any())
                if expected:
                    self.assertEqual(quantity_texts(values[:2]), expected)
                self.assertEqual(unclear[:2].tolist(), [not expected] * 2)
                self.assertEqual(valid[:2].tolist(), [bool(expected)] * 2)

    def test_a_number_of_the_other_convention_is_none(self):
        texts = pa.array(["1,5", "1.234,56"])
        self.assertFalse(parse_quantities(texts, POINT)[1].any())
        self.assertTrue(parse_quantities(texts, COMMA)[1].all())

    @settings(deadline=None)
    @given(
        st.integers(-(10**27) + 1, 10**27 - 1),
        st.sampled_from(((POINT, ".", ","), (COMMA, ",", "."))),
        st.booleans(),
    )
    def test_reading_is_the_inverse_of_writing(self, value, convention, grouped):
        name, decimal, group = convention
        whole, rest = divmod(abs(value), 10**9)
        text = f"{whole:,}".replace(",", group) if grouped else str(whole)
        text = f"{'-' * (value < 0)}{text}{decimal}{rest:09}"
        values, valid, unclear = parse_quantities(pa.array([text]), name)
        self.assertEqual((values[0], valid[0], unclear[0]), (value, True, False))

    @settings(deadline=None)
    @given(
        st.text("0123456789.,' -+eE%k\u00a0\u0663", max_size=9)
        | st.from_regex(r"[-+]?[0-9]{1,4}([.,' ][0-9]{1,4}){0,3}", fullmatch=True)
    )
    def test_only_whole_numbers(self, text):
        for convention in ("", POINT, COMMA):
            [value], [valid], [unclear] = parse_quantities(pa.array([text]), convention)
            self.assertFalse(valid and unclear)
            if not valid:
                self.assertEqual(value, 0)
                continue
            # Without what groups digits it is a number of Python's, in one convention.
            signs = {POINT: ".", COMMA: ","}
            plain = re.sub("[ '\u00a0]", "", text)
            readings = set()
            for name in CONVENTIONS if not convention else (convention,):
                other = signs[COMMA if name == POINT else POINT]
                number = plain.replace(other, "").replace(signs[name], ".")
                if re.fullmatch(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)", number):
                    readings.add(int(Decimal(number) * 10**9))
            self.assertIn(value, readings, text)

    @settings(deadline=None)
    @given(
        st.lists(
            st.from_regex(r"-?[0-9]{0,11}([.,][0-9]{0,4}){0,3}0{0,6}", fullmatch=True),
            max_size=20,
        )
    )
    def test_the_usual_ones_are_read_as_each_alone(self, texts):
        values, fits = quantities_in_both(pa.array(texts, pa.string()))
        for row, text in enumerate(texts):
            expected = quantity_values(text)
            found = {n: values[n][row] for n in CONVENTIONS if fits[n][row]}
            self.assertEqual(found, expected, text)

    def test_beyond_64_bits(self):
        values, _valid, _unclear = parse_quantities(
            pa.array(["999999999999999999.9"] * 3)
        )

        self.assertEqual(quantity_texts(values.sum(keepdims=True))[0][:7], "2999999")
