# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What ./dev test has to know of the files that it runs side by side."""

import csv
from collections import Counter
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from unittest import TestCase, skipUnless

TESTS = Path(__file__).resolve().parents[1]


class TestSideBySide(TestCase):
    def setUp(self):
        super().setUp()
        with (TESTS / "data/seconds.csv").open(encoding="utf-8", newline="") as file:
            self.long = [row["file"] for row in csv.DictReader(file)]

    def test_what_takes_long_is_there_once(self):
        found = Counter(path.name for path in TESTS.rglob("test_*.py"))
        self.assertEqual(
            {name: 1 for name in self.long}, {name: found[name] for name in self.long}
        )
        self.assertEqual(len(self.long), len(set(self.long)))

    @skipUnless(find_spec("pytest"), "Odoo runs the tests itself")
    def test_what_is_not_listed_is_expected_by_its_kind(self):
        script = TESTS.parent / "scripts" / "side_by_side.py"
        spec = spec_from_file_location("side_by_side", script)
        side_by_side = module_from_spec(spec)
        spec.loader.exec_module(side_by_side)

        class BaseCase:
            """As Odoo's: with a database."""

        class HttpCase(BaseCase):
            """As Odoo's: with a browser."""

        def order(**files):
            items = [
                SimpleNamespace(path=Path(f"{name}.py"), cls=kind, place=place)
                for name, (kind, count) in files.items()
                for place in range(count)
            ]
            side_by_side.pytest_collection_modifyitems(items)
            return [(item.path.stem, item.place) for item in items]

        found = order(
            pure=(TestCase, 3),
            based=(BaseCase, 2),
            test_sync_queue=(BaseCase, 1),
            plain=(None, 1),
            tour=(HttpCase, 1),
        )
        files = ["test_sync_queue", "tour", "based", "based", *["pure"] * 3, "plain"]
        self.assertEqual([name for name, _place in found], files)
        # Those of a file stay in their order.
        self.assertEqual([place for name, place in found if name == "pure"], [0, 1, 2])
