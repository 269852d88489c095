# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is sent out, verified by the library that receivers use."""

import json
import time
import unittest

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ...connectors.addresses import AddressPolicy, parse_networks
from ...connectors.standard_webhooks import (
    SCHEDULE,
    key_of,
    new_secret,
    signed_headers,
    wait_before_next,
)
from ...connectors.webhook_post import WebhookClient
from ...demo.servers.faulty_http import Fault, FaultyServer, Reply

DAYS = 24 * 3600


class Receiver(FaultyServer):
    """Answers everything with 200 and some words."""

    def answer(self, request):
        return Reply.of({"received": True})


class TestSigning(unittest.TestCase):
    @given(data=st.dictionaries(st.text(), st.text(), max_size=5), moment=st.integers())
    def test_the_library_of_receivers_verifies_it(self, data, moment):
        del moment
        secret, body = new_secret(), json.dumps(data, ensure_ascii=True).encode()
        headers = signed_headers("msg_1", int(time.time()), body, [secret])
        self.assertEqual(Webhook(secret).verify(body, headers), data)

    def test_while_a_secret_is_replaced_both_verify(self):
        old, new = new_secret(), new_secret()
        headers = signed_headers("msg_1", int(time.time()), b"{}", [new, old])
        for secret in (old, new):
            self.assertEqual(Webhook(secret).verify(b"{}", headers), {})

    def test_what_was_changed_on_the_way_is_refused(self):
        secret, now = new_secret(), int(time.time())
        headers = signed_headers("msg_1", now, b"{}", [secret])
        for changed in (
            {"webhook-id": "msg_2"},
            {"webhook-timestamp": str(now - 1)},
            {"webhook-timestamp": str(now - 3600)},
        ):
            with self.subTest(changed=changed):
                with self.assertRaises(WebhookVerificationError):
                    Webhook(secret).verify(b"{}", headers | changed)
        with self.assertRaises(WebhookVerificationError):
            Webhook(secret).verify(b"[]", headers)
        with self.assertRaises(WebhookVerificationError):
            Webhook(new_secret()).verify(b"{}", headers)

    def test_secrets_are_256_random_bits(self):
        secrets = {new_secret() for _each in range(20)}
        self.assertEqual(len(secrets), 20)
        self.assertEqual({len(key_of(secret)) for secret in secrets}, {32})

    def test_no_secret(self):
        with self.assertRaises(ValueError):
            key_of("whsec_not base64")


class TestSchedule(unittest.TestCase):
    def test_attempts_go_on_for_three_days(self):
        waits = [wait_before_next(count, 0) for count in range(1, 10)]
        self.assertEqual(waits, list(SCHEDULE))
        self.assertGreaterEqual(sum(waits), 3 * DAYS)
        self.assertIsNone(wait_before_next(10, 0))

    @given(
        attempts=st.integers(1, 9),
        chance=st.floats(0, 1, exclude_max=True),
        asked=st.none() | st.floats(0, 1e9),
    )
    def test_a_receiver_may_ask_for_a_longer_wait_within_a_day(
        self, attempts, chance, asked
    ):
        wait = wait_before_next(attempts, chance, asked)
        self.assertGreaterEqual(wait, SCHEDULE[attempts - 1])
        self.assertGreaterEqual(wait, min(asked or 0, DAYS))
        self.assertLessEqual(wait, 1.1 * DAYS)


class TestPost(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(Receiver())

    def post(self, allowed="127.0.0.1", address=None, body=b"{}"):
        policy = AddressPolicy(parse_networks(allowed))
        client = WebhookClient(address or self.server.url + "/hooks?key=1", policy)
        self.addCleanup(client.close)
        return client.post(body, {"webhook-id": "msg_1"})

    def test_it_arrives_as_it_is(self):
        body = '{"type": "a.b", "data": "Zürich"}'.encode()
        receipt = self.post(body=body)
        self.assertTrue(receipt.delivered)
        self.assertIn("received", receipt.text)
        (request,) = self.server.requests
        self.assertEqual((request.method, request.body), ("POST", body))
        self.assertEqual(request.query, {"key": "1"})
        self.assertEqual(request.headers["webhook-id"], "msg_1")
        self.assertEqual(request.headers["Content-Type"], "application/json")

    def test_whatever_goes_wrong_is_told_once(self):
        for fault, status in (
            (Fault("status", status=500), 500),
            (Fault("status", status=404), 404),
            (Fault("status", status=410), 410),
            (Fault("status", status=302, headers={"Location": "/other"}), 302),
            (Fault("close"), 0),
            (Fault("half"), 0),
        ):
            with self.subTest(fault=fault):
                self.server.requests.clear()
                self.server.faults = [fault]
                receipt = self.post()
                self.assertFalse(receipt.delivered)
                self.assertEqual(receipt.gone, status == 410)
                self.assertEqual(receipt.status, status)
                self.assertTrue(receipt.text)
                self.assertEqual(len(self.server.requests), 1)

    def test_a_receiver_that_is_busy_says_for_how_long(self):
        self.server.faults = [
            Fault("status", status=429, headers={"Retry-After": "120"})
        ]
        receipt = self.post()
        self.assertEqual((receipt.status, receipt.retry_after), (429, 120.0))

    def test_this_server_itself_is_not_asked(self):
        receipt = self.post(allowed="")
        self.assertFalse(receipt.delivered)
        self.assertIn("this server itself", receipt.text)
        self.assertFalse(self.server.requests)
