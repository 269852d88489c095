# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A cap suspends accounts on the switch, where an administrator turned that on."""

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ...demo.servers.faulty_http import Fault, FaultyServer, Reply
from ...demo.servers.netsapiens import API_KEY, NetSapiensServer
from ...demo.servers.netsapiens_calls import make_domain
from ..support.source_case import LoopbackRequests
from .test_alerts import AlertCase


class Switch(FaultyServer):
    """Answers everything with 200."""

    def answer(self, request):
        return Reply.of({"done": True})


@tagged("post_install", "-at_install")
class TestSuspendedAccounts(LoopbackRequests, AlertCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(Switch())
        self.switch = self.make_source(
            source_type="http_json",
            address=self.server.url,
            allowed_networks="127.0.0.1",
            http_authentication="none",
        )
        self.account = self.env["metered.source.account"].create(
            {
                "name": "acme.example",
                "source_id": self.switch.id,
                "partner_id": self.customer.id,
            }
        )
        self.actions = self.env["metered.account.action"]

    def turn_on(self):
        self.switch.write(
            {
                "suspends_accounts": True,
                "suspend_path": "domains/{account}",
                "suspend_body": '{"suspended": true}',
                "resume_path": "domains/{account}",
                "resume_body": '{"suspended": false}',
            }
        )

    def cap(self):
        self.make_alert({"value": 3, "caps": True})
        self.call(60)
        self.actions._send_due()

    def asked(self):
        return [(one.method, one.path, one.json) for one in self.server.requests]

    def test_nothing_is_asked_unless_it_was_turned_on(self):
        self.cap()
        self.assertFalse(self.actions.search_count([]))
        self.assertFalse(self.server.requests)

    def test_suspended_and_resumed(self):
        self.turn_on()
        self.cap()
        path = "/domains/acme.example"
        self.assertEqual(self.asked(), [("PUT", path, {"suspended": True})])
        said = self.customer.message_ids[0].body
        self.assertIn("was suspended because a cap was reached", said)
        # A further cap asks for nothing again.
        self.make_alert({"value": 2, "caps": True}, name="Second")
        self.actions._send_due()
        self.assertEqual(len(self.server.requests), 1)
        # Both have to be lifted.
        states = self.env["metered.alert.state"].search([("is_capped", "=", True)])
        states[0]._lift("One of them.")
        self.actions._send_due()
        self.assertEqual(len(self.server.requests), 1)
        states[1]._lift("The other one.")
        self.actions._send_due()
        self.assertEqual(self.asked()[1:], [("PUT", path, {"suspended": False})])

    def test_domains_of_netsapiens(self):
        """Over its own API, signed in as for call records."""
        domain = make_domain("acme.example")
        server = self.enterContext(NetSapiensServer([domain]))
        self.switch.write(
            {
                "source_type": "netsapiens",
                "address": server.url,
                "http_authentication": False,
                "api_key": API_KEY,
                "suspends_accounts": True,
                "suspend_path": "ns-api/v2/domains/{account}",
                "suspend_body": '{"dial-policy": "Deny All"}',
                "resume_path": "ns-api/v2/domains/{account}",
                "resume_body": '{"dial-policy": "US and Canada"}',
            }
        )
        self.cap()
        self.assertEqual(domain.changed, {"dial-policy": "Deny All"})
        self.env["metered.alert.state"].search([("is_capped", "=", True)])._lift("No.")
        self.actions._send_due()
        self.assertEqual(domain.changed, {"dial-policy": "US and Canada"})
        self.assertEqual(self.actions.search([]).mapped("state"), ["done", "done"])
        self.assertFalse(server.problems)
        # What no domain has is refused, and a person is told.
        self.switch.suspend_body = '{"suspended": true}'
        states = self.env["metered.alert.state"].search([])
        self.actions._entitlement_changed(states.subscription_id, False)
        self.actions._send_due()
        self.assertEqual(self.actions.search([], limit=1).state, "failed")
        self.assertIn("suspended", self.actions.search([], limit=1).answer)

    def test_the_next_period_resumes(self):
        self.turn_on()
        self.cap()
        self.clock.move_to("2026-11-01 03:00:00")
        self.addCleanup(self.clock.move_to, "2026-10-20 12:00:00")
        self.env["metered.alert.state"]._mark_ended()
        self.actions._send_due()
        self.assertEqual([one[2]["suspended"] for one in self.asked()], [True, False])

    def test_a_closed_subscription_stays_suspended(self):
        self.turn_on()
        self.cap()
        closed = self.env["sale.subscription.stage"].search([("type", "=", "post")])
        self.subscription.stage_id = closed[:1]
        self.env["metered.alert.state"]._mark_ended()
        self.actions._send_due()
        self.assertEqual(len(self.server.requests), 1)
        self.assertFalse(self.subscription._metered_entitlement()["allowed"])

    def test_a_switch_that_fails_is_asked_again_then_a_person_told(self):
        self.turn_on()
        self.server.faults = [Fault("status", status=503), Fault("status", status=403)]
        self.cap()
        action = self.actions.search([])
        self.assertEqual((action.state, action.attempts), ("waiting", 1))
        self.assertGreater(action.next_attempt, fields.Datetime.now())
        action._set_as_program({"next_attempt": fields.Datetime.now()})
        self.actions._send_due()
        self.assertEqual(action.state, "failed")
        self.assertIn("acme.example", self.switch.activity_ids.note)
        action.action_retry()
        self.actions._send_due()
        self.assertEqual(action.state, "done")
        self.assertFalse(self.switch.activity_ids)

    def test_only_the_newest_is_sent(self):
        self.turn_on()
        self.make_alert({"value": 3, "caps": True})
        self.call(60)
        self.env["metered.alert.state"].search([("is_capped", "=", True)])._lift("No.")
        self.actions._send_due()
        self.assertEqual(self.actions.search([]).mapped("state"), ["done", "replaced"])
        self.assertEqual([one[2]["suspended"] for one in self.asked()], [False])

    def test_settings_that_name_no_account_are_refused(self):
        for values in (
            {"suspend_path": "domains"},
            {"resume_body": "{"},
            {"suspend_path": "https://elsewhere.example/{account}"},
            {"resume_path": False, "resume_body": False},
        ):
            with self.subTest(**values), self.assertRaises(ValidationError):
                self.turn_on()
                self.switch.write(values)
        with self.assertRaises(ValidationError):
            self.source.suspends_accounts = True
