# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""``ingest/`` and ``stored/`` call no private method of a model.

What they need of one is handed to them, or stands in a public field of a record.
"""

import ast
from pathlib import Path
from unittest import TestCase

MODULE = Path(__file__).resolve().parents[2]
FOLDERS = ("ingest", "stored")
#: what Odoo has no public name for
OF_ODOO = {"_get_conversion_rate"}


def private_of_others(tree):
    """Private names that a file takes of what it does not define, with their lines."""
    own, others = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            own.add(node.name)
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            whose = getattr(node.value, "id", None)
            if whose in ("self", "cls"):
                own.add(node.attr)
            elif not node.attr.endswith("__"):
                others.append((node.attr, node.lineno))
    return [(name, line) for name, line in others if name not in own | OF_ODOO]


class TestNoCallsBack(TestCase):
    def test_no_private_name_of_a_model(self):
        found = [
            f"{path.relative_to(MODULE).as_posix()}:{line}: {name}"
            for folder in FOLDERS
            for path in sorted((MODULE / folder).rglob("*.py"))
            for name, line in private_of_others(ast.parse(path.read_text("utf-8")))
        ]
        self.assertEqual(found, [])

    def test_it_would_be_found(self):
        code = (
            "class A:\n"
            "    def _own(self, other, env):\n"
            "        self._kept = other._kept + other._own() + other.public\n"
            "        return env['metered.batch']._count() or env.company._today()\n"
        )
        self.assertEqual(
            private_of_others(ast.parse(code)), [("_count", 4), ("_today", 4)]
        )
