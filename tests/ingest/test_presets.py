# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every preset from its sample file to calls: seconds, directions, who pays.

The samples in ``data/presets`` are written after the makers' manuals.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path
from unittest import TestCase
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from odoo.addons.metered_billing.connectors import baf
from odoo.addons.metered_billing.connectors.files import (
    LAYOUTS,
    check_file,
    detect_format,
    read_chunks,
)
from odoo.addons.metered_billing.connectors.layouts import recognise_header
from odoo.addons.metered_billing.ingest.classify import Classifier
from odoo.addons.metered_billing.ingest.dial_plans import dial_plan
from odoo.addons.metered_billing.ingest.directions import direction_words
from odoo.addons.metered_billing.ingest.identify import IdentifierIndex
from odoo.addons.metered_billing.ingest.mapping import call_ids, missing_targets
from odoo.addons.metered_billing.ingest.prepare import prepare
from odoo.addons.metered_billing.ingest.presets import PRESETS
from odoo.addons.metered_billing.ingest.rules import first_rule
from odoo.addons.metered_billing.ingest.trial import without_direction
from odoo.addons.metered_billing.rating import MAX_US, MIN_US

from ..support.plain_settings import (
    DESTINATIONS,
    METERS,
    UNITED_STATES,
    make_settings,
)

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "presets"
#: sample -> preset, where it is not its name
OF_SAMPLE = {"kamailio_cdrs": "kamailio", "teams_graph": "teams"}
#: presets with samples of real files elsewhere, or of what no file brings
ELSEWHERE = {
    *("generic", "asterisk", "freeswitch", "cisco_cucm", "netsapiens"),
    *("usage", "events", "usage_lines", "chargeover"),
}
# Who pays: the kind and value of the identifier that the sample's customers have.
ANN, BEN, PIN = "Ann", "Ben", "PIN"
CUSTOMERS = (
    ("number", "+12125550100", ANN),
    ("number", "+4930123456", ANN),
    ("extension", "1001", ANN),
    ("extension", "1002", BEN),
    ("account_code", "4711", PIN),
    ("account_code", "ann@example.com", ANN),
    ("device", "5c1a0f3e9d2b4c6f8a7e6d5c4b3a2910", ANN),
)
LONDON, MOBILE = "+441632960111", "+447700900123"

#: sample -> its calls that are charged: line, seconds, called number, who pays
CHARGED = {
    "3cx": [(1, 65, LONDON, ANN)],
    "3cx_call_logs": [(2, 65, LONDON, ANN), (7, 45, MOBILE, BEN)],
    "avaya_ip_office": [
        (1, 65, LONDON, ANN),
        (5, 13, MOBILE, BEN),
        (6, 21, MOBILE, BEN),
    ],
    "broadworks": [(2, 65, LONDON, ANN)],
    "fritzbox": [(3, 240, LONDON, ANN), (7, 3900, MOBILE, ANN)],
    "fusionpbx": [(2, 65, LONDON, ANN)],
    "grandstream": [(2, 65, LONDON, ANN)],
    "kamailio": [(2, 65, LONDON, ANN), (3, 45, MOBILE, ANN)],
    "kamailio_cdrs": [(2, 65, LONDON, ANN), (3, 45, MOBILE, ANN)],
    "kazoo": [(2, 65, LONDON, ANN)],
    "metaswitch": [(3, 65, LONDON, ANN), (6, 45, MOBILE, ANN)],
    "teams": [(2, 65, LONDON, ANN), (5, 45, MOBILE, ANN)],
    "teams_direct_routing": [(2, 65, LONDON, ANN), (5, 45, MOBILE, ANN)],
    "teams_graph": [(2, 65, LONDON, ANN)],
    "twilio": [(2, 65, LONDON, ANN), (5, 45, MOBILE, ANN)],
    "twilio_console": [(2, 65, LONDON, ANN), (5, 45, MOBILE, ANN)],
    "yeastar": [(2, 65, LONDON, ANN), (6, 45, MOBILE, PIN)],
}
#: sample -> direction of each record, in order; - for one that waits for a person
DIRECTION = {
    "3cx": "out out in int -",
    "3cx_call_logs": "out out in in int out - -",
    "avaya_ip_office": "out out in int out out",
    "broadworks": "out out in -",
    "fritzbox": "out out in in out out",
    "fusionpbx": "out out in int out",
    "grandstream": "out out in int int",
    "kamailio": "out out out",
    "kamailio_cdrs": "out out",
    "kazoo": "out out out in",
    "metaswitch": "out out in out - -",
    "teams": "out out in out",
    "teams_direct_routing": "out out in out",
    "teams_graph": "out in",
    "twilio": "out out in out",
    "twilio_console": "out out in out",
    "yeastar": "out out in int out",
}
#: sample -> epoch second of its first call
FIRST = 1_790_845_200
START = {
    "kamailio": FIRST + 5,
    "kamailio_cdrs": FIRST + 5,
    "twilio": FIRST + 5,
    "twilio_console": FIRST + 5,
    # 09:00 in Berlin, in summer.
    "fritzbox": FIRST - 7200,
}


def samples():
    return sorted(SAMPLES.iterdir())


def preset_of(path):
    return PRESETS[OF_SAMPLE.get(path.stem, path.stem)]


def settings_of(preset):
    """A source in the United States, of FRITZ!Boxes in Germany, and its customers."""
    country = "DE" if preset.key == "fritzbox" else "US"
    settings = make_settings(["+1"] * len(CUSTOMERS), preset=preset.key)
    kinds, values, _names = zip(*CUSTOMERS, strict=True)
    count = len(CUSTOMERS)
    index = IdentifierIndex(kinds, values, [MIN_US] * count, [MAX_US] * count)
    classifier = Classifier(DESTINATIONS, METERS, UNITED_STATES)
    return replace(
        settings,
        timezone=preset.timezone or ("Europe/Berlin" if country == "DE" else "UTC"),
        payers=replace(settings.payers, index=index),
        dial_plans=((dial_plan(country), classifier),),
    )


@patch.object(baf, "_today", lambda: date(2026, 12, 1))
def read(path):
    fmt = detect_format(path)
    check_file(path, fmt)
    (chunk,) = read_chunks(path, fmt)
    return fmt, chunk


class TestSamples(TestCase):
    def test_each_preset_has_one(self):
        keys = {preset_of(path).key for path in samples()}
        self.assertEqual(keys, PRESETS.keys() - ELSEWHERE)
        stems = {path.stem for path in samples()}
        self.assertEqual((CHARGED.keys(), DIRECTION.keys()), (stems, stems))

    def test_recognised_as_its_layout_and_as_no_other(self):
        found = set()
        for path in samples():
            with self.subTest(path.stem):
                fmt, chunk = read(path)
                self.assertIn(fmt.layout, preset_of(path).layouts)
                self.assertEqual(chunk.bad, [])
                others = {
                    key
                    for key, layout in LAYOUTS.items()
                    if layout.header and layout.header <= set(fmt.columns)
                }
                most = max(others, key=lambda k: len(LAYOUTS[k].header), default="")
                self.assertIn(most, ("", fmt.layout))
                found.add(fmt.layout)
        named = {key for preset in PRESETS.values() for key in preset.layouts}
        self.assertEqual(named & found, named - {"generic"})

    def test_layouts_do_not_hide_each_other(self):
        for key, layout in LAYOUTS.items():
            if layout.header:
                self.assertEqual(recognise_header(sorted(layout.header)), key)

    def test_columns_are_there(self):
        for path in samples():
            with self.subTest(path.stem):
                fmt, _chunk = read(path)
                columns = preset_of(path).columns
                self.assertEqual(missing_targets(columns, fmt.columns), [])
                targets = {spec.target for spec in columns}
                self.assertLessEqual({"caller", "callee"}, targets)

    def test_no_direction_is_unknown(self):
        for path in samples():
            with self.subTest(path.stem):
                _fmt, chunk = read(path)
                preset = preset_of(path)
                known = dict(preset.words)
                words = direction_words(chunk.frame, preset.columns, known)
                self.assertEqual(words, [])
                waiting = without_direction(chunk.frame, settings_of(preset))
                self.assertEqual(waiting, 0)

    def test_ids_tell_records_apart(self):
        """The same file once more brings the same ids, and each once."""
        for path in samples():
            with self.subTest(path.stem):
                columns = preset_of(path).columns
                ids = [call_ids(read(path)[1].frame, columns) for _time in range(2)]
                self.assertEqual(ids[0], ids[1])
                self.assertEqual(len(pc.unique(ids[0])), len(ids[0]))

    def test_rules_speak_of_columns_that_are_there(self):
        for path in samples():
            with self.subTest(path.stem):
                fmt, _chunk = read(path)
                for rule in preset_of(path).rules:
                    for condition in rule.conditions:
                        if not condition.fact:
                            self.assertIn(condition.column, (*fmt.columns, "leg"))


class TestLeftAgain(TestCase):
    """Calls that came in, or between extensions, and left over a trunk again."""

    def reasons(self, stem, **changes):
        path = next(path for path in samples() if path.stem == stem)
        preset = preset_of(path)
        _fmt, chunk = read(path)
        frame = chunk.frame.copy()
        for name, (line, text) in changes.items():
            values = frame[name].tolist()
            values[line] = text
            frame[name] = frame[name].__class__(values, dtype=frame[name].dtype)
        found = prepare(frame, np.arange(len(frame)), [], settings_of(preset))
        return sorted(found.rejected.reason)

    def test_they_are_exceptions(self):
        for stem, changes in (
            ("3cx", {"final-type": (2, "Line")}),
            ("3cx", {"to-type": (3, "Other"), "to-no": (3, "0113316829")}),
            ("yeastar", {"Destination Trunk": (2, "trunk")}),
            ("grandstream", {"dstchannel": (2, "PJSIP/trunk_1/011447700900123")}),
            (
                "avaya_ip_office",
                {"Party1Device": (2, "T9001"), "Party2Device": (2, "T2")},
            ),
        ):
            with self.subTest(stem):
                before = self.reasons(stem)
                self.assertEqual(
                    self.reasons(stem, **changes), sorted([*before, "declared"])
                )

    def test_a_trunk_of_asterisk_that_no_rule_names(self):
        rules = PRESETS["asterisk"].rules
        for dst, channel, name in (
            ("0041441234567", "PJSIP/trunk-00000001", "Outside number called"),
            ("101", "PJSIP/101-00000001", "Internal"),
            ("0041441234567", "", "Internal"),
            ("0041441234567", "PJSIP/carrier-a-00000001", "Outbound"),
        ):
            frame = pd.DataFrame(
                {
                    column: pd.array([text], dtype=pd.ArrowDtype(pa.string()))
                    for column, text in {
                        "disposition": "ANSWERED",
                        "channel": "PJSIP/102-00000002",
                        "dstchannel": channel,
                        "dst": dst,
                    }.items()
                }
            )
            [chosen] = first_rule(frame, rules)
            self.assertIn(name, rules[chosen].name)


class TestCalls(TestCase):
    def prepared(self, path):
        preset = preset_of(path)
        _fmt, chunk = read(path)
        lines = np.arange(len(chunk.frame))
        return chunk, prepare(chunk.frame, lines, chunk.bad, settings_of(preset))

    def test_charged(self):
        for path in samples():
            with self.subTest(path.stem):
                chunk, prepared = self.prepared(path)
                cdrs = prepared.cdrs
                names = [name for _kind, _value, name in CUSTOMERS]
                charged = [
                    (int(chunk.line[at]), seconds, callee, names[partner - 1])
                    for at, seconds, callee, partner, billable in zip(
                        cdrs["line"].tolist(),
                        cdrs["quantity"].tolist(),
                        cdrs["callee"].to_pylist(),
                        cdrs["partner_id"].tolist(),
                        cdrs["billable"].tolist(),
                        strict=True,
                    )
                    if billable
                ]
                self.assertEqual(charged, CHARGED[path.stem])

    def test_directions(self):
        short = {"out": "outbound", "in": "inbound", "int": "internal", "-": "-"}
        for path in samples():
            with self.subTest(path.stem):
                chunk, prepared = self.prepared(path)
                found = ["-"] * len(chunk.frame)
                cdrs = prepared.cdrs
                directions = [str(text) for text in cdrs["direction"]]
                for at, direction in zip(
                    cdrs["line"].tolist(), directions, strict=True
                ):
                    found[at] = direction
                expected = [short[word] for word in DIRECTION[path.stem].split()]
                self.assertEqual(found, expected)
                waiting = expected.count("-")
                self.assertEqual(len(prepared.rejected.reason), waiting)

    def test_starts(self):
        for path in samples():
            with self.subTest(path.stem):
                _chunk, prepared = self.prepared(path)
                seconds = int(prepared.cdrs["start_us"][0]) // 1_000_000
                self.assertEqual(seconds, START.get(path.stem, FIRST))
