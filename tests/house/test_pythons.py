# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The versions of Python that are named are those that are tested."""

import sys
import tomllib
from pathlib import Path
from unittest import TestCase

ADDON = Path(__file__).resolve().parents[2]


class TestPythons(TestCase):
    def test_the_same_range_everywhere(self):
        text = (ADDON / "pyproject.toml").read_text(encoding="utf-8")
        tool = tomllib.loads(text)["tool"]
        oldest, newest = tool["metered-billing"]["pythons"]
        self.assertEqual(tool["ruff"]["target-version"], f"py{oldest.replace('.', '')}")
        for name in ("README.md", "dev", "scripts/environment.sh"):
            with self.subTest(name):
                text = (ADDON / name).read_text(encoding="utf-8")
                self.assertIn(f" {oldest} to {newest}", text)

    def test_this_one_is_within_it(self):
        text = (ADDON / "pyproject.toml").read_text(encoding="utf-8")
        pythons = tomllib.loads(text)["tool"]["metered-billing"]["pythons"]
        oldest, newest = (tuple(map(int, v.split("."))) for v in pythons)
        self.assertLessEqual(oldest, sys.version_info[:2])
        self.assertLessEqual(sys.version_info[:2], newest)
