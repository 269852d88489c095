# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Expressions that users write find what Python's own would find, in fair time."""

import re
from unittest import TestCase

import pandas as pd
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.extract import (
    expression_problem,
    extract,
    extraction_problem,
    found,
)
from odoo.addons.metered_billing.ingest.rules import (
    Condition,
    condition_mask,
    condition_problem,
)

ATOMS = st.sampled_from(
    ("a", "b", "0", r"\d", r"\w", ".", "[ab]", "[^-]", r"\+", "-", "@", r"\b", "^", "$")
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join).map("(?:{})".format),
        st.tuples(inner, st.sampled_from(("*", "+", "?", "*?", "+?", "{1,3}"))).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)
TEXTS = st.lists(st.text("ab0-+@ x", max_size=12), min_size=1, max_size=4)
#: what Python's own would need years for
ENDLESS = (
    "(?:1+)+(x)",
    "(?:1|11)*(x)",
    "(?:1*)*(x)",
    "1*1*1*1*(x)",
    "^(?:[^x]+,?)*(x)$",
    r"(?:\d+\s*)+(x)",
)


class TestExpressions(TestCase):
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS, TEXTS)
    @example("", "a*", "", ["", "ba"])
    @example("SIP/", "[^-]+", "-", ["SIP/12-3 SIP/4-5", "SIP/", "line\nSIP/1-"])
    def test_the_same_as_pythons_own(self, before, taken, after, texts):
        pattern = f"{before}({taken}){after}"
        self.assertEqual(extraction_problem(pattern), "")
        search = re.compile(pattern, re.ASCII).search
        matches = [search(text) for text in texts]
        values = pa.array(texts, pa.string())
        self.assertEqual(found(values, pattern).to_pylist(), [*map(bool, matches)])
        self.assertEqual(
            extract(values, pattern).to_pylist(),
            [(match[1] or "") if match else "" for match in matches],
        )

    def test_no_text_keeps_it_busy(self):
        text = "1" * 30_000
        frame = pd.DataFrame({"c": pd.Series([text], dtype=pd.ArrowDtype(pa.string()))})
        for pattern in ENDLESS:
            with self.subTest(pattern):
                self.assertEqual(extraction_problem(pattern), "")
                self.assertEqual(extract(pa.array([text]), pattern).to_pylist(), [""])
                mask = condition_mask(frame, Condition("c", "matches", pattern))
                self.assertEqual(mask.tolist(), [False])

    def test_what_cannot_be_had_so_is_refused(self):
        for pattern in (
            "(?=a)(b)",
            "(?!a)(b)",
            "(?<=a)(b)",
            r"(a)\1",
            "(a",
            "a{99999999999}(b)",
            "(" * 5000,
        ):
            with self.subTest(pattern[:20]):
                self.assertIn("cannot be read", expression_problem(pattern))
                self.assertIn("cannot be read", extraction_problem(pattern))
                self.assertIn("cannot be read", condition_problem("matches", pattern))
