# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""SECURITY.md names files that are there, and every generated test."""

import re
import unittest
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2]
NAMED = re.compile(
    r"`((?:models|connectors|ingest|stored|wizards|controllers|deck_files|tests)/[\w./]+\.\w+"
    r"|(?:generated/)?test_\w+\.py)`"
)


def named():
    """Files that the page names."""
    return set(NAMED.findall((MODULE / "SECURITY.md").read_text("utf-8")))


class TestSecurityPage(unittest.TestCase):
    def test_what_is_named_is_there(self):
        self.assertGreater(len(named()), 40)
        for name in named():
            with self.subTest(name):
                if name.startswith(("generated/", "test_")):
                    [path] = (MODULE / "tests").rglob(name)
                else:
                    path = MODULE / name
                self.assertTrue(path.is_file())

    def test_generated_tests_are_named(self):
        generated = (MODULE / "tests" / "generated").glob("test_*.py")
        for path in generated:
            with self.subTest(path.name):
                self.assertTrue(
                    {f"generated/{path.name}", f"tests/generated/{path.name}"} & named()
                )
