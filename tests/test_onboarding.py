# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import AccessError
from odoo.tests import Form, TransactionCase, new_test_user, tagged

from .metered_case import MeteredMakers


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
        action = form.save().action_create()
        subscription = self.env[action["res_model"]].browse(action["res_id"])
        self.assertTrue(subscription.in_progress)
        self.assertEqual(str(subscription.recurring_next_date), "2026-11-01")
        self.assertEqual(subscription.sale_subscription_line_ids.price_unit, 25.0)
        self.assertEqual(self.done()[-1], "subscription")
        self.assertTrue(self.onboarding.open_step("invoice"))

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
