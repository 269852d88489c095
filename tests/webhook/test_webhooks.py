# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What other programs are told, and what becomes of messages that do not arrive."""

import json
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time
from standardwebhooks.webhooks import Webhook

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from ...connectors.standard_webhooks import SCHEDULE
from ...demo.servers.faulty_http import Fault, FaultyServer, Reply
from ...models.webhook.metered_webhook import KINDS
from ..support.metered_case import MeteredCase
from ..support.source_case import LoopbackRequests

KNOWN = ("1", "2026-10-05 10:00:00", 60, "14045550100", "13125550123")
UNKNOWN = ("2", "2026-10-05 10:00:00", 60, "14045550199", "13125550123")


class Receiver(FaultyServer):
    """Answers everything with 200."""

    def answer(self, request):
        return Reply.of({"received": True})

    @property
    def kinds(self):
        return [request.json["type"] for request in self.requests]


@tagged("post_install", "-at_install")
class TestWebhooks(LoopbackRequests, MeteredCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(Receiver())
        self.webhook = self.make_webhook()
        self.deliveries = self.env["metered.webhook.delivery"]

    def make_webhook(self, **values):
        webhook = self.env["metered.webhook"].create(
            {
                "name": "Portal",
                "address": self.server.url + "/hooks",
                "allowed_networks": "127.0.0.1",
                **dict.fromkeys(KINDS.values(), True),
                **values,
            }
        )
        self.secret = webhook._new_secret()
        return webhook

    def messages(self, kind=None):
        domain = [("webhook_id", "=", self.webhook.id)]
        return self.deliveries.search(
            domain + ([("kind", "=", kind)] if kind else []), order="id"
        )

    def data(self, kind):
        """What the one message of a kind tells."""
        return json.loads(self.messages(kind).body)["data"]

    def test_what_is_told(self):
        """Each kind of event, from the import to what is billed again."""
        customer = self.make_customer("Acme", "+14045550100", ref="A-1")
        source = self.make_source()
        batch = self.import_calls(source, KNOWN, UNKNOWN)
        self.assertEqual(
            self.data("usage.imported"),
            {
                "import": batch.id,
                "source": {"id": source.id, "name": source.name},
                "file": batch.file_name,
                "records": 2,
                "rated": 1,
                "not_billable": 0,
                "duplicates": 0,
                "exceptions": 1,
            },
        )
        raised = self.data("exception.raised")
        self.assertEqual(sum(raised["reasons"].values()), 1)
        subscription = self.make_subscription(customer, "2026-10-01", "2026-11-01")
        invoice = subscription.create_invoice()
        self.assertFalse(self.messages("invoice.issued"))
        invoice.action_post()
        told = self.data("invoice.issued")["invoice"]
        self.assertEqual(told["number"], invoice.name)
        self.assertEqual(told["total"], f"{invoice.amount_total:.2f}")
        self.assertEqual(told["customer"]["reference"], "A-1")
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({}).action_create_payments()
        self.assertEqual(self.data("invoice.paid")["invoice"]["due"], "0.00")
        opened = self.messages("invoice.paid").action_open_record()
        self.assertEqual(
            (opened["res_model"], opened["res_id"]), (invoice._name, invoice.id)
        )
        invoice.button_draft()
        invoice.button_cancel()
        self.assertEqual(self.data("invoice.freed")["records"], 1)

    def test_a_deleted_line_frees_its_usage(self):
        customer = self.make_customer("Acme", "+14045550100")
        self.import_calls(self.make_source(), KNOWN)
        invoice = self.make_subscription(
            customer, "2026-10-01", "2026-11-01"
        ).create_invoice()
        invoice.unlink()
        self.assertEqual(self.data("invoice.freed")["records"], 1)

    def test_invoices_without_usage_are_nobodys_business(self):
        customer = self.make_customer("Acme")
        invoice = self.make_subscription(
            customer, "2026-10-01", "2026-11-01"
        ).create_invoice()
        invoice.action_post()
        self.assertFalse(self.messages())

    def test_nothing_is_read_for_nobody(self):
        self.webhook.action_turn_off()

        def events():
            self.fail("Nobody listens.")
            yield

        self.env["metered.webhook"]._tell("invoice.paid", events())

    def test_a_failed_sync_is_told(self):
        source = self.make_source()
        sync = self.env["metered.sync"].create(
            {
                "source_id": source.id,
                "kind": "schedule",
                "date_from": "2026-10-01",
                "date_to": "2026-10-02",
            }
        )
        sync._fail("The server answers 500.")
        told = self.data("sync.failed")
        self.assertEqual(told["error"], "The server answers 500.")
        self.assertEqual(told["source"]["id"], source.id)

    def test_only_chosen_events_of_the_own_company_are_sent(self):
        for field in KINDS.values():
            self.webhook[field] = field == "tells_usage_imported"
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        other = self.make_webhook(company_id=elsewhere.id)
        self.import_calls(self.make_source(), UNKNOWN)
        self.assertEqual(self.messages().mapped("kind"), ["usage.imported"])
        self.assertFalse(other.delivery_ids)

    def test_nothing_is_kept_while_it_is_off(self):
        self.webhook.action_turn_off()
        self.import_calls(self.make_source(), UNKNOWN)
        self.assertFalse(self.messages())
        self.webhook.action_turn_on()
        self.import_calls(self.make_source(), UNKNOWN)
        self.assertTrue(self.messages())

    def test_messages_are_signed_and_sent_in_order(self):
        for number in range(3):
            self.webhook._queue("usage.imported", {"n": number}, self.webhook)
        self.assertEqual(self.deliveries._send_due(), 3)
        told = [
            Webhook(self.secret).verify(request.body, dict(request.headers))
            for request in self.server.requests
        ]
        self.assertEqual([one["data"]["n"] for one in told], [0, 1, 2])
        self.assertEqual(set(self.messages().mapped("state")), {"delivered"})
        self.assertEqual(self.deliveries._send_due(), 0)

    def test_nothing_is_sent_before_there_is_a_secret(self):
        unsigned = self.env["metered.webhook"].create(
            {"name": "New", "address": self.server.url}
        )
        self.assertFalse(unsigned.has_secret)
        unsigned._queue("usage.imported", {}, unsigned)
        self.webhook._queue("usage.imported", {}, self.webhook)
        self.assertEqual(self.deliveries._send_due(), 1)
        self.assertEqual(unsigned.delivery_ids.state, "waiting")
        with self.assertRaises(UserError):
            unsigned.action_send_test()

    def test_a_replaced_secret_holds_for_a_day(self):
        new = self.webhook._new_secret()
        self.assertEqual(self.webhook._signing_secrets(), [new, self.secret])
        with freeze_time(fields.Datetime.now() + timedelta(hours=25)):
            self.assertEqual(self.webhook._signing_secrets(), [new])
            self.env["metered.webhook.secret"]._gc_replaced()
        kept = self.env["metered.webhook.secret"].search(
            [("webhook_id", "=", self.webhook.id)]
        )
        self.assertEqual(kept.mapped("value"), [new])

    def test_it_is_tried_for_three_days_then_a_person_decides(self):
        self.server.faults = [Fault("status", status=500, times=99)]
        now = fields.Datetime.now()
        delivery = self.webhook._queue("usage.imported", {}, self.webhook)
        with patch("random.random", return_value=0):
            for wait in SCHEDULE:
                with freeze_time(now):
                    self.assertEqual(self.deliveries._send_due(), 1)
                    self.assertEqual(self.deliveries._send_due(), 0)
                self.assertEqual(
                    delivery.next_attempt,
                    now.replace(microsecond=0) + timedelta(seconds=wait),
                )
                now += timedelta(seconds=wait)
            with freeze_time(now):
                self.deliveries._send_due()
        self.assertEqual((delivery.state, delivery.attempts), ("failed", 10))
        self.assertEqual(len(delivery.attempt_ids), 10)
        activity = self.webhook.activity_ids
        self.assertEqual(len(activity), 1)
        self.assertIn("Send Again", activity.note)
        ids = {request.headers["webhook-id"] for request in self.server.requests}
        self.assertEqual(ids, {delivery.message})
        self.server.faults = []
        delivery.action_send_again()
        self.deliveries._send_due()
        self.assertEqual(delivery.state, "delivered")
        self.assertFalse(self.webhook.activity_ids)

    def test_one_address_that_fails_holds_up_no_other(self):
        self.server.faults = [Fault("status", path="bad", status=500, times=99)]
        bad = self.make_webhook(address=self.server.url + "/bad")
        for number in range(3):
            for webhook in bad | self.webhook:
                webhook._queue("usage.imported", {"n": number}, webhook)
        self.assertEqual(self.deliveries._send_due(), 4)
        self.assertEqual(set(self.webhook.delivery_ids.mapped("state")), {"delivered"})
        self.assertEqual(bad.delivery_ids.mapped("attempts"), [1, 0, 0])

    def test_a_busy_receiver_is_left_alone(self):
        self.server.faults = [
            Fault("status", status=429, headers={"Retry-After": "3600"})
        ]
        for number in range(2):
            self.webhook._queue("usage.imported", {"n": number}, self.webhook)
        self.deliveries._send_due()
        self.assertEqual(self.deliveries._send_due(), 0)
        with freeze_time(fields.Datetime.now() + timedelta(hours=2)):
            self.assertEqual(self.deliveries._send_due(), 2)

    def test_gone_turns_it_off(self):
        self.server.faults = [Fault("status", status=410)]
        delivery = self.webhook._queue("usage.imported", {}, self.webhook)
        self.deliveries._send_due()
        self.assertEqual((self.webhook.state, delivery.state), ("off", "failed"))
        self.assertIn("410", self.webhook.off_reason)
        self.assertEqual(len(self.webhook.activity_ids), 1)
        self.webhook.action_turn_on()
        self.assertFalse(self.webhook.off_reason)

    def test_a_test_says_what_came_of_it(self):
        self.assertEqual(self.webhook.action_send_test()["params"]["type"], "success")
        self.assertEqual(self.server.kinds, ["test"])
        self.server.faults = [Fault("status", status=500)]
        answer = self.webhook.action_send_test()["params"]
        self.assertEqual(answer["type"], "danger")
        self.assertIn("500", answer["message"])
        self.assertEqual(self.deliveries._send_due(), 0)

    def test_addresses_pass_the_guard_of_sources(self):
        for address in ("ftp://example.com", "https://a:b@example.com", "example.com"):
            with self.subTest(address=address), self.assertRaises(ValidationError):
                self.webhook.address = address
        keeper = new_test_user(
            self.env, "keeper", groups="metered_billing.group_metered_administrator"
        )
        webhook = self.webhook.with_user(keeper)
        with self.assertRaises(AccessError):
            webhook.allowed_networks = "0.0.0.0/0"
        webhook.address = self.server.url + "/other"
        self.assertFalse(self.webhook.allowed_networks)
        self.assertIn(
            "this server itself", webhook.action_send_test()["params"]["message"]
        )
        self.assertFalse(self.server.requests)

    def test_nobody_reads_a_secret_nor_writes_a_message(self):
        keeper = new_test_user(
            self.env, "keeper", groups="metered_billing.group_metered_administrator"
        )
        user = new_test_user(
            self.env, "mona", groups="metered_billing.group_metered_user"
        )
        delivery = self.webhook._queue("usage.imported", {}, self.webhook)
        with self.assertRaises(AccessError):
            self.env["metered.webhook.secret"].with_user(keeper).search([])
        with self.assertRaises(AccessError):
            delivery.with_user(keeper).body = "{}"
        with self.assertRaises(AccessError):
            self.webhook.with_user(user).read(["address"])
        with self.assertRaises(AccessError):
            delivery.with_user(user).action_send_again()
        self.assertEqual(delivery.with_user(keeper).body, delivery.body)

    def test_a_message_is_never_too_long_to_be_written(self):
        delivery = self.webhook._queue(
            "usage.imported", {"text": "x" * 30_000}, self.webhook
        )
        data = json.loads(delivery.body)["data"]
        self.assertEqual(data, {"id": self.webhook.id, "truncated": True})

    def test_old_messages_go(self):
        old = self.webhook._queue("usage.imported", {}, self.webhook)
        self.deliveries._send_due()
        waiting = self.webhook._queue("usage.imported", {}, self.webhook)
        self.env.cr.execute(
            "UPDATE metered_webhook_delivery SET create_date = '2020-01-01'"
        )
        self.deliveries.invalidate_model()
        self.deliveries._gc_deliveries()
        self.assertEqual((old | waiting).exists(), waiting)
