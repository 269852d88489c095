# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Units that the names of columns say, and digits that may be a clock."""

from unittest import TestCase

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.durations import parse_seconds
from odoo.addons.metered_billing.ingest.heading_units import heading_unit
from odoo.addons.metered_billing.ingest.mapping import ColumnSpec
from odoo.addons.metered_billing.ingest.survey import survey


def looked_at(name, texts, style=""):
    """The question about the durations of a column; None where there is none."""
    frame = pd.DataFrame({name: texts}, dtype=pd.ArrowDtype(pa.string()))
    found = survey(frame, [ColumnSpec("seconds", name, style)], "UTC", {})
    return next((one for one in found.findings if one.key == "unit"), None)


class TestHeadingUnits(TestCase):
    def test_names(self):
        for name, unit in (
            *(("Duration (min)", "min"), ("Dauer (Min.)", "min"), ("minutes", "min")),
            *(("Billable Minutes", "min"), ("durationMin", "min"), ("ms", "ms")),
            *(("Duration (ms)", "ms"), ("duration_ms", "ms"), ("billmsec", "")),
            *(("Duration (h:mm)", "h:mm"), ("Talk Time (HH:MM)", "h:mm")),
            *(("Duration (hh:mm:ss)", "h:mm:ss"), ("Time mm:ss", "mm:ss")),
            *(
                ("Duration in 6s units", "?"),
                ("Hours", "?"),
                ("Tenths of seconds", "?"),
            ),
            *(("duration", ""), ("billsec", ""), ("Talk Time", ""), ("seconds", "s")),
            *(
                ("Duration (sec)", "s"),
                ("Dauer in Sekunden", "s"),
                ("HHMMSS", "hhmmss"),
            ),
        ):
            self.assertEqual(heading_unit([name]), unit, name)

    def test_whole_numbers_under_another_unit_are_asked_about(self):
        for name, unit in (("Duration (min)", "min"), ("duration_ms", "ms")):
            found = looked_at(name, ["2", "5", "30", "0"])
            self.assertEqual((found.records, found.value), (3, unit))
            self.assertFalse(found.is_shown)
        self.assertEqual(looked_at("Duration in 6s units", ["2"]).records, 1)
        for name in ("Duration", "Duration (s)", "Duration (hh:mm:ss)"):
            self.assertIsNone(looked_at(name, ["2", "5", "0:01:00"]))
        self.assertIsNone(looked_at("Duration (min)", ["2", "5"], "min"))
        self.assertIsNone(looked_at("Duration (min)", ["0", ""]))

    def test_the_heading_is_proposed_for_clocks(self):
        for name, unit in (("Talk Time (HH:MM)", "h:mm"), ("Time (mm:ss)", "mm:ss")):
            self.assertEqual(looked_at(name, ["0:05", "0:12", "1:30"]).value, unit)

    def test_digits_without_a_sign(self):
        texts = ["000105", "000030", "010203"]
        found = looked_at("duration", texts)
        self.assertEqual((found.records, found.value), (3, "hhmmss"))
        self.assertEqual(looked_at("duration", ["00105"]).value, "mmmss")
        for unit, expected in (("hhmmss", [65, 30, 3723]), ("s", [105, 30, 10203])):
            self.assertEqual(parse_seconds(texts, unit=unit)[0].tolist(), expected)
        self.assertEqual(
            parse_seconds(["00105", "0105"], unit="mmmss")[0].tolist(), [65, 65]
        )
        self.assertFalse(parse_seconds(["000165"], unit="hhmmss")[1].any())
        # Numbers that are padded to more digits, or that are 0.
        seconds, valid, unclear = parse_seconds(["00000065", "000000", "105", "0105"])
        self.assertEqual(seconds.tolist(), [65, 0, 105, 105])
        self.assertTrue(valid.all() and not unclear.any())

    @given(st.integers(0, 10**6 - 1), st.sampled_from([5, 6]))
    def test_a_clock_is_read_or_asked(self, number, width):
        text = str(number).zfill(width)
        seconds, valid, unclear = parse_seconds([text])
        self.assertFalse(np.any(valid & unclear))
        if text.startswith("0") and number and len(text) == width:
            self.assertTrue(unclear[0] and not valid[0] and not seconds[0])
        else:
            self.assertEqual((seconds[0], valid[0]), (number, True))
