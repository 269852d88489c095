# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whatever shows a customer a call asks ``Masking.ends`` for its numbers.

Looked for in all code that customers get something of: the numbers of a call are only
read there to be handed to the masking. Templates read no numbers at all, only what was
masked before.
"""

import ast
import re
from pathlib import Path
from unittest import TestCase

MODULE = Path(__file__).resolve().parents[2]
#: what makes pages, files, mails, messages, and answers of APIs that leave the house
FOLDERS = (
    *("controllers", "models/api", "models/alert", "models/chargeover"),
    *("models/dispute", "models/portal", "models/statement", "models/webhook"),
)
TEMPLATES = ("views/portal*.xml", "views/report*.xml", "data/mail_template*.xml")
NUMBERS = frozenset({"caller", "callee"})
#: what takes the numbers of a call: it masks them, or says whether they are shown
MASKING = frozenset({"ends", "lists", "never_shows"})
#: queries that read numbers, with what becomes of them
QUERIES = {
    ("models/statement/metered_statement_rows.py", "_OTHER_PARTY"): "only compared",
    ("models/statement/metered_statement_rows.py", "_read_calls"): "see `_ends`",
}
_IN_SQL = re.compile(r"\b(cdr|record|call)\.(caller|callee)\b")


def unmasked(tree):
    """Where numbers of calls are read and not handed to the masking.

    :return: list of (name of the function or variable around, line)
    """
    found = []
    _look(tree, "", False, set(), found)
    return found


def _look(node, place, is_masked, taken, found):
    """Look through code; ``taken``: names that are only handed to the masking."""
    if isinstance(node, ast.FunctionDef):
        place, taken = node.name, _handed_over(node)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        place = place or node.targets[0].id
        is_masked = is_masked or node.targets[0].id in taken
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in MASKING:
        is_masked = True
    if isinstance(node, ast.Attribute) and node.attr in NUMBERS:
        # `masking.caller(...)` is another one that is masked.
        is_read = isinstance(node.ctx, ast.Load) and not is_masked
        if is_read:
            found.append((place, node.lineno))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if node.value in NUMBERS or _IN_SQL.search(node.value):
            found.append((place, node.lineno))
    for child in ast.iter_child_nodes(node):
        _look(child, place, is_masked, taken, found)


def _handed_over(function):
    """Variables of a function that only the masking gets."""
    used, handed = {}, {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used[node.id] = used.get(node.id, 0) + 1
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in MASKING:
            for one in ast.walk(node):
                if isinstance(one, ast.Name):
                    handed[one.id] = handed.get(one.id, 0) + 1
    return {name for name, times in handed.items() if used.get(name) == times}


class TestNumbersAreMasked(TestCase):
    def test_code(self):
        found = {
            (path.relative_to(MODULE).as_posix(), place): line
            for folder in FOLDERS
            for path in sorted((MODULE / folder).rglob("*.py"))
            for place, line in unmasked(ast.parse(path.read_text("utf-8")))
        }
        self.assertEqual(
            {key: line for key, line in found.items() if key not in QUERIES}, {}
        )
        self.assertEqual(set(QUERIES) - set(found), set())

    def test_templates(self):
        paths = [path for some in TEMPLATES for path in MODULE.glob(some)]
        self.assertGreater(len(paths), 5)
        found = [
            f"{path.name}: {name}"
            for path in paths
            for name in re.findall(r"\.(caller|callee)\b", path.read_text("utf-8"))
        ]
        self.assertEqual(found, [])

    def test_all_three_outputs_are_looked_at(self):
        """The masking is asked in statements, in the portal, and in disputes."""
        asking = {
            folder
            for folder in FOLDERS
            for path in (MODULE / folder).rglob("*.py")
            if ".ends(" in path.read_text("utf-8")
        }
        self.assertEqual(
            asking, {"models/dispute", "models/portal", "models/statement"}
        )

    def test_it_would_be_found(self):
        for code, places in (
            ("def f(cdr): return {'to': cdr.callee}", ["f"]),
            ("def f(cdr, m): return m.ends(cdr.caller, cdr.callee, True)", []),
            ("def f(cdr, m): return m.ends(cdr.caller, '', 1), cdr.callee", ["f"]),
            ("def f(cdr, m):\n x = cdr.caller\n return m.lists(x, 1)", []),
            ("def f(cdr, m):\n x = cdr.caller\n return m.lists(x, 1), x", ["f"]),
            ("SQL = 'SELECT cdr.callee FROM metered_cdr cdr'", ["SQL"]),
            ("def f(cdr): return cdr.read(['callee'])", ["f"]),
            ("def f(cdr): return cdr['caller']", ["f"]),
        ):
            with self.subTest(ascii(code)):
                found = unmasked(ast.parse(code))
                self.assertEqual([place for place, _line in found], places)
