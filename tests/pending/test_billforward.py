# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A program completes invoices that wait for its usage, by HTTP alone."""

import json
from datetime import date, datetime
from decimal import Decimal

import requests

from odoo import Command, fields
from odoo.tests import HttpCase, tagged

from ..support.metered_case import MeteredMakers

BASE = "/metered/billforward/v1"


class Client:
    """What somebody writes who has the article and nothing else."""

    def __init__(self, address, token, session):
        self.address, self.session = address + BASE, session
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path, **query):
        return self.session.get(
            self.address + path, params=query, headers=self.headers, timeout=30
        )

    def post(self, path, body=None, **headers):
        return self.session.post(
            self.address + path,
            json=body or {},
            headers={**self.headers, **headers},
            timeout=30,
        )

    def results(self, answer):
        if answer.status_code != 200:
            raise AssertionError(f"{answer.status_code}: {answer.text}")
        found = answer.json()
        if found["recordsReturned"] != len(found["results"]):
            raise AssertionError(found)
        return found["results"]

    def count_messages(self, notification, messages):
        """The article: a notification comes, and the invoice is issued.

        :param list messages: when each was sent, aware datetimes
        :return: the invoice as it was issued; None: it was not for us
        """
        # 1. A notification says that an invoice is pending: its ID is all that counts.
        if (notification["domain"], notification["action"]) != ("Invoice", "Pending"):
            return None
        # 2. The invoice is read: only these types, and never recalculated before.
        [invoice] = self.results(self.get(f"/invoices/{notification['entityID']}"))
        if (
            invoice["state"] != "Pending"
            or invoice["type"] not in ("Subscription", "FinalArrears")
            or invoice["versionNumber"] != 1
        ):
            return None
        # 3. Its usage charges, each with a period of its own.
        charges = self.results(self.get(f"/invoices/{invoice['id']}/charges"))
        for charge in charges:
            if charge["pricingComponentType"] != "usage":
                continue
            # 4. What was used in it is counted: from its beginning, before its end.
            begin, end = (
                datetime.fromisoformat(charge[name])
                for name in ("periodStart", "periodEnd")
            )
            count = sum(begin <= one < end for one in messages)
            # 5. The charge is recalculated.
            self.results(
                self.post(
                    f"/charges/{charge['id']}/recalculate",
                    {"pricingComponentValue": count},
                )
            )
        # 6. The invoice is recalculated and issued.
        [issued] = self.results(
            self.post(f"/invoices/{invoice['id']}/recalculate", {"newState": "Unpaid"})
        )
        return issued


class BillForwardCase(MeteredMakers, HttpCase):
    """A plan of 10 a month with messages: 100 free, 0.05 each after that."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.meter = cls.make_meter("Messages", unit="messages", code="messages")
        cls.price = cls.make_price(cls.meter, (100, 0), (0, 0.05))
        cls.product = cls.make_metered_product("Messages", cls.price)
        cls.customer = cls.make_customer("Acme", email="acme@example.com")
        cls.plan = cls.make_plan()
        cls.key = cls.env["metered.api.key"].create(
            {
                "name": "Counter",
                "may_push": False,
                "may_invoice": True,
                "may_issue": True,
            }
        )
        cls.token = cls.key._make()
        cls.hook = cls.env["metered.webhook"].create(
            {
                "name": "Counter",
                "address": "https://counter.example.com",
                "tells_invoice_pending": True,
                "tells_invoice_issued": True,
                "tells_invoice_freed": True,
            }
        )
        cls.hook._new_secret()

    @classmethod
    def make_plan(cls, policy="hold", mode="invoice_send", due="2026-11-01"):
        plan = cls.make_subscription(cls.customer, "2026-09-01", due)
        plan.template_id.write({"invoicing_mode": mode, "metered_wait_policy": policy})
        plan.sale_subscription_line_ids = [
            Command.create({"product_id": cls.product.id})
        ]
        return plan

    def setUp(self):
        super().setUp()
        self.client = Client(self.base_url(), self.token, self.opener)

    def renew(self, plan=None):
        return (plan or self.plan)._metered_renew()

    def charge_of(self, invoice):
        self.assertEqual(len(invoice.metered_charge_ids), 1)
        return invoice.metered_charge_ids

    def usage_line(self, invoice):
        [line] = invoice.invoice_line_ids.filtered("metered_date_from")
        return line

    def give(self, invoice, quantity, **more):
        charge = self.charge_of(invoice)
        return self.client.post(
            f"/charges/CHG-{charge.id}/recalculate",
            {"pricingComponentValue": quantity, **more},
        )

    def given(self):
        """Records that programs gave."""
        return self.env["metered.cdr"].search(
            [("source_id", "=", False), ("meter_id", "=", self.meter.id)]
        )


def sent(day, count):
    """So many messages on a day."""
    return [datetime.fromisoformat(f"{day}T12:00:00+00:00")] * count


@tagged("post_install", "-at_install")
class TestBillForward(BillForwardCase):
    def notifications(self):
        return self.client.results(self.client.get("/notifications", records=50))

    def test_the_article(self):
        """Its six steps: 105 messages, of which 5 are charged."""
        invoice = self.renew()
        self.assertEqual((invoice.state, invoice.metered_pending), ("draft", "pending"))
        # What is posted to the program, and what it can read again, say the same.
        [told] = self.notifications()
        posted = json.loads(self.hook.delivery_ids.body)
        self.assertEqual(posted["type"], "invoice.pending")
        for name in ("domain", "action", "entityID"):
            self.assertEqual(posted[name], told[name])
        told = posted
        messages = [
            *sent("2026-09-30", 7),
            *sent("2026-10-01", 5),
            *sent("2026-10-31", 100),
            *sent("2026-11-01", 9),
        ]
        issued = self.client.count_messages(told, messages)
        self.assertEqual(issued["state"], "Unpaid")
        self.assertEqual(issued["versionNumber"], 2)
        self.assertEqual(issued["invoiceCost"], 10.25)
        self.assertEqual(invoice.state, "posted")
        self.assertTrue(invoice.sending_data, "it is sent as the template says")
        line = self.usage_line(invoice)
        self.assertIn("105 messages", line.name)
        self.assertEqual(line.price_subtotal, 0.25)
        [record] = self.given()
        self.assertEqual(record.quantity, 105)
        self.assertEqual(record.usage_id.invoice_line_id, line)
        # It is over: the same notification once more changes nothing.
        self.assertIsNone(self.client.count_messages(told, messages))
        actions = [one["action"] for one in self.notifications()]
        self.assertEqual(actions, ["Unpaid", "Pending"])

    def test_final_arrears(self):
        """The last usage of a subscription that is closed has an invoice of its own."""
        today = self.company._metered_today()
        month = today.replace(day=1)
        before = fields.Date.subtract(month, months=1)
        self.plan.write({"date_start": before, "recurring_next_date": month})
        first = self.renew()
        self.client.count_messages(self.notifications()[0], sent(before, 105))
        self.plan.close_subscription()
        [told, *_rest] = self.notifications()
        self.assertEqual(json.loads(told["entity"])["type"], "FinalArrears")
        issued = self.client.count_messages(
            told, [*sent(before, 105), *sent(today, 102)]
        )
        self.assertEqual((issued["type"], issued["state"]), ("FinalArrears", "Unpaid"))
        self.assertEqual(issued["invoiceCost"], 0.10)
        last = self.plan.metered_period_ids.invoice_id - first
        self.assertEqual(last.state, "posted")
        self.assertEqual(sum(self.given().mapped("quantity")), 207)

    def test_a_pending_invoice_is_read(self):
        invoice = self.renew()
        [told] = self.client.results(self.client.get("/invoices/state/Pending"))
        self.assertEqual(told["id"], f"INV-{invoice.id}")
        self.assertEqual(told["periodStart"], "2026-11-01T00:00:00Z")
        self.assertEqual(told["periodEnd"], "2026-12-01T00:00:00Z")
        [charge] = self.client.results(
            self.client.get(f"/invoices/INV-{invoice.id}/charges")
        )
        self.assertEqual(charge["periodStart"], "2026-10-01T00:00:00Z")
        self.assertEqual(charge["periodEnd"], "2026-11-01T00:00:00Z")
        self.assertEqual(charge["pricingComponentValue"], 0)
        self.assertEqual(charge["pricingComponentName"], "messages")
        [same] = self.client.results(self.client.get(f"/charges/{charge['id']}"))
        self.assertEqual(same, charge)
        found = self.client.results(
            self.client.get(f"/invoices/subscription/SUB-{self.plan.id}")
        )
        self.assertEqual(found, [told])
        for path in ("/invoices/INV-0", "/invoices/CHG-1", "/charges/x", "/invoices/1"):
            self.assertEqual(self.client.get(path).status_code, 404, path)

    def test_versions_and_a_dry_run(self):
        invoice = self.renew()
        [dry] = self.client.results(self.give(invoice, 300, dryRun=True))
        self.assertEqual(dry["amountExcludingTax"], 10)
        self.assertEqual((invoice.amount_untaxed, len(self.given())), (10, 0))
        self.assertEqual(self.charge_of(invoice).version_number, 1)
        for quantity, amount in ((105, 0.25), (120.5, 1.03), ("0", 0), (105, 0.25)):
            [told] = self.client.results(self.give(invoice, quantity))
            self.assertEqual(told["amountExcludingTax"], amount + 0)
            self.assertEqual(told["pricingComponentValue"], float(quantity))
            self.assertEqual(invoice.amount_untaxed, 10 + told["amountExcludingTax"])
        charge = self.charge_of(invoice)
        self.assertEqual(f"CHG-{charge.id}", told["id"])
        self.assertEqual(charge.version_number, 5)
        version = charge.version_ids[-1]
        self.assertEqual(
            (
                version.number,
                version.given,
                version.quantity_before,
                version.total_after,
            ),
            (2, "105", "0", 0.25),
        )
        self.assertIn("Counter (mk_", version.changed_by)
        self.assertEqual(len(told["versions"]), 4)
        # One record, that says where it comes from, and is what is billed.
        [record] = self.given()
        self.assertEqual(record.quantity, 105)
        self.assertIn("sent a quantity of 105", record._explain())

    def test_what_is_recorded_already_is_part_of_it(self):
        invoice = self.renew()
        # Events of the same period came in after the invoice was made.
        self.make_usage("2026-10-07", 40)
        self.client.results(self.give(invoice, 105))
        self.assertEqual(invoice.amount_untaxed, 10.25)
        self.assertEqual(self.given().filtered("usage_id.invoice_line_id").quantity, 65)
        # Less than was recorded is a correction.
        self.client.results(self.give(invoice, 30))
        self.assertEqual(self.given().filtered("usage_id.records").quantity, -10)
        self.assertEqual(invoice.amount_untaxed, 10)
        # Recalculated, the invoice has all of it, once.
        self.client.results(self.client.post(f"/invoices/INV-{invoice.id}/recalculate"))
        self.assertEqual(self.charge_of(invoice).counted, "30")
        self.assertEqual(invoice.metered_version, 2)

    def test_what_arrives_after_a_quantity_is_part_of_it(self):
        invoice = self.renew()
        self.client.results(self.give(invoice, 105))
        self.make_usage("2026-10-07", 40)
        self.client.results(
            self.client.post(
                f"/invoices/INV-{invoice.id}/recalculate", {"newState": "Unpaid"}
            )
        )
        self.assertEqual(self.charge_of(invoice).counted, "105")
        self.assertEqual((invoice.amount_untaxed, invoice.state), (10.25, "posted"))

    def test_late_usage_is_part_of_its_period(self):
        """It is a charge of the next invoice, which bills no more than is left."""
        invoices = self.renew()
        self.make_usage("2026-10-07", 40)
        invoices |= self.renew()
        late = invoices[1].metered_charge_ids.filtered(
            lambda charge: charge.date_from == date(2026, 10, 1)
        )
        self.assertEqual((len(invoices[1].metered_charge_ids), late.counted), (2, "40"))
        for _time in range(2):
            for charge in invoices.metered_charge_ids:
                count = 105 if charge.date_from == date(2026, 10, 1) else 20
                self.client.results(
                    self.client.post(
                        f"/charges/CHG-{charge.id}/recalculate",
                        {"pricingComponentValue": count},
                    )
                )
            # 10 for each month, and 5 messages of 105.
            self.assertEqual(sum(invoices.mapped("amount_untaxed")), 20.25)
            october = invoices.metered_charge_ids - invoices[1].metered_charge_ids
            self.assertEqual(
                sum(float(charge.counted) for charge in october | late), 105
            )

    def make_usage(self, day, quantity):
        """Usage with one record of a source."""
        usage = (
            self.env["metered.usage"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "partner_id": self.customer.id,
                    "meter_id": self.meter.id,
                    "day": day,
                    "currency_id": self.company.currency_id.id,
                    "collecting": True,
                    "records": 1,
                    "quantity": quantity,
                }
            )
        )
        self.env["metered.cdr"].sudo().create(
            {
                "company_id": self.company.id,
                "source_id": self.make_source().id,
                "call_id": "x",
                "start_time": f"{day} 10:00:00",
                "quantity": quantity,
                "state": "rated",
                "meter_id": self.meter.id,
                "partner_id": self.customer.id,
                "usage_id": usage.id,
            }
        )
        self.env.flush_all()
        return usage

    def test_recalculated_with_what_came_in(self):
        invoice = self.renew()
        self.make_usage("2026-10-07", 140)
        path = f"/invoices/INV-{invoice.id}/recalculate"
        [told] = self.client.results(self.client.post(path, {"dryRun": True}))
        self.assertEqual(told["costExcludingTax"], 12)
        self.assertEqual(invoice.amount_untaxed, 10)
        self.client.results(self.client.post(path))
        self.assertEqual(invoice.amount_untaxed, 12)
        [version] = self.charge_of(invoice).version_ids
        self.assertFalse(version.given)
        self.assertEqual(
            (version.quantity_before, version.quantity_after), ("0", "140")
        )

    def test_deleted_it_is_billed_once(self):
        invoice = self.renew()
        self.client.results(self.give(invoice, 105))
        invoice.unlink()
        [record] = self.given()
        self.assertFalse(record.usage_id.invoice_line_id)
        again = self.plan._metered_unbilled_periods()._bill_again()
        self.assertEqual(again.metered_pending, "pending")
        self.assertEqual(self.charge_of(again).counted, "105")
        self.client.results(self.give(again, 110))
        self.assertEqual(self.given().mapped("quantity"), [110])
        self.assertEqual(again.amount_untaxed, 10.5)

    def test_all_charges_at_once(self):
        invoice = self.renew()
        charge = self.charge_of(invoice)
        body = {
            "charges": [{"id": f"CHG-{charge.id}", "pricingComponentValue": 105}],
            "invoiceState": "Unpaid",
        }
        [dry] = self.client.results(
            self.client.post("/charges/recalculate", {**body, "dryRun": True})
        )
        self.assertEqual(dry["recalculatedInvoices"][0]["state"], "Unpaid")
        self.assertEqual((invoice.state, len(self.given())), ("draft", 0))
        [done] = self.client.results(self.client.post("/charges/recalculate", body))
        self.assertEqual(done["charges"][0]["pricingComponentValue"], 105)
        self.assertEqual(done["recalculatedInvoices"][0]["invoiceCost"], 10.25)
        self.assertEqual(invoice.state, "posted")
        # One of them is wrong: nothing is done.
        other = self.renew()
        body = {
            "charges": [
                {"id": f"CHG-{self.charge_of(other).id}", "pricingComponentValue": 1},
                {"id": f"CHG-{charge.id}", "pricingComponentValue": 1},
            ]
        }
        self.assertEqual(
            self.client.post("/charges/recalculate", body).status_code, 409
        )
        self.assertEqual(self.charge_of(other).version_number, 1)

    def test_what_is_issued_stays(self):
        invoice = self.renew()
        charge = self.charge_of(invoice)
        for _time in range(2):
            [told] = self.client.results(
                self.client.post(f"/invoices/INV-{invoice.id}/issue")
            )
            self.assertEqual(told["state"], "Unpaid")
        self.assertEqual(invoice.amount_untaxed, 10)
        for path, body in (
            (f"/charges/CHG-{charge.id}/recalculate", {"pricingComponentValue": 5}),
            (f"/invoices/INV-{invoice.id}/recalculate", {}),
        ):
            self.assertEqual(self.client.post(path, body).status_code, 409, path)
        self.assertEqual((invoice.amount_untaxed, invoice.state), (10, "posted"))

    def test_a_run_counts_what_can_be_approved(self):
        """Not what waits for usage, which Odoo's own button does not post either."""
        run = self.env["metered.renewal"].create(
            {
                "company_id": self.company.id,
                "date": "2026-11-01",
                "subscription_ids": self.plan.ids,
            }
        )
        run._process()
        invoice = self.plan.invoice_ids
        self.assertEqual(run.review_ids.invoice_id, invoice)
        self.assertEqual(run.review_ids.state, "review")
        self.assertEqual((run.to_approve, invoice.hide_post_button), (0, True))
        self.plan.template_id.metered_review_policy = "wait"
        invoice.action_metered_issue()
        run.invalidate_recordset()
        self.assertEqual((run.to_approve, invoice.hide_post_button), (1, False))

    def test_on_hold_and_to_approve(self):
        invoice = self.renew()
        self.env["metered.review"]._add(invoice)._hold("a dispute")
        refused = self.client.post(f"/invoices/INV-{invoice.id}/issue")
        self.assertEqual(refused.status_code, 422)
        self.assertIn("a dispute", refused.json()["detail"])
        invoice.action_metered_release()
        self.plan.template_id.metered_review_policy = "wait"
        [told] = self.client.results(
            self.client.post(f"/invoices/INV-{invoice.id}/issue")
        )
        self.assertEqual((told["state"], invoice.state), ("Draft", "draft"))
        self.assertEqual(invoice.metered_review_state, "review")

    def test_a_locked_period(self):
        """Odoo refuses to post it: it goes on waiting, with all that was given."""
        invoice = self.renew()
        self.client.results(self.give(invoice, 105))
        self.company.fiscalyear_lock_date = "2999-12-31"
        for path, body in (
            ("issue", {}),
            ("recalculate", {"newState": "Unpaid"}),
        ):
            refused = self.client.post(f"/invoices/INV-{invoice.id}/{path}", body)
            self.assertEqual(refused.status_code, 422, refused.text)
            self.assertIn("Lock Date", refused.json()["detail"])
            self.assertEqual(invoice.metered_pending, "pending")
            self.assertEqual((invoice.metered_version, invoice.state), (1, "draft"))
        self.company.fiscalyear_lock_date = False
        self.client.results(self.client.post(f"/invoices/INV-{invoice.id}/issue"))
        self.assertEqual((invoice.state, invoice.amount_untaxed), ("posted", 10.25))

    def test_whose_key(self):
        invoice = self.renew()
        charge = self.charge_of(invoice)
        posts = (
            f"/charges/CHG-{charge.id}/recalculate",
            f"/invoices/INV-{invoice.id}/recalculate",
            f"/invoices/INV-{invoice.id}/issue",
            "/charges/recalculate",
        )
        gets = (
            f"/invoices/INV-{invoice.id}",
            "/invoices/state/Pending",
            f"/invoices/INV-{invoice.id}/charges",
            f"/charges/CHG-{charge.id}",
            "/notifications",
        )
        self.key.may_issue = False
        for path in posts:
            self.assertEqual(self.client.post(path).status_code, 403, path)
        self.key.write({"may_invoice": False, "may_read": True})
        for path in gets:
            self.assertEqual(self.client.get(path).status_code, 403, path)
        self.key.may_issue = True
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.env["metered.api.key"].create(
            {"name": "Theirs", "company_id": other.id, "may_issue": True}
        )
        stranger = Client(self.base_url(), theirs._make(), self.opener)
        body = {"pricingComponentValue": 1}
        for path in posts[:-1]:
            answer = stranger.post(path, body if "charges" in path else {})
            self.assertEqual(answer.status_code, 404, path)
        for path in gets[2:4]:
            self.assertEqual(stranger.get(path).status_code, 404, path)
        for path in ("/invoices/state/Pending", "/notifications"):
            self.assertEqual(stranger.results(stranger.get(path)), [])

    def test_what_cannot_be_given(self):
        invoice = self.renew()
        for value in (-1, "x", None, True, 1e15, "1e5", "0.0000000001", [1]):
            answer = self.give(invoice, value)
            self.assertEqual(answer.status_code, 422, ascii(value))
        for more in (
            {"amount": 5},
            {"recalculationBehaviour": "RecalculateWithCurrentPricing"},
            {"dryRun": "yes"},
            {"unknown": 1},
        ):
            self.assertEqual(self.give(invoice, 1, **more).status_code, 422, more)
        self.meter.aggregation = "unique" if self.meter.unique_property else "count"
        self.assertEqual(self.give(invoice, 1).status_code, 422)
        self.meter.aggregation = "max"
        self.client.results(self.give(invoice, 105))
        self.client.results(self.give(invoice, 110))
        self.assertEqual(invoice.amount_untaxed, 10.5)
        self.assertEqual(len(self.given()), 1)

    def test_lines_are_their_usage(self):
        self.meter.presentation = "detail"
        invoice = self.renew()
        self.client.results(self.give(invoice, 105))
        self.client.results(self.client.post(f"/invoices/INV-{invoice.id}/recalculate"))
        for line in invoice.invoice_line_ids.filtered("metered_date_from"):
            self.env.cr.execute(
                "SELECT sum(amount)::text FROM metered_usage"
                " WHERE invoice_line_id = %s",
                (line.id,),
            )
            self.assertEqual(
                Decimal(self.env.cr.fetchone()[0]), Decimal(str(line.price_subtotal))
            )
        self.assertEqual(self.charge_of(invoice).counted, "105")

    def test_quantities_keep_their_digits(self):
        """More than a float has, in answers as in what is stored."""
        invoice = self.renew()
        exact = "123456789012.123456789"
        answer = self.client.session.post(
            f"{self.client.address}/charges/CHG-{self.charge_of(invoice).id}/recalculate",
            data=f'{{"pricingComponentValue": {exact}}}',
            headers={**self.client.headers, "Content-Type": "application/json"},
            timeout=30,
        )
        self.assertIn(f'"pricingComponentValue": {exact},', answer.text)
        self.assertIn(f'"value": {exact},', answer.text)
        self.key.may_read = True
        quote = (
            f'{{"subscriptionID": "SUB-{self.plan.id}", "quantities": '
            f'[{{"pricingComponent": "messages", "quantity": {exact}}}]}}'
        )
        answer = self.client.session.post(
            f"{self.client.address}/quotes",
            data=quote,
            headers={**self.client.headers, "Content-Type": "application/json"},
            timeout=30,
        )
        self.assertIn(f'"quantity": {exact}', answer.text)

    def test_a_quote(self):
        """What if 105 messages were sent this month?"""
        body = {
            "subscriptionID": f"SUB-{self.plan.id}",
            "quantities": [{"pricingComponent": "messages", "quantity": 105}],
        }
        self.assertEqual(self.client.post("/quotes", body).status_code, 403)
        self.key.may_read = True
        [told] = self.client.results(self.client.post("/quotes", body))
        self.assertEqual((told["total"], told["currency"]), (10.25, "USD"))
        self.assertEqual(told["periodStart"], "2026-10-01T00:00:00Z")
        # Nothing of it is there, and nobody was told.
        self.assertFalse(self.plan.metered_period_ids)
        self.assertFalse(self.hook.delivery_ids)
        self.make_usage("2026-10-07", 140)
        [told] = self.client.results(
            self.client.post("/quotes", {"subscriptionID": f"SUB-{self.plan.id}"})
        )
        self.assertEqual(told["total"], 12)
        for wrong in (
            {"subscriptionID": "SUB-999999999"},
            {**body, "quantities": [{"pricingComponent": "x", "quantity": 1}]},
            {**body, "quantities": body["quantities"] * 2},
            {**body, "quoteFor": "Upgrade"},
        ):
            self.assertIn(
                self.client.post("/quotes", wrong).status_code, (404, 422), wrong
            )

    def test_the_body(self):
        invoice = self.renew()
        address = f"{self.base_url()}{BASE}/invoices/INV-{invoice.id}/recalculate"
        for data, kind, status in (
            (b"{", "application/json", 400),
            (b"[]", "application/json", 400),
            (b"[{}]", "application/json", 400),
            (b"{}", "text/plain", 415),
            (b'{"dryRun": true, "dryRun": false}', "application/json", 400),
            (b"\xff", "application/json", 400),
            (b'{"newState": "Paid"}', "application/json", 422),
            (b"", "application/json", 200),
        ):
            with self.subTest(data=ascii(data)):
                answer = self.opener.post(
                    address,
                    data=data,
                    headers={**self.client.headers, "Content-Type": kind},
                    timeout=30,
                )
                self.assertEqual(answer.status_code, status, answer.text)
        self.assertIsInstance(answer, requests.Response)


@tagged("post_install", "-at_install")
class TestNobodyCompletes(BillForwardCase):
    def look(self, hours):
        """What the scheduled action does after so many hours."""
        pending = self.env["account.move"].search([("metered_pending", "!=", False)])
        for name in ("metered_pending_remind", "metered_pending_until"):
            for move in pending.filtered(name):
                move._set_as_program(
                    {name: fields.Datetime.subtract(move[name], hours=hours)}
                )
        self.env["account.move"].sudo()._metered_look_at_pending()

    def activities(self, invoice):
        return invoice._metered_open_activities("pending").mapped("summary")

    def test_reminded_and_put_on_hold(self):
        invoice = self.renew()
        self.look(0)
        self.assertEqual(self.activities(invoice), [])
        self.look(24)
        self.assertEqual(self.activities(invoice), ["Invoice waiting for usage"])
        self.look(48)
        self.assertEqual(
            self.activities(invoice), ["Invoice on hold: usage not completed"]
        )
        self.assertEqual(
            (invoice.state, invoice.metered_review_state), ("draft", "held")
        )
        self.assertEqual(
            self.client.post(f"/invoices/INV-{invoice.id}/issue").status_code, 422
        )
        # It can be completed meanwhile, and is issued when a person released it.
        self.client.results(self.give(invoice, 105))
        invoice.action_metered_release()
        self.look(1000)
        self.assertEqual(invoice.metered_pending, "pending")
        invoice.action_metered_issue()
        self.assertEqual((invoice.state, invoice.amount_untaxed), ("posted", 10.25))
        self.assertEqual(self.activities(invoice), [])

    def test_issued_with_what_is_there(self):
        self.plan.template_id.metered_wait_policy = "issue"
        invoice = self.renew()
        self.client.results(self.give(invoice, 105))
        self.look(72)
        self.assertEqual((invoice.state, invoice.amount_untaxed), ("posted", 10.25))
        self.assertFalse(invoice.metered_pending)

    def test_settings(self):
        self.company.write(
            {"metered_pending_hours": 0, "metered_pending_remind_hours": 0}
        )
        invoice = self.renew()
        self.assertFalse(invoice.metered_pending_until)
        self.look(10_000)
        self.assertEqual(
            (invoice.metered_pending, self.activities(invoice)), ("pending", [])
        )

    def test_nobody_posts_it_by_the_way(self):
        invoice = self.renew()
        with self.assertRaisesRegex(Exception, "Issue Now"):
            invoice.action_post()
        row = self.env["metered.review"]._add(invoice)
        self.assertIn("waiting for usage", row.findings)
        wizard = self.env["metered.review.approve"].create(
            {"review_ids": row.ids, "scope": "selected"}
        )
        self.assertIn("Waiting for usage and excluded: 1 invoice", wizard.warning)
        self.assertIn("None of these", wizard.summary)
        _approvals, left = row._approve()
        self.assertEqual(left, row)
        self.assertEqual(invoice.state, "draft")

    def test_without_the_choice_nothing_waits(self):
        plan = self.make_plan(policy="none", mode="invoice")
        invoice = self.renew(plan)
        self.assertEqual((invoice.state, invoice.metered_pending), ("posted", False))
        self.assertFalse(invoice.metered_charge_ids)
