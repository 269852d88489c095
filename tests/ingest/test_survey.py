# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a file leaves open is found, proposed and counted."""

import unittest

import pandas as pd
import pyarrow as pa

from odoo.addons.metered_billing.ingest.mapping import ColumnSpec
from odoo.addons.metered_billing.ingest.survey import survey

TARGETS = ("call_id", "start_time", "seconds", "end_time", "quantity", "direction")
START = "2026-10-05 10:00:00"


def look(zone="UTC", styles=(), **texts):
    """The survey of a file whose columns are named after what they tell."""
    count = max(map(len, texts.values()))
    texts = {"start_time": [START] * count, **texts}
    frame = pd.DataFrame(texts, dtype=pd.ArrowDtype(pa.string()))
    columns = [ColumnSpec(name, name, dict(styles).get(name, "")) for name in texts]
    return survey(frame, columns, zone, {})


class TestSurvey(unittest.TestCase):
    def finding(self, **texts):
        [found] = look(**texts).findings
        return found

    def test_a_clear_file(self):
        for texts in (
            {"seconds": ["60", "0", "0:01:30", "", "x"]},
            {"quantity": ["1.5", "0.25", "7", "-3"]},
            {"start_time": [START, "1790832376", "20261001052616"]},
            {"direction": ["in", "Outgoing", ""]},
            {"call_id": list("abcdef")},
            {
                "call_id": [f"1790832376.{n}" for n in range(6)],
                "start_time": ["2026-10-01 05:26:16"] * 6,
            },
        ):
            with self.subTest(texts=ascii(texts)):
                found = look(**texts)
                self.assertEqual((found.findings, found.words), ([], []))
                self.assertFalse(found.ids.doubtful or found.clock_us)

    def test_lines_that_repeat_the_names_ask_nothing(self):
        texts = {
            "start_time": [START, "start_time", START],
            "seconds": ["60", "seconds", "30"],
            "direction": ["in", " direction", "out"],
        }
        found = look(**texts)
        self.assertEqual((found.findings, found.words), ([], []))
        # Some of the names are none.
        texts["seconds"][1] = "10"
        self.assertTrue(look(**texts).findings)

    def test_units(self):
        for texts, count, unit in (
            (["0:04", "0:12", "1:02", "0:01", "0:30"], 5, "h:mm"),
            (["0:04", "1:30", "2:15", "0:45"], 4, "mm:ss"),
            (["0:04", "75:10"], 2, "mm:ss"),
            (["1.5", "0.25", "2"], 3, "min"),
            (["60", "90", "30", "1.5"], 1, "min"),
            (["114.030", "60.000"], 2, "s"),
            (["0.00104167", "0.5"], 2, "day"),
            (["1.5", "0:04:00", "0:00"], 1, "min"),
        ):
            with self.subTest(texts=texts):
                found = self.finding(seconds=texts)
                self.assertEqual(
                    (found.key, found.records, found.value, found.is_shown),
                    ("unit", count, unit, False),
                )

    def test_the_times_of_calls_show_the_unit(self):
        ends = ["2026-10-05 10:04:10", "2026-10-05 10:01:40"]
        found = self.finding(seconds=["4:10", "1:40"], end_time=ends)
        self.assertEqual(found.value, "mm:ss")
        found = self.finding(seconds=["0:04", "0:01"], end_time=ends)
        self.assertEqual(found.value, "h:mm")
        found = self.finding(seconds=["4.17", "1.67"], end_time=ends)
        self.assertEqual(found.value, "min")

    def test_a_unit_that_does_not_fit(self):
        found = self.finding(seconds=["0:04", "0:06"], styles={"seconds": "s"})
        self.assertEqual((found.contradicts, found.value), ("s", "h:mm"))
        self.assertFalse(
            look(seconds=["0:04"] + ["7"] * 20, styles={"seconds": "s"}).findings
        )

    def test_order_of_days(self):
        for texts, order, is_shown in (
            (["03/04/2026 10:00", "25/04/2026 10:00"], "dmy", True),
            (["03/04/2026 10:00", "04/25/2026 10:00"], "mdy", True),
            (["03.04.2026 10:00"], "dmy", True),
            (["25/04/2026 10:00", "04/25/2026 10:00"], "", False),
            (["03/04/2026 10:00", "04/04/2026 10:00"], "dmy", False),
            (["04/03/2026 10:00", "04/04/2026 10:00"], "mdy", False),
            (["04/04/2026 10:00"], "", False),
        ):
            with self.subTest(texts=texts):
                found = self.finding(start_time=texts, call_id=list("ab")[: len(texts)])
                self.assertEqual(
                    (found.key, found.value, found.is_shown),
                    ("date_order", order, is_shown),
                )

    def test_an_order_that_does_not_fit(self):
        texts = ["03/25/2026 10:00"] * 3
        found = self.finding(start_time=texts, styles={"start_time": "dmy"})
        self.assertEqual(
            (found.contradicts, found.value, found.is_shown), ("dmy", "mdy", False)
        )

    def test_formats(self):
        for text, style in (
            ("05-Oct-2026 10:00:00", "%d-%b-%Y %H:%M:%S"),
            ("Oct 5, 2026 10:00 PM", "%b %d, %Y %I:%M %p"),
            ("yesterday", ""),
        ):
            found = self.finding(start_time=[text])
            self.assertEqual((found.key, found.value), ("time_format", style))
        found = self.finding(start_time=[START], styles={"start_time": "epoch"})
        self.assertEqual((found.contradicts, found.value), ("epoch", "auto"))

    def test_decimal_signs(self):
        for texts, sign, is_shown in (
            (["1,234"], "comma", False),
            (["1.234", "7"], "point", False),
            (["1,234", "0,5"], "comma", True),
            (["1.234", "0.5"], "point", True),
            (["0,5"], "comma", True),
            (["0.5", "0,5", "1,234"], "point", False),
        ):
            with self.subTest(texts=texts):
                found = self.finding(quantity=texts)
                self.assertEqual(
                    (found.key, found.value, found.is_shown),
                    ("decimal_sign", sign, is_shown),
                )
        found = self.finding(quantity=["0,5"], styles={"quantity": "point"})
        self.assertEqual((found.contradicts, found.value), ("point", "comma"))

    def test_words_ids_and_clocks(self):
        found = look(direction=["in", "hither", "hither"])
        self.assertEqual([(w.word, w.records) for w in found.words], [("hither", 2)])
        found = look(call_id=["a"] * 6, seconds=list("123456"))
        self.assertTrue(found.ids.doubtful)
        ids = [f"1790832376.{n}" for n in range(6)]
        found = look(call_id=ids, start_time=["2026-10-01 07:26:16"] * 6)
        self.assertEqual(found.clock_us, 2 * 3600 * 10**6)

    def test_nothing(self):
        self.assertEqual(look(seconds=[], call_id=[], start_time=[]).findings, [])
