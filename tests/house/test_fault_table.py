# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every fault in ``KNOWN_FAULTS.md`` has a test, and that test is there."""

import ast
import re
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
REFERENCE = re.compile(r"(test_\w+\.py)::(test_\w+)")


def faults():
    """Yield (fault, list of (file, test)) of the table's rows."""
    text = (TESTS / "KNOWN_FAULTS.md").read_text(encoding="utf-8")
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if (
            line.startswith("|")
            and len(cells) == 3
            and cells[0] not in ("fault", "---")
        ):
            yield cells[0], REFERENCE.findall(cells[2])


def names_in(path):
    """Names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


class TestFaultTable(unittest.TestCase):
    def test_every_fault_has_a_test(self):
        rows = list(faults())
        self.assertGreater(len(rows), 50)
        for fault, tests in rows:
            with self.subTest(fault):
                self.assertTrue(tests)
                for file, test in tests:
                    [path] = TESTS.rglob(file)
                    self.assertIn(test, names_in(path))

    def test_files_are_run(self):
        """A test counts when its file is imported by the tests' package."""
        package = (TESTS / "__init__.py").read_text(encoding="utf-8")
        for file in {file for _fault, tests in faults() for file, _test in tests}:
            [path] = TESTS.rglob(file)
            line = f"from .{path.parent.name} import {path.stem}\n"
            self.assertIn(line, package)
