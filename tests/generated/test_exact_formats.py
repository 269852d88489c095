# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Exact numbers become texts in one place: ``rating.exact``.

A Fraction cannot be formatted by every Python, is `4/3` as a text, and no Decimal is
made of it. So no code formats a number as a float does, nor makes a text or a Decimal
of what an exact function gives back; wherever it is, the functions there do.
"""

import ast
import itertools
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from unittest import TestCase

import pandas as pd

from odoo.addons.metered_billing.rating.aggregations import AGGREGATIONS
from odoo.addons.metered_billing.rating.charge_models import CHARGE_MODELS
from odoo.addons.metered_billing.rating.exact import exact_text, shown
from odoo.addons.metered_billing.rating.price_versions import PriceVersion
from odoo.addons.metered_billing.rating.units import Conversion
from odoo.addons.metered_billing.rating.usage_price import UsagePrice, price_usage

ADDON = Path(__file__).resolve().parents[2]
FOLDERS = (
    "rating",
    "models",
    "wizards",
    "ingest",
    "stored",
    "deck_files",
    "notation",
    "controllers",
)
#: of the format specification of a float: its type, or places after the point
FLOAT_SPEC = re.compile(r"[eEfFgGn%]$|\.\d+$")
FLOAT_IN_BRACES = re.compile(r"\{[^{}:]*:[^{}]*(?:[eEfFgGn%]|\.\d+)\}")
FLOAT_BY_PERCENT = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[eEfFgG](?!\w)")
#: what gives back a Fraction, or what may be None where digits never end
EXACT = {"Fraction", "exact", "to_decimal", "finite", "finite_amount", "places_of"}
EXACT_ATTRIBUTES = {"exact_amount", "counted"}


def offences(source):
    """(line, what) of texts made of numbers that may be Fractions.

    :param source: text of a module
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue):
            spec = node.format_spec
            parts = spec.values if spec else []
            text = "".join(
                part.value if isinstance(part, ast.Constant) else "0" for part in parts
            )
            # `%H:%M` and the like are of dates.
            if text and FLOAT_SPEC.search(text) and "%" not in text[:-1]:
                found.append((node.lineno, f"{{..:{text}}}"))
            if _is_exact(node.value):
                found.append((node.lineno, "a text of an exact number"))
        elif isinstance(node, ast.Call):
            found += _calls(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            left = node.left
            if (
                isinstance(left, ast.Constant)
                and isinstance(left.value, str)
                and FLOAT_BY_PERCENT.search(left.value)
            ):
                found.append((node.lineno, left.value))
    return found


def _calls(node):
    name = _name(node.func)
    if name in ("str", "repr", "Decimal") and node.args and _is_exact(node.args[0]):
        yield node.lineno, f"{name}() of an exact number"
    if name != "format":
        return
    if isinstance(node.func, ast.Name):
        if len(node.args) == 2:
            yield node.lineno, "format()"
    elif isinstance(node.func.value, ast.Constant):
        text = node.func.value.value
        if isinstance(text, str) and FLOAT_IN_BRACES.search(text):
            yield node.lineno, text


def _name(node):
    return getattr(node, "id", None) or getattr(node, "attr", None)


def _is_exact(node):
    if isinstance(node, ast.Call):
        return _name(node.func) in EXACT
    return isinstance(node, ast.Attribute) and node.attr in EXACT_ATTRIBUTES


class TestExactFormats(TestCase):
    def test_numbers_become_texts_in_one_place(self):
        read = 0
        for folder in FOLDERS:
            for path in sorted((ADDON / folder).rglob("*.py")):
                name = path.relative_to(ADDON).as_posix()
                if name == "rating/exact.py":
                    continue
                read += 1
                with self.subTest(name):
                    self.assertEqual(offences(path.read_text(encoding="utf-8")), [])
        self.assertGreater(read, 200)

    def test_connectors_know_no_fractions(self):
        """They format seconds and bytes as floats, which these are."""
        for path in sorted((ADDON / "connectors").rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            self.assertNotRegex(text, r"(?m)^\s*(from|import) .*(fractions|exact)\b")

    def test_what_is_found(self):
        for source in (
            'f"{quantity:f}"',
            'f"{quantity:.2f}"',
            'f"{quantity:.{places}f}"',
            'format(quantity, "f")',
            '"{:.3g}".format(quantity)',
            '"{quantity:f}".format(quantity=1)',
            '"%.2f" % quantity',
            '"%(quantity)f" % values',
            "str(to_decimal(quantity))",
            "Decimal(exact(quantity))",
            'f"{priced.exact_amount}"',
        ):
            self.assertTrue(offences(source), source)
        for source in (
            'f"{moment:%H:%M:%S}"',
            'f"{rest:02d}"',
            '"%s of %(name)s" % values',
            "exact_text(to_decimal(quantity))",
            "currency.format(amount)",
        ):
            self.assertFalse(offences(source), source)


TIERS = [{"up_to": "0.3", "unit_price": "0.7"}, {"up_to": None, "unit_price": "0.05"}]
STEPS = [{"up_to": "0.3", "flat_fee": 50}, {"up_to": None, "flat_fee": 80}]
RATES = [{"up_to": "0.3", "rate": 3}, {"up_to": None, "rate": 70}]
#: what each charge model needs to have a price
CONFIGS = {
    "standard": {"unit_price": "0.07"},
    "package": {"size": "0.7", "price": 5},
    "percentage": {"rate": "2.9", "fixed_fee": "0.3"},
    "stairstep": {"tiers": STEPS},
    "graduated_percentage": {"tiers": RATES},
}


class TestTexts(TestCase):
    def test_exact_texts(self):
        for value, text, short in (
            (Fraction(4, 3), "1.333333333333…", "1.333333"),
            (Fraction(-2, 3), "-0.666666666666…", "-0.666667"),
            (Fraction(1, 3 * 10**9), "0.000000000333…", "0.000000000333"),
            (Fraction(1, 8), "0.125", "0.125"),
            (Decimal("1E-8"), "0.00000001", "0.00000001"),
            (Decimal("1.50"), "1.50", "1.5"),
            (Decimal("1E+3"), "1000", "1000"),
            (7, "7", "7"),
            (Fraction(10**30 + 1, 10), f"1{'0' * 29}.1", f"1{'0' * 29}.1"),
        ):
            with self.subTest(value=value):
                self.assertEqual(exact_text(value), text)
                self.assertEqual(exact_text(shown(value)), short)
        for wrong in (0.1, True, "x", Decimal("NaN"), Decimal("Infinity")):
            with self.subTest(wrong=wrong), self.assertRaises((TypeError, ValueError)):
                exact_text(wrong)

    def test_every_aggregation_and_charge_model(self):
        """4/3, and 4 thirds of a unit, in a price that changed after a third of it."""
        records = pd.DataFrame(
            {"id": [1, 2, 3], "at_us": [0, 1, 2], "value": [1, 1, 2]}
        )
        for how, name, operation in itertools.product(
            AGGREGATIONS, CHARGE_MODELS, ("multiply", "divide")
        ):
            with self.subTest(aggregation=how, model=name, operation=operation):
                model = CHARGE_MODELS[name](**CONFIGS.get(name, {"tiers": TIERS}))
                price = UsagePrice(
                    model=(PriceVersion(-(2**62), model), PriceVersion(1, model)),
                    aggregation=how,
                    conversion=Conversion(operation, Decimal(3)),
                    free_units="0.1",
                    minimum=7,
                    decimals=2,
                )
                priced = price_usage(
                    price, records=records, period_us=(0, 3), share=Fraction(1, 3)
                )
                for step in priced.steps:
                    self.assertNotRegex(step.text, r"\d/\d|Fraction|Decimal|\dE")
                self.assertEqual(
                    sum(line.amount for line in priced.lines), priced.exact_amount
                )
