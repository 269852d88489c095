# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The pages of the module name files, sections and tests that are there."""

import ast
import re
import unittest
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2]
#: all but those that tell where data of tests come from
PAGES = ("*.md", "*/README.md", "docs/*.md")
#: a path below one of our folders, between backticks
PATH = re.compile(
    r"`((?:\.\./)*(?:models|connectors|ingest|stored|rating|wizards|controllers"
    r"|deck_files|demo|fraud|data|static|tests|benchmarks|scripts)/[\w./]*)`"
)
TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
#: a file of ours, a section of it, or a section of the same page
LINK = re.compile(r"\]\((?!https?:)([\w./-]*)(?:#([\w-]+))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.M)
DECISIONS = 21


def pages():
    """Paths of the pages."""
    return [path for pattern in PAGES for path in sorted(MODULE.glob(pattern))]


def sections(page):
    """What the headings of a page are linked by."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in HEADING.findall(text)
    }


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
        self.assertGreater(named, 50)

    def test_links_lead_somewhere(self):
        pictures = set()
        for page in pages():
            for name, section in LINK.findall(page.read_text("utf-8")):
                with self.subTest(page=page.name, link=name, section=section):
                    linked = (page.parent / name).resolve() if name else page
                    self.assertTrue(linked.exists())
                    if section:
                        self.assertIn(section, sections(linked))
                    if linked.suffix == ".png":
                        pictures.add(linked.name)
        self.assertGreater(len(pictures), 5)

    def test_every_guide_is_linked(self):
        readme = (MODULE / "README.md").read_text("utf-8")
        linked = {name for name, _section in LINK.findall(readme)}
        guides = {f"docs/{path.name}" for path in MODULE.glob("docs/*.md")}
        self.assertGreater(len(guides), 10)
        self.assertEqual(guides - linked, set())

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
