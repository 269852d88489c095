# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""JSON that strangers send: answers of servers, records that switches post."""

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from unittest import TestCase

import urllib3
from requests.adapters import HTTPAdapter

from odoo.addons.metered_billing.connectors.errors import (
    SourceAnswerError,
    SourceError,
)
from odoo.addons.metered_billing.connectors.freeswitch_json import (
    document_record,
    read_body,
)
from odoo.addons.metered_billing.connectors.http import HttpClient
from odoo.addons.metered_billing.connectors.http_json_pages import NEXT_LINK
from odoo.addons.metered_billing.connectors.json_path import flatten, parse_path
from odoo.addons.metered_billing.connectors.json_text import read_json
from odoo.addons.metered_billing.connectors.records import (
    text,
    text_frame,
    whole_number,
)
from odoo.addons.metered_billing.connectors.sources import make_connector
from odoo.addons.metered_billing.connectors.windows import utc_text, zone

from ..support.reading_cost import assert_readable, bounded

ADDRESS = "http://switch.example/api"
DAY = datetime(2026, 10, 1, tzinfo=UTC)


class TestReadJson(TestCase):
    def test_what_is_no_character_is_replaced(self):
        for sent, value in (
            (rb'"\ud800"', "\ufffd"),
            (rb'"\udc00\ud800"', "\ufffd\ufffd"),
            (rb'"\ud83d\ude00"', "😀"),
            (rb'"\uD83D\uDE00\uDE00"', "😀\ufffd"),
            (rb'"\\ud800"', r"\ud800"),
            (rb'"\\\ud800"', "\\\ufffd"),
            (rb'"\\\\ud800"', r"\\ud800"),
            (rb'"a\u0000b"', "a\ufffdb"),
            (b'"a\xed\xa0\x80b"', "a\ufffd\ufffd\ufffdb"),
            (b'"\xff"', "\ufffd"),
            ('"é"'.encode("utf-16"), "é"),
            ('"é"'.encode("utf-8-sig"), "é"),
        ):
            with self.subTest(ascii(sent)):
                self.assertEqual(read_json(sent), value)
                if sent.startswith(b'"'):
                    self.assertEqual(read_json(b'{"x":[%b]}' % sent), {"x": [value]})
        self.assertEqual(read_json(rb'{"\ud800": 1}'), {"\ufffd": 1})

    def test_numbers_keep_their_digits(self):
        for sent in ("1.10", "1e999999999", "-0.0", "NaN", "Infinity", "9" * 999):
            self.assertEqual(read_json(sent.encode()), sent)
            self.assertEqual(text(read_json(sent.encode())), sent)
        self.assertEqual(read_json(b"12025550101"), 12025550101)
        self.assertEqual(read_json(b"-7"), -7)

    def test_what_asks_for_too_much(self):
        for sent, message in (
            (b"[" * 101 + b"]" * 101, "nested deeper than 100 levels"),
            (b'{"a": %b}' % (b"9" * 50_000), "more than 32,767 digits"),
            (b"[" * 200_000, "nested deeper|objects"),
            (b'{"a":' * 100_000, "nested deeper"),
            (b"[" + b"{}," * 300_000 + b"{}]", "more than 250,000 objects"),
            (b"[" + b"[]," * 300_000 + b"[]]", "more than 250,000 objects"),
            (b"[" + b'"ab",' * 3_000_000 + b"1]", "more than 2,000,000 values"),
        ):
            with (
                self.subTest(ascii(sent[:9])),
                bounded(),
                self.assertRaisesRegex(ValueError, message),
            ):
                read_json(sent)
        # What is read can be written.
        levels = "[" * 99 + "]" * 99
        self.assertEqual(text(read_json(b'{"a":%b}' % levels.encode())["a"]), levels)

    def test_posts(self):
        body = rb'{"variables": {"uuid": "a", "n": "\ud800", "x": %b}}' % (b"9" * 99)
        record = document_record(read_body(body))
        self.assertEqual((record["n"], record["x"]), ("\ufffd", "9" * 99))
        for body in (
            b"[" * 9999,
            b"\xff",
            b'{"a":' * 99,
            b"cdr=" + b"a=1&" * 9999,
            b"",
        ):
            with self.assertRaises(SourceAnswerError) as caught:
                read_body(body)
            assert_readable(str(caught.exception))


class TestRecords(TestCase):
    def test_records_with_nothing_in_common(self):
        wide = [{str(name): "1" for name in range(1000)}]
        with bounded(), self.assertRaisesRegex(SourceAnswerError, "in common"):
            text_frame([{}] * 250_000 + wide)
        with self.assertRaisesRegex(SourceAnswerError, "more than 1000 different"):
            text_frame([{str(name): 1} for name in range(1001)])
        # A portion of what a switch posts is not of that kind.
        frame = text_frame([{"a": 1, f"x{n % 900}": 2} for n in range(2000)])
        self.assertEqual(frame.shape, (2000, 901))

    def test_long_names_are_not_multiplied(self):
        inner = {str(name): 1 for name in range(1000)}
        with bounded():
            flat = flatten({"a" * 10**6: inner})
        self.assertEqual(flat, {"a" * 10**6: inner})
        self.assertEqual(flatten({"a": {"b": 1}}), {"a.b": 1})

    def test_whole_numbers(self):
        for value, number in (
            *((0, 0), ("7", 7), (7, 7), ("9" * 18, 10**18 - 1), (7.0, 7)),
            *(("9" * 5000, None), ("٤٤", None), ("²", None), ("", None)),
            *((None, None), (-1, None), ("1e3", None), ([], None), (True, None)),
        ):
            self.assertEqual(whole_number(value), number)

    def test_places(self):
        self.assertEqual(parse_path("a[12]"), ("a", 12))
        for path in ("a[٤]", f"a[{'9' * 5000}]"):
            with self.assertRaises(SourceError):
                parse_path(path)

    def test_first_and_last_days(self):
        local = zone("America/New_York")
        for value in (
            "9999-12-31T23:59:59",
            "0001-01-01T00:00:00",
            "9999-12-31T23:59:59.5-12:00",
        ):
            self.assertIsInstance(utc_text(value, local), str)
        self.assertEqual(utc_text("9999-12-31T23:59:59", local), "9999-12-31T23:59:59")


class Answering(HTTPAdapter):
    """Gives the same answer to each request."""

    def __init__(self, body=b"[]", status=200, **headers):
        super().__init__()
        self.body, self.status, self.headers = body, status, headers

    def send(self, request, **_options):
        headers = {"Content-Type": "application/json", **self.headers}
        raw = urllib3.HTTPResponse(
            io.BytesIO(self.body), headers, self.status, preload_content=False
        )
        return self.build_response(request, raw)


class TestAnswers(TestCase):
    def ask(self, adapter):
        client = HttpClient(ADDRESS, sleep=lambda _seconds: None)
        self.addCleanup(client.close)
        client._session.mount("http://", adapter)
        client._session.mount("https://", adapter)
        return client.get_json("calls")

    def assert_refused(self, adapter, message):
        with self.assertRaisesRegex(SourceError, message) as caught:
            self.ask(adapter)
        assert_readable(str(caught.exception))

    def test_redirects_to_no_address(self):
        for place in (
            "http://[::1",
            "http://switch.example:999999/",
            "http://switch.example:x/",
            "http://switch.example:0/",
            "http://[]/",
            "http://",
            "//",
            "http://\udc80/",
            "\ud800",
            "http://switch.example:٤٤/",
        ):
            with self.subTest(ascii(place)):
                self.assert_refused(
                    Answering(status=302, Location=place), "redirect|sends us"
                )

    def test_messages_stay_short(self):
        for place in ("http://" + "9" * 5000, "/" + "0" * 5000):
            self.assert_refused(Answering(status=302, Location=place), "redirects")

    def test_redirects_of_bytes(self):
        place = "/caf\xe9?\xb2"  # no UTF-8
        self.assert_refused(
            Answering(status=302, Location=place), "redirects more than"
        )

    def test_links_to_no_address(self):
        settings = {
            "address": ADDRESS,
            "records_path": "calls",
            "paging": "link",
            "link_field": "next",
            "records_items": "data",
        }
        for place in ("http://[::1", "http://a:999999/", "//b/", "http://\ud800/"):
            body = json.dumps({"data": [{"id": 1}], "next": place}).encode()
            with make_connector("http_json", settings) as connector:
                connector.client._session.mount("http://", Answering(body))
                with self.assertRaises(SourceError) as caught:
                    list(connector.fetch("a", DAY, DAY + timedelta(days=1)))
            assert_readable(str(caught.exception))

    def test_link_headers_take_no_time(self):
        for header in (
            "<" * 60_000,
            "<>" * 30_000,
            "<a>;" * 15_000,
            "<a>" + ";" * 60_000,
        ):
            with bounded():
                NEXT_LINK.search(header[:8000])

    def test_packed_answers(self):
        packed = gzip.compress(b"[" + b" " * 15 * 2**20 + b"]")
        answer = {"Content-Encoding": "gzip"}
        with bounded():
            self.assert_refused(
                Answering(packed, **answer), "more than 200 times its size"
            )
        packed = gzip.compress(b"[" + b" " * 10**6 + b"]")
        self.assertEqual(self.ask(Answering(packed, **answer)), [])

    def test_half_characters(self):
        self.assertEqual(self.ask(Answering(rb'[{"a":"\ud800"}]')), [{"a": "\ufffd"}])
        self.assert_refused(
            Answering(b"[" * 500 + b"]" * 500), "not valid JSON: it is nested"
        )
        self.assert_refused(
            Answering(b'{"message": "\\ud800 ' + b"x" * 999 + b'"}', 400), "answers 400"
        )

    def test_counts(self):
        settings = {"address": ADDRESS, "count_path": "count"}
        for total, found in ((b"7", 7), (b'"7"', 7), (b"9" * 500, None)):
            with make_connector("http_json", settings) as connector:
                adapter = Answering(b'{"total": %b}' % total)
                connector.client._session.mount("http://", adapter)
                if found is None:
                    with self.assertRaisesRegex(SourceAnswerError, "no number at"):
                        connector.count("a", DAY, DAY + timedelta(days=1))
                else:
                    count = connector.count("a", DAY, DAY + timedelta(days=1))
                    self.assertEqual(count, found)
