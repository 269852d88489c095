# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A customer's program is asked at a renewal, and one that asks is answered."""

import threading
from dataclasses import replace
from decimal import Decimal
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.metered_billing.connectors.usage_url import connector
from odoo.addons.metered_billing.models.chargeover.metered_usage_request import (
    share_of,
)

from ..support.metered_case import MeteredCase
from ..support.source_case import SourceTypeCase
from ..support.usage_url_server import TOKEN, UsageUrlServer
from .test_chargeover_api import LOGGER, ChargeOverCase

#: asked once
ONCE = replace(connector.LIMITS, attempts=1)
#: so that nobody waits for what does not answer
QUICK = replace(ONCE, read_seconds=0.3)
WRONG = (
    b"",
    b"{}",
    b"<html></html>",
    b'{"line_items": []}',
    b'{"line_items": [{"usage_ammount": 25}]}',
    b'{"line_items": [{"usage_amount": null}]}',
    b'{"line_items": [{"usage_amount": "many"}]}',
    b'{"line_items": [{"usage_amount": 1}, {"usage_amount": 2}]}',
)


class UsageUrlCase(SourceTypeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = UsageUrlServer()
        cls.addClassCleanup(cls.server.stop)
        limits = patch.object(connector, "LIMITS", ONCE)
        limits.start()
        cls.addClassCleanup(limits.stop)
        cls.meter = cls.make_meter("Seats", code="seats")
        price = cls.make_price(cls.meter, (0, 2))
        cls.product = cls.make_metered_product("Seats", price, default_code="SEAT")
        cls.customer = cls.make_customer("Acme", ref="ACME")
        cls.url = cls.make_source(
            "chargeover",
            source_type="usage_url",
            address=cls.server.url,
            allowed_networks="127.0.0.1",
        )
        cls.url.sudo().api_key = TOKEN
        cls.plan = cls.make_subscription(
            cls.customer, "2026-09-01", "2026-10-01", code="SUB-1"
        )
        cls.plan.sale_subscription_line_ids = [
            fields.Command.create(
                {
                    "product_id": cls.product.id,
                    "metered_external_key": "acme-seats",
                    "metered_usage_url_id": cls.url.id,
                }
            )
        ]
        cls.line = cls.plan._metered_lines()

    def setUp(self):
        super().setUp()
        self.server.answer, self.server.status, self.server.hangs = 25, 200, None
        self.server.headers = {}
        self.server.asked.clear()

    def renew(self, date="2026-10-01"):
        run = self.env["metered.renewal"].create(
            {
                "company_id": self.company.id,
                "date": date,
                "subscription_ids": self.plan.ids,
            }
        )
        run._process()
        self.assertEqual(run.state, "done", run.error)
        return run

    def amounts(self):
        """What the invoices come to, in the order of their making."""
        return self.plan.invoice_ids.sorted("id").mapped("amount_untaxed")

    def another_day(self):
        """What did not answer was asked before: runs of a test begin at one time."""
        self.requests().asked = "2026-01-01"

    def requests(self):
        return self.env["metered.usage.request"].search([], order="id")


@tagged("post_install", "-at_install")
class TestUsageUrl(UsageUrlCase):
    def test_asked_and_invoiced(self):
        self.renew()
        [asked] = self.server.asked
        self.assertEqual(asked["security_token"], TOKEN)
        self.assertEqual(asked["customer"]["external_key"], "ACME")
        self.assertEqual(asked["package"]["external_key"], "SUB-1")
        self.assertEqual(asked["this_line_item"]["line_item_id"], self.line.id)
        self.assertEqual(asked["this_line_item"]["external_key"], "acme-seats")
        self.assertEqual(asked["from_datetime"], "2026-09-01 00:00:00")
        self.assertEqual(asked["to_datetime"], "2026-09-30 23:59:59")
        self.assertEqual(self.amounts(), [10 + 2 * 25])
        self.assertEqual(self.requests().state, "answered")
        bodies = self.plan.message_ids.mapped("body")
        self.assertTrue([body for body in bodies if "answered 25 for" in body])

    def test_each_period_by_itself(self):
        self.renew("2026-12-01")
        self.assertEqual(
            [asked["from_datetime"][:7] for asked in self.server.asked],
            ["2026-09", "2026-10", "2026-11"],
        )
        self.assertEqual(self.amounts(), [60] * 3)

    def test_no_day_is_asked_for_twice(self):
        """The period was answered, and is billed until another day."""
        begin, end = map(fields.Date.to_date, ("2026-09-01", "2026-10-01"))
        self.url._ask_usage_url(self.line, begin, end)
        self.plan.recurring_next_date = "2026-10-15"
        self.server.answer = 5
        self.renew("2026-10-15")
        self.assertEqual(
            [asked["from_datetime"][5:10] for asked in self.server.asked],
            ["09-01", "10-01"],
        )
        self.assertEqual(self.amounts(), [10 + 2 * (25 + 5)])

    def test_exactly(self):
        self.server.answer = b'{"line_items": [{"usage_amount": 0.1000000001}]}'
        self.renew()
        self.assertEqual(self.requests().quantity, "0.1000000001")

    def test_zero_is_an_answer(self):
        self.server.answer = 0
        self.renew()
        self.assertEqual(self.amounts(), [10])
        self.assertEqual(self.requests().state, "answered")

    def test_a_period_is_asked_for_once(self):
        self.renew()
        self.server.answer = 30
        self.line.metered_usage_url_id._ask_usage_url(
            self.line,
            fields.Date.to_date("2026-09-01"),
            fields.Date.to_date("2026-10-01"),
        )
        self.assertEqual(len(self.server.asked), 1)
        self.plan.invoice_ids.button_cancel()
        self.plan.metered_period_ids._bill_again()
        self.assertEqual(len(self.server.asked), 1)
        self.assertEqual(self.amounts()[-1], 60)

    def failing(self):
        """Each way of not answering."""
        for status in (400, 401, 404, 500, 503, 204, 201, 302):
            self.server.answer, self.server.status = 25, status
            yield status
        self.server.status = 200
        for body in WRONG:
            self.server.answer = body
            yield body
        self.server.answer = 25
        self.server.hangs = threading.Event()
        with patch.object(connector, "LIMITS", QUICK):
            yield "slow"
        self.server.hangs.set()
        self.server.hangs = None

    def test_held(self):
        """Nothing is renewed, in any of the ways of not answering, and then it is."""
        begin, end = map(fields.Date.to_date, ("2026-09-01", "2026-10-01"))
        for fault in self.failing():
            with self.subTest(fault):
                request = self.url._ask_usage_url(self.line, begin, end)
                self.assertEqual(request.state, "held")
                self.assertTrue(request.error)
                self.assertNotIn(TOKEN, request.error)
        self.server.status = 500
        self.server.asked.clear()
        self.another_day()
        run = self.renew()
        self.assertEqual(len(self.server.asked), 1)
        self.assertEqual((run.failures, self.amounts()), (1, []))
        self.assertIn("did not answer", run.failure_ids.reason)
        self.assertTrue(self.plan.activity_ids)
        self.server.status = 200
        run.failure_ids.action_retry()
        self.assertEqual(self.amounts(), [60])
        self.assertFalse(self.plan.activity_ids)

    def test_nothing_charged(self):
        self.url.sudo().usage_url_policy = "zero"
        self.server.status = 500
        self.renew()
        self.assertEqual((self.amounts(), self.requests().state), ([10], "zero"))

    def test_the_last_one_again(self):
        self.url.sudo().usage_url_policy = "last"
        self.server.status = 500
        run = self.renew()
        # There is none yet.
        self.assertEqual((run.failures, self.requests().state), (1, "held"))
        self.server.status = 200
        self.another_day()
        self.renew()
        self.server.status = 500
        self.renew("2026-11-01")
        self.assertEqual(self.amounts(), [60, 60])
        self.assertEqual(self.requests().mapped("state"), ["answered", "last"])

    def test_the_last_one_again_for_a_part(self):
        """Of what adds up, as much as its days: months count as alike."""
        self.url.sudo().usage_url_policy = "last"
        self.renew()
        self.server.status = 500
        self.renew("2026-11-01")
        self.assertEqual(self.requests()[-1].quantity, "25")
        # Half of a month, and then a whole one again.
        self.plan.recurring_next_date = "2026-11-16"
        self.renew("2026-11-16")
        half = self.requests()[-1]
        self.assertEqual((half.state, half.quantity), ("last", "12.096774"))
        self.renew("2026-12-16")
        self.assertEqual(self.requests()[-1].quantity, "24.193548")

    def test_a_level_is_the_same_for_a_part(self):
        self.meter.aggregation = "max"
        self.url.sudo().usage_url_policy = "last"
        self.renew()
        self.server.status = 500
        self.plan.recurring_next_date = "2026-10-16"
        self.renew("2026-10-16")
        self.assertEqual(self.requests()[-1].quantity, "25")

    def test_shares(self):
        for quantity, days, of_days, share in (
            ("25", 30, 30, "25"),
            ("0.1000000002", 15, 30, "0.0500000001"),
            ("-3", 1, 3, "-1"),
            ("1", 1, 3, "0.333333"),
            (
                "999999999999999.999999999999999",
                30,
                31,
                "967741935483870.967741935483870",
            ),
        ):
            self.assertEqual(Decimal(share_of(quantity, days, of_days)), Decimal(share))

    def test_closing(self):
        """The last invoice comes out, or it is said what to do."""
        self.server.status = 500
        with self.assertRaisesRegex(UserError, "was not closed.*If No Answer"):
            self.plan.close_subscription()
        self.assertTrue(self.plan.in_progress)
        self.assertFalse(self.plan.invoice_ids)
        # As it says.
        self.url.sudo().usage_url_policy = "zero"
        self.plan.close_subscription()
        self.assertFalse(self.plan.in_progress)

    def test_closing_with_an_answer(self):
        with freeze_time("2026-09-20 12:00:00"):
            self.plan.close_subscription()
        self.assertEqual(self.server.asked[-1]["to_datetime"], "2026-09-20 23:59:59")
        self.assertEqual(self.amounts(), [2 * 25])

    def test_nobody_is_asked_for_what_is_not_kept(self):
        """Neither by a quote, nor by a dry run."""
        self.plan.template_id.metered_wait_policy = "hold"
        self.plan._metered_quotes()
        self.assertFalse(self.server.asked)
        self.renew()
        invoice = self.plan.invoice_ids
        self.assertEqual(invoice.metered_pending, "pending")
        self.requests().unlink()
        self.server.asked.clear()
        key = self.env["metered.api.key"].create({"name": "Key", "may_issue": True})
        api = self.env["metered.api"].sudo()
        api._bf_recalculate_invoice(key, invoice.id, is_dry=True)
        self.assertFalse(self.server.asked)
        self.assertFalse(self.requests())
        api._bf_recalculate_invoice(key, invoice.id)
        self.assertTrue(self.server.asked)

    def test_by_hand(self):
        """Create Invoice asks as well."""
        self.server.status = 500
        with self.assertRaisesRegex(UserError, "did not answer"):
            self.plan.create_invoice()
        self.server.status = 200
        self.assertEqual(self.plan.create_invoice().amount_untaxed, 60)

    def test_addresses_are_guarded(self):
        self.env.user.group_ids |= self.env.ref("base.group_system")
        self.url.allowed_networks = False
        self.renew()
        self.assertFalse(self.server.asked)
        self.assertEqual(self.requests().state, "held")

    def test_the_token_stays_with_its_server(self):
        other = UsageUrlServer()
        self.addCleanup(other.stop)
        self.url.address = other.url
        self.renew()
        self.assertFalse(other.asked)
        self.assertEqual(self.requests().state, "held")

    def test_nobody_pushes_to_it(self):
        self.assertFalse(self.url.takes_events)
        key = self.env["metered.api.key"].create({"name": "Key"})
        with self.assertRaises(UserError):
            key.source_ids = self.url

    def test_its_checks(self):
        checks = {check.name: check.ok for check in self.url._test_connection()}
        self.assertTrue(all(checks.values()), checks)
        self.assertFalse(self.server.asked)
        self.url.sudo().api_key = False
        self.assertFalse(all(check.ok for check in self.url._test_connection()))


@tagged("post_install", "-at_install")
class TestAnswerUsageUrl(ChargeOverCase):
    def setUp(self):
        super().setUp()
        self.line.metered_external_key = "voip-1"
        self.key.may_read = True

    def ask(self, token=None, **more):
        return self.call(
            "POST",
            "/usage_url",
            json={
                "customer": {"external_key": "ACME"},
                "this_line_item": {"line_item_id": 1, "external_key": "voip-1"},
                "from_datetime": "2026-10-01 00:00:00",
                "to_datetime": "2026-10-31 23:59:59",
                "security_token": self.private if token is None else token,
                **more,
            },
            auth=(),
        )

    def amount(self, **more):
        answer = self.ask(**more)
        self.assertEqual(answer.status_code, 200, answer.text)
        [line] = answer.json()["line_items"]
        return line["usage_amount"]

    def test_answered(self):
        self.assertEqual(self.amount(), 0)
        self.ok(self.post(self.usage_of("361.25")), 201)
        self.refused(self.ask(), 400, "waiting to be rated")
        self.rate()
        self.assertEqual(self.amount(), 361.25)
        self.assertEqual(self.amount(to_datetime="2026-10-01 00:00:00"), 361.25)
        self.assertEqual(self.amount(from_datetime="2026-10-01 00:00:01"), 0)
        named = {"external_key": None, "item_external_key": "VOIP"}
        self.assertEqual(self.amount(this_line_item=named), 361.25)

    def test_as_the_meter_combines(self):
        for aggregation, amount in (
            ("sum", 6),
            ("count", 3),
            ("max", 3),
            ("min", 1),
            ("average", 2),
            ("last", 2),
        ):
            with self.subTest(aggregation):
                meter = self.make_meter(
                    aggregation, code=aggregation, aggregation=aggregation
                )
                _plan, line = self.sell(
                    self.customer,
                    meter,
                    code=aggregation,
                    metered_external_key=aggregation,
                )
                for day, value in ((1, 1), (2, 3), (3, 2)):
                    sent = {"line_item_id": line.id, "usage_value": value}
                    sent["from"] = f"2026-10-0{day} 10:00:00"
                    self.ok(self.post(sent), 201)
                self.rate()
                found = self.amount(this_line_item={"external_key": aggregation})
                self.assertEqual(found, amount)

    @mute_logger(LOGGER)
    def test_not_answered(self):
        self.refused(self.ask(this_line_item={"external_key": "x"}), 400, "No metered")
        self.refused(self.ask(this_line_item={"line_item_id": 1}, customer={}), 400)
        self.refused(self.ask(this_line_item={"external_key": [5]}), 400, "not a text")
        self.refused(self.ask(from_datetime="10/01/2026"), 400, "period")
        self.refused(self.ask(from_datetime="2026-12-01 00:00:00"), 400, "period")
        for token in ("", "\0", "\ud800", 5, [], self.private[:-1]):
            self.refused(self.ask(token=token), 401)
        # Before anybody is known, little is read.
        self.refused(self.ask(customer={"company": "x" * 70_000}), 413, "64 KiB")
        self.key.may_read = False
        self.refused(self.ask(), 403)

    @mute_logger(LOGGER)
    def test_two_lines_of_one_meter_are_not_answered(self):
        """Each would be told the usage of both."""
        self.sell(self.customer, self.line.metered_meter_id, code="SUB-2")
        self.refused(self.ask(), 400, "Several lines")


@tagged("post_install", "-at_install")
class TestLineChart(MeteredCase):
    def test_by_day(self):
        meter = self.make_meter("Gigabytes", code="gb")
        price = self.make_price(meter, (0, 2))
        product = self.make_metered_product("Data", price)
        customer = self.make_customer("Acme")
        plan = self.make_subscription(customer, "2026-09-01", "2026-11-01")
        plan.sale_subscription_line_ids = [
            fields.Command.create({"product_id": product.id})
        ]
        line = plan._metered_lines()
        source = self.make_source("usage_lines")
        rows = [
            (5, "2026-10-05"),
            (7, "2026-10-05"),
            (1, "2026-10-06"),
            (9, "2026-09-30"),
        ]
        text = "line_item_id,usage_value,from,external_key\n" + "".join(
            f"{line.id},{value},{day} 10:00:00,k{at}\n"
            for at, (value, day) in enumerate(rows)
        )
        self.import_text(source, text)
        chart = line.metered_usage_chart()
        self.assertEqual((len(chart["days"]), chart["total"]), (31, "13"))
        self.assertEqual([day["quantity"] for day in chart["days"]][4:6], ["12", "1"])
        self.assertEqual(line.metered_usage_chart(1)["total"], "9")
        # There is none before the subscription began.
        self.assertEqual(line.metered_usage_chart(50)["total"], "9")
        meter.aggregation = "max"
        self.assertEqual(line.metered_usage_chart()["total"], "7")
