# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tokens of those who post: made here, kept as digests, and what wrong ones do."""

import base64
import hmac
import json
import random
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2
from werkzeug.formparser import FormDataParser

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.metered_billing.controllers.api_request import given_token
from odoo.addons.metered_billing.controllers.problems import Problems
from odoo.addons.metered_billing.models.source import metered_source_token

from ..support.metered_case import MeteredCase, MeteredMakers
from .test_source_push import call

LOGGER = "odoo.addons.metered_billing.models.source.metered_source_token"
ADDRESS = "198.51.100.7"


@tagged("post_install", "-at_install")
class TestToken(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source("freeswitch", source_type="freeswitch_json")
        cls.madmin = new_test_user(
            cls.env, "madmin", "metered_billing.group_metered_administrator"
        )
        cls.muser = new_test_user(
            cls.env, "muser", "metered_billing.group_metered_user"
        )

    def admit(self, token, source_id=None, address=ADDRESS, secure=True):
        return self.env["metered.source.token"]._admit(
            self.source.id if source_id is None else source_id, token, address, secure
        )

    def new(self):
        action = self.source.with_user(self.madmin).action_new_token()
        return action["context"]["default_token"]

    def test_shown_once_and_kept_nowhere(self):
        action = self.source.with_user(self.madmin).action_new_token()
        dialog = self.env[action["res_model"]].with_user(self.madmin)
        shown = dialog.with_context(**action["context"]).onchange(
            {}, [], {"token": {}, "address": {}}
        )
        token = shown["value"]["token"]
        self.assertIn(f"freeswitch/{self.source.id}", shown["value"]["address"])
        self.assertRegex(token, r"^[\w-]{43}$")
        self.assertNotEqual(token, self.new())
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN"
            " ('text', 'character varying', 'jsonb')"
            " AND (table_name LIKE 'metered_%' OR table_name LIKE 'mail_%')"
        )
        columns = self.env.cr.fetchall()
        self.assertIn(("metered_source_token", "digest"), columns)
        for table, column in columns:
            self.env.cr.execute(
                f'SELECT 1 FROM "{table}" WHERE "{column}"::text LIKE %s LIMIT 1',
                [f"%{token}%"],
            )
            self.assertFalse(self.env.cr.fetchone(), (table, column))
        shown = self.source.with_user(self.madmin).token_ids.read()
        self.assertNotIn("digest", shown[0])
        said = " ".join(self.source.message_ids.mapped("body"))
        self.assertIn(token[-4:], said)
        self.assertNotIn(token, said)

    def test_two_at_a_time_and_the_old_one_until_it_is_removed(self):
        old, new = self.new(), self.new()
        for token in (old, new):
            self.assertEqual(self.admit(token), (self.source, 0))
        with self.assertRaisesRegex(UserError, "Remove the one"):
            self.new()
        _new, first = self.source.with_user(self.madmin).token_ids
        first.action_remove()
        self.assertFalse(self.admit(old)[0])
        self.assertEqual(self.admit(new)[0], self.source)
        self.assertIn("Token removed", self.source.message_ids[0].body)

    def test_nobody_sets_one_or_reads_its_digest(self):
        self.new()
        tokens = self.env["metered.source.token"]
        for user in (self.muser, self.madmin):
            mine = self.source.token_ids.with_user(user)
            with self.assertRaises(AccessError):
                tokens.with_user(user).create(
                    {"source_id": self.source.id, "name": "a", "digest": "0" * 64}
                )
            with self.assertRaises(AccessError):
                mine.write({"digest": "0" * 64})
            with self.assertRaises(AccessError):
                mine.read(["digest"])
            with self.assertRaises(AccessError):
                tokens.with_user(user).search([("digest", "like", "0")])
            with self.assertRaises(AccessError):
                self.env["metered.wrong.token"].with_user(user).search([])
        mine = self.source.with_user(self.muser)
        for action in (mine.action_new_token, mine._new_token):
            with self.assertRaises(AccessError):
                action()
        with self.assertRaises(AccessError):
            self.source.token_ids.with_user(self.muser).action_remove()
        self.assertEqual(len(self.source.token_ids), 1)

    def test_only_who_posts_needs_one(self):
        with self.assertRaisesRegex(UserError, "does not receive posts"):
            self.make_source().action_new_token()
        self.new()
        self.source.with_user(self.madmin).source_type = "http_json"
        self.assertFalse(self.source.token_ids)

    def test_the_last_use_is_shown(self):
        token = self.new()
        self.assertFalse(self.source.token_ids.last_used)
        self.admit(token, secure=False)
        used = self.source.token_ids
        self.assertTrue(used.last_used)
        self.assertEqual((used.last_address, used.last_secure), (ADDRESS, False))
        self.admit(token, address="10.0.0.9")
        self.assertEqual(used.last_address, ADDRESS, "noted once a minute")
        used.last_used -= timedelta(minutes=2)
        self.admit(token, address="10.0.0.9")
        self.assertEqual((used.last_address, used.last_secure), ("10.0.0.9", True))

    def checks(self):
        self.env.invalidate_all()
        return {check.name: check for check in self.source._look_connection()}

    def test_the_checks(self):
        self.assertFalse(self.checks()["Token exists"].ok)
        token = self.new()
        self.assertTrue(self.checks()["Token exists"].ok)
        for address, secure, fine in (
            (ADDRESS, False, False),
            (ADDRESS, True, True),
            ("127.0.0.1", False, True),
        ):
            self.source.token_ids.last_used = False
            self.env.flush_all()
            self.admit(token, address=address, secure=secure)
            check = self.checks()["Calls arrive over TLS"]
            self.assertEqual(check.ok, fine, (address, secure))
        self.assertTrue(self.checks()["No invalid tokens"].ok)
        with self.assertLogs(LOGGER, "WARNING"):
            self.admit("wrong")
        check = self.checks()["No invalid tokens"]
        self.assertFalse(check.ok)
        self.assertIn(ADDRESS, check.detail)

    # === WRONG ONES === #

    def test_wrong_ones_are_counted_logged_and_slowed_down(self):
        token = self.new()
        limit = metered_source_token.MOST_WRONG
        with self.assertLogs(LOGGER, "WARNING") as logs:
            for count in range(limit):
                self.assertEqual(self.admit(f"guess-{count}")[1], 0)
            for _count in range(5):
                wait = self.admit("guess-more")[1]
                self.assertTrue(0 < wait <= metered_source_token.WINDOW_SECONDS)
        self.assertEqual(len(logs.output), limit)
        for line in logs.output:
            self.assertIn(f"source {self.source.id} from {ADDRESS}", line)
            self.assertNotIn("guess", line)
        self.assertIn(f"{limit} from there", logs.output[-1])
        rows = self.env["metered.wrong.token"].search([])
        self.assertEqual(len(rows), limit)
        # From there whatever the source, and for this source from elsewhere not.
        self.assertTrue(self.admit("guess", source_id=10**9)[1])
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertFalse(self.admit("guess", address="198.51.100.8")[1])
        # A proxy's address is everybody's: the switch gets through.
        self.assertEqual(self.admit(token), (self.source, 0))
        for row in rows:
            row.moment -= timedelta(seconds=metered_source_token.WINDOW_SECONDS)
        self.env.flush_all()
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertFalse(self.admit("guess")[1])

    def test_many_addresses_for_one_source(self):
        with (
            patch.object(metered_source_token, "MOST_WRONG_OF_SOURCE", 5),
            self.assertLogs(LOGGER, "WARNING") as logs,
        ):
            waits = [self.admit("x", address=f"10.1.1.{at}")[1] for at in range(8)]
        self.assertEqual([bool(wait) for wait in waits], [False] * 5 + [True] * 3)
        self.assertEqual(len(logs.output), 5)

    def test_a_customers_network_is_one_address(self):
        count = self.env["metered.wrong.token"]._network
        self.assertEqual(count("2a00:1:2:3::7"), count("2a00:1:2:3:ffff::1"))
        self.assertNotEqual(count("2a00:1:2:3::7"), count("2a00:1:2:4::7"))
        self.assertEqual(count("no address"), "unknown")

    def test_old_ones_go(self):
        with self.assertLogs(LOGGER, "WARNING"):
            self.admit("wrong")
        rows = self.env["metered.wrong.token"].search([])
        rows._gc_wrong_tokens()
        self.assertTrue(rows.exists())
        rows.moment -= timedelta(hours=metered_source_token.KEPT_HOURS, minutes=1)
        rows._gc_wrong_tokens()
        self.assertFalse(rows.exists())

    def work(self, source_id, token):
        """(statements, comparisons) of a look."""
        self.env.flush_all()
        self.env.invalidate_all()
        compared = []

        def compare(*pair):
            compared.append(pair)
            return hmac.compare_digest(*pair)

        before = self.env.cr.sql_log_count
        module = SimpleNamespace(compare_digest=compare)
        with (
            patch.object(metered_source_token, "hmac", module),
            self.assertLogs(LOGGER, "WARNING"),
        ):
            address = f"10.2.{source_id % 199}.{len(token) % 199}"
            self.assertFalse(self.admit(token, source_id, address)[0])
        self.assertTrue(all(len(a) == len(b) for a, b in compared))
        return self.env.cr.sql_log_count - before, len(compared)

    def test_the_work_tells_nothing_of_a_source(self):
        self.new()
        two = self.make_source("freeswitch", source_type="freeswitch_json")
        two._new_token()
        two._new_token()
        without = self.make_source("freeswitch", source_type="freeswitch_json")
        archived = self.make_source("freeswitch", source_type="freeswitch_json")
        archived._new_token()
        file = self.make_source()
        archived.active = False
        self.work(0, "the first one fills caches")
        found = {
            self.work(source_id, token): (source_id, token[:9])
            for source_id, token in (
                *((source.id, "wrong") for source in self.source | two | without),
                *((source.id, "wrong") for source in archived | file),
                *((self.source.id, token) for token in ("", "x" * 9999, "\udcff\0")),
                *((source_id, "wrong") for source_id in (0, 2**31, 2**63, 10**30)),
            )
        }
        self.assertEqual(len(found), 1, found)
        self.assertEqual(list(found)[0][1], metered_source_token.MOST_TOKENS)


@tagged("post_install", "-at_install")
class TestEndpoint(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source("freeswitch", source_type="freeswitch_json")
        cls.token = cls.source._new_token()
        cls.url = f"/metered/freeswitch/{cls.source.id}"

    def post(self, data=b"{}", url=None, **headers):
        return self.url_open(url or self.url, data=data, headers=headers, method="POST")

    def test_no_body_is_looked_at_before_the_token(self):
        bodies = {
            "application/x-www-form-urlencoded": b"a=1&" * 1000,
            "multipart/form-data; boundary=x": b"--x\r\nContent-Disposition: form-data;"
            b' name="cdr"\r\n\r\n{}\r\n--x--\r\n',
            "application/json": b"[" * 1000,
            "application/x-www-form-base64-encoded": b"cdr=%%%",
            "text/plain": b"x",
        }
        parsed = []

        def parse(*args, **_options):
            parsed.append(args)
            raise AssertionError("a form was parsed")

        with (
            patch.object(FormDataParser, "parse", parse),
            patch(
                "odoo.addons.metered_billing.connectors.freeswitch_json.read_body",
                side_effect=AssertionError("a body was read"),
            ),
            self.assertLogs(LOGGER, "WARNING"),
        ):
            for kind, body in bodies.items():
                for url in (
                    self.url,
                    self.url + "?cdr=1",
                    "/metered/freeswitch/999999",
                ):
                    answer = self.post(
                        body, url, **{"Content-Type": kind, "Authorization": "Bearer x"}
                    )
                    self.assertIn(answer.status_code, (401, 429), kind)
                    self.assertTrue(answer.json()["detail"])
        self.assertEqual(parsed, [])

    def test_a_form_is_not_parsed_by_odoo_with_the_right_token_either(self):
        with patch.object(
            FormDataParser, "parse", side_effect=AssertionError("parsed")
        ):
            for kind in ("application/x-www-form-urlencoded", "application/json"):
                answer = self.post(
                    b"cdr=" + json.dumps(call("u1")).encode()
                    if "form" in kind
                    else json.dumps(call("u2")).encode(),
                    **{"Content-Type": kind, "Authorization": f"Bearer {self.token}"},
                )
                self.assertEqual(answer.status_code, 200, answer.text)

    def test_longer_than_a_record(self):
        with patch.object(
            FormDataParser, "parse", side_effect=AssertionError("parsed")
        ):
            answer = self.post(
                b"a=1&" * 2**19,
                **{"Content-Type": "application/x-www-form-urlencoded"},
            )
        self.assertEqual(answer.status_code, 413)

    def test_slowed_down_with_a_time(self):
        with self.assertLogs(LOGGER, "WARNING") as logs:
            for _count in range(metered_source_token.MOST_WRONG):
                answer = self.post(Authorization="Bearer secret-guess")
                self.assertEqual(answer.status_code, 401)
            answer = self.post(Authorization="Bearer secret-guess")
        self.assertEqual(answer.status_code, 429)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertNotIn("secret-guess", " ".join(logs.output))
        body = json.dumps(call("u1")).encode()
        answer = self.post(body, Authorization=f"Bearer {self.token}")
        self.assertEqual(answer.status_code, 200, answer.text)

    def test_the_database_is_away(self):
        for error in (
            psycopg2.OperationalError("server closed the connection"),
            psycopg2.InterfaceError("connection already closed"),
        ):
            with (
                patch.object(
                    type(self.env["metered.source"]),
                    "_receive_events",
                    side_effect=error,
                ),
                self.assertLogs("odoo.http", "WARNING") as logs,
            ):
                answer = self.post(
                    json.dumps(call("u1")).encode(),
                    Authorization=f"Bearer {self.token}",
                )
            self.assertEqual(answer.status_code, 503, answer.text)
            self.assertNotIn("Traceback", "".join(logs.output))
            self.assertGreater(int(answer.headers["Retry-After"]), 0)
        # Where Odoo has no database at all, and this module is loaded without one.
        request = SimpleNamespace(db=None, params={})
        answer = Problems(request).dispatch(None, {})
        self.assertEqual(answer.status_code, 503)
        self.assertTrue(answer.headers["Retry-After"])

    def test_nothing_answers_500_to_a_stranger(self):
        chance = random.Random(22)
        junk = (
            b"\xff\xfe%%%",
            b"\xff",
            b"%",
            b"\xc3\xa9",
            b"",
            b"=",
            b"a" * 4000,
            b"\t",
        )
        wrong = base64.b64encode(b"\xff\xfe:\xff")
        starts = (b"Basic ", b"basic", b"Bearer ", b"Bearer", b"Digest ", b"", b"\xff ")
        names = (
            *("Authorization", "Content-Type", "Accept-Language", "User-Agent"),
            *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Referer"),
            *("Content-Encoding", "Range", "If-None-Match", "Origin", "Accept"),
        )
        values = (
            *junk,
            wrong,
            b"multipart/form-data",
            b"multipart/form-data; boundary=",
            b"application/json; charset=\xff",
            b"application/x-www-form-urlencoded; charset=utf-16",
            b"gzip",
            b"bytes=-1",
        )
        cases = [{"Authorization": b"Basic \xff\xfe%%%"}]
        for _at in range(120):
            headers = {
                name: chance.choice(values)
                for name in chance.sample(names, chance.randint(0, 4))
            }
            headers["Authorization"] = chance.choice(starts) + chance.choice(
                (*junk, wrong)
            )
            cases.append(headers)
        urls = (self.url, "/metered/freeswitch/0", f"/metered/freeswitch/{10**25}")
        for headers in cases:
            if not headers["Authorization"].strip():
                headers["Authorization"] = b"x"
            headers = {n: v.strip() or b"x" for n, v in headers.items()}
            answer = self.post(chance.choice(junk), chance.choice(urls), **headers)
            self.assertIn(answer.status_code, (400, 401, 411, 413, 429), headers)
        self.assertFalse(self.env["metered.inbox"].search_count([]))

    def test_tokens_in_a_header(self):
        for header, token in (
            ("Bearer abc", "abc"),
            ("bearer  abc ", "abc"),
            ("Basic " + base64.b64encode(b"freeswitch:abc").decode(), "abc"),
            ("Basic " + base64.b64encode(b"freeswitch").decode(), ""),
            ("Basic \xff\xfe%%%", ""),
            ("Basic !!!", ""),
            ("Digest abc", ""),
            ("", ""),
        ):
            self.assertEqual(given_token(header), token, header)
