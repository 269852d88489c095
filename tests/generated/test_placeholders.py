# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Texts for people: what stands in for their placeholders."""

import ast
import re
from pathlib import Path
from unittest import TestCase

MODULE = Path(__file__).resolve().parents[2]
NO_PRODUCT = {"tests", "audit", "benchmarks", "scripts"}
#: parameters of Odoo's own method, which a placeholder must not be called
TAKEN = {"self", "source"}


class TestPlaceholders(TestCase):
    def texts(self):
        """The calls of ``_`` with a text: (place, text, names given)."""
        for path in sorted(MODULE.rglob("*.py")):
            if path.relative_to(MODULE).parts[0] in NO_PRODUCT:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                text = node.args[0]
                if name == "_" and isinstance(text, ast.Constant):
                    place = f"{path.relative_to(MODULE)}:{node.lineno}"
                    yield place, text.value, {key.arg for key in node.keywords}

    def test_names(self):
        """Each placeholder is given, under a name that can be given."""
        seen = 0
        for place, text, given in self.texts():
            seen += 1
            with self.subTest(place):
                self.assertFalse(given & TAKEN, "Odoo takes it for the text itself.")
                if given and None not in given:
                    self.assertEqual(set(re.findall(r"%\((\w+)\)", text)), given)
        self.assertGreater(seen, 500)
