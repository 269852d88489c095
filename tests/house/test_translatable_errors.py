# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every sentence that the pure packages refuse something with is collected by Odoo."""

import ast
import unittest
from fractions import Fraction
from pathlib import Path

from babel.messages.extract import extract

from odoo.addons.metered_billing.deck_files.parse import Problem
from odoo.addons.metered_billing.rating.charge_models import charge_model
from odoo.addons.metered_billing.rating.errors import TranslatableError

MODULE = Path(__file__).resolve().parents[2]
#: where an error may be what a user has set or uploaded; elsewhere in `rating/` it is
#: a mistake of the caller, because the ORM has checked the settings
FILES = (
    *sorted((MODULE / "deck_files").glob("*.py")),
    *sorted((MODULE / "rating" / "charge_models").glob("*.py")),
    *(
        MODULE / "rating" / f"{name}.py"
        for name in (
            "aggregations",
            "prefixes",
            "price_versions",
            "units",
            "usage_price",
        )
    ),
)
ERRORS = {"TranslatableError", "WrongCell", "DeckFileError"}
#: a sentence of a connector's, passed on as it is
PASSED_ON = {"%(problem)s"}


def assigned(tree):
    """What the names of a file are assigned, name -> expression."""
    return {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def texts(node, names):
    """The texts that an expression may be; None for what is no `_lt(..)`."""
    if isinstance(node, ast.IfExp):
        return texts(node.body, names) + texts(node.orelse, names)
    if isinstance(node, ast.Name) and node.id in names:
        return texts(names[node.id], {})
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return texts(names.get(node.value.id), {})
    if isinstance(node, ast.Dict):
        return [text for value in node.values for text in texts(value, {})]
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "_lt":
        return [ast.literal_eval(node.args[0])]
    if isinstance(node, ast.Constant) and node.value in PASSED_ON:
        return []
    return [None]


class TestTranslatableErrors(unittest.TestCase):
    def test_every_text_is_collected(self):
        found = 0
        for path in FILES:
            tree = ast.parse(path.read_text())
            names = assigned(tree)
            # As Odoo's export does: `odoo.tools.translate`, code of Python.
            with path.open("rb") as file:
                collected = {
                    text
                    for _line, text, _comments, _context in extract(
                        "python", file, keywords={"_": None, "_lt": None}
                    )
                }
            for node in ast.walk(tree):
                if not isinstance(node, ast.Call):
                    continue
                if ast.unparse(node.func) not in ERRORS:
                    continue
                where = f"{path.name}:{node.lineno}"
                for text in texts(node.args[0], names):
                    self.assertIsNotNone(text, f"{where} has a text without _lt(..)")
                    self.assertIn(text, collected, where)
                    found += 1
        self.assertGreater(found, 50, "the check found what it is for")

    def test_nothing_else_is_raised(self):
        for path in FILES:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                    name = ast.unparse(node.exc.func)
                    self.assertNotIn(
                        name, ("ValueError", "Exception"), f"{path.name}:{node.lineno}"
                    )
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem":
                    self.assertNotIsInstance(
                        node.args[1],
                        ast.Constant | ast.JoinedStr,
                        f"{path.name}:{node.lineno}",
                    )

    def test_a_text_that_is_not_marked_is_found(self):
        names = assigned(ast.parse("KNOWN = _lt('a')\nOTHER = 'b'"))
        for code, expected in (
            ("WrongCell(_lt('a'))", ["a"]),
            ("WrongCell(KNOWN)", ["a"]),
            ("WrongCell(_lt('a') if x else _lt('b'))", ["a", "b"]),
            ("WrongCell('a')", [None]),
            ("WrongCell(f'a {b}')", [None]),
            ("WrongCell(OTHER)", [None]),
        ):
            call = ast.parse(code, mode="eval").body
            self.assertEqual(texts(call.args[0], names), expected, code)

    def test_english_needs_nothing_of_odoo(self):
        with self.assertRaises(TranslatableError) as caught:
            charge_model(
                "volume", tiers=[{"up_to": "10.5"}, {"first": 12, "up_to": None}]
            )
        self.assertEqual(
            str(caught.exception),
            "Tier 2: it starts at 12, but tier 1 ends at 10.5, which leaves a gap",
        )
        self.assertEqual(caught.exception.values["end"], Fraction(21, 2))
        self.assertEqual(Problem(3, caught.exception).text, str(caught.exception))
