# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import AccessError
from odoo.tests import Form, TransactionCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestOnboarding(MeteredMakers, TransactionCase):
    """From a company without anything to its first invoice, step by step."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create({"name": "Fresh"})
        cls.env = cls.env(
            context=dict(cls.env.context, allowed_company_ids=cls.company.ids)
        )
        cls.onboarding = cls.env["metered.onboarding"]
        cls.usa = cls.env.ref("base.us")

    def done(self):
        panel = self.onboarding.get_panel()
        return [step["key"] for step in panel["steps"] if step["done"]]

    def open_form(self, key):
        action = self.onboarding.open_step(key)
        self.assertEqual(action["target"], "new")
        return Form(self.env[action["res_model"]].with_context(**action["context"]))

    def made_subscription(self):
        return self.env["sale.subscription"].search(
            [("company_id", "=", self.company.id)]
        )

    def test_steps(self):
        self.assertEqual(self.done(), [])
        form = self.open_form("company")
        form.country_id = self.usa
        form.timezone = "America/New_York"
        form.save().action_save()
        self.assertEqual(self.company.metered_tz, "America/New_York")
        self.assertEqual(self.done(), ["company"])

        source = self.open_form("source").save()
        self.assertTrue(source.column_ids)
        self.assertEqual(source.country_id, self.usa)
        self.assertEqual(self.done(), ["company", "source"])

        form = self.open_form("customer")
        form.partner_id = self.env["res.partner"].create({"name": "Acme"})
        form.value = "+14045550100"
        identifier = form.save()
        self.assertIn("customer", self.done())

        self.open_form("rates").save().action_create()
        deck = self.company.metered_deck_id
        self.assertEqual(len(deck.rate_ids), 8)
        self.assertIn("rates", self.done())

        source.max_age_days = 0
        source.future_hours = 24 * 365 * 100
        batch = self.import_calls(
            source,
            ("a", "2026-10-05 10:00:00", 90, "+14045550100", "+12125550199"),
            ("b", "2026-10-05 11:00:00", 60, "+14045550100", "+442079460120"),
            ("c", "2026-10-05 12:00:00", 60, "+14045550100", "+18005550199"),
        )
        self.assertEqual(batch.rated, 3)
        self.assertIn("import", self.done())

        form = self.open_form("subscription")
        self.assertEqual(form.partner_id, identifier.partner_id)
        self.assertEqual(str(form.date_start), "2026-10-01")
        form.fee = 25.0
        form.save().action_create()
        subscription = self.made_subscription()
        self.assertTrue(subscription.in_progress)
        # The fee of October is due on its first day; its usage a month later.
        self.assertEqual(str(subscription.recurring_next_date), "2026-10-01")
        self.assertEqual(subscription.sale_subscription_line_ids.price_unit, 25.0)
        self.assertEqual(self.done()[-1], "subscription")
        # What there is to invoice is found already; the import leads on to it.
        self.assertTrue(batch.is_setup)
        action = self.onboarding.open_step("invoice")
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((wizard.state, wizard.found), ("found", 3))
        self.assertEqual(str(wizard.date_from), "2026-10-01")
        self.onboarding.set_hidden(True)
        batch.invalidate_recordset(["is_setup"])
        self.assertFalse(batch.is_setup)

    def test_other_usage(self):
        """Who bills no calls is asked nothing about calls."""
        form = self.open_form("company")
        form.country_id = self.usa
        form.timezone = "America/New_York"
        form.bills = "usage"
        form.save().action_save()
        keys = [step["key"] for step in self.onboarding.get_panel()["steps"]]
        self.assertEqual(
            keys,
            [
                *("company", "product", "source", "customer", "import"),
                *("subscription", "invoice"),
            ],
        )
        form = self.open_form("product")
        form.name, form.unit = "Text messages", "message"
        form.charge_model = "graduated"
        with form.tier_ids.edit(1) as tier:
            tier.price = 0.05
        form.save().action_create()
        self.assertIn("product", self.done())
        product = self.env["product.template"].search(
            [("name", "=", "Text messages"), ("company_id", "=", self.company.id)]
        )
        meter, price = product.metered_meter_id, product.metered_price_id
        self.assertEqual((meter.code, meter.kind), ("text_messages", "event"))
        self.assertEqual(price.description, "0 – 100: $0.00, above 100: $0.05")

        source = self.open_form("source").save()
        self.assertEqual((source.preset, source.meter_id), ("usage", meter))
        self.assertEqual(source.timezone, "America/New_York")
        form = self.open_form("customer")
        self.assertEqual(form.kind, "key")
        form.partner_id = self.env["res.partner"].create({"name": "Acme"})
        form.value = "key_acme_1"
        form.save()
        source.max_age_days = 0
        source.future_hours = 24 * 365 * 100
        rows = "".join(f"{n},2026-10-05 10:00:00,key_acme_1,1\n" for n in range(101))
        self.import_text(source, "id,time,identifier,quantity\n" + rows)
        self.assertIn("import", self.done())
        form = self.open_form("subscription")
        self.assertEqual(form.product_ids[:].product_tmpl_id, product)
        form.save().action_create()
        subscription = self.made_subscription()
        # The company has no journal to invoice in.
        line = subscription.sale_subscription_line_ids
        self.assertEqual(line.metered_meter_id, meter)
        self.assertEqual(self.done(), keys[:-1])

    def test_what_other_usage_costs(self):
        Setup = self.env["metered.usage.setup"]
        cases = (
            ({"unit_price": 0.05}, "$0.05"),
            ({"charge_model": "package", "unit_price": 5, "package_size": 10}, "10"),
            ({"charge_model": "volume"}, "100"),
            ({"charge_model": "stairstep"}, "100"),
            ({"aggregation": "max", "unit_price": 2}, "$2.00"),
            ({"aggregation": "unique", "unique_property": "user"}, "$0.00"),
        )
        for values, said in cases:
            with self.subTest(values):
                setup = Setup.create({"name": "Seats", "unit": "seat", **values})
                action = setup.action_create()
                self.assertIn(said, action["params"]["message"].replace("\xa0", ""))
        meters = self.env["metered.meter"].search([("name", "=", "Seats")], order="id")
        self.assertEqual(
            meters.mapped("code"), ["seats", *(f"seats_{n}" for n in range(2, 7))]
        )
        self.assertEqual(meters[4].kind, "gauge")

    def test_calls_and_other_usage(self):
        self.company.metered_bills = "both"
        keys = [step["key"] for step in self.onboarding.get_panel()["steps"]]
        self.assertEqual(len(keys), 8)
        self.assertLess({"product", "rates"}, set(keys))

    def test_every_month_of_the_fee_is_billed(self):
        """From the first day on, each month once; usage alone waits for its end."""
        self.env["account.chart.template"].try_loading(
            "generic_coa", self.company, install_demo=False
        )
        partner = self.env["res.partner"].create({"name": "Acme"})
        for fee, days in ((25.0, ["2026-10-01", "2026-11-01"]), (0.0, ["2026-11-01"])):
            action = (
                self.env["metered.subscription.setup"]
                .create(
                    {"partner_id": partner.id, "date_start": "2026-10-01", "fee": fee}
                )
                .action_create()
            )
            subscription = self.env[action["res_model"]].browse(action["res_id"])
            billed = []
            while str(subscription.recurring_next_date) < "2026-12-01":
                billed.append(str(subscription.recurring_next_date))
                subscription.generate_invoice()
            self.assertEqual(billed, days)
            fees = subscription.invoice_ids.invoice_line_ids.filtered(
                lambda line: line.price_unit == 25.0
            )
            self.assertEqual(
                sorted(line.name.splitlines()[-1] for line in fees),
                ["10/01/2026 – 10/31/2026", "11/01/2026 – 11/30/2026"] if fee else [],
            )

    def test_salesperson_makes_a_subscription(self):
        """Whoever is offered the step can do it, where there is no pricelist yet."""
        user = new_test_user(
            self.env,
            "seller",
            groups="metered_billing.group_metered_administrator,"
            "sales_team.group_sale_salesman_all_leads",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        self.env["product.pricelist"].search([]).active = False
        partner = self.env["res.partner"].create({"name": "Acme"})
        Setup = self.env["metered.subscription.setup"].with_user(user)
        values = {"partner_id": partner.id, "date_start": "2026-10-01", "fee": 25.0}
        action = Setup.create(values).action_create()
        subscription = self.env["sale.subscription"].browse(action["res_id"])
        self.assertEqual(subscription.sale_subscription_line_ids.price_unit, 25.0)
        # Nobody makes one who may not.
        user.group_ids -= self.env.ref("sales_team.group_sale_salesman_all_leads")
        user.group_ids -= self.env.ref("sales_team.group_sale_salesman")
        pricelists = self.env["product.pricelist"].search_count([])
        with self.assertRaises(AccessError):
            Setup.create(values).action_create()
        self.assertEqual(self.env["product.pricelist"].search_count([]), pricelists)

    def test_deck_made_by_hand(self):
        """An Administrator chooses it as the default without Odoo's Settings."""
        user = new_test_user(
            self.env,
            "pricing",
            groups="metered_billing.group_metered_administrator",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        self.company.country_id = self.usa
        deck = self.env["metered.rate.deck"].create({"name": "Manual"})
        self.env["metered.rate"].create({"deck_id": deck.id, "prefix": "1", "price": 1})
        action = self.onboarding.with_user(user).open_step("rates")
        form = Form(self.env[action["res_model"]].with_user(user))
        form.deck_id = deck
        form.save().action_save()
        self.assertEqual(self.company.metered_deck_id, deck)
        self.assertEqual(
            self.onboarding.open_step("rates")["xml_id"],
            "metered_billing.action_metered_rate_deck",
        )

    def test_proposal_twice(self):
        """A second proposal takes another name, and leaves the default deck."""
        self.open_form("rates").save().action_create()
        deck = self.company.metered_deck_id
        self.env["metered.rate.proposal"].create({}).action_create()
        self.assertEqual(self.company.metered_deck_id, deck)
        self.assertEqual(
            self.env["metered.rate.deck"].search_count(
                [("company_id", "=", self.company.id)]
            ),
            2,
        )

    def test_done_steps_open_lists(self):
        self.company.country_id = self.usa
        self.open_form("source").save()
        self.assertEqual(
            self.onboarding.open_step("source")["xml_id"],
            "metered_billing.action_metered_source",
        )

    def test_hidden_and_brought_back(self):
        self.assertFalse(self.onboarding.get_panel()["hidden"])
        self.onboarding.set_hidden(True)
        self.assertTrue(self.onboarding.get_panel()["hidden"])
        # Of another company's panel nothing changes.
        other = self.env["res.company"].create({"name": "Another"})
        self.assertFalse(self.onboarding.with_company(other).get_panel()["hidden"])
        self.onboarding.set_hidden(False)
        self.assertFalse(self.onboarding.get_panel()["hidden"])

    def test_rights(self):
        user = new_test_user(
            self.env,
            "plain",
            groups="metered_billing.group_metered_user",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        onboarding = self.onboarding.with_user(user)
        self.assertFalse(onboarding.get_panel())
        with self.assertRaises(AccessError):
            onboarding.open_step("rates")
        with self.assertRaises(AccessError):
            onboarding.set_hidden(True)
        with self.assertRaises(AccessError):
            onboarding.open_step("set_hidden")
