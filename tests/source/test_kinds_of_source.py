# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a kind of source can do is asked of its class: nobody asks which kind it is."""

import ast
import re
from pathlib import Path
from unittest import TestCase

from odoo.addons.metered_billing.connectors.sources import kind_of

MODULE = Path(__file__).resolve().parents[2]
FOLDERS = (
    "models",
    "wizards",
    "controllers",
    "ingest",
    "stored",
    "connectors",
    "deck_files",
    "notation",
)
#: attributes of views that tell something, and no name or label
SILENT = r'(?:name|string|help|for)="'


def is_literal(node):
    """Whether an expression is a text, or some of them, or a constant of these."""
    if isinstance(node, ast.Name):
        return node.id.isupper()
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return bool(node.elts) and all(map(is_literal, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_kind(node):
    """Whether an expression is the kind of a source."""
    name = getattr(node, "attr", getattr(node, "id", ""))
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        name = node.slice.value
    return name == "source_type"


def is_condition(node):
    """Whether it is a condition of a domain about the kind of a source."""
    if not isinstance(node, ast.Tuple | ast.Call):
        return False
    parts = node.elts if isinstance(node, ast.Tuple) else node.args
    return (
        len(parts) == 3
        and isinstance(parts[0], ast.Constant)
        and str(parts[0].value).rpartition(".")[2] == "source_type"
        and is_literal(parts[2])
    )


def compared(text):
    """Return the lines of a Python file that compare the kind of a source."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(map(is_kind, sides)) and any(map(is_literal, sides)):
                found.append(node.lineno)
        elif isinstance(node, ast.Match) and is_kind(node.subject):
            found.append(node.lineno)
        elif is_condition(node):
            found.append(node.lineno)
    return found


def compared_in_view(text):
    """Return what a view says about the kind of a source, beside showing it."""
    attributes = re.findall(r'[\w.-]+="[^"]*source_type[^"]*"', text)
    shown = ("{'group_by': 'source_type'}", '"source_type"')
    return [
        attribute
        for attribute in attributes
        if not re.match(SILENT, attribute)
        and not attribute.endswith(shown)
        and "group_by" not in attribute
    ]


class TestKindsOfSource(TestCase):
    def test_no_file_compares_them(self):
        places = [
            f"{path.relative_to(MODULE)}:{line}"
            for folder in FOLDERS
            for path in sorted((MODULE / folder).rglob("*.py"))
            for line in compared(path.read_text())
        ]
        self.assertEqual(places, [])

    def test_no_view_compares_them(self):
        places = [
            f"{path.relative_to(MODULE)}: {attribute}"
            for folder in ("views", "wizards", "data", "security", "static")
            for path in sorted((MODULE / folder).rglob("*.xml"))
            for attribute in compared_in_view(path.read_text())
        ]
        self.assertEqual(places, [])

    def test_every_way_of_comparing_is_noticed(self):
        for text in (
            "self.source_type == 'x'",
            "'x' != source.source_type",
            "self.source_id.source_type in ('x', 'y')",
            "vals['source_type'] not in ['x']",
            "column.source_id.source_type in TYPES",
            "domain = [('source_id.source_type', '=', 'x')]",
            "Domain('source_type', 'in', ['x'])",
            "match source.source_type:\n    case 'x': pass",
        ):
            self.assertEqual(compared(text), [1], text)
        for text in (
            "kind_of(self.source_type)",
            "[('source_type', 'in', keys)]",
            "self.source_type != other.source_type",
        ):
            self.assertEqual(compared(text), [], text)
        self.assertTrue(compared_in_view("""<x invisible="source_type != 'y'"/>"""))
        self.assertFalse(compared_in_view('<field name="source_type"/>'))

    def test_json_is_written_by_all_that_are_asked_for_it(self):
        """Brightlink's numbers are those of any REST API."""
        for kind, writes in (
            *(("http_json", True), ("brightlink", True), ("freeswitch_json", True)),
            *(("file", False), ("file_store", False)),
        ):
            self.assertEqual(kind_of(kind).writes_json, writes, kind)
