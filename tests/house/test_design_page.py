# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The pages for who works on the module name files and tests that are there."""

import ast
import re
import unittest
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2]
PAGES = ("DESIGN.md", "CONTRIBUTING.md", "GLOSSARY.md", "README.md", "*/README.md")
#: a path below one of our folders, between backticks
PATH = re.compile(
    r"`((?:\.\./)*(?:models|connectors|ingest|stored|rating|wizards|controllers"
    r"|deck_files|demo|data|static|tests|benchmarks|scripts)/[\w./]*)`"
)
TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
LINK = re.compile(r"\]\(([\w./]+\.md)(?:#[\w-]+)?\)")
DECISIONS = 19


def pages():
    """Paths of the pages."""
    return [path for pattern in PAGES for path in sorted(MODULE.glob(pattern))]


class TestPages(unittest.TestCase):
    def test_what_they_name_is_there(self):
        named = 0
        for page in pages():
            text = page.read_text("utf-8")
            for name in PATH.findall(text):
                named += 1
                with self.subTest(page=page.name, name=name):
                    base = page.parent if name.startswith("..") else MODULE
                    self.assertTrue((base / name).exists())
            for name in LINK.findall(text):
                with self.subTest(page=page.name, link=name):
                    self.assertTrue((page.parent / name).exists())
        self.assertGreater(named, 50)

    def test_every_folder_has_a_page(self):
        for init in MODULE.glob("*/__init__.py"):
            if init.parent.name != "tests":
                with self.subTest(init.parent.name):
                    self.assertTrue((init.parent / "README.md").exists())

    def test_every_decision_has_a_test(self):
        design = (MODULE / "DESIGN.md").read_text("utf-8")
        rows = dict(re.findall(r"^\| (\d+) \| (.*) \|$", design, re.M))
        self.assertEqual([*map(int, rows)], [*range(1, DECISIONS + 1)])
        for number, row in rows.items():
            tests = TEST.findall(row)
            with self.subTest(decision=number):
                self.assertTrue(tests)
                for file, test in tests:
                    [path] = (MODULE / "tests").rglob(file)
                    names = {
                        node.name
                        for node in ast.walk(ast.parse(path.read_text("utf-8")))
                        if isinstance(node, ast.FunctionDef)
                    }
                    self.assertIn(test, names)
