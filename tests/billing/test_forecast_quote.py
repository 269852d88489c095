# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A quote of the period's end: usage that is expected, billed as all usage is."""

from datetime import date, timedelta

from odoo import Command
from odoo.tests import freeze_time, new_test_user, tagged

from ..support.metered_case import MeteredCase
from .test_quote import QuoteCase

PHONE, LONDON = "+14045550100", "+442079460120"


def weekdays(first, until):
    """Days from Monday to Friday, as text."""
    first, until = map(date.fromisoformat, (first, until))
    days = [first + timedelta(days=count) for count in range((until - first).days)]
    return [day.isoformat() for day in days if day.weekday() < 5]


@tagged("post_install", "-at_install")
@freeze_time("2026-10-19 12:00:00")
class TestForecastQuote(QuoteCase):
    """100 texts of a month are free, then each costs 0.05; the fee is 10.

    Each working day since August 20 texts, on a Monday: 12 of 22 working days passed.
    """

    @classmethod
    def make_plan(cls, *products, start="2026-10-01", **values):
        """Usage from before the subscription began is known, and not billed."""
        return super().make_plan(*products, start=start, **values)

    def use(self, until="2026-10-19", meter=None, each=20, since="2026-08-03"):
        for day in weekdays(since, until):
            self.make_records(day, each, meter=meter)

    def forecast(self, subscription):
        """The forecast of one subscription, after which all is as it was before."""
        before = self.stored()
        [quote] = subscription._metered_quotes(forecast=True)
        self.assertEqual(self.stored(), before)
        return quote

    def usage_of(self, quote):
        return [line["amount"] for line in quote["lines"] if line["is_usage"]]

    def test_usage_is_priced_as_a_whole_period(self):
        plan = self.make_plan()
        self.use()
        now, then = self.quote(plan), self.forecast(plan)
        self.assertEqual(self.usage_of(now), [(240 - 100) * 0.05])
        self.assertEqual(self.usage_of(then), [(440 - 100) * 0.05])
        self.assertIn("440 texts", then["lines"][-1]["name"])
        self.assertIsNone(now["forecast"])
        self.assertIn("by weekday", then["forecast"][0])

    def test_when_the_period_is_over_it_is_the_invoice(self):
        plan = self.make_plan()
        self.use("2026-11-01")
        with freeze_time("2026-11-01 12:00:00"):
            then = self.forecast(plan)
            self.assertEqual(
                self.facts_of_quote(then), self.facts_of_invoice(self.renew(plan))
            )

    def test_a_part_that_is_billed(self):
        plan = self.make_plan()
        self.use("2026-10-10")
        usage = self.env["metered.usage"].search(
            [("meter_id", "=", self.meter.id), ("day", ">=", "2026-10-01")]
        )
        invoice = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": self.customer.id}
        )
        lines = usage._prepare_invoice_lines(
            company=self.company,
            currency=self.company.currency_id,
            partner=self.customer,
            date_from=date(2026, 10, 1),
            date_to=date(2026, 11, 1),
            subscription=plan,
        )
        invoice.invoice_line_ids = [(0, 0, values) for values, _ids in lines]
        usage._link_to_invoice(invoice, lines)
        self.use(since="2026-10-12")
        then = self.forecast(plan)
        self.assertEqual(sum(self.usage_of(then)) + invoice.amount_untaxed, 17)

    def test_how_meters_are_expected(self):
        """What cannot grow by the day holds; the highest of a weekday comes again."""
        for how, kind, expected in (
            ("sum", "event", 440),
            ("count", "event", 22),
            ("max", "event", 20),
            ("min", "event", 20),
            ("last", "event", 20),
            ("average", "event", 20),
            ("max", "gauge", 20),
            ("time_average", "gauge", None),
        ):
            with self.subTest(how=how, kind=kind):
                name = f"{how} {kind}"
                partner = self.make_customer(name)
                meter = self.make_meter(name, unit="x", aggregation=how, kind=kind)
                product = self.make_metered_product(
                    name, self.make_price(meter, (0, 1))
                )
                plan = self.make_plan(product, partner=partner)
                for day in weekdays("2026-09-01", "2026-10-19"):
                    self.make_records(day, 20, meter=meter, partner=partner)
                now, then = self.quote(plan), self.forecast(plan)
                amount = sum(self.usage_of(then))
                if expected is None:
                    self.assertEqual(self.usage_of(now), self.usage_of(then))
                    self.assertEqual(
                        then["forecast"], [f"Expected to stay as they are now: {name}."]
                    )
                else:
                    self.assertAlmostEqual(amount, expected, 2)

    def test_a_weekday_that_is_higher(self):
        meter = self.make_meter("Seats", unit="x", aggregation="max", kind="gauge")
        product = self.make_metered_product("Seats", self.make_price(meter, (0, 1)))
        plan = self.make_plan(product)
        for day in weekdays("2026-09-01", "2026-10-19"):
            is_friday = date.fromisoformat(day).weekday() == 4
            high = 30 if is_friday and day < "2026-10" else 20
            self.make_records(day, high, meter=meter)
        self.assertEqual(self.usage_of(self.quote(plan)), [20])
        self.assertEqual(self.usage_of(self.forecast(plan)), [30])
        # Samples that were thinned meanwhile are expected again as well.
        self.env.cr.execute(
            "UPDATE metered_cdr SET source_id = %s WHERE meter_id = %s",
            (self.make_source("usage", meter_id=meter.id).id, meter.id),
        )
        self.company.metered_samples_months = 1
        self.assertTrue(self.env["metered.level.kept"]._thin(self.company))
        self.assertTrue(self.env["metered.level.kept"].search_count([]))
        self.assertEqual(self.usage_of(self.forecast(plan)), [30])

    def test_what_a_measured_service_charges_decides(self):
        """Its basis, not the aggregation of its meter, says what is expected."""
        for how, basis, expected in (
            ("time_average", "max", 30),
            ("max", "min", 20),
            ("max", "last", 20),
        ):
            with self.subTest(how=how, basis=basis):
                partner = self.make_customer(f"{how} {basis}")
                meter = self.make_meter(
                    f"{how} {basis}",
                    unit="x",
                    aggregation=how,
                    kind="gauge",
                    level_holds=True,
                )
                self.env["metered.measured.service"].create(
                    {
                        "partner_id": partner.id,
                        "meter_id": meter.id,
                        "product_id": self.product.id,
                        "charge_basis": basis,
                        "unit_price": 1,
                        "date_from": "2026-08-01",
                    }
                )
                plan = self.make_subscription(partner, "2026-08-01", "2026-11-01")
                for day in weekdays("2026-09-01", "2026-10-19"):
                    is_friday = date.fromisoformat(day).weekday() == 4
                    high = 30 if is_friday and day < "2026-10" else 20
                    self.make_records(day, high, meter=meter, partner=partner)
                then = self.forecast(plan)
                self.assertEqual(self.usage_of(then)[-1], expected)

    def test_each_record_has_its_price(self):
        self.price.write(
            {"charge_model": "percentage", "rate": 10, "tier_ids": [Command.clear()]}
        )
        plan = self.make_plan()
        self.use()
        now, then = self.quote(plan), self.forecast(plan)
        self.assertEqual(self.usage_of(now), self.usage_of(then))
        self.assertIn("Expected to stay as they are now: Texts.", then["forecast"])

    def test_usage_of_others_is_not_taken(self):
        """What names no subscription is that of the one that is due first."""
        first = self.make_plan(due="2026-11-01")
        second = self.make_subscription(self.customer, "2026-10-01", "2026-11-05")
        self.use()
        self.assertEqual(self.usage_of(self.forecast(first)), [17])
        self.assertEqual(self.usage_of(self.forecast(second)), [])
        quotes = (first | second)._metered_quotes(forecast=True)
        self.assertEqual([sum(self.usage_of(quote)) for quote in quotes], [17, 0])

    def test_how_far_off_it_was(self):
        plan = self.make_plan(start="2026-08-01", due="2026-09-01")
        self.use()
        for _month in range(2):
            self.renew(plan)
        then = self.forecast(plan)
        self.assertEqual(
            then["forecast"][-1],
            "Billing periods compared: 2. A forecast of their usage on day 19 would "
            "have been off by 0% (median).",
        )

    def test_new_customers(self):
        plan = self.make_plan()
        self.assertEqual(self.forecast(plan)["forecast"], [])
        self.use(since="2026-10-16")
        told = self.forecast(plan)["forecast"]
        self.assertIn("average day", told[0])
        self.assertIn("no past billing periods", told[1])

    # === THE DIALOG === #

    def test_dialog(self):
        plan = self.make_plan()
        self.use()
        user = new_test_user(
            self.env,
            "quoting",
            groups="metered_billing.group_metered_user,sales_team.group_sale_manager",
        )
        action = self.customer.with_user(user).action_metered_quote()
        quote = self.env["metered.quote"].browse(action["res_id"])
        self.assertEqual(quote.line_ids.mapped("amount"), [10, 7])
        self.assertEqual(quote.line_ids.mapped("forecast_amount"), [10, 17])
        self.assertEqual(quote.forecast_total, "$\xa027.00")
        self.assertEqual(quote.forecast_for, "10/31/2026")
        self.assertIn("by weekday", quote.forecast_notes)
        self.assertTrue(plan)

    def test_dialog_where_only_the_forecast_has_no_price(self):
        self.price.tier_ids[-1].up_to = 300
        self.make_plan()
        self.use(since="2026-10-01")
        quote = self.env["metered.quote"].browse(
            self.customer.action_metered_quote()["res_id"]
        )
        self.assertEqual(quote.total, "$\xa017.00")
        self.assertFalse(quote.forecast_total)
        self.assertIn("cannot be priced", quote.forecast_notes)


@tagged("post_install", "-at_install")
@freeze_time("2026-10-19 12:00:00")
class TestForecastCalls(MeteredCase):
    """A call of 2 minutes to London on each working day, at 0.06 a minute."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", PHONE)
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.import_calls(
            cls.source,
            *(
                (f"{day} {n}", f"{day} 12:00:00", 120, PHONE, LONDON)
                for n, day in enumerate(weekdays("2026-08-03", "2026-10-19"))
            ),
        )

    def sell_minutes(self, amount):
        allowance = {"name": "Included", "unit": "minutes", "amount": amount}
        plan = self.env["metered.calling.plan"].create(
            {"name": "Plan", "allowance_ids": [Command.create(allowance)]}
        )
        product = self.env["product.product"].create(
            {"name": plan.name, "type": "service", "metered_plan_id": plan.id}
        )
        self.env["sale.subscription.line"].create(
            {
                "sale_subscription_id": self.subscription.id,
                "product_id": product.id,
                "name": plan.name,
                "price_unit": 0,
                "tax_ids": [Command.clear()],
            }
        )

    def amounts(self):
        now = self.subscription._metered_quotes()[0]
        then = self.subscription._metered_quotes(forecast=True)[0]
        return [
            [line["amount"] for line in quote["lines"] if line["is_usage"]]
            for quote in (now, then)
        ]

    def test_mean_charge_of_the_type(self):
        [[now], [then]] = self.amounts()
        self.assertGreater(now, 0)
        self.assertAlmostEqual(then, now * 22 / 12, 2)

    def test_what_is_left_of_an_allowance_is_taken_first(self):
        each = self.amounts()[0][0] / 12
        self.sell_minutes(30)
        [[now], [then]] = self.amounts()
        # 24 of 30 minutes are used: of 20 minutes to come 6 are free.
        self.assertEqual(now, 0)
        self.assertAlmostEqual(then, each * 7, 2)
