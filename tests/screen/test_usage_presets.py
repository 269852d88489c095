# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Presets of other usage: from a click to what a customer owes."""

import json

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, TransactionCase, new_test_user, tagged

from odoo.addons.metered_billing.models.screen.usage_presets import PRESETS

from ..support.metered_case import MeteredMakers

#: what the samples of a preset come to on November 16, at noon UTC, in New York
EXPECTED = {
    # 2,000 beyond the free ones
    "api_calls": 4.0,
    "seats": 300.0,
    # 500 GB from November 15 on, 7:00: 377 of the month's 721 hours
    "storage": 26.14,
    "data_plan": 5.0,
    # 150 kWh at 0.32 and 180 at 0.21, in parts of October and November
    "electricity": 85.8,
    # 25 m³ in 720 hours, 352 of them in October: two months of 10 at 1.50
    "water": 41.0,
    "call_center": 0.08,
}


@tagged("post_install", "-at_install")
class TestUsagePresets(MeteredMakers, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create(
            {"name": "Fresh", "country_id": cls.env.ref("base.us").id}
        )
        cls.company.write({"metered_bills": "usage", "metered_tz": "America/New_York"})
        cls.env = cls.env(
            context=dict(cls.env.context, allowed_company_ids=cls.company.ids)
        )
        cls.onboarding = cls.env["metered.onboarding"]

    def done(self):
        panel = self.onboarding.get_panel()
        return [step["key"] for step in panel["steps"] if step["done"]]

    def open_step(self, key):
        action = self.onboarding.open_step(key)
        self.assertEqual(action["target"], "new")
        return action, self.env[action["res_model"]].with_context(**action["context"])

    def create_preset(self, key):
        return self.env["metered.usage.setup"].create_preset(key)

    def source(self):
        return self.env["metered.source"].search(
            [("company_id", "=", self.company.id), ("source_type", "=", "events")]
        )

    @freeze_time("2026-11-16 12:00:00")
    def test_from_a_click_to_what_is_owed(self):
        self.assertEqual(set(EXPECTED), set(PRESETS))
        for key, amount in EXPECTED.items():
            with self.subTest(key), self.env.cr.savepoint() as undone:
                _action, model = self.open_step("product")
                self.assertIn(key, [one["key"] for one in Form(model).presets])
                self.create_preset(key)
                self.assertEqual(self.done(), ["company", "product", "source"])

                _action, model = self.open_step("customer")
                form = Form(model)
                self.assertEqual(form.kind, PRESETS[key].identifier)
                partner = self.make_customer(f"Acme {key}", tz="America/New_York")
                form.partner_id, form.value = partner, f"id-{key}"
                form.save()

                action, model = self.open_step("import")
                self.assertIn("Send an Event", action["name"])
                source = model.browse(action["res_id"])
                told = json.loads(source.event_sample)
                for event in told if isinstance(told, list) else [told]:
                    self.assertEqual(event["subject"], f"id-{key}")
                source.action_try_event()
                groups = source.event_tried["groups"]
                self.assertTrue(all(group["ok"] for group in groups), groups)
                self.assertFalse(source.batch_ids)
                sent = source.action_send_event()
                self.assertEqual(sent["params"]["type"], "success", sent)
                self.assertIn("import", self.done())

                _action, model = self.open_step("subscription")
                form = Form(model)
                self.assertEqual(len(form.product_ids[:]), len(PRESETS[key].sold))
                form.save().action_create()
                self.env["metered.register"]._book()
                usage = self.env["metered.usage"].search(
                    [("partner_id", "=", partner.id)]
                )
                found = usage._price_so_far()
                self.assertFalse(found.problems)
                total = sum(one for one, _currency in found.amounts.values())
                self.assertEqual(round(float(total), 2), amount)
                undone.rollback()

    def test_a_preset_is_added_once_and_several_share_a_source(self):
        self.create_preset("seats")
        self.create_preset("water")
        with self.assertRaisesRegex(UserError, "Seats was already added"):
            self.create_preset("seats")
        self.assertEqual(
            self.source().event_type_ids.mapped("name"), ["seats", "water"]
        )
        with self.assertRaisesRegex(UserError, "no preset sand"):
            self.create_preset("sand")

    def test_only_administrators(self):
        user = new_test_user(
            self.env,
            "operator",
            "metered_billing.group_metered_user",
            company_id=self.company.id,
            company_ids=self.company.ids,
        )
        setup = self.env["metered.usage.setup"].with_user(user)
        with self.assertRaises(AccessError):
            setup.create_preset("seats")
        self.create_preset("seats")
        with self.assertRaises(AccessError):
            self.source().with_user(user).action_send_event()

    def test_what_is_sent_again_or_says_something_else(self):
        self.create_preset("api_calls")
        source = self.source()
        partner = self.make_customer("Acme")
        self.make_identifier(partner, "acme", kind="key")
        self.assertEqual(source.action_send_event()["params"]["type"], "success")
        again = source.action_send_event()
        self.assertEqual(again["params"]["type"], "success")
        self.assertIn("already stored", json.dumps(source.event_tried))
        source.event_sample = source.event_sample.replace("12000", "12001")
        other = source.action_send_event()
        self.assertEqual(other["params"]["type"], "warning")
        self.assertIn("was already stored", other["params"]["message"])
        self.assertEqual(sum(source.batch_ids.mapped("rated")), 1)
        source.event_sample = source.event_sample.replace('"acme"', '"nobody"')
        source.event_sample = source.event_sample.replace('"id": "', '"id": "2-')
        unknown = source.action_send_event()
        self.assertEqual(unknown["params"]["type"], "warning")
        self.assertFalse(source.event_tried["groups"][0]["ok"])

    def test_what_is_no_event(self):
        self.create_preset("api_calls")
        source = self.source()
        for text, problem in (
            ("", "empty|no JSON|JSON"),
            ("[]", "Paste one event"),
            (f"[{','.join(['{}'] * 21)}]", "at most 20"),
            ("{}", "id"),
        ):
            source.event_sample = text
            with self.subTest(text[:9]), self.assertRaisesRegex(UserError, problem):
                source.action_send_event()
        self.assertFalse(source.batch_ids)
