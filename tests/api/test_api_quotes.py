# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Quotes, explanations and missed messages, as a program reads them."""

import json
from contextlib import closing
from decimal import Decimal

from odoo import fields
from odoo.sql_db import db_connect
from odoo.tests import freeze_time, tagged

from odoo.addons.metered_billing.models.api.metered_api_key import COMPUTE_LOCK_CLASS

from .test_push_events import PushCase, event


@tagged("post_install", "-at_install")
@freeze_time("2026-10-20 12:00:00")
class TestApiQuotes(PushCase):
    """A subscription with a fee of 10; 1 call is free, the others cost 0.5."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.price = cls.make_price(cls.meter, (0, 0.5), free_units=1)
        product = cls.make_metered_product("API calls", cls.price)
        cls.plan = cls.make_subscription(cls.customer, "2026-09-01", "2026-11-01")
        cls.plan.sale_subscription_line_ids = [
            fields.Command.create({"product_id": product.id})
        ]
        cls.key.may_read = True

    def get_path(self, path, token=None):
        return self.url_open(
            f"/metered/v1/{path}",
            headers={"Authorization": f"Bearer {token or self.token}"},
        )

    def what_if(self, **sent):
        return self.url_open(
            "/metered/v1/quotes",
            data=json.dumps(sent),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            method="POST",
        )

    def test_quote_is_the_invoice(self):
        self.push([event(1)])
        self.rate()
        answer = self.get_path("quotes?subject=acme")
        self.assertEqual(answer.status_code, 200, answer.text)
        [told] = answer.json()["quotes"]
        invoice = self.plan._metered_renew()
        self.assertEqual(
            (told["untaxed"], told["date"], told["to"]),
            ("10.75", "2026-11-01", "2026-11-01"),
        )
        self.assertEqual(float(told["total"]), invoice.amount_total)
        self.assertEqual(
            sorted((line["name"], float(line["amount"])) for line in told["lines"]),
            sorted(
                (line.name, line.price_subtotal) for line in invoice.invoice_line_ids
            ),
        )

    def test_forecast(self):
        self.push([event(1)])
        self.rate()
        [told] = self.get_path("quotes?subject=acme").json()["quotes"]
        self.assertIsNone(told["forecast"])
        [told] = self.get_path("quotes?subject=acme&forecast=true").json()["quotes"]
        forecast = told["forecast"]
        self.assertEqual(told["untaxed"], "10.75")
        self.assertEqual(forecast["untaxed"], "11.3")
        self.assertEqual(forecast["lines"][0], told["lines"][0])
        self.assertIn("by weekday", forecast["notes"][0])

    def test_with_quantities_that_are_given(self):
        for quantity, untaxed in (
            (0, "10"),
            (1, "10"),
            ("1001", "510"),
            (2.5, "10.75"),
            ("2.500", "10.75"),
        ):
            answer = self.what_if(subject="acme", quantities={"api": quantity})
            self.assertEqual(answer.status_code, 200, answer.text)
            [told] = answer.json()["quotes"]
            self.assertEqual(float(told["untaxed"]), float(untaxed))
        [told] = self.what_if(subject="acme", subscription=self.plan.id).json()[
            "quotes"
        ]
        self.assertEqual(told["subscription"], self.plan.id)

    def test_what_cannot_be_quoted(self):
        for sent, status in (
            ({"subject": "nobody"}, 404),
            ({}, 422),
            ({"subject": ""}, 422),
            ({"subject": "acme\0"}, 422),
            ({"subject": ["acme"]}, 422),
            ({"subject": "acme", "more": 1}, 422),
            ({"subject": "acme", "subscription": 0}, 422),
            ({"subject": "acme", "quantities": [1]}, 422),
            ({"subject": "acme", "quantities": {"unknown": 1}}, 422),
            ({"subject": "acme", "quantities": {"api": None}}, 422),
            ({"subject": "acme", "quantities": {"api": True}}, 422),
            ({"subject": "acme", "quantities": {"api": "x"}}, 422),
            ({"subject": "acme", "quantities": {"api": -1}}, 422),
            ({"subject": "acme", "quantities": {"api": 1e300}}, 422),
        ):
            with self.subTest(sent=ascii(sent)):
                self.assertEqual(self.what_if(**sent).status_code, status)
        self.key.may_read = False
        self.assertEqual(self.what_if(subject="acme").status_code, 403)
        self.assertEqual(self.get_path("quotes?subject=acme").status_code, 403)

    def test_one_at_a_time(self):
        """A second one is refused at once, instead of keeping a worker busy."""
        connection = db_connect(self.env.cr.dbname)
        with closing(connection.cursor()) as cr:
            cr.execute(
                "SELECT pg_advisory_xact_lock(%s, %s)",
                (COMPUTE_LOCK_CLASS, self.key.id),
            )
            for answer in (
                self.what_if(subject="acme"),
                self.get_path("quotes?subject=acme"),
                self.url_open(
                    "/metered/billforward/v1/quotes",
                    data=json.dumps({"subscriptionID": f"SUB-{self.plan.id}"}),
                    headers={
                        "Authorization": f"Bearer {self.token}",
                        "Content-Type": "application/json",
                    },
                ),
            ):
                self.assertEqual(answer.status_code, 429, answer.text)
                self.assertTrue(answer.headers["Retry-After"])
            # Other keys, and other questions, do not wait for it.
            other = self.env["metered.api.key"].create(
                {"name": "Other", "may_read": True}
            )
            answer = self.get_path("quotes?subject=acme", other._make())
            self.assertEqual(answer.status_code, 200)
            answer = self.get_path("entitlements?subject=acme")
            self.assertEqual(answer.status_code, 200)
        self.assertEqual(self.what_if(subject="acme").status_code, 200)

    def test_the_companys_own_meter_comes_first(self):
        """As another one, of all companies, may have the same code."""
        shared = self.make_meter("Shared", code="both", company_id=False)
        own = self.make_meter("Own", code="both", company_id=self.company.id)
        api = self.env["metered.api"]
        for found in (api._meter_of(self.key, "both"), api._bf_meter(self.key, "both")):
            self.assertEqual(found, own)
        self.assertEqual(api._bf_meter(self.key, f"PRC-{shared.id}"), shared)

    def test_an_event_says_what_its_period_comes_to_and_why(self):
        [told] = self.push([event(1)], query="?rated=true").json()["events"]
        told = told["result"]
        self.assertEqual(
            told["period"],
            {
                "from": "2026-10-01",
                "to": "2026-11-01",
                "quantity": "2.5",
                "amount": "0.75",
                "currency": "USD",
                "included": {"granted": "1", "taken": "1", "left": "0"},
            },
        )
        titles = [step["title"] for step in told["explanation"]]
        self.assertIn("Free units", titles)
        # On an invoice the explanation is that of its line.
        self.plan._metered_renew()
        after = self.get_path("events?event=%2Fshop%20e1").json()
        self.assertNotIn("period", after)
        self.assertEqual(after["explanation"], told["explanation"])
        self.assertTrue(after["invoice"])

    def charges(self, *events):
        """What events are charged that are pushed and rated, by their answers."""
        told = self.push([*events], query="?rated=true").json()["events"]
        return [one["result"]["charge"] for one in told]

    def told_of(self, number):
        return self.get_path(f"events?event=%2Fshop%20e{number}").json()

    def test_what_an_event_adds(self):
        """In the order of time, whatever the order in which they come."""

        def at(number, hour, quantity):
            time = f"2026-10-05T{hour:02}:00:00Z"
            return event(number, time=time, data={"quantity": quantity})

        second, first = self.charges(at(2, 12, 2.5), at(1, 10, 0.4))
        self.assertEqual(
            first,
            {
                "amount": "0",
                "currency": "USD",
                "included": {"taken": "0.4", "left": "0.6"},
                "allowances": [],
                "period": {"quantity": "0.4", "amount": "0"},
            },
        )
        self.assertEqual(second["amount"], "0.95")
        self.assertEqual(second["included"], {"taken": "0.6", "left": "0"})
        self.assertEqual(second["period"], {"quantity": "2.9", "amount": "0.95"})
        # One between them takes what the later one had; a day before, all of it.
        [between] = self.charges(at(3, 11, 0.5))
        self.assertEqual(between["included"], {"taken": "0.5", "left": "0.1"})
        self.assertEqual(self.told_of(2)["charge"]["amount"], "1.2")
        [before] = self.charges(event(4, time="2026-10-04T09:00:00Z"))
        self.assertEqual(before["amount"], "0.75")
        # A thousandth of a cent is not lost, and all come to what the period does.
        [small] = self.charges(at(5, 13, 0.00002))
        self.assertEqual(small["amount"], "0.00001")
        each = [self.told_of(number) for number in range(1, 6)]
        total = sum(Decimal(one["charge"]["amount"]) for one in each)
        self.assertEqual(total, Decimal("2.45001"))
        self.assertEqual(each[4]["charge"]["period"]["amount"], "2.45")
        self.assertEqual(each[0]["period"]["amount"], "2.45")
        # Invoiced, they are charged the same; one that is late comes after them all.
        self.plan._metered_renew()
        again = [self.told_of(number)["charge"] for number in range(1, 6)]
        self.assertEqual(again, [one["charge"] for one in each])
        [late] = self.charges(at(6, 1, 2))
        self.assertEqual(late["amount"], "1")
        self.assertEqual(late["included"], {"taken": "0", "left": "0"})
        self.assertEqual([self.told_of(n)["charge"] for n in range(1, 6)], again)
        # With another price nobody knows what a single one was charged.
        self.price.free_units = 2
        self.assertIsNone(self.told_of(1)["charge"])

    def test_what_an_event_adds_to_the_highest_value(self):
        self.meter.aggregation = "max"
        found = self.charges(*(event(n, data={"quantity": n % 3}) for n in range(5)))
        self.assertEqual([one["amount"] for one in found], ["0", "0", "0.5", "0", "0"])
        self.assertEqual(found[4]["period"], {"quantity": "2", "amount": "0.5"})

    def test_missed_messages_are_read_again(self):
        webhook = self.env["metered.webhook"].create(
            {
                "name": "Hook",
                "address": "https://example.com/hook",
                "tells_usage_imported": True,
                "tells_invoice_issued": True,
            }
        )
        webhook._new_secret()
        self.push([event(1)])
        self.rate()
        self.plan._metered_renew().action_post()
        deliveries = webhook.delivery_ids.sorted("id")
        kinds = ["usage.imported", "invoice.issued"]
        self.assertEqual(deliveries.mapped("kind"), kinds)
        day = fields.Date.to_date(deliveries[0].create_date)
        path = f"webhook_deliveries?from={day}&to={fields.Date.add(day, days=1)}"
        for rights, expected in (
            ({"may_read": True, "may_invoice": True}, kinds),
            ({"may_read": True, "may_invoice": False}, kinds[:1]),
            ({"may_read": False, "may_invoice": True}, kinds[1:]),
        ):
            self.key.write(rights)
            told = self.get_path(path).json()["webhook_deliveries"]
            self.assertEqual([one["type"] for one in told], expected)
            for one in told:
                sent = deliveries.filtered(lambda d, m=one["message"]: d.message == m)
                self.assertEqual(one["body"], json.loads(sent.body))
        self.key.write({"may_read": False, "may_invoice": False})
        self.assertEqual(self.get_path(path).status_code, 403)
        company = self.env["res.company"].create({"name": "Other"})
        other = self.env["metered.api.key"].create(
            {"name": "Other", "may_read": True, "company_id": company.id}
        )
        self.assertEqual(
            self.get_path(path, other._make()).json(), {"webhook_deliveries": []}
        )
