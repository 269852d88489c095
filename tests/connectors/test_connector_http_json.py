# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Any REST API by settings alone, against servers of each style."""

import base64
import unittest
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from odoo.addons.metered_billing.connectors.brightlink import BrightlinkPbxCloud
from odoo.addons.metered_billing.connectors.errors import (
    SourceAnswerError,
    SourceRefused,
    SourceSettingsError,
)
from odoo.addons.metered_billing.connectors.http_json import HttpJson
from odoo.addons.metered_billing.connectors.json_path import (
    flatten,
    follow,
    parse_path,
)
from odoo.addons.metered_billing.connectors.records import join_frames
from odoo.addons.metered_billing.connectors.sources import make_connector
from odoo.addons.metered_billing.demo.servers.faulty_http import FaultyServer, Reply

from ..support.fake_clock import FakeClock

START, END = datetime(2026, 2, 23, tzinfo=UTC), datetime(2026, 2, 24, tzinfo=UTC)
TOTAL = 25
NEW_YORK = ZoneInfo("America/New_York")
BACK = datetime(2026, 11, 1, 6, tzinfo=UTC)  # clocks from 02:00 to 01:00


class RestServer(FaultyServer):
    """Calls of one tenant, paged in the style that the path names, ten at a time."""

    most = 10

    def __init__(self):
        super().__init__()
        self.calls = [
            {
                "uid": f"c{at}",
                "begin": (START + timedelta(minutes=at)).isoformat(),
                "caller": {"number": 12025550101, "name": "A"},
                "legs": [{"to": "13125550142"}],
                "sec": at,
            }
            for at in range(TOTAL)
        ]
        self.tokens = 0

    def answer(self, request):
        query = {**request.query, **(request.form if request.body else {})}
        style = request.path.rpartition("/")[2]
        if style == "token":
            self.tokens += 1
            form = request.form
            if (form["client_id"], form["client_secret"]) != ("me", "se-cret"):
                return Reply.of({"error": "invalid_client"}, 401)
            return Reply.of({"access_token": f"tok-{self.tokens}", "expires_in": 600})
        if style == "tenants":
            return Reply.of([{"id": "a b/c", "title": "First"}])
        if style == "numbers":
            return Reply.of({"items": ["12025550101", "12025550102"]})
        if style == "count":
            return Reply.of({"data": {"n": len(self.calls)}})
        size = min(int(query.get("size", self.most)), self.most)
        at = {
            "page": lambda: (int(query.get("page", 1)) - 1) * size,
            "offset": lambda: int(query.get("offset", 0)),
            "cursor": lambda: int(query.get("after", "x0")[1:]),
            "link": lambda: int(query.get("at", 0)),
            "header": lambda: int(query.get("at", 0)),
        }.get(style, lambda: None)()
        if at is None:
            return Reply.of({"result": {"rows": self.calls}})
        rows, end = self.calls[at : at + size], at + size
        answer, headers = {"result": {"rows": rows}}, {}
        if end < len(self.calls):
            answer["more"] = {"after": f"x{end}", "url": f"{request.path}?at={end}"}
            headers["Link"] = f'<{self.url}{request.path}?at={end}>; rel="next"'
        return Reply.of(answer, **headers)


class HttpJsonCase(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = FakeClock()
        self.server = RestServer()
        self.server.__enter__()
        self.addCleanup(self.server.stop)

    def connect(self, cls=HttpJson, **settings):
        settings = {
            "address": self.server.url,
            "allowed_networks": "127.0.0.1",
            "records_path": "t/{account}/all",
            "records_items": "result.rows",
            "fields": {
                "call_id": "uid",
                "start_time": "begin",
                "duration": "sec",
                "caller": "caller.number",
                "callee": "legs[0].to",
            },
            **settings,
        }
        connector = cls(settings, sleep=self.clock.sleep, clock=self.clock)
        self.addCleanup(connector.close)
        return connector

    def pages(self, connector, start=START, end=END, cursor=None):
        return list(connector.fetch("acme", start, end, cursor))

    def frame(self, connector, *args):
        return join_frames([page.frame for page in self.pages(connector, *args)])


class TestPaging(HttpJsonCase):
    STYLES = {
        "page": {"page_parameter": "page", "size_parameter": "size"},
        "offset": {"page_parameter": "offset", "size_parameter": "size"},
        "cursor": {"page_parameter": "after", "cursor_field": "more.after"},
        "link": {"link_field": "more.url"},
        "header": {"paging": "link"},
    }

    def check_style(self, style, pages, **settings):
        settings = {
            "paging": style,
            "records_path": f"t/{{account}}/{style}",
            **self.STYLES[style],
            **settings,
        }
        connector = self.connect(**settings)
        found = self.pages(connector)
        self.assertEqual([len(page.frame) for page in found], pages, style)
        whole = list(join_frames([page.frame for page in found])["call_id"])
        self.assertEqual(whole, [f"c{at}" for at in range(TOTAL)])
        for at, page in enumerate(found[:-1], 1):
            rest = self.pages(connector, START, END, page.cursor)
            expected = [p.frame["call_id"].tolist() for p in found[at:] if len(p.frame)]
            got = [p.frame["call_id"].tolist() for p in rest if len(p.frame)]
            self.assertEqual(got, expected, style)
        self.assertIsNone(found[-1].cursor)

    def test_every_style_gives_every_record_once_from_every_cursor(self):
        for style in self.STYLES:
            self.check_style(style, [10, 10, 5], page_size="10")

    def test_a_server_that_gives_fewer_than_it_is_asked_for(self):
        self.check_style("page", [10, 10, 5], page_size="100")
        self.check_style("offset", [10, 10, 5], page_size="100")

    def test_a_full_last_page(self):
        for style in ("page", "offset"):
            self.check_style(style, [5] * 5 + [0], page_size="5")

    def test_no_pages(self):
        self.assertEqual(len(self.frame(self.connect())), TOTAL)

    def test_a_server_without_pages_is_read_once(self):
        connector = self.connect(paging="page", page_parameter="page")
        self.assertEqual(len(self.frame(connector)), TOTAL)

    def test_the_same_full_page_again_is_an_error(self):
        connector = self.connect(
            paging="page", page_parameter="page", page_size=str(TOTAL)
        )
        with self.assertRaisesRegex(SourceAnswerError, "same page regardless"):
            self.frame(connector)

    def test_pages_without_end(self):
        number = iter(range(10**6))
        self.server.answer = lambda request: Reply.of([{"uid": next(number)}])
        connector = self.connect(
            paging="page", page_parameter="p", records_items="", max_pages="7"
        )
        with self.assertRaisesRegex(
            SourceAnswerError, "7 pages without reaching the end"
        ):
            self.frame(connector)
        self.server.answer = lambda request: Reply.of({"r": [], "next": "x"})
        connector = self.connect(
            paging="cursor", page_parameter="p", records_items="r", cursor_field="next"
        )
        with self.assertRaisesRegex(SourceAnswerError, "current page as the next"):
            self.frame(connector)

    def test_a_next_link_to_another_server_is_not_followed(self):
        self.server.answer = lambda request: Reply.of(
            {"result": {"rows": [{}]}, "more": {"url": "http://evil.example/"}}
        )
        connector = self.connect(paging="link", link_field="more.url")
        with self.assertRaisesRegex(SourceAnswerError, "evil.example"):
            self.frame(connector)

    def test_the_account_cannot_leave_its_place_in_the_path(self):
        list(self.connect().fetch("x/y?z", START, END))
        self.assertEqual(self.server.requests[0].path, "/t/x/y?z/all")
        self.assertEqual(self.server.requests[0].query, {})


class TestRecords(HttpJsonCase):
    def test_fields_and_everything_else(self):
        row = self.frame(self.connect()).to_dict("records")[3]
        self.assertEqual(
            row,
            {
                "call_id": "c3",
                "start_time": "2026-02-23T00:03:00+00:00",
                "duration": "3",
                "caller": "12025550101",
                "callee": "13125550142",
                "uid": "c3",
                "begin": "2026-02-23T00:03:00+00:00",
                "caller.number": "12025550101",
                "caller.name": "A",
                "legs": '[{"to": "13125550142"}]',
                "sec": "3",
                # Nothing in it says whose it is: who was asked for.
                "account": "acme",
            },
        )

    def test_a_preview(self):
        connector = self.connect(
            start_parameter="from", api_key="topsecret", authentication="bearer"
        )
        tried = connector.tryout("acme", START, END)
        self.assertEqual((len(tried.frame), tried.rows), (10, TOTAL))
        self.assertEqual(tried.frame["callee"][0], "13125550142")
        self.assertIn("caller.number", tried.places)
        self.assertIn('"uid": "c0"', tried.sample)
        self.assertTrue(tried.asked.endswith("/t/acme/all?from=2026-02-23T00:00:00Z"))
        self.assertEqual(len(self.server.requests), 1)
        self.server.calls = []
        empty = connector.tryout("acme", START, END)
        self.assertEqual((len(empty.frame), empty.places), (0, []))

    def test_places_that_are_not_there(self):
        with self.assertRaisesRegex(SourceAnswerError, "no list at data.calls"):
            self.frame(self.connect(records_items="data.calls"))
        with self.assertRaisesRegex(SourceAnswerError, "no list at the top level"):
            self.frame(self.connect(records_items=""))
        self.server.calls = [1, 2]
        with self.assertRaisesRegex(SourceAnswerError, "does not contain objects"):
            self.frame(self.connect())

    def test_records_of_a_thousand_names_are_none(self):
        self.server.calls = [{f"n{at}": at} for at in range(1001)]
        with self.assertRaisesRegex(SourceAnswerError, "more than 1000 different"):
            self.frame(self.connect(fields={}))

    def test_accounts_numbers_and_counts(self):
        connector = self.connect(
            accounts_path="tenants",
            account_name="title",
            numbers_path="t/{account}/numbers",
            numbers_items="items",
            count_path="t/{account}/count",
            count_field="data.n",
        )
        (account,) = connector.accounts()
        self.assertEqual((account.key, account.name), ("a b/c", "First"))
        numbers = [i.value for i in connector.identifiers(account.key)]
        self.assertEqual(numbers, ["12025550101", "12025550102"])
        self.assertEqual(connector.count("a", START, END), TOTAL)
        self.assertEqual(
            [check.ok for check in connector.check("a b/c")], [True, True, True, True]
        )
        self.assertFalse(connector.check("other")[-1].ok)

    def test_paths(self):
        data = {"a": [{"b c": {"d": 7}}], "x.y": 1}
        for path, value in {
            'a[0]["b c"].d': 7,
            "$.a[-1]['b c'].d": 7,
            '["x.y"]': 1,
            "a[9].b": None,
            "a.b": None,
            "x.y": None,
        }.items():
            self.assertEqual(follow(data, parse_path(path)), value, path)
        self.assertEqual(follow(data, parse_path("")), data)
        for path in ("a[", "a[x]", "[0]b", "a..b"):
            with self.assertRaisesRegex(SourceSettingsError, "not a valid JSON path"):
                parse_path(path)
        deep = {}
        for _ in range(20):
            deep = {"n": deep}
        self.assertEqual(list(flatten(deep)), [".".join("n" * 9)])


class TestAuthentication(HttpJsonCase):
    def sent(self, **settings):
        self.frame(self.connect(**settings))
        return self.server.requests[-1]

    def test_kinds(self):
        self.assertNotIn("Authorization", self.sent().headers)
        basic = self.sent(authentication="basic", username="u", password="p")
        self.assertEqual(
            basic.headers["Authorization"],
            f"Basic {base64.b64encode(b'u:p').decode()}",
        )
        bearer = self.sent(authentication="bearer", api_key="k1")
        self.assertEqual(bearer.headers["Authorization"], "Bearer k1")
        header = self.sent(authentication="header", key_name="X-Key", api_key="k2")
        self.assertEqual(header.headers["X-Key"], "k2")
        query = self.sent(authentication="query", key_name="key", api_key="k3")
        self.assertEqual(query.query, {"key": "k3"})

    def test_client_credentials_are_renewed_when_they_end(self):
        settings = {
            "authentication": "oauth2_client",
            "client_id": "me",
            "client_secret": "se-cret",
            "token_address": f"{self.server.url}/token",
        }
        connector = self.connect(**settings)
        self.frame(connector)
        self.clock.now += 599
        self.frame(connector)
        tokens = [
            request.headers.get("Authorization") for request in self.server.requests
        ]
        self.assertEqual(tokens, [None, "Bearer tok-1", None, "Bearer tok-2"])
        with self.assertRaisesRegex(SourceRefused, "invalid_client"):
            self.frame(self.connect(**settings | {"client_secret": "wrong"}))

    def test_what_is_missing_is_said(self):
        cases = [
            ({"authentication": "basic"}, "no password"),
            ({"authentication": "header"}, "no name"),
            ({"authentication": "oauth2_client"}, "No token URL"),
            ({"authentication": "magic"}, "Unknown authentication method: magic"),
            ({"paging": "scroll"}, "Unknown paging method: scroll"),
            ({"page_size": "many"}, "page size is many"),
            ({"timezone": "Mars/Olympus"}, "no time zone"),
        ]
        for settings, message in cases:
            with self.assertRaisesRegex(SourceSettingsError, message):
                self.connect(**settings)
        with self.assertRaisesRegex(SourceSettingsError, "no records path"):
            self.frame(self.connect(records_path=""))
        with self.assertRaisesRegex(SourceSettingsError, "page parameter has no name"):
            self.frame(self.connect(paging="page"))


class TestTimes(HttpJsonCase):
    NAMES = {"start_parameter": "from", "end_parameter": "to"}

    def asked(self, start=START, end=END, **settings):
        self.frame(self.connect(**self.NAMES, **settings), start, end)
        return [(r.query["from"], r.query["to"]) for r in self.server.requests]

    def test_formats(self):
        for layout, expected in {
            "": ("2026-02-23T00:00:00Z", "2026-02-24T00:00:00Z"),
            "epoch": ("1771804800", "1771891200"),
            "epoch_ms": ("1771804800000", "1771891200000"),
            "%d.%m.%Y %H:%M": ("23.02.2026 00:00", "24.02.2026 00:00"),
        }.items():
            self.server.requests.clear()
            self.assertEqual(self.asked(time_format=layout), [expected])
        self.server.requests.clear()
        local = {"time_format": "%Y-%m-%d %H:%M", "timezone": "America/New_York"}
        self.assertEqual(
            self.asked(**local), [("2026-02-22 19:00", "2026-02-23 19:00")]
        )

    def night(self, write, read):
        """A server with a call each minute of the night clocks are set back."""
        begin = BACK - timedelta(hours=3)
        calls = [begin + timedelta(minutes=at) for at in range(360)]

        def answer(request):
            first, last = read(request.query["from"]), read(request.query["to"])
            return Reply.of(
                [
                    {"uid": at, "begin": write(call)}
                    for at, call in enumerate(calls)
                    if first <= call < last
                ]
            )

        self.server.answer = answer
        return calls, begin, begin + timedelta(hours=6)

    def test_a_switch_that_answers_local_times_loses_and_doubles_no_hour(self):
        calls, begin, end = self.night(
            lambda call: call.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S"),
            datetime.fromisoformat,
        )
        connector = self.connect(
            **self.NAMES, records_items="", timezone="America/New_York"
        )
        frame = self.frame(connector, begin, end)
        self.assertEqual(
            list(frame["start_time"]), [f"{c:%Y-%m-%dT%H:%M:%SZ}" for c in calls]
        )

    def test_a_switch_that_is_asked_in_local_times_too_loses_none(self):
        layout = "%Y-%m-%d %H:%M:%S"
        for fold in (0, 1):
            calls, begin, end = self.night(
                lambda call: call.astimezone(NEW_YORK).strftime(layout),
                lambda text, fold=fold: datetime.strptime(text, layout).replace(
                    tzinfo=NEW_YORK, fold=fold
                ),
            )
            connector = self.connect(
                **self.NAMES,
                records_items="",
                timezone="America/New_York",
                time_format=layout,
                window_hours="1",
            )
            frame = self.frame(connector, begin, end)
            self.assertEqual(set(frame["uid"]), {str(at) for at in range(len(calls))})
            # Asked for twice it is the same record: nothing is doubled.
            self.assertEqual(len(frame.drop_duplicates()), len(calls))


class TestBrightlink(HttpJsonCase):
    def test_it_invents_nothing(self):
        connector = self.connect(BrightlinkPbxCloud, records_path="")
        (failed,) = connector.check("acme.example.com")
        self.assertFalse(failed.ok)
        self.assertIn("not public", failed.remedy)
        self.assertEqual(self.server.requests, [])

    def test_with_the_manual_it_works(self):
        settings = {
            "address": self.server.url,
            "allowed_networks": "127.0.0.1",
            "records_path": "t/{account}/page",
            "records_items": "result.rows",
            "paging": "page",
            "page_parameter": "page",
        }
        with make_connector("brightlink", settings) as connector:
            frame = join_frames(
                [p.frame for p in connector.fetch("acme.example.com", START, END)]
            )
        self.assertEqual(len(frame), TOTAL)
        self.assertEqual(self.server.requests[0].path, "/t/acme.example.com/page")
