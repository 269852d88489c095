# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Places that act with more than the user's rights: all are reviewed, and in a list.

``data/sudo_places.csv`` names them by function, with the reason. A new one fails here
until somebody has looked whether an id that a user gave can reach it unchecked, and
has written it there.
"""

import ast
import csv
import unittest
from collections import Counter
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2]
LIST = MODULE / "tests" / "data" / "sudo_places.csv"
FOLDERS = ("models", "wizards", "ingest", "stored", "controllers")


def more_rights(node):
    """Whether a piece of code takes rights that the user may not have."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        gives_up = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        return node.func.attr == "with_user" or (
            node.func.attr == "sudo" and gives_up != [False]
        )
    if isinstance(node, ast.keyword):
        return node.arg in ("su", "compute_sudo")
    names = (getattr(node, "id", None), getattr(node, "attr", None))
    return "SUPERUSER_ID" in names


def places_of(tree):
    """Functions of a module that take more rights: name -> how many times."""
    found = Counter()

    def walk(node, name):
        for child in ast.iter_child_nodes(node):
            inner = name
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{name}.{child.name}".lstrip(".")
            if more_rights(child):
                found[inner] += 1
            walk(child, inner)

    walk(tree, "")
    return found


def places():
    """All of them: (file, function) -> how many times."""
    return {
        (path.relative_to(MODULE).as_posix(), function): times
        for folder in FOLDERS
        for path in sorted((MODULE / folder).rglob("*.py"))
        for function, times in places_of(ast.parse(path.read_text("utf-8"))).items()
    }


def reviewed():
    """The list: (file, function) -> how many times."""
    with LIST.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert all(row["reason"] for row in rows)
    return {(row["file"], row["function"]): int(row["times"]) for row in rows}


class TestSudoPlaces(unittest.TestCase):
    maxDiff = None

    def test_each_is_reviewed(self):
        self.assertEqual(places(), reviewed())

    def test_they_are_found(self):
        """In whatever form they are written."""
        code = """
class Model:
    owner = Many2one(compute_sudo=True)

    def method(self):
        self.env["x"].browse(1).sudo().write({})
        self.with_user(user).sudo(False)

    def other(self):
        env = api.Environment(cr, odoo.SUPERUSER_ID, {})
        self.env(su=True)
"""
        self.assertEqual(
            places_of(ast.parse(code)),
            {"Model": 1, "Model.method": 2, "Model.other": 2},
        )
