# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A client of ChargeOver's API with another base address: from a call to an invoice."""

import time

import requests

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.metered_billing.connectors.chargeover.signature import signed

from ..support.metered_case import MeteredMakers

LOGGER = "odoo.addons.metered_billing.models.source.metered_source_token"
OCTOBER = {"from": "2026-10-01 00:00:00", "to": "2026-10-31 23:59:59"}


class ChargeOverCase(MeteredMakers, HttpCase):
    """A VoIP service at 0.05 a minute and 10.00 a month, and a key to push to it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.meter = cls.make_meter("VoIP minutes", code="minutes", unit="minute")
        cls.customer = cls.make_customer("Acme", ref="ACME")
        cls.subscription, cls.line = cls.sell(cls.customer, cls.meter)
        cls.source = cls.make_source("chargeover", source_type="chargeover")
        cls.key = cls.env["metered.api.key"].create(
            {
                "name": "Switch",
                "source_ids": [fields.Command.set(cls.source.ids)],
                "may_read": True,
                "may_sign": True,
            }
        )
        cls.private = cls.key._make()
        cls.public = cls.key.prefix

    @classmethod
    def sell(cls, customer, meter, code="VOIP", **values):
        """A subscription of October with a line of a meter."""
        price = cls.make_price(meter, (0, 0.05))
        product = cls.make_metered_product(meter.name, price, default_code=code)
        subscription = cls.make_subscription(customer, "2026-10-01", "2026-11-01")
        subscription.sale_subscription_line_ids = [
            fields.Command.create({"product_id": product.id, **values})
        ]
        return subscription, subscription._metered_lines()

    def call(self, method, path, json=None, auth=None, **options):
        """What a plain HTTP client is answered."""
        auth = (self.public, self.private) if auth is None else auth
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            return requests.request(
                method,
                f"{self.base_url()}/metered/chargeover{path}",
                json=json,
                auth=auth or None,
                timeout=30,
                **options,
            )

    def post(self, record, path="/api/v3/usage", **options):
        return self.call("POST", path, json=record, **options)

    def usage_of(self, value=361, **more):
        return {"line_item_id": self.line.id, "usage_value": value, **OCTOBER, **more}

    def ok(self, answer, code):
        """What a good answer tells."""
        found = answer.json()
        self.assertEqual((answer.status_code, found["code"]), (code, code), answer.text)
        self.assertEqual(found["status"], "OK")
        self.assertEqual(
            set(found), {"code", "status", "message", "details", "response"}
        )
        return found["response"]

    def refused(self, answer, code, words=""):
        """The message of an error."""
        found = answer.json()
        self.assertEqual((answer.status_code, found["code"]), (code, code), answer.text)
        self.assertEqual((found["status"], found["response"]), ("Error", False))
        self.assertIn(words, found["message"])
        return found

    def rate(self):
        syncs = self.source._start_posted()
        if syncs:
            syncs._process()
        states = set(syncs.mapped("state"))
        self.assertLessEqual(states, {"done"}, syncs.mapped("error"))
        self.env.invalidate_all()

    def cdrs(self):
        return self.env["metered.cdr"].search([("source_id", "=", self.source.id)])

    def exceptions(self):
        return self.env["metered.exception"].search(
            [("source_id", "=", self.source.id)]
        )


@tagged("post_install", "-at_install")
class TestChargeOver(ChargeOverCase):
    def test_the_article(self):
        """361 minutes at 0.05 and a monthly fee of 10.00 are 28.05."""
        package = self.ok(
            self.call("GET", f"/api/v3/package/{self.subscription.id}"), 200
        )
        self.assertEqual(package["package_id"], self.subscription.id)
        [line] = package["line_items"]
        self.assertEqual(line["item_name"], "VoIP minutes")
        self.assertEqual(line["item_external_key"], "VOIP")
        answer = self.post(
            {"line_item_id": line["line_item_id"], "usage_value": 361, **OCTOBER}
        )
        number = self.ok(answer, 201)["id"]
        [row] = self.ok(
            self.call("GET", f"/api/v3/usage?line_item_id={line['line_item_id']}"), 200
        )
        self.assertEqual((row["usage_history_id"], row["usage_value"]), (number, "361"))
        self.rate()
        self.assertEqual(self.cdrs().usage_id.subscription_id, self.subscription)
        invoice = self.subscription._metered_renew()
        self.assertEqual(invoice.amount_untaxed, 28.05)
        usage = invoice.invoice_line_ids.filtered("metered_date_from")
        self.assertEqual(usage.price_subtotal, 18.05)
        # Read back the same way: it is the same record.
        [again] = self.ok(
            self.call("GET", f"/api/v3/usage?line_item_id={line['line_item_id']}"), 200
        )
        self.assertEqual(again, row)

    def test_a_key_of_its_own(self):
        first = self.ok(self.post(self.usage_of(external_key="u1")), 201)
        for _state in range(2):
            again = self.ok(self.post(self.usage_of(external_key="u1")), 201)
            self.assertEqual(again, first)
            other = self.post(self.usage_of(362, external_key="u1"))
            self.refused(other, 400, "external_key")
            path = f"/api/v3/usage?line_item_id={self.line.id}"
            [row] = self.ok(self.call("GET", path), 200)
            self.assertEqual(row["usage_value"], "361")
            self.rate()
        self.assertEqual(self.cdrs().quantity, 361)
        self.assertEqual(self.exceptions().mapped("reason"), ["same_id"])
        [row] = self.ok(self.call("GET", "/api/v3/usage?external_key=u1"), 200)
        self.assertEqual(row["usage_history_id"], first["id"])
        self.assertEqual(row["external_key"], "u1")

    def test_without_a_key_each_counts(self):
        ids = {self.ok(self.post(self.usage_of(2)), 201)["id"] for _time in range(2)}
        self.assertEqual(len(ids), 2)
        self.rate()
        self.assertEqual(self.cdrs().mapped("quantity"), [2, 2])

    def test_when_it_came(self):
        """Without a period it counts on the day on which it came."""
        self.ok(self.post({"line_item_id": self.line.id, "usage_value": 1}), 201)
        self.rate()
        self.assertEqual(self.cdrs().start_time.date(), fields.Date.today())
        self.ok(self.post(self.usage_of(1, **{"from": None})), 201)
        self.rate()
        days = {
            moment.date().isoformat() for moment in self.cdrs().mapped("start_time")
        }
        self.assertIn("2026-10-31", days)

    def test_many(self):
        self.line.metered_external_key = "voip-1"
        rows = [
            self.usage_of(1, external_key="a"),
            {"line_item_external_key": "voip-1", "usage_value": "2", **OCTOBER},
            {
                "customer": {"external_key": "ACME"},
                "line_item": {"item_external_key": "VOIP"},
                "usage_value": 4,
                **OCTOBER,
            },
            self.usage_of("many"),
            {**self.usage_of(8), "line_item_id": 999999},
        ]
        for body in (rows, {"usage": rows}):
            answer = self.post(body, "/api/v3/usage/_action/bulk")
            stored = self.ok(answer, 201)
            self.assertEqual([bool(one) for one in stored], [True] * 3 + [False] * 2)
            rejected = answer.json()["details"]["rejected"]
            self.assertEqual([one["index"] for one in rejected], [3, 4])
        self.rate()
        self.assertEqual(sum(self.cdrs().mapped("quantity")), 1 + 2 * (2 + 4))
        nothing = self.post([rows[3]], "/api/v3/usage/_action/bulk")
        self.refused(nothing, 400)
        many = self.post([rows[0]] * 1001, "/api/v3/usage/_action/bulk")
        self.refused(many, 400, "1,000")

    def test_which_line(self):
        other = self.make_customer("Beta", ref="BETA")
        _plan, line = self.sell(other, self.meter, metered_external_key="beta-1")
        for more, words in (
            ({"line_item_id": line.id + 10**6}, "No metered line"),
            ({"line_item_id": "1e3"}, "No metered line"),
            ({"line_item_external_key": "beta-1"}, "different lines"),
            ({"line_item_id": None}, "line is missing"),
        ):
            self.refused(self.post(self.usage_of(**more)), 400, words)
        # Two lines of one customer with the same product.
        self.sell(self.customer, self.make_meter("Other", code="o"), code="VOIP")
        named = {
            "line_item_id": None,
            "customer.external_key": "ACME",
            "line_item.item_external_key": "VOIP",
        }
        self.refused(self.post(self.usage_of(**named)), 400, "Several lines")
        with self.assertRaises(ValidationError):
            self.line.metered_external_key = "beta-1"

    def test_another_companys_line(self):
        company = self.env["res.company"].create({"name": "Other"})
        self.line.sale_subscription_id.company_id = company
        self.env.flush_all()
        self.refused(self.post(self.usage_of()), 400, "No metered line")
        answer = self.call("GET", f"/api/v3/package/{self.subscription.id}")
        self.refused(answer, 404)

    def test_types(self):
        self.ok(self.post(self.usage_of(type="add")), 201)
        for kind, words in (
            ("max", "does not match"),
            ("lat", "does not match"),
            ("pia", "not supported"),
            ("pas", "not supported"),
            ("dlt", "not supported"),
            ("sum", "not a type"),
        ):
            self.refused(self.post(self.usage_of(type=kind)), 400, words)
        for aggregation, kind, amount in (("max", "max", 9), ("last", "lat", 4)):
            with self.subTest(kind):
                meter = self.make_meter(kind, code=kind, aggregation=aggregation)
                plan, line = self.sell(self.customer, meter, code=kind)
                for day, value in (("05", 9), ("06", 4)):
                    sent = {
                        "line_item_id": line.id,
                        "usage_value": value,
                        "type": kind,
                        "from": f"2026-10-{day} 00:00:00",
                    }
                    self.ok(self.post(sent), 201)
                self.refused(self.post({**sent, "type": "add"}), 400, "does not match")
                self.rate()
                invoice = plan._metered_renew()
                line = invoice.invoice_line_ids.filtered("metered_date_from")
                self.assertAlmostEqual(line.price_subtotal, amount * 0.05)

    def test_found_by_its_reference(self):
        self.subscription.code = "SUB-1"
        path = "/api/v3/package?where=external_key:EQUALS:SUB-1"
        [package] = self.ok(self.call("GET", path), 200)
        self.assertEqual(package["package_id"], self.subscription.id)
        none = self.call("GET", "/api/v3/package?external_key=SUB-2")
        self.assertEqual(self.ok(none, 200), [])
        for path in ("", "?where=external_key:LIKE:a", "?where=name:EQUALS:a"):
            self.refused(self.call("GET", f"/api/v3/package{path}"), 400)

    def test_reading_usage(self):
        for day in (1, 2, 3):
            begin = f"2026-10-0{day} 00:00:00"
            self.ok(self.post(self.usage_of(day, **{"from": begin, "to": None})), 201)
        path = f"/api/v3/usage?line_item_id={self.line.id}"

        def values(more=""):
            return [
                row["usage_value"]
                for row in self.ok(self.call("GET", path + more), 200)
            ]

        for _state in range(2):
            self.assertEqual(values(), ["1", "2", "3"])
            self.assertEqual(values("&from=2026-10-02"), ["2", "3"])
            self.assertEqual(values("&from=2026-10-02&to=2026-10-02 12:00:00"), ["2"])
            self.assertEqual(values("&limit=1&offset=1"), ["2"])
            self.rate()
        self.assertEqual(values("&to=2026-10-01T23:59:59"), ["1"])
        self.assertEqual(values("&limit=0"), [])
        self.refused(self.call("GET", f"{path}&from=2026-13-01"), 400, "not a time")
        self.refused(self.call("GET", "/api/v3/usage"), 400, "line_item_id")
        self.assertEqual(
            self.ok(self.call("GET", "/api/v3/usage?line_item_id=x"), 200), []
        )

    @mute_logger(LOGGER)
    def test_who_may(self):
        for auth in (("x", "y"), (self.public, "y"), (self.public, self.private + "x")):
            self.refused(self.post(self.usage_of(), auth=auth), 401)
        self.refused(self.post(self.usage_of(), auth=()), 401)
        self.key.may_push = False
        self.refused(self.post(self.usage_of()), 403)
        self.key.may_push = True
        # Whoever only pushes is told neither packages nor what was sent.
        self.key.may_read = False
        line = self.line.id
        self.ok(self.post(self.usage_of()), 201)
        for path in (
            f"/api/v3/package/{self.subscription.id}",
            "/api/v3/package?external_key=SUB-1",
            f"/api/v3/usage?line_item_id={line}",
            "/api/v3/usage?external_key=u1",
        ):
            self.refused(self.call("GET", path), 403)
        # An Events source takes no lines.
        self.key.source_ids = self.make_source("events", source_type="events")
        self.refused(self.post(self.usage_of()), 403, "source")

    def test_faults_are_told_in_the_envelope(self):
        self.refused(self.call("PUT", "/api/v3/usage"), 405)
        self.refused(self.call("GET", "/api/v3/package/x"), 404)
        self.refused(self.call("GET", "/api/v3/package/999999999"), 404)
        for data in (b"", b"[", b"[]", b"5", b"\xff", b'{"a": 1, "a": 2}'):
            answer = self.call("POST", "/api/v3/usage", data=data)
            self.refused(answer, 400)

    # === SIGNED === #

    def sign(self, record, **changed):
        """A request as ChargeOver's own client signs it."""
        path = "/api/v3/usage"
        body = requests.Request("POST", "http://x", json=record).prepare().body
        said = {
            "address": f"{self.base_url()}/metered/chargeover{path}",
            "nonce": "a1b2c3d4",
            "timestamp": str(int(time.time())),
            "private": self.private,
            # What is signed; it is sent as it was made.
            "body": body,
            **changed,
        }
        digest = signed(
            said["private"],
            self.public,
            said["address"],
            said["nonce"],
            said["timestamp"],
            said["body"],
        )
        header = (
            f'ChargeOver co_public_key="{self.public}" co_nonce="{said["nonce"]}" '
            f'co_timestamp="{said["timestamp"]}" co_signature_method="HMAC-SHA256" '
            f'co_version="1.0" co_signature="{digest}"'
        )
        return self.call(
            "POST",
            path,
            auth=(),
            data=body,
            headers={
                "Authorization": header,
                "Content-Type": "application/json",
                **({"Host": said["host"]} if "host" in said else {}),
            },
        )

    @mute_logger(LOGGER)
    def test_signed(self):
        number = self.ok(self.sign(self.usage_of()), 201)
        now = str(int(time.time()))
        # Whoever overhears a request and sends it once more adds nothing.
        first = self.ok(self.sign(self.usage_of(5), timestamp=now), 201)
        self.assertEqual(
            self.ok(self.sign(self.usage_of(5), timestamp=now), 201), first
        )
        self.assertNotEqual(first, number)
        self.rate()
        self.assertEqual(sorted(self.cdrs().mapped("quantity")), [5, 361])
        for changed in (
            {"private": "other"},
            {"body": b"{}"},
            {"address": "https://other.example.com/api/v3/usage"},
            # Signed for another server, whose name somebody gives to this one.
            {
                "address": "http://other.example.com/metered/chargeover/api/v3/usage",
                "host": "other.example.com",
            },
            {"timestamp": str(int(now) - 3600)},
            {"timestamp": "x"},
        ):
            with self.subTest(changed):
                self.refused(self.sign(self.usage_of(7), **changed), 401)

    def test_signed_for_another_name_of_this_server(self):
        self.env["ir.config_parameter"].set_param(
            "metered_billing.signed_addresses", "http://a.example, http://odoo:8069/"
        )
        address = "http://odoo:8069/metered/chargeover/api/v3/usage"
        self.ok(self.sign(self.usage_of(), address=address), 201)

    def test_no_events_without_their_line(self):
        """Who may push usage of lines pushes nothing past the checks of lines."""
        answer = self.call("POST", "/api/v3/usage", json=self.usage_of())
        self.ok(answer, 201)
        with self.allow_requests(all_requests=True):
            answer = requests.post(
                f"{self.base_url()}/metered/v1/events",
                json={"id": "a", "properties": "no JSON", "line_item_id": self.line.id},
                headers={"Authorization": f"Bearer {self.private}"},
                timeout=30,
            )
        self.assertIn(answer.status_code, (400, 403), answer.text)

    @mute_logger(LOGGER)
    def test_only_keys_for_it_are_kept(self):
        """A key that signs nothing is stored as a digest."""
        self.assertEqual(self.key.sudo().signing_key, self.private)
        plain = self.key.copy({"may_sign": False})
        private = plain._make()
        self.assertFalse(plain.sudo().signing_key)
        self.ok(self.post(self.usage_of(), auth=(plain.prefix, private)), 201)
        self.key.action_revoke()
        self.assertFalse(self.key.sudo().signing_key)
        self.refused(self.sign(self.usage_of()), 401)
