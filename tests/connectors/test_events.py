# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Events that programs push: every way to write one, and whatever else they send."""

import gzip
import json
import tracemalloc
import zlib
from decimal import Decimal
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.events.body import (
    MOST_BYTES,
    MOST_MEMBERS,
    RequestFault,
    unpacked,
)
from odoo.addons.metered_billing.connectors.events.cloud_event import (
    BATCH,
    PLAIN,
    STRUCTURED,
    Event,
    event_of,
    read_events,
)
from odoo.addons.metered_billing.connectors.events.reading import (
    MOST_EVENT_BYTES,
    MOST_EVENTS,
    Refused,
    exact_number,
)

LINES = "application/x-ndjson"
MIB = 2**20
names = st.text(st.characters(codec="utf-8"), max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False).map(float)
    | st.text(max_size=8)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=12,
)


def cloud(**more):
    return {
        "specversion": "1.0",
        "id": "e1",
        "source": "/shop",
        "type": "api.call",
        "subject": "acme",
        "time": "2026-11-30T12:00:00.5Z",
        "data": {"quantity": 1.50, "where": {"region": "eu"}},
        **more,
    }


def reasons(found):
    return [one.reason if isinstance(one, Refused) else "" for one in found]


class TestShapes(TestCase):
    def test_one_event_in_every_way_is_the_same(self):
        event = cloud()
        one, many = json.dumps(event).encode(), json.dumps([event]).encode()
        headers = [
            (f"ce-{name}", str(event[name]))
            for name in ("specversion", "id", "source", "type", "subject", "time")
        ]
        found = [
            *read_events(one, STRUCTURED),
            *read_events(one, f"{STRUCTURED}; charset=UTF-8"),
            *read_events(many, BATCH),
            *read_events(one, PLAIN),
            *read_events(many, PLAIN),
            *read_events(one + b"\r\n\n" + one, LINES),
            *read_events(json.dumps(event["data"]).encode(), PLAIN, headers),
            *read_events(b"\xef\xbb\xbf" + one, PLAIN),
        ]
        self.assertEqual(len(found), 9)
        self.assertEqual({one.key for one in found}, {"/shop e1"})
        self.assertEqual(len({one.content for one in found}), 1)
        self.assertEqual(
            json.loads(found[0].record),
            {
                "id": "e1",
                "source": "/shop",
                "type": "api.call",
                "subject": "acme",
                "time": "2026-11-30T12:00:00.5Z",
                "data.quantity": "1.5",
                "data.where.region": "eu",
            },
        )

    def test_plain_objects(self):
        short = {"id": 7, "meter": "api", "customer": "acme", "timestamp": "now"}
        long = {"id": "7", "type": "api", "subject": "acme", "time": "now"}
        for carried in ({"quantity": 2}, {"data": {"quantity": 2}}):
            one, other = event_of({**short, **carried}), event_of({**long, **carried})
            with self.subTest(carried):
                self.assertEqual(json.loads(other.record)["data.quantity"], "2")
                self.assertEqual(json.loads(one.record)["subject"], "acme")
                self.assertEqual(one.key, "7")
        both = event_of({"id": "7", "type": "api", "meter": "other"})
        self.assertEqual(json.loads(both.record)["data.meter"], "other")

    def test_values_of_headers_are_decoded(self):
        headers = [
            ("ce-specversion", "1.0"),
            ("ce-id", '"a%20b"'),
            ("CE-Source", "/s"),
            ("ce-type", "t"),
            ("ce-subject", "\xc3\xa9%E2%82%AC"),
        ]
        [event] = read_events(b"", "", headers)
        record = json.loads(event.record)
        self.assertEqual((record["id"], record["subject"]), ("a b", "é€"))
        [event] = read_events(b"\xff", "application/octet-stream", headers)
        self.assertEqual(json.loads(event.record)["data"], "/w==")
        [bad] = read_events(b"", "", [*headers[:-1], ("ce-subject", "%ff")])
        self.assertIn("UTF-8", bad.reason)

    def test_what_no_event_can_be(self):
        for document, word in (
            ([], "object"),
            ("a", "object"),
            ({}, "id"),
            ({"id": " "}, "id"),
            ({"id": None}, "id"),
            (cloud(specversion="0.3"), "specversion"),
            (cloud(specversion=None), "specversion"),
            (cloud(source=""), "source"),
            (cloud(source="a b"), "spaces"),
            (cloud(type=None), "type"),
            ({"id": "a", "data": {"x": {"y": 1}, "x.y": 2}}, "same name"),
            ({"id": "a", "data": {}, "(event)": "x"}, "same name"),
            ({"id": "a", "data": {str(n): n for n in range(300)}}, "values"),
        ):
            with self.subTest(document):
                self.assertIn(word, event_of(document).reason)
        [refused] = read_events(json.dumps({"id": "a"}).encode(), STRUCTURED)
        self.assertIn("specversion", refused.reason)

    def test_one_bad_event_leaves_the_others(self):
        body = b'[{"id":"a"},{"id":"b","id":"c"},5,{"id":"\xff"},{"id":"d"}]'
        found = read_events(body, PLAIN)
        self.assertEqual(
            [bool(reason) for reason in reasons(found)],
            [False, True, True, True, False],
        )
        found = read_events(b'{"id":"a"}\nno json\n{"id":"b"} {}\n{"id":"c"}', LINES)
        self.assertEqual(
            [bool(reason) for reason in reasons(found)], [False, True, True, False]
        )


class TestContent(TestCase):
    @given(st.dictionaries(names, values, max_size=4), st.randoms())
    def test_the_digest_is_of_the_content_alone(self, data, random):
        event = {"id": "a", "type": "t", "data": data}
        names_of = list(event)
        random.shuffle(names_of)
        shuffled = {name: event[name] for name in names_of}
        plain = read_events(json.dumps(event).encode(), PLAIN)[0]
        other = read_events(
            json.dumps(shuffled, indent=3, ensure_ascii=False).encode(
                "utf-8", "surrogatepass"
            ),
            PLAIN,
        )[0]
        self.assertIs(type(plain), type(other))
        if isinstance(plain, Event):
            self.assertEqual(plain.content, other.content)
            changed = read_events(
                json.dumps({**event, "subject": "b"}).encode(), PLAIN
            )[0]
            self.assertNotEqual(plain.content, changed.content)
            self.assertEqual(plain.key, changed.key)

    @given(st.from_regex(r"-?(0|[1-9][0-9]{0,30})\.[0-9]{1,30}", fullmatch=True))
    def test_fractions_are_exact(self, digits):
        self.assertEqual(Decimal(exact_number(digits)), Decimal(digits))

    @given(
        st.from_regex(
            r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?[eE][+-]?[0-9]{1,9}", fullmatch=True
        )
    )
    def test_exponents_are_exact_or_left_alone(self, digits):
        found = exact_number(digits)
        self.assertLess(len(found), 200)
        if found != digits:
            self.assertEqual(Decimal(found), Decimal(digits))
            self.assertNotIn("e", found.lower())

    def test_no_number_is_a_float(self):
        body = b'{"id":"a","data":{"q":0.1000000000000000055511151231257827,"n":%s}}'
        [event] = read_events(body % (b"9" * 5000), PLAIN)
        record = json.loads(event.record)
        self.assertEqual(record["data.q"], "0.1000000000000000055511151231257827")
        self.assertEqual(record["data.n"], "9" * 5000)


class TestHostile(TestCase):
    @given(st.binary(max_size=200) | values.map(lambda v: json.dumps(v).encode()))
    def test_whatever_comes_is_read_or_refused(self, body):
        for kind in (PLAIN, STRUCTURED, BATCH, LINES):
            try:
                found = read_events(body, kind)
            except RequestFault as fault:
                self.assertIn(fault.status, (400, 413))
                self.assertTrue(fault.detail.isascii())
                continue
            for one in found:
                self.assertIsInstance(one, Event | Refused)
                if isinstance(one, Event):
                    one.record.encode()
                    one.key.encode()

    def test_faults_of_the_whole_request(self):
        for status, body, kind in (
            (400, b"", PLAIN),
            (400, b"{", PLAIN),
            (400, b'[{"id":"a"} {"id":"b"}]', PLAIN),
            (400, b'{"id":"a"}{"id":"b"}', PLAIN),
            (400, b'{"id":"a","q":NaN}', PLAIN),
            (400, b"[" * 100_000, PLAIN),
            (400, b'{"a":' * 100_000, PLAIN),
            (400, '{"id":"a"}'.encode("utf-16"), PLAIN),
            (413, b"[" + b"1," * MOST_EVENTS + b"1]", PLAIN),
            (413, b"{}\n" * (MOST_EVENTS + 1), LINES),
            (413, b"[" + b"[]," * 300_000 + b"[]]", PLAIN),
            (415, b"{}", "text/plain"),
            (415, b"{}", ""),
            (415, b"id=a", "application/x-www-form-urlencoded"),
            (415, b"{}", f"{PLAIN}; charset=latin-1"),
        ):
            with (
                self.subTest(ascii(body[:20]), kind=kind),
                self.assertRaises(RequestFault) as found,
            ):
                read_events(body, kind)
            self.assertEqual(found.exception.status, status)

    def test_limits_of_one_event(self):
        def event(size):
            text = json.dumps({"id": "a", "x": ""})
            return json.dumps({"id": "a", "x": "x" * (size - len(text))}).encode()

        self.assertEqual(reasons(read_events(event(MOST_EVENT_BYTES), PLAIN)), [""])
        [reason] = reasons(read_events(event(MOST_EVENT_BYTES + 1), PLAIN))
        self.assertIn("64 KiB", reason)
        # Bytes are counted, not characters.
        wide = json.dumps({"id": "a", "x": "€" * 22_000}, ensure_ascii=False)
        [reason] = reasons(read_events(wide.encode(), PLAIN))
        self.assertIn("64 KiB", reason)
        deep = b'{"id":"a","data":' + b"[" * 40 + b"]" * 40 + b"}"
        [reason] = reasons(read_events(deep, PLAIN))
        self.assertIn("nested", reason)
        twice = b'{"id":"a",' + b",".join([b'"k":1'] * 10_000) + b"}"
        [reason] = reasons(read_events(twice, PLAIN))
        self.assertIn("twice", reason)


class TestPacked(TestCase):
    @given(st.binary(max_size=500), st.integers(0, 500))
    def test_gzip_is_undone(self, body, cut):
        for name in ("gzip", " X-GZIP "):
            self.assertEqual(unpacked(gzip.compress(body), name), body)
        several = gzip.compress(body[:cut]) + gzip.compress(body[cut:])
        self.assertEqual(unpacked(several, "gzip"), body)
        self.assertEqual(unpacked(body, ""), body)

    @given(st.binary(min_size=1, max_size=200))
    def test_what_is_no_gzip(self, body):
        whole = gzip.compress(body)
        for bad in (body, whole[:-1], whole + b"x", zlib.compress(body)):
            with self.assertRaises(RequestFault) as found:
                unpacked(bad, "gzip")
            self.assertEqual(found.exception.status, 400)

    def test_no_more_members_than_are_soon_read(self):
        empty = gzip.compress(b"")
        self.assertEqual(unpacked(empty * MOST_MEMBERS, "gzip"), b"")
        with self.assertRaises(RequestFault) as found:
            unpacked(empty * (MOST_BYTES // len(empty)), "gzip")
        self.assertEqual(found.exception.status, 400)

    def test_other_encodings(self):
        for name in ("br", "deflate", "gzip, gzip"):
            with self.assertRaises(RequestFault) as found:
                unpacked(b"", name)
            self.assertEqual(found.exception.status, 415)

    def test_a_bomb_costs_no_more_than_a_request(self):
        bomb = gzip.compress(bytes(256 * MIB), 9)
        tracemalloc.start()
        try:
            for packed in (bomb, gzip.compress(bytes(MIB)) * 90):
                with self.assertRaises(RequestFault) as found:
                    unpacked(packed, "gzip")
                self.assertEqual(found.exception.status, 413)
            _now, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertLess(most, 3 * MOST_BYTES)
        with self.assertRaises(RequestFault):
            unpacked(bytes(MOST_BYTES + 1))
