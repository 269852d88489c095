# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Messages as records: each is one or is bad, and the quick way reads as JSON does."""

import base64
import json
from unittest import TestCase
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.events.cloud_event import KEY
from odoo.addons.metered_billing.connectors.json_path import flatten
from odoo.addons.metered_billing.connectors.kafka import messages as module
from odoo.addons.metered_billing.connectors.kafka.columns import OFFSET, Messages
from odoo.addons.metered_billing.connectors.kafka.messages import (
    CLOUD_EVENTS,
    EVENTS,
    MESSAGE,
    RECORDS,
    Decoder,
)
from odoo.addons.metered_billing.connectors.kafka.shapes import shape_of

VALUES = st.one_of(
    st.integers(),
    st.integers(-9, 9),
    st.text(max_size=8),
    st.sampled_from([" a ", "", "ü", "a b", '"', "\\", "§0§", "\u2028", "\x85", "é\n"]),
    st.booleans(),
    st.none(),
    st.decimals(-1000, 1000, places=3).map(float),
    st.sampled_from([1e25, 1.5e-7, 0.1, -0.0]),
    st.lists(st.integers(), max_size=2),
)
NAMES = st.sampled_from(
    ["id", "type", "source", "subject", "time", "timestamp", "meter", "n", "a.b", "ü"]
)
OBJECTS = st.recursive(
    st.dictionaries(NAMES, VALUES, max_size=4),
    lambda inner: st.dictionaries(NAMES | st.just("data"), VALUES | inner, max_size=5),
    max_leaves=12,
)
CLOUD = st.fixed_dictionaries(
    {
        "specversion": st.sampled_from(["1.0", "1.0", "1.0", "0.3"]),
        "id": VALUES,
        "source": st.sampled_from(["/a", "/b", "a b", "", " /a"]),
        "type": st.sampled_from(["call", "", " call", "café"]),
        "data": OBJECTS,
    },
    optional={"subject": VALUES, "time": VALUES},
)
#: pairs of messages that are written alike
ALIKE = (
    (
        '{"a": "b", "call": {"n": 1, "x": null}, "c": "", "d": 2}',
        '{"a": "ü", "call": {"n": -10.5e7, "x": true}, "c": "d e", "d": 0}',
    ),
    ('{"n": 1, "a": "b"}', '{"n": 20, "a": ""}'),
)


class Message:
    """As confluent_kafka's."""

    def __init__(self, value, offset=0, headers=None, key=None):
        self._value, self._offset, self._headers = value, offset, headers
        self._key = key

    def value(self):
        return self._value

    def headers(self):
        return self._headers

    def key(self):
        return self._key

    def offset(self):
        return self._offset

    def topic(self):
        return "usage"

    def partition(self):
        return 3

    def timestamp(self):
        return (1, 1_790_935_200_000)

    def error(self):
        return None


def read(form, values, headers=None):
    some = [Message(value, at, headers) for at, value in enumerate(values)]
    return Decoder(form, (OFFSET,)).chunk(Messages.of(some), 1)


def rows(chunk):
    records = chunk.frame.to_dict("records")
    found = {
        line: {name: value for name, value in record.items() if value}
        for line, record in zip(chunk.line.tolist(), records, strict=True)
    }
    return found, {bad.line: (bad.raw, bad.note) for bad in chunk.bad}


class TestKafkaMessages(TestCase):
    def check_as_json(self, form, documents, **style):
        values = [
            json.dumps(one, ensure_ascii=False, **style).encode("utf-8", "replace")
            for one in documents
        ]
        quick = rows(read(form, values * 2))
        with patch.object(module, "MOST_SHAPES", 0):
            slow = rows(read(form, values * 2))
        self.assertEqual(quick, slow)
        self.assertEqual(len(slow[0]) + len(slow[1]), 2 * len(values))

    @settings(deadline=None)
    @given(st.lists(CLOUD | OBJECTS, min_size=1, max_size=5), st.data())
    def test_the_quick_way_reads_as_json_does(self, documents, data):
        form = data.draw(st.sampled_from([CLOUD_EVENTS, EVENTS, RECORDS]))
        separators = data.draw(st.sampled_from([None, (",", ":"), (" ,\t", " : ")]))
        self.check_as_json(form, documents, separators=separators)

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=30), max_size=6))
    def test_bytes_are_records_or_kept(self, values):
        for form in (CLOUD_EVENTS, EVENTS, RECORDS):
            records, bad = rows(read(form, values))
            self.assertEqual(sorted([*records, *bad]), list(range(1, len(values) + 1)))
            for line, (raw, _note) in bad.items():
                kept = json.loads(raw)["(value in base64)"]
                self.assertEqual(base64.b64decode(kept), values[line - 1])

    def test_values_are_cut_out_as_by_an_expression(self):
        """Also of messages that are nearly written so, wherever one is changed."""
        for alike in ALIKE:
            shape = shape_of(alike[0], flatten)
            texts = [*alike, "", "{"]
            for text in alike:
                for at in range(len(text) + 1):
                    texts += [text[:at], text[:at] + text[at + 1 :]]
                    for sign in '"{},:0-e. xü':
                        texts += [text[:at] + sign + text[at:]]
                        texts += [text[:at] + sign + text[at + 1 :]]
            quotes = alike[0].count('"')
            as_many = [text for text in texts if text.count('"') == quotes]
            for some in (texts, texts[1:], as_many):
                self.check_cuts(shape, pa.array(["", *some])[1:])

    def check_cuts(self, shape, texts):
        cut = shape._cuts.cut(texts)
        is_such, columns = shape.match(texts)
        self.assertTrue((cut[0] == is_such).all())
        with patch.object(shape, "_cuts", None):
            expected, others = shape.match(texts)
        wrong = np.flatnonzero(is_such != expected)[:5]
        self.assertEqual(texts.take(pa.array(wrong)).to_pylist(), [])
        self.assertEqual(columns, others)
        self.assertTrue(0 < is_such.sum() < len(texts))

    def test_values_that_only_differ_are_told_apart(self):
        event = {"specversion": "1.0", "type": "t", "source": "/s", "data": {"q": 1.50}}
        values = [
            json.dumps({**event, "id": f"{number}"}).encode() for number in range(500)
        ]
        chunk = read(CLOUD_EVENTS, values)
        frame = chunk.frame
        self.assertEqual(frame[KEY].tolist(), [f"/s {n}" for n in range(500)])
        self.assertEqual(set(frame["data.q"]), {"1.5"})
        self.assertEqual(frame[OFFSET].tolist(), [str(n) for n in range(500)])

    def test_one_of_a_kind_is_read_as_json_only_once(self):
        values = [b'{"id": "%d", "data": {"q": 1}}' % n for n in range(100)]
        whole = Decoder._record
        read_so = []

        def counted(decoder, *given):
            read_so.append(1)
            return whole(decoder, *given)

        with patch.object(Decoder, "_record", counted):
            read(EVENTS, values)
        self.assertEqual(len(read_so), 1)

    def test_headers_of_binary_mode(self):
        headers = [
            ("content-type", b"application/json"),
            ("ce_specversion", b"1.0"),
            ("ce_id", "50%25 ü".encode()),
            ("ce_source", b"/s"),
            ("ce_type", b"t"),
        ]
        found, bad = rows(read(CLOUD_EVENTS, [b'{"q": 2}', b"", b"7"], headers))
        self.assertFalse(bad)
        self.assertEqual(found[1][KEY], "/s 50%25 ü")
        self.assertEqual(found[1]["data.q"], "2")
        self.assertNotIn("data.q", found[2])
        self.assertEqual(found[3]["data"], "7")

    def test_a_message_without_an_id_is_known_by_its_place(self):
        found, _bad = rows(read(EVENTS, [b'{"q": 2}', b'{"q": 2}', b'{"id": "x"}']))
        self.assertEqual(
            [found[n][KEY] for n in (1, 2, 3)], ["usage/3/0", "usage/3/1", "x"]
        )
        self.assertEqual(found[3][MESSAGE], "usage/3/2")

    def test_what_is_wrong_is_said(self):
        for form, value, said in (
            (EVENTS, None, "The message is empty."),
            (EVENTS, b"\0\0\0\0\1x", "schema registry"),
            (EVENTS, b"{", "not valid JSON"),
            (EVENTS, b"[1]", "not a JSON object"),
            (EVENTS, b'{"a": "' + b"x" * 70_000 + b'"}', "larger than 64 KiB"),
            (EVENTS, b'{"a": 1, "a": 2}', "the same name twice"),
            (CLOUD_EVENTS, b'{"id": "1"}', "specversion"),
            (RECORDS, b'"x"', "not a JSON object"),
        ):
            with self.subTest(said):
                [bad] = read(form, [value]).bad
                self.assertIn(said, bad.message)
                self.assertIn("Topic usage, partition 3, offset 0:", bad.message)
                self.assertEqual(json.loads(bad.raw)[OFFSET], "0")

    def test_paths_of_records(self):
        value = b'{"call": {"from": "1", "legs": ["a"]}, "seconds": 5}'
        found, _bad = rows(read(RECORDS, [value]))
        self.assertEqual(found[1]["call.from"], "1")
        self.assertEqual(found[1]["call.legs"], '["a"]')
        self.assertEqual(found[1]["seconds"], "5")
