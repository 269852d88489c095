# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""An event is canceled: its usage goes, its trace stays, and its id stays known."""

from unittest.mock import patch
from urllib.parse import quote

from odoo import fields
from odoo.tests import tagged

from .test_push_events import PushCase, event


@tagged("post_install", "-at_install")
class TestCancelEvent(PushCase):
    def key_of(self, number):
        return f"/shop e{number}"

    def cancel(self, number=1, token=None, more=""):
        return self.url_open(
            f"/metered/v1/events?event={quote(self.key_of(number))}{more}",
            headers={"Authorization": f"Bearer {token or self.token}"},
            method="DELETE",
        )

    def told(self, number=1):
        return self.url_open(
            f"/metered/v1/events?event={quote(self.key_of(number))}",
            headers={"Authorization": f"Bearer {self.token}"},
        ).json()

    def assert_usage(self, *quantities):
        """The usage is the sum of its records, and is these by day."""
        usage = self.env["metered.usage"].search(
            [("partner_id", "=", self.customer.id)], order="day"
        )
        self.assertEqual(usage.mapped("quantity"), list(quantities))
        for row in usage:
            cdrs = self.env["metered.cdr"].search([("usage_id", "=", row.id)])
            self.assertEqual(
                (row.records, row.quantity), (len(cdrs), sum(cdrs.mapped("quantity")))
            )

    def sell(self):
        price = self.make_price(self.meter, (1, 0), (0, 0.5))
        product = self.make_metered_product("API calls", price)
        plan = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")
        plan.sale_subscription_line_ids = [
            fields.Command.create({"product_id": product.id})
        ]
        return plan

    def test_usage_goes_and_the_trace_stays(self):
        self.push([event(1), event(2), event(3, time="2026-10-06T10:00:00Z")])
        self.rate()
        batch = self.cdrs().batch_id
        self.assert_usage(5, 2.5)
        answer = self.cancel()
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(answer.json()["status"], "canceled")
        self.assert_usage(2.5, 2.5)
        self.assertEqual(self.cancel(3).status_code, 200)
        self.assert_usage(2.5)
        self.assertEqual(self.told(), answer.json())
        trace = self.exceptions().sorted("id")[0]
        self.assertEqual((trace.state, trace.reason), ("dismissed", "canceled"))
        self.assertEqual(trace.dismiss_reason, "Canceled with the API key Shop")
        self.assertTrue(trace.dismissed_date)
        self.assertIn('"quantity": "2.5"', trace.raw)
        self.assertIn("Acme", trace.raw)
        batch.invalidate_recordset()
        self.assertEqual((batch.rated, batch.exceptions, batch.balance), (1, 2, "ok"))

    def test_pushed_again_it_stays_canceled(self):
        self.push([event(1)])
        self.rate()
        self.cancel()
        other = event(1, data={"quantity": 7})
        self.assertEqual(
            self.statuses(self.push([event(1), other])), ["duplicate", "conflict"]
        )
        self.rate()
        self.assertFalse(self.cdrs())
        self.assertEqual(self.told()["status"], "canceled")
        self.assertEqual(self.cancel().json()["status"], "canceled")
        [told] = self.push([event(1)], query="?rated=true").json()["events"]
        self.assertEqual(told["result"]["status"], "canceled")

    def test_one_that_waits(self):
        """It is rated first, so that no sync has it in its hands."""
        self.push([event(1)])
        self.assertEqual(self.cancel().json()["status"], "canceled")
        self.assertFalse(self.source._start_posted(), "nothing waits any more")
        self.assertFalse(self.cdrs())
        self.push([event(2)])
        with patch.object(type(self.source), "_rate_now"):
            answer = self.cancel(2)
        self.assertEqual(answer.status_code, 503)
        self.assertTrue(answer.headers["Retry-After"])

    def test_an_exception_is_not_rated_later(self):
        self.push([event(1, subject="nobody")])
        self.rate()
        self.assertEqual(self.cancel().json()["status"], "canceled")
        self.make_identifier(self.customer, "nobody", kind="key")
        self.exceptions().action_retry()
        self.assertEqual(self.exceptions().state, "dismissed")
        self.assertFalse(self.cdrs())

    def test_one_that_was_an_exception_once(self):
        self.push([event(1, subject="late")])
        self.rate()
        self.make_identifier(self.customer, "late", kind="key")
        self.exceptions().action_retry()
        self.assertEqual(self.cdrs().state, "rated")
        self.assertEqual(self.cancel().json()["status"], "canceled")
        self.assertEqual(self.exceptions().state, "dismissed")
        self.assert_usage()
        again = event(1, subject="late")
        self.assertEqual(self.statuses(self.push([again])), ["duplicate"])

    def test_one_that_was_corrected_under_another_id(self):
        self.push([event(1, subject="nobody")])
        self.rate()
        self.exceptions()._set_as_program({"state": "resolved"})
        self.assertEqual(self.cancel().status_code, 404)

    def test_an_invoiced_one_stays_and_a_negative_one_bills_the_difference(self):
        """Of 2.5 calls 1 is free, the others cost 0.5 each."""
        plan = self.sell()
        self.push([event(1), event(2)])
        self.rate()
        invoice = plan._metered_renew()
        answer = self.cancel()
        self.assertEqual(answer.status_code, 409)
        self.assertIn("negative quantity", answer.json()["detail"])
        self.assertIn(f"draft {invoice.id}", answer.json()["detail"])
        self.assertEqual(self.told()["status"], "rated")
        invoice.action_post()
        self.assertIn(invoice.name, self.cancel().json()["detail"])
        # As it says.
        self.push([event("1-less", data={"quantity": -2.5})])
        self.rate()
        following = plan._metered_renew()
        self.assertEqual(invoice.amount_untaxed, 10 + 2)
        self.assertEqual(following.amount_untaxed, 10 - 1.25)

    def test_whose_invoice_is_gone_can_be_canceled(self):
        plan = self.sell()
        self.push([event(1)])
        self.rate()
        plan._metered_renew().unlink()
        self.assertEqual(self.cancel().json()["status"], "canceled")

    def test_a_reading_is_corrected_on_its_counter(self):
        counter = self.make_meter("Water", code="water", kind="counter", unit="m3")
        self.source.event_type_ids = [
            fields.Command.create({"name": "water", "meter_id": counter.id})
        ]
        self.push(
            [
                event(1, type="water", data={"quantity": 10}),
                event(
                    2, type="water", data={"quantity": 12}, time="2026-10-06T10:00:00Z"
                ),
            ]
        )
        self.rate()
        self.assertEqual(self.told()["status"], "reading")
        answer = self.cancel()
        self.assertEqual(answer.status_code, 409)
        self.assertIn("reading", answer.json()["detail"])

    def test_who_may(self):
        self.push([event(1)])
        self.rate()
        other = self.make_source("events", source_type="events")
        keys = self.env["metered.api.key"].create(
            [
                {"name": "Other", "source_ids": [fields.Command.set(other.ids)]},
                {"name": "Reader", "may_push": False, "may_read": True},
            ]
        )
        self.assertEqual(self.cancel(token=keys[0]._make()).status_code, 404)
        self.assertEqual(self.cancel(token=keys[1]._make()).status_code, 403)
        self.assertEqual(self.cancel(9).status_code, 404)
        self.assertEqual(self.told()["status"], "rated")
