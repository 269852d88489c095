# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is sold to a customer alters golden calls: plans, metered products, quantities;
and so do the settings of a meter."""

from contextlib import contextmanager

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..billing.test_metered_invoice import MeteredInvoiceCase
from ..plan.test_calling_plans import PHONE_2, PlanCase
from .test_golden_guard import CONFIRMED, GoldenMakers


class Refusals:
    @contextmanager
    def refused(self, text):
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            yield
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestGoldenPlanSold(Refusals, GoldenMakers, PlanCase):
    """A minute of a plan; a call of 90 seconds costs 0.09 without it, 0.03 with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plan = cls.make_plan({"unit": "minutes", "amount": 1})
        cls.product = cls.env["product.product"].create(
            {"name": "Plan", "type": "service", "metered_plan_id": cls.plan.id}
        )

    def line_values(self, **values):
        return {
            "product_id": self.product.id,
            "name": "Plan",
            "product_uom_qty": 1,
            "price_unit": 20.0,
            **values,
        }

    def sell_plan(self, **values):
        """A line with the plan, confirmed."""
        line = (
            self.env["sale.subscription.line"]
            .with_context(**CONFIRMED)
            .create(
                self.line_values(sale_subscription_id=self.subscription.id, **values)
            )
        )
        self.env.invalidate_all()
        return line.with_context(metered_golden_reason=False)

    def test_sold(self):
        golden = self.keep(0.09, self.customer, plan="left")
        anybody = self.keep(0.09)
        with self.refused("0.09 USD before, 0.03 USD after"):
            self.env["sale.subscription.line"].create(
                self.line_values(sale_subscription_id=self.subscription.id)
            )
        with self.refused("0.09 USD before, 0.03 USD after"):
            self.subscription.sale_subscription_line_ids = [
                Command.create(self.line_values())
            ]
        fee = self.subscription.sale_subscription_line_ids
        with self.refused("0.09 USD before, 0.03 USD after"):
            fee.product_id = self.product
        self.assertEqual(golden.verdict, "same")
        self.sell_plan()
        self.assertEqual((golden.verdict, anybody.verdict), ("differs", "same"))
        self.assertIn("The contract ended", golden.message_ids[0].body)
        self.assertIn("The contract ended", self.subscription.message_ids[0].body)

    def test_what_alters_none(self):
        self.keep(0.09, self.customer)
        other = self.make_customer("Best", PHONE_2, is_company=True)
        self.keep(0.09, other, plan="left")
        line = self.env["sale.subscription.line"].create(
            self.line_values(sale_subscription_id=self.subscription.id)
        )
        line.product_uom_qty = 3
        line.price_unit = 30
        line.unlink()
        self.make_subscription(other, "2026-10-01", "2026-11-01")

    def test_taken_away(self):
        line = self.sell_plan()
        self.keep(0.03, self.customer, plan="left")
        text = "0.03 USD before, 0.09 USD after"
        with self.refused(text):
            line.unlink()
        with self.refused(text):
            self.subscription.sale_subscription_line_ids = [Command.delete(line.id)]
        with self.refused(text):
            line.product_id = self.subscription.sale_subscription_line_ids[0].product_id
        line.with_context(**CONFIRMED).unlink()

    def test_quantity(self):
        line = self.sell_plan()
        golden = self.keep(0.03, self.customer, plan="left")
        with self.refused("0.03 USD before, 0 USD after"):
            line.product_uom_qty = 2
        with self.refused("0.03 USD before, 0.09 USD after"):
            line.product_uom_qty = 0
        line.with_context(**CONFIRMED).product_uom_qty = 2
        self.env.invalidate_all()
        self.assertEqual(golden.verdict, "differs")

    def test_begun_and_handed_over(self):
        """Its plan counts when the subscription runs; that it ends is no price."""
        draft, pre, running, post = (
            self.env["sale.subscription.stage"].search([("type", "=", kind)], limit=1)
            for kind in ("draft", "pre", "in_progress", "post")
        )
        self.subscription.stage_id = draft
        line = self.sell_plan()
        golden = self.keep(0.09, self.customer, plan="left")
        self.assertEqual(golden.verdict, "same")
        text = "0.09 USD before, 0.03 USD after"
        with self.refused(text):
            self.subscription.stage_id = running
        with self.refused(text):
            # Whoever calls says what is in the context.
            self.subscription.with_context(cron_id=1).stage_id = running
        # What begins on its day was decided when it was sold.
        self.subscription.stage_id = pre
        run = self.env["metered.renewal"]._start(self.company)
        run._process()
        self.assertFalse(run.failure_ids.mapped("reason"))
        self.assertTrue(self.subscription.in_progress)
        self.env.invalidate_all()
        self.assertEqual(golden.verdict, "differs")
        other = self.make_customer("Best", PHONE_2, is_company=True)
        golden.unlink()
        self.keep(0.09, other, plan="left")
        with self.refused(text):
            self.subscription.partner_id = other
        self.assertTrue(line.exists())
        self.keep(0.03, self.customer, plan="left")
        # As subscription_oca writes it.
        self.subscription.close_subscription()
        self.assertEqual(self.subscription.stage_id.type, "post")

    def test_pool_of_a_parent_company(self):
        child = self.make_customer(
            "West", PHONE_2, is_company=True, parent_id=self.customer.id
        )
        self.plan.allowance_ids.scope = "customer"
        self.keep(0.09, child, plan="left")
        with self.refused("0.09 USD before, 0.03 USD after"):
            self.env["sale.subscription.line"].create(
                self.line_values(sale_subscription_id=self.subscription.id)
            )


@tagged("post_install", "-at_install")
class TestGoldenUsageSold(Refusals, MeteredInvoiceCase):
    """150 texts: 100 of them free, then 0.05; or 1.00 each where nothing is sold."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dear = cls.make_price(cls.meter, name="Dear", unit_price=1.0)
        cls.everybodys = cls.make_metered_product("Texts for all", cls.dear)
        cls.meter.product_id = cls.everybodys

    def keep(self, expected):
        return self.env["metered.golden.call"].create(
            {
                "kind": "usage",
                "partner_id": self.customer.id,
                "meter_id": self.meter.id,
                "quantity": 150,
                "expected": expected,
            }
        )

    def test_metered_product(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        golden = self.keep(150)
        self.assertEqual(golden.verdict, "same")
        values = {
            "product_id": self.product.id,
            "name": "Texts",
            "price_unit": 0,
            "sale_subscription_id": subscription.id,
        }
        lines = self.env["sale.subscription.line"]
        with self.refused("150 USD before, 2.5 USD after"):
            lines.create(values)
        line = lines.with_context(**CONFIRMED).create(values)
        golden.expected = 2.5
        line = line.with_context(metered_golden_reason=False)
        with self.refused("2.5 USD before, 150 USD after"):
            line.unlink()
        line.product_uom_qty = 7
        with self.refused("2.5 USD before, 150 USD after"):
            self.product.product_tmpl_id.write(
                {"metered_meter_id": False, "metered_price_id": False}
            )

    def test_settings_of_a_meter(self):
        golden = self.keep(150)
        with self.refused("150 USD before, 2.5 USD after"):
            self.meter.product_id = self.product
        with self.refused(
            "Sum of the quantities, texts, and would be measured as Highest quantity"
        ):
            self.meter.aggregation = "max"
        with self.refused("measured as"):
            self.meter.unit = "kilotext"
        self.meter.write({"name": "Messages", "presentation": "detail"})
        self.meter.with_context(**CONFIRMED).aggregation = "max"
        self.assertIn("Highest quantity", golden.message_ids[0].body)
        self.make_meter("Gigabytes").aggregation = "max"
