# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Events of meters are deleted where their sums tell all that a price needs."""

from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .test_retention import TODAY, RetentionCase

HEADER = "id,time,identifier,quantity,meter,properties\n"


@tagged("post_install", "-at_install")
class TestRetentionOfEvents(RetentionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.texts = cls.make_meter("Texts")
        cls.users = cls.make_meter(
            "Users", aggregation="unique", unique_property="user"
        )
        cls.price = cls.make_price(cls.texts, (5, 0), (0, 0.5))
        products = [
            cls.make_metered_product("Texts", cls.price),
            cls.make_metered_product("Users", cls.make_price(cls.users, unit_price=4)),
        ]
        cls.owner = cls.make_customer("Owner")
        cls.make_identifier(cls.owner, "key-1", kind="key")
        cls.events = cls.make_source("usage", meter_id=cls.texts.id)
        cls.text = HEADER + "".join(
            f"{number},2026-10-0{number % 2 + 1} 10:00:00,key-1,1,{meter},"
            f'"{{""user"": ""{number % 3}""}}"\n'
            for number, meter in enumerate(["texts"] * 8 + ["users"] * 4)
        )
        cls.file = cls.import_text(cls.events, cls.text, name="events.csv")
        cls.plan = cls.make_subscription(
            cls.owner,
            "2026-10-01",
            "2026-11-01",
            sale_subscription_line_ids=[
                Command.create({"product_id": product.id}) for product in products
            ],
        )
        cls.plan.template_id = cls.plan.template_id.copy({"invoicing_mode": "invoice"})
        cls.renew_due(cls)
        [cls.bill] = cls.plan.metered_period_ids.invoice_id
        cls.plan.recurring_next_date = "2027-12-01"

    def kept_of(self, meter):
        return self.env["metered.cdr"].search([("meter_id", "=", meter.id)])

    def amounts(self):
        return self.usage_lines(self.bill).mapped("price_subtotal")

    def test_sums_and_seals_stay(self):
        self.assertEqual((self.file.rated, self.bill.state), (12, "posted"))
        usage = self.usage(self.owner).filtered(lambda one: one.meter_id == self.texts)
        seals = {one: self.env["metered.retention.sum"]._seal_of(one) for one in usage}
        before = [(one.records, one.quantity, one.amount) for one in usage]
        amounts = self.amounts()
        self.company.write({"metered_sealing": True})
        self.env["metered.seal.note"]._note_invoices(self.bill, "posted")
        chain = self.env["metered.seal"]
        while chain._seal_slice(self.company):
            pass
        run = self.purge(self.rule("events"))
        self.assertEqual((run.records, run.usage, run.kept), (8, 2, 0))
        self.assertTrue(chain.verify()["ok"])
        self.assertGreater(chain.verify()["seals"], 2)
        self.assertFalse(self.kept_of(self.texts))
        self.assertEqual(
            [(one.records, one.quantity, one.amount) for one in usage], before
        )
        self.assertEqual(self.amounts(), amounts)
        sums = self.sums()
        self.assertEqual({one.usage_id: one.seal for one in sums}, seals)
        self.assertEqual(sum(sums.mapped("charge")), sum(usage.mapped("amount")))
        self.assertEqual(set(sums.mapped("kind")), {"events"})
        # Distinct users can be counted again only while their events are there, and
        # calls have a rule of their own.
        self.assertEqual(len(self.kept_of(self.users)), 4)
        self.assertEqual(len(self.left()), 9)
        self.assertEqual(
            self.purge(self.env["metered.retention.rule"].search([])).records, 0
        )

    def test_an_old_event_that_comes_in_again_is_not_billed(self):
        self.purge(self.rule("events"))
        again = self.import_text(self.events, self.text, name="again.csv")
        self.assertEqual((again.rated, again.exceptions), (0, 8))
        self.assertEqual(again.duplicates, 4)
        exception = self.exceptions(again)[0]
        self.assertEqual(exception.reason, "too_old")
        self.assertIn("Events of meters through 11/14/2026", exception.message)
        with self.assertRaisesRegex(UserError, "some of its records were deleted"):
            self.file._check_details_kept()
        # Calls of these days still come in.
        more = self.import_calls(
            self.source,
            ("more", "2026-10-03 11:00:00", 60, "+14045550100", "+12125550199"),
            name="more.csv",
        )
        self.assertEqual(more.rated, 1)

    def test_freed_usage_is_billed_as_it_was(self):
        amounts = self.amounts()
        self.purge(self.rule("events"))
        self.bill.button_draft()
        self.bill.button_cancel()
        usage = self.usage(self.owner)
        self.assertFalse(usage.invoice_line_id)
        lines = usage._lock_open([("id", "in", usage.ids)])._prepare_invoice_lines(
            self.company,
            self.company.currency_id,
            self.owner,
            date(2026, 10, 1),
            date(2026, 11, 1),
            subscription=self.plan,
        )
        self.assertEqual(
            [values["price_unit"] * values["quantity"] for values, _ids in lines],
            amounts,
        )
        # A price of today that asks for every event says that they are gone.
        self.price.charge_model = "percentage"
        with self.assertRaisesRegex(UserError, "Events were deleted under retention"):
            usage._price_meters(
                self.company, date(2026, 10, 1), date(2026, 11, 1), self.plan
            )

    def test_what_stays(self):
        rule = self.rule("events")
        with (
            self.assertRaisesRegex(ValidationError, "between 62 and"),
            self.env.cr.savepoint(),
        ):
            rule.days = 61
        start = self.env["metered.retention.start"].create({"rule_id": rule.id})
        with freeze_time(f"{TODAY} 03:00:00"):
            self.assertEqual((start.records, start.usage, start.waiting), (8, 2, 4))
        hold = self.env["metered.hold"].create(
            {
                "name": "Order 7",
                "reason": "order",
                "hold_from": "2026-01-01",
                "partner_id": self.owner.id,
                "day_to": "2026-10-01",
            }
        )
        self.assertEqual(self.purge(rule).records, 4)
        hold.action_lift()
        # A price that looks at every event keeps them.
        self.price.charge_model = "percentage"
        self.assertEqual(self.purge(rule).records, 0)
        self.price.charge_model = "graduated"
        self.bill.button_draft()
        self.assertEqual(self.purge(rule).records, 0)
        self.bill.action_post()
        self.assertEqual(self.purge(rule).records, 4)
