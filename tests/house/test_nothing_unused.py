# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the packages without Odoo offer is called by the module, and not by tests alone.

A rule that only its tests call is one that somebody has written a second time where it
is needed: then the tests prove what does not run.
"""

import ast
import re
from pathlib import Path
from unittest import TestCase

MODULE = Path(__file__).resolve().parents[2]
PURE = ("rating", "ingest", "stored", "connectors", "deck_files", "notation")
USERS = ("models", "wizards", "controllers")
#: what libraries call
CALLED_BY_OTHERS = {
    "resolve_redirects": "requests",
    "_new_conn": "urllib3",
    "init_poolmanager": "requests",
}


class Unit:
    """A function, class, method or constant of a file, and the names that it uses."""

    def __init__(self, place, name, nodes):
        self.place = place
        self.name = name
        self.uses = {use for node in nodes for use in used_names(node)}


def used_names(node):
    """Names that an expression or statement mentions, as text too (`getattr`)."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.keyword) and part.arg:
            yield part.arg
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            if part.value.isidentifier():
                yield part.value


def units_of(path):
    """Yield (`Unit` or None, node): None is run with the file, whoever imports it."""
    place = str(path.relative_to(MODULE))
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            yield Unit(place, node.name, [node]), node
        elif isinstance(node, ast.ClassDef):
            methods = [m for m in node.body if isinstance(m, ast.FunctionDef)]
            rest = [part for part in node.body if part not in methods]
            rest += [*node.bases, *node.decorator_list]
            if is_registered(node):
                yield None, ast.Module(rest, [])
            else:
                yield Unit(place, node.name, rest), node
            for method in methods:
                yield Unit(place, method.name, [method]), method
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name != "__all__":
                yield Unit(place, name, [node.value]), node
        else:
            yield None, node


def is_registered(node):
    """Whether a class is a kind of source, which is found by its key."""
    names = {ast.unparse(decorator) for decorator in node.decorator_list}
    return bool(names & {"register", "register_kind"})


def unused():
    """Return the places of what nobody reaches from the models, views and wizards."""
    alive = {name for name in CALLED_BY_OTHERS}
    for folder in USERS:
        for path in (MODULE / folder).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    alive |= set(used_names(node))
    for folder in ("views", "data", "wizards"):
        for path in (MODULE / folder).rglob("*.xml"):
            alive |= set(re.findall(r"\w+", path.read_text()))
    waiting = []
    for folder in PURE:
        for path in sorted((MODULE / folder).rglob("*.py")):
            for unit, node in units_of(path):
                if unit is None:
                    alive |= set(used_names(node))
                else:
                    waiting.append(unit)
    while True:
        reached = [
            unit
            for unit in waiting
            if unit.name in alive or re.fullmatch("__.*__", unit.name)
        ]
        if not reached:
            return [f"{unit.place}: {unit.name}" for unit in waiting]
        waiting = [unit for unit in waiting if unit not in reached]
        alive = alive.union(*(unit.uses for unit in reached))


class TestNothingUnused(TestCase):
    def test_what_is_offered_is_called(self):
        self.assertEqual(unused(), [])
