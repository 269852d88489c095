# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The NetSapiens connector against a server held to the vendor's description."""

import json
import logging
import os
import unittest
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest import mock

import numpy as np

from odoo.addons.metered_billing.connectors.errors import (
    SourceAnswerError,
    SourceBusy,
    SourceError,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
)
from odoo.addons.metered_billing.connectors.netsapiens import NetSapiens
from odoo.addons.metered_billing.connectors.netsapiens_rows import (
    DERIVED,
    from_v1,
    text_rows,
)
from odoo.addons.metered_billing.connectors.records import (
    join_frames,
    text_frame,
)
from odoo.addons.metered_billing.connectors.windows import Window
from odoo.addons.metered_billing.demo.servers import netsapiens as server_module
from odoo.addons.metered_billing.demo.servers.faulty_http import Fault, Reply
from odoo.addons.metered_billing.demo.servers.netsapiens import (
    API_KEY,
    CLIENT,
    USER,
    NetSapiensServer,
)
from odoo.addons.metered_billing.demo.servers.netsapiens_calls import (
    Leg,
    make_domain,
    month_of_calls,
)
from odoo.addons.metered_billing.ingest.prepare import prepare

from ..support.fake_clock import FakeClock
from ..support.plain_settings import make_settings

DATA = Path(__file__).parents[1] / "data" / "netsapiens"
ACME = "acme.12345.service"
DAY = datetime(2026, 2, 23, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)
WINDOW = Window(DAY, NEXT)
PASSWORD = {"authentication": "password", **CLIENT, **USER}


def rows_frame(rows, domain, window):
    """Rows as a page of records has them."""
    return text_frame(text_rows(rows, domain, window), DERIVED)


def make_acme(per_day=250, days=1):
    return month_of_calls(make_domain(ACME), DAY, days, per_day)


class NetSapiensCase(unittest.TestCase):
    """A server, and connectors whose waiting takes no time."""

    def setUp(self):
        super().setUp()
        self.clock = FakeClock()
        self.acme = make_acme()

    def serve(self, domains=None, **options):
        server = NetSapiensServer(
            [self.acme] if domains is None else domains, clock=self.clock, **options
        )
        server.__enter__()
        self.addCleanup(server.stop)
        return server

    def connect(self, server, **settings):
        settings = {
            "address": server.url,
            "api_key": API_KEY,
            "allowed_networks": "127.0.0.1",
            **settings,
        }
        connector = NetSapiens(settings, sleep=self.clock.sleep, clock=self.clock)
        self.addCleanup(connector.close)
        return connector

    def fetched(self, connector, start=DAY, end=NEXT, account=ACME, cursor=None):
        pages = list(connector.fetch(account, start, end, cursor))
        return join_frames([page.frame for page in pages])

    def paths(self, server, part):
        return [r for r in server.requests if part in r.path]


class TestLevels(NetSapiensCase):
    """How many extensions, allowed and active calls a domain has."""

    def levels(self, connector):
        return [connector.level(ACME, what) for what in connector.levels]

    def test_as_the_switch_tells(self):
        server = self.serve()
        people = [user for user in self.acme.users if not user.service_code]
        self.assertLess(len(people), len(self.acme.users), "system users are none")
        for allowed, active in ((25, 0), (0, 7), (None, 3)):
            self.acme.allowed_calls, self.acme.active_calls = allowed, active
            self.assertEqual(
                self.levels(self.connect(server)), [len(people), allowed, active]
            )
        self.assertEqual(server.problems, [])

    def test_many_extensions_are_paged(self):
        server = self.serve([make_domain(ACME, number_of_users=1500)])
        self.assertEqual(self.connect(server).level(ACME, "extensions"), 1500)
        self.assertEqual(len(self.paths(server, "/users")), 2)

    def test_a_token_that_expires_between_two_samples(self):
        server = self.serve(token_seconds=300)
        connector = self.connect(server, **PASSWORD)
        for _sample in range(3):
            self.assertEqual(connector.level(ACME, "active_calls"), 0)
            self.clock.sleep(301)
        self.assertEqual(server.grants[0], "password")
        self.assertGreaterEqual(len(server.grants), 3)

    def test_what_cannot_be_told(self):
        connector = self.connect(self.serve(apis=("v1",)))
        self.assertEqual(connector.level(ACME, "extensions"), 5)
        for what in ("allowed_calls", "active_calls"):
            with self.assertRaisesRegex(SourceSettingsError, "Version 1"):
                connector.level(ACME, what)
        server = self.serve()
        with self.assertRaises(SourceAnswerError):
            self.connect(server).level("nobody.12345.service", "active_calls")
        for body in (b"{}", b"[]", b'{"total": "many"}', b'{"total": -1}', b"7"):
            with (
                mock.patch.object(
                    server, "_read", lambda *_asked, body=body: Reply.of(body)
                ),
                self.assertRaisesRegex(SourceAnswerError, "does not say how many"),
            ):
                self.connect(server).level(ACME, "active_calls")


class TestFetch(NetSapiensCase):
    def test_every_leg_comes_once_with_what_the_switch_knows(self):
        server = self.serve()
        frame = self.fetched(self.connect(server))
        legs = {leg.id: leg for leg in self.acme.legs}
        self.assertEqual(sorted(frame["call_id"]), sorted(legs))
        self.assertGreater(len(legs), 250)
        for row in frame.to_dict("records"):
            leg = legs[row["call_id"]]
            self.assertEqual(row["talking_seconds"], str(leg.talk))
            self.assertEqual(
                datetime.fromisoformat(row["start_time"]), leg.start, row["call_id"]
            )
            self.assertEqual(row["account"], ACME)
        self.assertEqual(server.problems, [])

    def test_pages_are_of_100_rows_and_asked_for_in_utc(self):
        server = self.serve()
        pages = list(self.connect(server).fetch(ACME, DAY, NEXT))
        sizes = [len(page.frame) for page in pages]
        self.assertEqual(sizes[:-1], [100] * (len(sizes) - 1))
        self.assertEqual(sum(sizes), len(self.acme.legs))
        asked = [request.query for request in self.paths(server, "/cdrs")]
        self.assertEqual({query["limit"] for query in asked}, {"100"})
        self.assertEqual([query["start"] for query in asked], ["0", "100", "200"])
        self.assertEqual(asked[0]["datetime-start"], "2026-02-23T00:00:00Z")
        self.assertEqual(asked[0]["datetime-end"], "2026-02-24T00:00:00Z")

    def test_going_on_at_any_cursor_gives_the_rest(self):
        domain = make_acme(per_day=220, days=2)
        connector = self.connect(self.serve([domain]))
        end = DAY + timedelta(days=2)
        pages = list(connector.fetch(ACME, DAY, end))
        self.assertIsNone(pages[-1].cursor)
        whole = list(join_frames([page.frame for page in pages])["call_id"])
        self.assertEqual(len(set(whole)), len(domain.legs))
        for at, page in enumerate(pages[:-1], 1):
            rest = self.fetched(connector, DAY, end, cursor=page.cursor)
            expected = join_frames([p.frame for p in pages[at:]])
            self.assertEqual(list(rest["call_id"]), list(expected["call_id"]))

    def test_a_full_last_page_is_followed_by_an_empty_one(self):
        self.acme.legs = self.acme.legs[:200]
        pages = list(self.connect(self.serve()).fetch(ACME, DAY, NEXT))
        self.assertEqual([len(page.frame) for page in pages], [100, 100, 0])
        self.assertIsNone(pages[-1].cursor)

    def test_counts_agree_with_what_is_fetched(self):
        server = self.serve()
        connector = self.connect(server)
        self.assertEqual(connector.count(ACME, DAY, NEXT), len(self.fetched(connector)))
        self.assertEqual(server.problems, [])

    def test_a_switch_that_ignores_the_offset_ends_in_an_error(self):
        server = self.serve()
        with (
            mock.patch.object(
                server,
                "_cdrs",
                lambda d, q, c: Reply.of([{"id": str(i)} for i in range(100)]),
            ),
            self.assertRaisesRegex(SourceAnswerError, "same 100 records"),
        ):
            self.fetched(self.connect(server))

    def test_pages_without_end_end(self):
        server = self.serve()
        rows = iter(range(10**9))

        def endless(domain, query, counted):
            return Reply.of([{"id": str(next(rows))} for _ in range(100)])

        with (
            mock.patch.object(server, "_cdrs", endless),
            self.assertRaisesRegex(
                SourceAnswerError, "20 full pages without reaching the end"
            ),
        ):
            self.fetched(self.connect(server, max_pages=20))
        self.assertEqual(len(self.paths(server, "/cdrs")), 20)

    def test_a_domain_that_is_a_path_is_not_asked_for(self):
        server = self.serve()
        with self.assertRaisesRegex(SourceSettingsError, "cannot be part of"):
            self.fetched(self.connect(server), account="../users")
        self.assertEqual([r.path for r in server.requests], ["/ns-api/v2/version"])


class TestRows(NetSapiensCase):
    """What the description does not say, and live servers do."""

    def frame(self, *legs, **changes):
        self.acme.legs = list(legs)
        frame = self.fetched(self.connect(self.serve()), DAY, DAY + timedelta(days=2))
        self.assertEqual(len(frame), len(legs))
        return frame.iloc[::-1].to_dict("records")

    def leg(self, **values):
        values = {
            "id": "1",
            "start": DAY + timedelta(hours=17),
            "direction": 0,
        } | values
        return Leg(**values)

    def test_placed_by_a_user(self):
        (row,) = self.frame(
            self.leg(
                talk=125,
                hold=15,
                orig_user="1001",
                orig_number="12025550101",
                dialled="011442071838750",
                term_number="442071838750",
            )
        )
        expected = {
            "direction": "outbound",
            "network": "off-net",
            "answered": "yes",
            "talking_seconds": "125",
            "connected_seconds": "140",
            "total_seconds": "145",
            "caller": "12025550101",
            "callee": "442071838750",
            "extension": f"1001@{ACME}",
            "payer_number": "12025550101",
            "forwarded_by": "",
            "noise": "",
        }
        self.assertEqual({name: row[name] for name in expected}, expected)

    def test_inbound_missed_and_internal(self):
        inbound, missed, internal, kind3 = self.frame(
            self.leg(
                id="1",
                direction=1,
                talk=5,
                orig_number="13125550142",
                dialled="12025550101",
                term_user="1001",
            ),
            self.leg(
                id="2",
                direction=2,
                orig_number="13125550142",
                dialled="12025550101",
                term_user="1001",
            ),
            self.leg(
                id="3", talk=5, orig_user="1001", dialled="1002", term_user="1002"
            ),
            self.leg(id="4", direction=3, talk=5, orig_user="1001", dialled="1002"),
        )
        for row in (inbound, missed):
            self.assertEqual(row["direction"], "inbound")
            self.assertEqual(row["network"], "off-net")
            self.assertEqual(row["extension"], f"1001@{ACME}")
            self.assertEqual(row["payer_number"], "12025550101")
        self.assertEqual((inbound["answered"], missed["answered"]), ("yes", "no"))
        for row in (internal, kind3):
            self.assertEqual(row["direction"], "internal")
            self.assertEqual(row["network"], "on-net")

    def test_forwarded_out_of_the_switch_is_paid_by_who_forwarded(self):
        (row,) = self.frame(
            self.leg(
                direction=1,
                talk=60,
                orig_number="13125550142",
                dialled="12025550101",
                term_number="17705550123",
                through_user="1001",
                through_number="12025550101",
                through_action="ForwardAlways",
            )
        )
        self.assertEqual(row["direction"], "outbound")
        self.assertEqual(row["caller"], "13125550142")
        self.assertEqual(row["callee"], "17705550123")
        self.assertEqual(row["extension"], f"1001@{ACME}")
        self.assertEqual(row["forwarded_by"], f"1001@{ACME}")
        # Not the caller's, who may be a customer as well.
        self.assertEqual(row["payer_number"], "12025550101")

    def test_answered_by_a_queue_is_not_answered(self):
        (row,) = self.frame(
            self.leg(
                direction=1, answered_by_machine=True, waiting=40, term_user="2000"
            )
        )
        self.assertEqual(row["call-answer-datetime"], "2026-02-23T17:00:05+00:00")
        self.assertEqual(row["answered"], "no")
        self.assertEqual(row["connected_seconds"], "0")

    def test_the_zero_date_is_no_time(self):
        (row,) = self.frame(self.leg(direction=2, term_user="1001"))
        self.assertEqual(row["call-answer-datetime"], "")

    def test_noise_is_marked_and_kept(self):
        rows = self.frame(
            self.leg(id="1", orig_user="1001", reason="Term: Reg Expired"),
            self.leg(id="2", orig_user="1001", term_user="1001", talk=4),
            self.leg(id="3", orig_user="1001", talk=4, hidden=1),
            self.leg(id="4", orig_user="1001", talk=4),
        )
        self.assertEqual(
            [row["noise"] for row in rows], ["registration", "self", "hidden", ""]
        )

    def test_numbers_keep_their_digits_however_they_are_sent(self):
        for sent in (12025550101, "12025550101", " 12025550101"):
            row = {"id": "1", "call-direction": 0, "call-orig-caller-id": sent}
            frame = rows_frame([row], ACME, WINDOW)
            self.assertEqual(frame["caller"][0], "12025550101")
        (row,) = self.frame(self.leg(orig_user="1001", orig_number="0012025550101"))
        self.assertEqual(row["caller"], "0012025550101")
        self.assertEqual(row["call-direction"], "0")

    def test_a_number_sent_as_a_fraction_passes_through_no_float(self):
        server = self.serve()
        body = (
            b'[{"id": 1771866001123456789012, "call-orig-caller-id": 12025550101.10}]'
        )
        with mock.patch.object(server, "_cdrs", lambda d, q, c: Reply.of(body)):
            frame = self.fetched(self.connect(server))
        self.assertEqual(frame["call_id"][0], "1771866001123456789012")
        self.assertEqual(frame["caller"][0], "12025550101.10")

    def test_a_leg_over_midnight_comes_short_and_keeps_its_id(self):
        late = self.leg(
            id="over",
            start=DAY + timedelta(hours=23, minutes=59),
            orig_user="1001",
            orig_number="12025550101",
            dialled="13125550142",
            term_number="13125550142",
            talk=600,
        )
        (row,) = self.frame(late)
        self.assertNotIn("id", row)
        self.assertNotIn("call-orig-call-id", row)
        self.assertEqual(row["call_id"], "over")
        self.assertEqual(row["talking_seconds"], "600")
        self.assertEqual(row["extension"], f"1001@{ACME}")
        self.assertEqual(row["callee"], "13125550142")
        self.assertEqual(row["direction"], "outbound")

    def test_rows_are_short_beyond_100_a_page(self):
        # What the connector must not do, so that the server here is like the real one.
        server = self.serve()
        rows = self.connect(server)._read(
            f"domains/{ACME}/cdrs",
            **{
                "datetime-start": "2026-02-23T00:00:00Z",
                "datetime-end": "2026-02-24T00:00:00Z",
                "limit": 101,
            },
        )
        self.assertEqual({len(row) for row in rows}, {28})
        frame = self.fetched(self.connect(server))
        self.assertTrue((frame["call-orig-call-id"] != "").any())

    def test_legs_of_a_transferred_call_share_its_call_id(self):
        first, second = self.frame(
            self.leg(id="1", direction=1, talk=10, term_user="1001", call_id="c"),
            self.leg(id="1t", direction=1, talk=5, term_user="1002", call_id="c"),
        )
        self.assertEqual(first["call-orig-call-id"], second["call-orig-call-id"])
        self.assertNotEqual(first["call_id"], second["call_id"])

    def test_times_without_offset_are_utc_because_that_was_asked_for(self):
        row = {"id": "1", "call-start-datetime": "2026-02-23 17:00:01"}
        frame = rows_frame([row], ACME, WINDOW)
        self.assertEqual(frame["start_time"][0], "2026-02-23T17:00:01Z")

    def test_the_documents_examples(self):
        rows = json.loads((DATA / "netsapiens_v2_domain_cdrs.json").read_text())
        frame = rows_frame(rows, ACME, WINDOW)
        self.assertEqual(list(frame["direction"]), ["outbound", "inbound"])
        self.assertEqual(list(frame["answered"]), ["yes", "no"])
        self.assertEqual(list(frame["connected_seconds"]), ["125", "0"])
        (old,) = json.loads((DATA / "netsapiens_v1_cdr2_read.json").read_text())
        frame1 = rows_frame([from_v1(old)], ACME, WINDOW)
        for name in ("call_id", "talking_seconds", "direction", "callee", "extension"):
            self.assertEqual(frame1[name][0], frame[name][0], name)


class TestPipeline(NetSapiensCase):
    def test_legs_are_rated_by_the_preset(self):
        server = self.serve()
        frame = self.fetched(self.connect(server))
        numbers = [f"+{number}" for number, use, _to in self.acme.numbers if _to]
        settings = make_settings(numbers, preset="netsapiens")
        prepared = prepare(frame, np.arange(len(frame)), [], settings)
        # The settings of this test know the United States and the United Kingdom only.
        self.assertEqual(set(prepared.rejected.reason), {"no_destination"})
        abroad = set(prepared.rejected.call_id)
        cdrs = prepared.cdrs
        charged = {
            call_id: seconds
            for call_id, billable, seconds in zip(
                cdrs["call_id"].to_pylist(),
                cdrs["billable"],
                cdrs["quantity"],
                strict=True,
            )
            if billable
        }
        self.assertEqual(
            charged,
            {
                leg.id: leg.talk
                for leg in self.acme.legs
                if leg.id not in abroad
                and leg.talk
                and not leg.term_user
                and (leg.direction == 0 or leg.through_user)
            },
        )
        self.assertEqual(
            abroad,
            {
                leg.id
                for leg in self.acme.legs
                if leg.direction == 0 and leg.term_number[:2] in ("49", "33", "52")
            },
        )


class TestAccounts(NetSapiensCase):
    def test_domains(self):
        domains = [make_domain(f"c{at:04d}.service") for at in range(1002)]
        server = self.serve(domains)
        accounts = list(self.connect(server).accounts())
        self.assertEqual([a.key for a in accounts], [d.name for d in domains])
        self.assertEqual(accounts[0].name, "Customer c0000")
        self.assertEqual(accounts[0].details["time-zone"], "US/Eastern")
        self.assertEqual(server.problems, [])

    def test_extensions_and_numbers(self):
        server = self.serve()
        found = list(self.connect(server).identifiers(ACME))
        extensions = [i for i in found if i.kind == "extension"]
        self.assertEqual(
            [i.value for i in extensions], [f"{n}@{ACME}" for n in range(1001, 1006)]
        )
        self.assertEqual(extensions[1].valid_from, date(2025, 3, 2))
        self.assertEqual(extensions[1].name, "Person 2")
        numbers = [i for i in found if i.kind == "number"]
        self.assertEqual([i.value for i in numbers], [n[0] for n in self.acme.numbers])
        self.assertEqual([i.active for i in numbers], [True] * 5 + [False])
        self.assertEqual(server.problems, [])


class TestOldServer(NetSapiensCase):
    def test_v1_gives_the_same(self):
        old, new = self.serve(apis=("v1",)), self.serve()
        connector = self.connect(old)
        names = ["call_id", "talking_seconds", "direction", "caller", "callee", "noise"]
        names += ["extension", "payer_number", "answered", "forwarded_by", "network"]
        frames = [
            self.fetched(c)[names].sort_values("call_id", ignore_index=True)
            for c in (connector, self.connect(new))
        ]
        # v2 cuts legs over midnight short, v1 does not.
        short = {leg.id for leg in self.acme.legs if leg.over_midnight}
        kept = ~frames[0]["call_id"].isin(short)
        self.assertTrue(frames[0][kept].equals(frames[1][kept]))
        self.assertEqual(len(frames[0]), len(self.acme.legs))
        self.assertIsNone(connector.count(ACME, DAY, NEXT))
        self.assertEqual(old.problems, [])

    def test_an_empty_window_answers_an_object(self):
        connector = self.connect(self.serve(apis=("v1",)))
        self.assertEqual(
            len(self.fetched(connector, NEXT, NEXT + timedelta(days=1))), 0
        )

    def test_accounts_and_identifiers(self):
        connector = self.connect(self.serve(apis=("v1",)))
        self.assertEqual([a.key for a in connector.accounts()], [ACME])
        kinds = [i.kind for i in connector.identifiers(ACME)]
        self.assertEqual(kinds, ["extension"] * 5 + ["number"] * 6)

    def test_tokens_of_v1(self):
        server = self.serve(apis=("v1",))
        connector = self.connect(server, **PASSWORD)
        self.assertEqual(len(self.fetched(connector)), len(self.acme.legs))
        self.assertEqual(server.grants, ["password"])

    def test_v2_that_is_insisted_on_is_not_there(self):
        connector = self.connect(self.serve(apis=("v1",)), api="v2")
        with self.assertRaisesRegex(SourceAnswerError, "web page instead of data"):
            self.fetched(connector)


class TestTokens(NetSapiensCase):
    def test_a_token_is_refreshed_before_it_ends(self):
        server = self.serve()
        connector = self.connect(server, **PASSWORD)
        self.fetched(connector)
        self.clock.now += 3600
        self.fetched(connector)
        self.assertEqual(server.grants, ["password", "refresh_token"])
        self.assertEqual(server.problems, [])

    def test_a_token_that_ended_early_is_replaced_in_the_middle_of_pages(self):
        server = self.serve()
        connector = self.connect(server, **PASSWORD)
        pages = connector.fetch(ACME, DAY, NEXT)
        rows = len(next(pages).frame)
        server.tokens.clear()
        rows += sum(len(page.frame) for page in pages)
        self.assertEqual(rows, len(self.acme.legs))
        self.assertEqual(server.grants, ["password", "refresh_token"])

    def test_a_refresh_token_that_ended_too_starts_over(self):
        server = self.serve()
        connector = self.connect(server, **PASSWORD)
        self.fetched(connector)
        server.tokens.clear()
        server.refresh_tokens.clear()
        self.fetched(connector)
        self.assertEqual(server.grants, ["password", "refresh_token", "password"])

    def test_a_wrong_password_is_said_and_not_shown(self):
        server = self.serve()
        connector = self.connect(server, **PASSWORD | {"password": "wrong-99"})
        with self.assertRaisesRegex(SourceRefused, "Invalid client or user") as caught:
            self.fetched(connector)
        self.assertFalse(caught.exception.retry)
        self.assertNotIn("wrong-99", str(caught.exception))

    def test_a_wrong_key_is_said(self):
        connector = self.connect(self.serve(), api_key="nope-nope")
        with self.assertRaisesRegex(SourceRefused, "401.*expired or invalid"):
            self.fetched(connector)

    def test_a_key_from_the_environment(self):
        server = self.serve()
        with mock.patch.dict(os.environ, {"METERED_NS_KEY": API_KEY}):
            connector = self.connect(server, api_key="env:METERED_NS_KEY")
        self.assertEqual(len(self.fetched(connector)), len(self.acme.legs))
        with self.assertRaisesRegex(SourceSettingsError, "METERED_GONE.*is not set"):
            self.connect(server, api_key="env:METERED_GONE")
        with self.assertRaisesRegex(SourceSettingsError, "start with METERED_"):
            self.connect(server, api_key="env:PGPASSWORD")


class TestFaults(NetSapiensCase):
    def check_mended(self, *faults, **options):
        server = self.serve(**options)
        server.faults += faults
        frame = self.fetched(self.connect(server))
        self.assertEqual(len(set(frame["call_id"])), len(self.acme.legs))
        self.assertEqual(len(frame), len(self.acme.legs))
        self.assertTrue(all(fault.times == 0 for fault in faults))
        return self.clock.slept

    def test_429_waits_as_long_as_it_is_told(self):
        slept = self.check_mended(
            Fault("status", "/cdrs", 1, 1, 429, {"Retry-After": "17"})
        )
        self.assertTrue(17 <= slept[0] <= 19, slept)

    def test_429_that_asks_for_an_hour_is_left_to_the_job(self):
        server = self.serve()
        server.faults.append(
            Fault("status", "/cdrs", 9, 0, 429, {"Retry-After": "3600"})
        )
        with self.assertRaises(SourceBusy) as caught:
            self.fetched(self.connect(server))
        self.assertEqual(caught.exception.retry_after, 3600)
        self.assertTrue(caught.exception.retry)
        self.assertEqual(self.clock.slept, [])

    def test_500_and_its_kin(self):
        slept = self.check_mended(
            *(Fault("status", "/cdrs", 1, 0, status) for status in (500, 502, 503, 504))
        )
        # 1, 2, 4, 8 seconds and up to a quarter more.
        for wait, least in zip(slept, (1, 2, 4, 8), strict=True):
            self.assertTrue(least <= wait <= least * 1.25, slept)

    def test_broken_json(self):
        self.check_mended(Fault("cut", "/cdrs", 2, 1))

    def test_a_connection_that_breaks_in_the_middle_of_a_page(self):
        self.check_mended(Fault("half", "/cdrs", 2, 1))

    def test_a_connection_that_closes_without_an_answer(self):
        self.check_mended(Fault("close", "/cdrs", 1, 2))

    def test_403_for_asking_too_fast_is_waited_for(self):
        server = self.serve(per_second=2, block_seconds=8)
        frame = self.fetched(self.connect(server))
        self.assertEqual(len(frame), len(self.acme.legs))
        self.assertGreaterEqual(sum(self.clock.slept), 8)

    def test_403_that_stays_names_both_reasons(self):
        server = self.serve()
        server.faults.append(Fault("status", "/cdrs", 99, 0, 403))
        with self.assertRaises(SourceBusy) as caught:
            self.fetched(self.connect(server))
        self.assertIn(
            "credentials do not have the required scope", str(caught.exception)
        )
        self.assertIn("lower the requests per second", str(caught.exception))
        self.assertEqual(len(self.paths(server, "/cdrs")), 5)

    def test_a_limit_of_requests_keeps_below_the_switchs(self):
        server = self.serve(per_second=2, block_seconds=60)
        frame = self.fetched(self.connect(server, requests_per_second=1))
        self.assertEqual(len(frame), len(self.acme.legs))
        self.assertTrue(all(wait <= 1 for wait in self.clock.slept))

    def test_a_server_that_is_gone(self):
        server = self.serve()
        connector = self.connect(server)
        server.stop()
        with self.assertRaises(SourceUnreachable) as caught:
            self.fetched(connector)
        self.assertTrue(caught.exception.retry)
        self.assertIn("refused", str(caught.exception))
        self.assertEqual(len(self.clock.slept), 4)

    def test_something_else_than_a_list(self):
        server = self.serve()
        for body in (b'{"code": 200}', b'"x"', b"[1, 2]", b"null"):
            with (
                mock.patch.object(
                    server, "_cdrs", lambda d, q, c, body=body: Reply.of(body)
                ),
                self.assertRaisesRegex(SourceAnswerError, "did not return a list"),
            ):
                self.fetched(self.connect(server))

    def test_credentials_are_in_no_message_and_no_log(self):
        server = self.serve()
        server.faults += [
            Fault("status", "/cdrs", 3, 0, 500, body=API_KEY.encode()),
            Fault(
                "status",
                "/cdrs",
                9,
                0,
                400,
                body=json.dumps({"code": 400, "message": f"bad {API_KEY}"}).encode(),
            ),
        ]
        for name in ("urllib3", NetSapiens.__module__.rpartition(".")[0]):
            logging.getLogger(name).setLevel(logging.DEBUG)
            self.addCleanup(logging.getLogger(name).setLevel, logging.NOTSET)
        with self.assertLogs("", logging.DEBUG) as logs:
            with self.assertRaises(SourceError) as caught:
                self.fetched(self.connect(server))
        text = "\n".join(logs.output) + str(caught.exception) + repr(caught.exception)
        self.assertIn("Attempt 2 of 5", text)
        self.assertIn("bad ***", text)
        self.assertNotIn(API_KEY, text)


class TestChecks(NetSapiensCase):
    def failed(self, connector, account=ACME):
        return [check for check in connector.check(account) if not check.ok]

    def test_all_is_well(self):
        server = self.serve()
        checks = self.connect(server).check(ACME)
        self.assertEqual(
            [(check.name, check.ok) for check in checks],
            [
                ("The server answers", True),
                ("The connection is private", True),
                ("The credentials are accepted", True),
                (f"Domain {ACME}", True),
                (f"Call records of {ACME}", True),
            ],
        )
        self.assertEqual(checks[3].detail, "Customer acme")
        self.assertTrue(all(check.ok or check.remedy for check in checks))
        self.assertEqual(server.problems, [])

    def test_without_encryption_over_a_network(self):
        for address, name, ok in (
            ("https://pbx.example.com", "The connection is encrypted", True),
            ("http://pbx.example.com", "The connection is encrypted", False),
            ("http://127.0.0.1.example.com", "The connection is encrypted", False),
            ("http://10.1.2.3", "The connection is encrypted", False),
            ("http://localhost:8080", "The connection is private", True),
            ("http://[::1]:8080", "The connection is private", True),
        ):
            with self.subTest(address):
                check = self.connect(self.serve(), address=address).look_encryption()
                self.assertEqual((check.name, check.ok), (name, ok))
                self.assertEqual("https://" in check.remedy, not ok)

    def test_red_checks_say_what_to_do(self):
        server = self.serve()
        cases = [
            ({"api_key": "x-wrong-x"}, ACME, "credentials are accepted", "credentials"),
            ({}, "other.service", "Domain other.service", "account name"),
            ({"address": "http://localhost:1"}, ACME, "server answers", "address"),
        ]
        for settings, account, name, remedy in cases:
            connector = self.connect(server, **settings)
            failed = self.failed(connector, account)[-1]
            self.assertIn(name, failed.name)
            self.assertIn(remedy, failed.remedy)
        # A person waits: nothing is tried twice.
        self.assertEqual(self.clock.slept, [])

    def test_this_server_itself_is_refused_unless_allowed(self):
        connector = self.connect(self.serve(), allowed_networks="")
        (failed,) = self.failed(connector)
        self.assertIn("this server itself", failed.detail)
        self.assertIn("allowed networks", failed.remedy)

    def test_credentials_that_see_nothing(self):
        (failed,) = self.failed(self.connect(self.serve([])))
        self.assertIn("no domain is visible", failed.detail)

    def test_an_old_server(self):
        connector = self.connect(self.serve(apis=("v1",)))
        checks = connector.check(ACME)
        self.assertIn("API version 1", checks[0].detail)
        self.assertEqual([c.name for c in checks if not c.ok], [])


class TestServer(unittest.TestCase):
    """The test server notices what is not as described."""

    def test_requests_and_answers_are_held_against_the_description(self):
        description = NetSapiensServer().description
        _path, operation, values = description.find("GET", f"/domains/{ACME}/cdrs")
        self.assertEqual(values, (ACME,))
        ask = {"datetime-start": "2026-02-23T00:00:00Z", "datetime-end": "yesterday"}
        self.assertEqual(
            description.request_problems(
                operation, ask | {"page": "2", "limit": "2000"}
            ),
            [
                "the parameter page is not described",
                "datetime-end is no time: yesterday",
                "limit: 2000 is greater than the maximum of 1000",
            ],
        )
        row = {"id": 7, "colour": "red"}
        problems = " ".join(description.row_problems("CdrD", row))
        self.assertIn("7 is not of type 'string'", problems)
        self.assertIn("'colour' was unexpected", problems)
        self.assertIn("'domain' is a required property", problems)

    def test_the_same_calls_every_time(self):
        one, two = make_acme(), make_acme()
        self.assertEqual(one.legs, two.legs)
        self.assertTrue(server_module.DESCRIPTION.exists())
