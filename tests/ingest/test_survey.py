# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a file leaves open is found, proposed and counted."""

import unittest

import pandas as pd
import pyarrow as pa

from odoo.addons.metered_billing.ingest.answered import meaning
from odoo.addons.metered_billing.ingest.mapping import ColumnSpec
from odoo.addons.metered_billing.ingest.survey import survey

TARGETS = ("call_id", "start_time", "seconds", "end_time", "quantity", "direction")
START = "2026-10-05 10:00:00"


def look(zone="UTC", styles=(), heading="length", **texts):
    """The survey of a file whose columns are named after what they tell.

    :param heading: name of the column of durations
    """
    count = max(map(len, texts.values()))
    texts = {"start_time": [START] * count, **texts}
    names = {name: heading if name == "seconds" else name for name in texts}
    frame = pd.DataFrame(texts, dtype=pd.ArrowDtype(pa.string())).rename(columns=names)
    columns = [
        ColumnSpec(name, names[name], dict(styles).get(name, "")) for name in texts
    ]
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
            "seconds": ["60", "length", "30"],
            "direction": ["in", " direction", "out"],
        }
        found = look(**texts)
        self.assertEqual((found.findings, found.words), ([], []))
        # Some of the names are none.
        texts["seconds"][1] = "10"
        self.assertTrue(look(**texts).findings)

    def test_units(self):
        for texts, count, unit in (
            # Of few, or short ones, nobody can tell.
            (["0:04", "0:12", "1:02", "0:01", "0:30"], 5, ""),
            ([f"0:{n:02d}" for n in range(4, 14)] + ["1:02"], 11, "h:mm"),
            (["0:04", "1:30", "2:15", "0:45"], 4, ""),
            (["0:04", "75:10"], 2, "mm:ss"),
            (["1.5", "0.25", "2"], 3, ""),
            (["1.5", "0.25", "2", "3.2", "1.1", "0.7"], 6, "min"),
            (["65.5", "12.0", "130.2"], 3, "s"),
            ([f"{n}.{n:02d}" for n in range(7, 20)], 13, ""),
            ([f"{n}.{100 * n // 60:02d}" for n in range(7, 20)], 13, ""),
            ([f"{n / 60:.2f}" for n in range(500, 560, 3)], 20, "min"),
            (["60", "90", "30", "1.5"], 4, ""),
            (["7"] * 9 + ["1.5"], 10, ""),
            (["1.065", "60", "30", "45"], 4, ""),
            (["1,065", "2,300"], 2, ""),
            (["1.250", "2.500", "0.750"], 3, ""),
            (["114.030", "60.000"], 2, "s"),
            (["0.00104167", "0.50001157"], 2, "day"),
            (["0.02500", "0.01806", "0.33444"], 3, "h"),
            (["0.00104", "0.5"], 2, ""),
            (["1.5", "0:04:00", "0:00"], 1, ""),
            (["000105", "000030", "010203"], 3, ""),
            ([f"00{n:02d}{n:02d}" for n in range(5, 15)], 10, "hhmmss"),
            (["06105", "00030"], 2, ""),
            ([f"{n:03d}{n:02d}" for n in range(5, 15)], 10, "mmss"),
            (["65000", "1500", "120000"], 3, "ms"),
        ):
            with self.subTest(texts=texts):
                found = self.finding(seconds=texts)
                self.assertEqual(
                    (found.key, found.records, found.value, found.is_shown),
                    ("unit", count, unit, False),
                )

    def test_headings_that_name_units(self):
        for heading, texts, unit, is_shown in (
            ("Duration (min)", ["2", "5", "30"], "min", True),
            ("Duration (ms)", ["65000", "1500"], "ms", True),
            ("Talk Time (HH:MM)", ["0:05", "1:30"], "h:mm", True),
            ("Duration (hh:mm:ss)", ["0:05", "1:30"], "", False),
            ("Duration (hh:mm:ss)", ["0:05", "12:30"], "mm:ss", False),
            ("Minutes", ["2:05", "4:30"], "mm:ss", False),
            ("Duration in 10s units", ["2", "5"], "", False),
        ):
            found = self.finding(heading=heading, seconds=texts)
            self.assertEqual(
                (found.key, found.records, found.value, found.is_shown),
                ("unit", len(texts), unit, is_shown),
                heading,
            )
        self.assertFalse(look(heading="Seconds", seconds=["60", "1"]).findings)
        self.assertFalse(look(heading="h:mm:ss", seconds=["0:01:00"]).findings)
        ends = ["2026-10-05 10:01:00"] * 2
        found = self.finding(heading="min", seconds=["60", "60"], end_time=ends)
        self.assertEqual((found.value, found.is_shown), ("s", False))

    def test_the_times_of_calls_show_the_unit(self):
        ends = ["2026-10-05 10:04:00", "2026-10-05 10:01:00"]
        found = self.finding(seconds=["4", "1"], end_time=ends)
        self.assertEqual((found.value, found.records), ("min", 2))
        self.assertFalse(look(seconds=["240", "60"], end_time=ends).findings)
        ends = ["2026-10-05 10:04:10", "2026-10-05 10:01:40"]
        found = self.finding(seconds=["4:10", "1:40"], end_time=ends)
        self.assertEqual(found.value, "mm:ss")
        found = self.finding(seconds=["0:04", "0:01"], end_time=ends)
        self.assertEqual(found.value, "h:mm")
        found = self.finding(seconds=["4.17", "1.67"], end_time=ends)
        self.assertEqual(found.value, "min")

    def test_another_column_shows_the_unit(self):
        """Minutes that have begun, or the nearest, beside seconds that are not read."""
        for told, name, beside, value in (
            (["2", "3", "1"], "seconds", ["65", "165", "5"], "min"),
            (["1", "3", "0", "0"], "Duration (sec)", ["65", "165", "5", "0"], "min"),
            (["2", "3", "1"], "durationMs", ["65000", "165000", "5000"], "min"),
            (["2", "3", "2"], "seconds", ["65", "165", "5"], ""),
            (["65", "165", "5"], "seconds", ["65", "165", "5"], ""),
            (["2", "3", "1"], "ring", ["65", "165", "5"], ""),
            (["2", "3"], "seconds", ["65", "165"], ""),
        ):
            frame = pd.DataFrame(
                {"start": [START] * len(told), "duration": told, name: beside},
                dtype=pd.ArrowDtype(pa.string()),
            )
            columns = [
                ColumnSpec("start_time", "start"),
                ColumnSpec("seconds", "duration"),
            ]
            found = survey(frame, columns, "UTC", {}).findings
            self.assertEqual([one.value for one in found], [value] * bool(value), name)
            self.assertFalse(survey(frame, columns, "UTC", {}, read=[name]).findings)

    def test_columns_that_say_whether_calls_were_answered(self):
        for name, good, bad, odd in (
            ("sip_status", "200", "486", "180"),
            ("Response", "200 OK", "487 Request Terminated", "180 Ringing"),
            ("result", "SIP/2.0 200 OK", "SIP 404 Not Found", "SIP 100 Trying"),
            ("cause", "16", "17", "111"),
            ("Hangup Cause", "31", "21", "127"),
            ("Q850", "16", "1", "0"),
            ("status", "ANSWERED", "No Answer", "queued"),
            ("Answered", "yes", "N", "maybe"),
        ):
            found = [meaning(name, text) for text in (good, bad, odd)]
            self.assertEqual(found, [True, False, None], name)
        for name, text in (("code", "44"), ("area", "404"), ("cause", "17 W Main")):
            self.assertIsNone(meaning(name, text), name)

    def test_a_unit_that_does_not_fit(self):
        found = self.finding(seconds=["0:04", "5:06"], styles={"seconds": "s"})
        self.assertEqual((found.contradicts, found.value), ("s", "mm:ss"))
        for texts, value, count in (
            (["65", "130", "700"], "s", 3),
            (["1.5", "1.125", "1,125"], "", 1),
        ):
            found = self.finding(seconds=texts, styles={"seconds": "min"})
            self.assertEqual(
                (found.contradicts, found.value, found.records), ("min", value, count)
            )
        for texts in (["2", "7", "3"], ["65.5", "130", "700"]):
            self.assertFalse(look(seconds=texts, styles={"seconds": "min"}).findings)
        self.assertFalse(
            look(seconds=["0:04"] + ["7"] * 20, styles={"seconds": "s"}).findings
        )

    def test_order_of_days(self):
        for texts, order, is_shown in (
            (["03/04/2026 10:00", "25/04/2026 10:00"], "dmy", True),
            (["03/04/2026 10:00", "04/25/2026 10:00"], "mdy", True),
            (["03.04.2026 10:00"], "dmy", True),
            (["25/04/2026 10:00", "04/25/2026 10:00"], "", False),
            (["03/04/2026 10:00", "04/04/2026 10:00"], "", False),
            (["03/04/2026 10:00", "05/04/2026 10:00"], "dmy", False),
            (["04/03/2026 10:00", "04/06/2026 10:00"], "mdy", False),
            (["01/04/2026 10:00", "01/12/2026 10:00"], "mdy", False),
            (["04/04/2026 10:00"], "", False),
        ):
            with self.subTest(texts=texts):
                found = self.finding(start_time=texts, call_id=list("ab")[: len(texts)])
                self.assertEqual(
                    (found.key, found.value, found.is_shown),
                    ("date_order", order, is_shown),
                )

    def test_what_shows_the_order(self):
        for texts, order, is_shown in (
            (["10.05.2026 14:00", "10.13.2026 14:00"], "mdy", False),
            (["10.05.2026 14:00", "13.10.2026 14:00"], "dmy", True),
            (["26/10/05 14:00", "26/10/06 14:00", "26/10/31 14:00"], "ymd", False),
            (["26/10/26 14:00", "26/10/27 14:00"], "ymd", False),
            (["26/10/26 14:00", "27/10/26 14:00"], "dmy", False),
            (["05/10/26 14:00", "31/10/26 14:00"], "dmy", True),
            (["Tue 11/03/2026 10:05 PM"], "mdy", True),
            (["10:05 PM 11/13/2026"], "mdy", True),
            (["13/10/2026 14:00", "2026-05-10 14:00:00"], "dmy-swapped", False),
            (["13/10/2026 14:00", "2026-05-13 14:00:00"], "dmy", True),
            (["13/10/2026 14:00", *["2026-05-10 14:00:00"] * 5], "dmy", True),
        ):
            found = self.finding(start_time=texts, call_id=list("abcdef")[: len(texts)])
            self.assertEqual(
                (found.key, found.value, found.is_shown),
                ("date_order", order, is_shown),
                texts,
            )
        for heading, order in (
            ("Date (mm/dd/yyyy)", "mdy"),
            ("Datum (TT.MM.JJJJ)", "dmy"),
            ("JJ/MM/AAAA", "dmy"),
            ("yy-mm-dd", ""),
            ("Date", ""),
        ):
            frame = pd.DataFrame({heading: ["04/04/2026 10:00"]})
            spec = ColumnSpec("start_time", heading)
            [found] = survey(frame, [spec], "UTC", {}).findings
            self.assertEqual((found.value, found.is_shown), (order, bool(order)))
        for text in ("05-Oct-2026 10:00:00", "Oct 5, 2026 10:00 PM"):
            self.assertFalse(look(start_time=[text]).findings, text)

    def test_an_order_that_does_not_fit(self):
        texts = ["03/25/2026 10:00"] * 3
        found = self.finding(start_time=texts, styles={"start_time": "dmy"})
        self.assertEqual(
            (found.contradicts, found.value, found.is_shown), ("dmy", "mdy", False)
        )

    def test_formats(self):
        for text, style in (
            ("05232026100000", "%m%d%Y%H%M%S"),
            ("05102026100000", ""),
            ("261005140000", "%y%m%d%H%M%S"),
            ("2026-10-05", "%Y-%m-%d"),
            ("46300.583333", "serial"),
            ("yesterday", ""),
        ):
            found = self.finding(start_time=[text])
            self.assertEqual((found.key, found.value), ("time_format", style))
        found = self.finding(start_time=[START], styles={"start_time": "epoch"})
        self.assertEqual((found.contradicts, found.value), ("epoch", "auto"))

    def test_decimal_signs(self):
        for texts, sign, is_shown in (
            (["1,234"], "", False),
            (["1.234", "7"], "", False),
            (["1,234", "0,5"], "comma", True),
            (["1.234", "0.5"], "point", True),
            (["0,5"], "comma", True),
            (["0.5", "0,5", "1,234"], "", False),
        ):
            with self.subTest(texts=texts):
                found = self.finding(quantity=texts)
                self.assertEqual(
                    (found.key, found.value, found.is_shown),
                    ("decimal_sign", sign, is_shown),
                )
        found = self.finding(quantity=["0,5"], styles={"quantity": "point"})
        self.assertEqual((found.contradicts, found.value), ("point", "comma"))

    def test_another_column_of_durations(self):
        for names, texts, shorter in (
            (("duration", "billsec"), ("75", "60"), ("billsec", "duration", 1)),
            (
                ("duration", "Talk Time"),
                ("75", "0:00:00"),
                ("Talk Time", "duration", 1),
            ),
            (("duration", "billsec"), ("75", "75"), None),
            (("duration", "billsec"), ("60", "75"), None),
            (("billsec", "talk"), ("75", "60"), None),
            (("duration", "ring"), ("75", "15"), None),
            (("duration", "billed to"), ("75", "Ann"), None),
        ):
            frame = pd.DataFrame({n: [t] for n, t in zip(names, texts, strict=True)})
            found = survey(frame, [ColumnSpec("seconds", names[0])], "UTC", {})
            self.assertEqual(found.shorter, shorter, names)

    def test_zones_that_the_file_names(self):
        for names, zone, start, told in (
            (["start (UTC)"], "Europe/Berlin", START, "start (UTC)"),
            (["start (UTC)"], "UTC", START, ""),
            (["start_utc"], "Europe/Berlin", START, "start_utc"),
            (["start (GMT+2)"], "Europe/Berlin", START, ""),
            (["start (GMT+1)"], "Europe/Berlin", START, "start (GMT+1)"),
            (["start (EST)"], "Europe/Berlin", START, "start (EST)"),
            (["start (EST)"], "America/New_York", START, ""),
            (["start (UTC)"], "Europe/Berlin", f"{START}Z", ""),
            (["start", "Time Zone"], "Europe/Berlin", START, "Time Zone"),
            (["start", "length"], "Europe/Berlin", START, ""),
        ):
            frame = pd.DataFrame({name: [start] for name in names})
            found = survey(frame, [ColumnSpec("start_time", names[0])], zone, {})
            self.assertEqual(found.zone, told, names)

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
