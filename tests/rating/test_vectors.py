# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every case in vectors/ through the public functions of rating/.

A case that is answered differently on purpose stands in `vectors/differences.json`
with the reason and our answer. The list is exact: a case that is not on it must agree
with the other engine, and one that is must still disagree with it, and agree with the
answer that stands there. A case whose `derived` says that exact decimals do not give
the other engine's answer, and that is not on the list, must give `exact_decimal_cost`.
What is about a price that nobody can choose here stands in `vectors/not_offered.json`,
as exactly: what is offered one day has its cases waiting.
"""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from unittest import TestCase

from odoo.addons.metered_billing.rating import rounded
from odoo.addons.metered_billing.tests.support import (
    vector_allowances,
    vector_blocks,
    vector_calls,
    vector_periods,
    vector_prices,
)

VECTORS = Path(__file__).parents[1] / "vectors"
ADAPTERS = (
    vector_prices,
    vector_blocks,
    vector_periods,
    vector_calls,
    vector_allowances,
)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def cases():
    """Yield every case of every file; `config_of` names a case with the same config."""
    configs = {}
    documents = [
        read(path)
        for path in sorted(VECTORS.glob("*.json"))
        if path.name not in ("differences.json", "not_offered.json")
    ]
    for document in documents:
        assert document["count"] == len(document["vectors"]), document["peer"]
        for case in document["vectors"]:
            configs[case["id"]] = case.get("config")
    for document in documents:
        for case in document["vectors"]:
            yield {"config": configs.get(case.get("config_of")), **case}


def answer(case):
    """Return our answers by the names of `expected`; `error` where we refuse."""
    for adapter in ADAPTERS:
        if function := getattr(adapter, case["model"], None):
            try:
                return function(case["config"], case["input"])
            except ValueError as error:
                return {"error": str(error)}
    raise AssertionError(f"Nothing here knows the model {case['model']}")


def differences():
    """Return the cases that are answered differently on purpose, by id."""
    rows = read(VECTORS / "differences.json")["cases"]
    return {row["id"]: row for row in rows}


def not_offered():
    """Return why cases are not answered, by id or by model."""
    rows = read(VECTORS / "not_offered.json")["cases"]
    return {name: row["reason"] for row in rows for name in row["of"]}


def exact_answer(case):
    """Return the exact cost, where the case says that the other engine's is not."""
    derived = case.get("derived", {})
    if derived.get("reproducible_with_exact_decimals", True):
        return None
    return {"cost": derived["exact_decimal_cost"]}


def disagreement(case, expected=None):
    """Return where our answers differ from the expected ones, None when nowhere."""
    try:
        _compare(answer(case), expected or case["expected"], case["id"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _compare(found, wanted, where):
    if isinstance(wanted, dict):
        if list(found) == ["error"] and "error" not in wanted:
            raise AssertionError(f"{where}: {found['error']}")
        for name, value in wanted.items():
            if name == "error":
                # "invalid": the other engine refuses it, in whatever words
                assert found.get(name), f"{where}: not refused"
                assert value == "invalid" or value in found[name], found[name]
            elif name.endswith("_rounded"):
                found_value = found[name.removesuffix("_rounded")]
                mode = value.get("mode", "half_up")
                found_value = rounded(found_value, value["decimals"], mode)
                _compare(found_value, value["value"], f"{where} {name}")
            elif name.endswith("_within"):
                off = Fraction(found[name.removesuffix("_within")])
                off -= Fraction(value["value"])
                assert abs(off) <= Fraction(value["delta"]), f"{where} {name}: {off}"
            else:
                _compare(found[name], value, f"{where} {name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), f"{where}: {found}, not {wanted}"
        for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
            _compare(one, other, f"{where} {number}")
    elif _is_number(wanted) and found is not None:
        same = Fraction(found) == Fraction(wanted)
        assert same, f"{where}: {found}, not {wanted}"
    else:
        assert found == wanted, f"{where}: {found}, not {wanted}"


def _is_number(value):
    if isinstance(value, bool) or value is None:
        return False
    try:
        return Decimal(value).is_finite()
    except ArithmeticError:
        return False


class TestVectors(TestCase):
    def test_every_case_agrees_or_is_listed(self):
        listed, missing, seen, used = differences(), not_offered(), set(), set()
        for case in cases():
            with self.subTest(case["id"]):
                self.assertNotIn(case["id"], seen)
                seen.add(case["id"])
                told = {case["id"], case["model"]} & set(missing)
                if told:
                    used |= told
                    self.assertNotIn(case["id"], listed)
                    self.assertTrue(missing[told.pop()])
                    found = disagreement(case)
                    self.assertTrue(found, "answered now: take it off the list")
                elif row := listed.get(case["id"]):
                    self.assertTrue(row["reason"])
                    found = disagreement(case)
                    self.assertTrue(found, "agrees now: take it off the list")
                    self.assertIsNone(disagreement(case, row["ours"]))
                else:
                    self.assertIsNone(disagreement(case, exact_answer(case)))
        self.assertGreaterEqual(len(seen), 247)
        self.assertEqual(set(listed) - seen, set(), "listed, but not there")
        self.assertEqual(set(missing) - used, set(), "listed, but not there")

    def test_a_rounding_fault_of_another_engine_is_answered_exactly(self):
        listed, faults = differences(), 0
        for case in cases():
            if exact := exact_answer(case):
                faults += 1
                ours = listed.get(case["id"], {"ours": exact})["ours"]
                self.assertEqual(ours, exact)
                self.assertIsNone(disagreement(case, exact))
                self.assertTrue(disagreement(case), "agrees: its `derived` is wrong")
        self.assertGreaterEqual(faults, 5)

    def test_a_wrong_answer_is_noticed(self):
        noticed, missing = 0, not_offered()
        for case in cases():
            if {case["id"], case["model"]} & set(missing):
                continue
            for name, value in case["expected"].items():
                if isinstance(value, str) and _is_number(value):
                    wrong = {name: str(Decimal(value) + 1)}
                    self.assertTrue(disagreement(case, wrong), case["id"])
                    noticed += 1
        self.assertGreater(noticed, 150)
