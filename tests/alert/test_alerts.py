# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who is told when a running period reaches a threshold, and that it is told once."""

import json

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...models.webhook.metered_webhook import KINDS
from ..support.metered_case import MeteredCase

NUMBER = "+14045550100"
TODAY = "2026-10-20 12:00:00"


class AlertCase(MeteredCase):
    """A customer whose calls cost 0.06 a minute, with a subscription by the month."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clock = cls.enterClassContext(freeze_time(TODAY))
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", NUMBER, email="acme@example.com")
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-09-01", "2026-11-01"
        )
        cls.marks = cls.env["metered.alert.mark"]
        cls.count = 0

    @classmethod
    def make_alert(cls, *thresholds, **values):
        """An alert of amounts with thresholds, or with values of their lines."""
        alert = cls.env["metered.alert"].create(
            {
                "name": "Limit",
                "threshold_ids": [
                    Command.create(one if isinstance(one, dict) else {"value": one})
                    for one in thresholds
                ],
                **values,
            }
        )
        cls.marks._check()
        return alert

    def call(self, minutes, day="2026-10-05", number=NUMBER):
        """Import a call, and check what it reached.

        :return: the import
        """
        type(self).count += 1
        batch = self.import_calls(
            self.source,
            (
                str(self.count),
                f"{day} 10:00:00",
                minutes * 60,
                number[1:],
                "13125550123",
            ),
            name=f"{self.count}.csv",
        )
        self.check()
        return batch

    def check(self):
        self.marks._check()
        self.assertFalse(self.marks.search_count([]))

    def events(self, alert):
        return self.env["metered.alert.event"].search(
            [("alert_id", "=", alert.id)], order="id"
        )

    def levels(self, alert):
        return self.events(alert).mapped("level")

    def state(self, alert, subscription=None):
        return self.env["metered.alert.state"].search(
            [
                ("alert_id", "=", alert.id),
                ("subscription_id", "=", (subscription or self.subscription).id),
            ],
            limit=1,
        )


@tagged("post_install", "-at_install")
class TestAlerts(AlertCase):
    def test_each_threshold_once(self):
        alert = self.make_alert(3, 6)
        self.call(49)
        self.assertEqual(self.levels(alert), [])
        self.call(1)
        self.assertEqual(self.levels(alert), [3])
        self.call(10)
        self.assertEqual(self.levels(alert), [3])
        self.call(100)
        self.assertEqual(self.levels(alert), [3, 6])
        event = self.events(alert)[-1]
        self.assertEqual(
            (event.figure, event.previous, str(event.date_from), str(event.date_to)),
            (9.6, 3.6, "2026-10-01", "2026-11-01"),
        )
        self.assertTrue(event.as_of)

    def test_what_was_there_before_the_alert_counts(self):
        self.call(60)
        self.assertEqual(self.levels(self.make_alert(3)), [3])

    def test_undo_and_import_again_tell_nothing_again(self):
        alert = self.make_alert(3)
        batch = self.call(60)
        batch.action_undo()
        self.check()
        self.assertEqual(self.state(alert).figure, 0)
        self.call(70)
        self.assertEqual(self.levels(alert), [3])
        self.assertAlmostEqual(self.state(alert).figure, 4.2)

    def test_rates_down_and_up_tell_nothing_again(self):
        alert = self.make_alert(3)
        self.call(60)
        for price, figure in ((0.01, 0.6), (0.08, 4.8)):
            deck = self.make_deck(f"At {price}")
            self.make_rate(deck, "", price=price)
            self.customer.metered_deck_id = deck
            self.usage(self.customer)._rerate()
            self.env.invalidate_all()
            self.check()
            self.assertAlmostEqual(self.state(alert).figure, figure)
        self.assertEqual(self.levels(alert), [3])

    def test_steps_are_told_until_the_next_period(self):
        alert = self.make_alert({"value": 3, "step": 1.5})
        for minutes in (60, 20, 60):
            self.call(minutes)
        self.assertEqual(self.levels(alert), [3, 4.5, 7.5])

    def test_a_late_record_is_not_of_this_period(self):
        alert = self.make_alert(3)
        self.call(60, day="2026-09-30")
        self.assertEqual(self.levels(alert), [])

    def test_an_invoice_begins_anew(self):
        alert = self.make_alert({"value": 3, "caps": True})
        self.call(60)
        self.assertFalse(self.subscription._metered_entitlement()["allowed"])
        self.clock.move_to("2026-11-01 03:00:00")
        self.addCleanup(self.clock.move_to, TODAY)
        # A record of its last evening.
        self.call(1, day="2026-10-31")
        self.subscription.create_invoice()
        self.call(60, day="2026-11-01")
        events = self.events(alert)
        self.assertEqual(events.mapped("level"), [3, 3])
        self.assertEqual(
            [str(day) for day in events.mapped("date_from")],
            ["2026-10-01", "2026-11-01"],
        )

    def test_an_overdue_renewal_has_two_periods(self):
        alert = self.make_alert({"value": 3, "caps": True})
        self.clock.move_to("2026-11-02 03:00:00")
        self.addCleanup(self.clock.move_to, TODAY)
        self.call(60, day="2026-10-31")
        self.call(60, day="2026-11-01")
        self.assertEqual(len(set(self.events(alert).mapped("date_from"))), 2)
        # Only the one that runs says whether usage is allowed.
        capped = self.env["metered.alert.state"].search([("is_capped", "=", True)])
        self.assertEqual(
            [str(day) for day in capped.mapped("date_from")], ["2026-11-01"]
        )

    def test_whom_it_concerns(self):
        other = self.make_customer("Other", "+14045550101")
        theirs = self.make_subscription(other, "2026-09-01", "2026-11-01")
        group = self.env["metered.customer.group"].create({"name": "Gold"})
        other.metered_group_id = group
        both = {self.subscription, theirs}
        for values, concerned in (
            ({}, both),
            ({"scope": "group", "group_id": group.id}, {theirs}),
            ({"scope": "customer", "partner_id": other.id}, {theirs}),
            (
                {"scope": "subscription", "subscription_id": self.subscription.id},
                {self.subscription},
            ),
        ):
            with self.subTest(scope=values.get("scope", "company")):
                alert = self.make_alert(3, **values)
                found = set(alert._concerned_subscriptions()) & both
                self.assertEqual(found, concerned)
                self.call(60)
                self.call(60, number="+14045550101")
                told = set(self.events(alert).subscription_id)
                self.assertEqual(told, concerned)

    def test_imports_mark_nobody_without_an_alert(self):
        self.make_alert(3, scope="customer", partner_id=self.make_customer("X").id)
        self.import_calls(
            self.source, ("q", "2026-10-05 10:00:00", 60, NUMBER[1:], "13125550123")
        )
        self.assertFalse(self.marks.search_count([]))

    def test_the_mark_of_a_merged_customer_goes(self):
        self.make_alert(3)
        gone = self.env["res.partner"].create({"name": "Gone"})
        self.marks._mark(self.company, gone)
        gone.unlink()
        self.check()

    def test_minutes_of_a_call_type(self):
        meter = self.usage(self.call(1) and self.customer).meter_id
        alert = self.make_alert(50, basis="quantity", meter_id=meter.id)
        self.call(48)
        self.assertEqual(self.levels(alert), [])
        self.call(1)
        self.assertEqual(self.levels(alert), [50])

    def test_amounts_of_meters_and_levels(self):
        """A sum with tiers, and a level whose highest counts."""
        source = self.make_source("usage")
        alerts = {}
        for name, values in (
            ("Traffic", {"unit": "GB"}),
            ("Seats", {"kind": "gauge", "aggregation": "max"}),
        ):
            meter = self.make_meter(name, **values)
            price = self.make_price(meter, (10, 1), (0, 2))
            product = self.make_metered_product(name, price)
            self.subscription.sale_subscription_line_ids = [
                Command.create({"product_id": product.id, "name": name})
            ]
            alerts[name] = self.make_alert(
                11, basis="quantity", meter_id=meter.id, name=name
            )
        money = self.make_alert(12, 30)
        self.make_identifier(self.customer, "acme", kind="key")
        for place, (meter, quantity) in enumerate(
            [("traffic", 6), ("seats", 5), ("seats", 4), ("traffic", 5), ("seats", 12)]
        ):
            self.import_text(
                source,
                "id,time,identifier,meter,quantity\n"
                f"e{place},2026-10-0{place + 1} 10:00:00,acme,{meter},{quantity}\n",
                name=f"usage{place}.csv",
            )
            self.check()
        self.assertEqual(self.levels(alerts["Traffic"]), [11])
        self.assertEqual(self.levels(alerts["Seats"]), [11])
        # 10 x 1 + 1 x 2, and 10 x 1 + 2 x 2
        self.assertEqual(self.state(money).figure, 26)
        self.assertEqual(self.levels(money), [12])

    def test_usage_without_a_price_is_said(self):
        source = self.make_source("usage")
        self.make_meter("Riddle")
        self.make_identifier(self.customer, "acme", kind="key")
        alert = self.make_alert(3)
        self.import_text(
            source,
            "id,time,identifier,meter,quantity\ne1,2026-10-01 10:00:00,acme,riddle,1\n",
        )
        self.call(60)
        self.assertEqual(self.levels(alert), [3])
        self.assertIn("Riddle", self.state(alert).problem)

    def test_another_currency(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        euro.rate_ids = [
            Command.clear(),
            Command.create({"name": "2026-01-01", "rate": 0.5}),
        ]
        alert = self.make_alert(2, currency_id=euro.id)
        self.call(60)
        self.assertEqual(self.levels(alert), [])
        self.call(10)
        self.assertEqual(self.levels(alert), [2])

    def test_companies_keep_to_themselves(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        alert = self.make_alert(3, company_id=other.id, user_id=False)
        self.call(60)
        self.assertFalse(self.events(alert))

    def test_two_subscriptions_do_not_count_twice(self):
        """What names no subscription is of the one that is due first."""
        later = self.make_subscription(self.customer, "2026-09-15", "2026-11-15")
        alert = self.make_alert(3)
        self.call(60, day="2026-10-18")
        self.assertEqual(self.events(alert).subscription_id, self.subscription)
        self.assertEqual(self.state(alert, later).figure, 0)

    def test_part_of_an_allowance(self):
        plan = self.env["metered.calling.plan"].create(
            {
                "name": "Talk",
                "allowance_ids": [Command.create({"name": "Minutes", "amount": 100})],
            }
        )
        product = self.env["product.product"].create(
            {"name": "Talk", "type": "service", "metered_plan_id": plan.id}
        )
        self.subscription.sale_subscription_line_ids = [
            Command.create({"product_id": product.id, "name": "Talk"})
        ]
        alert = self.make_alert(name="Minutes")
        alert.action_propose_parts()
        self.call(49)
        self.assertEqual(self.levels(alert), [])
        self.call(31)
        self.assertEqual(self.levels(alert), [50, 80])
        self.call(40)
        self.assertEqual(self.levels(alert), [50, 80, 100])
        self.assertEqual(self.events(alert)[0].level_text, "50%")

    # === WHO IS TOLD === #

    def test_activity_and_mails_in_their_language(self):
        admin = self.env.ref("base.user_admin")
        self.env["res.lang"]._activate_lang("de_DE")
        german = self.make_customer("Grete", email="grete@example.com", lang="de_DE")
        template = self.env.ref("metered_billing.mail_template_alert")
        template.with_context(lang="de_DE").subject = "Schwelle {{ object.level_text }}"
        alert = self.make_alert(
            1000, 3, mails_customer=True, contact_ids=german.ids, user_id=admin.id
        )
        self.call(60)
        mails = self.env["mail.mail"].search(
            [
                ("model", "=", "metered.alert.event"),
                ("res_id", "in", self.events(alert).ids),
            ]
        )
        by_reader = {mail.recipient_ids: mail for mail in mails}
        self.assertEqual(set(by_reader), {german, self.customer})
        self.assertIn("Schwelle", by_reader[german].subject)
        self.assertIn("3,00", by_reader[german].subject)
        self.assertIn("Limit", by_reader[self.customer].subject)
        self.assertIn("10/01/2026", by_reader[self.customer].body_html)
        activity = self.subscription.activity_ids
        self.assertEqual(len(activity), 1)
        self.assertEqual(activity.user_id, admin)
        self.assertIn("Acme", activity.note)
        self.call(60)
        self.assertEqual(len(self.subscription.activity_ids), 1)

    def test_a_broken_template_stops_nothing(self):
        template = self.env.ref("metered_billing.mail_template_alert")
        template.body_html = '<p t-out="object.nothing_of_that_name"/>'
        alert = self.make_alert(3, mails_customer=True)
        with mute_logger("odoo.addons.mail.models.mail_render_mixin"):
            self.call(60)
        self.assertEqual(self.levels(alert), [3])
        self.assertIn("Usage Alert", alert.activity_ids.note)

    def test_webhooks(self):
        self.env["metered.webhook"].create(
            {
                "name": "Portal",
                "address": "https://example.com/hooks",
                **dict.fromkeys(KINDS.values(), True),
            }
        )
        alert = self.make_alert(3, {"value": 4, "caps": True})
        self.call(20)
        self.call(60)
        deliveries = self.env["metered.webhook.delivery"].search([], order="id")
        told = {
            one.kind: json.loads(one.body)["data"]
            for one in deliveries
            if one.kind in ("alert.triggered", "entitlement.changed")
        }
        triggered = told["alert.triggered"]
        for name in ("triggered_at", "as_of"):
            self.assertTrue(triggered.pop(name).endswith("+00:00"))
        self.assertEqual(
            triggered,
            {
                "alert": {"id": alert.id, "name": "Limit", "type": "amount"},
                "subscription": {
                    "id": self.subscription.id,
                    "name": self.subscription.name,
                },
                "customer": {
                    "id": self.customer.id,
                    "name": "Acme",
                    "reference": None,
                },
                "current_value": "4.8",
                "previous_value": "1.2",
                "unit": self.company.currency_id.name,
                "crossed_thresholds": [
                    {"value": "3", "recurring": False, "cap": False},
                    {"value": "4", "recurring": False, "cap": True},
                ],
                "period": {"from": "2026-10-01", "to": "2026-11-01"},
            },
        )
        self.assertIs(told["entitlement.changed"]["allowed"], False)

    # === CAPS === #

    def lift(self):
        wizard = self.env["metered.alert.lift"].create(
            {"subscription_id": self.subscription.id, "reason": "They called."}
        )
        return wizard.action_lift()

    def test_a_cap_is_lifted_with_a_reason(self):
        alert = self.make_alert({"value": 3, "caps": True}, {"value": 9, "caps": True})
        self.call(60)
        entitlement = self.subscription._metered_entitlement()
        self.assertIn("Limit", entitlement["reason"])
        [limit] = entitlement["limits"]
        self.assertEqual(
            (limit["limit"], limit["used"], limit["left"]), ("9", "3.6", "5.4")
        )
        self.assertEqual(self.subscription.metered_cap_info, "Limit")
        self.lift()
        self.assertTrue(self.subscription._metered_entitlement()["allowed"])
        self.assertIn("They called.", self.subscription.message_ids[0].body)
        self.call(10)
        self.assertTrue(self.subscription._metered_entitlement()["allowed"])
        self.call(100)
        self.assertFalse(self.subscription._metered_entitlement()["allowed"])
        self.assertEqual(self.levels(alert), [3, 9])

    def test_a_cap_ends_with_its_period(self):
        alert = self.make_alert({"value": 3, "caps": True})
        self.call(60)
        self.clock.move_to("2026-11-01 03:00:00")
        self.addCleanup(self.clock.move_to, TODAY)
        self.assertTrue(self.subscription._metered_entitlement()["allowed"])
        self.assertTrue(self.state(alert).is_capped)
        self.env["metered.alert.state"]._mark_ended()
        self.assertFalse(self.state(alert).is_capped)

    def test_a_cap_stays_when_the_amount_falls(self):
        self.make_alert({"value": 3, "caps": True})
        self.call(60).action_undo()
        self.check()
        self.assertFalse(self.subscription._metered_entitlement()["allowed"])

    def test_a_cap_goes_with_what_its_alert_looks_at(self):
        """Archived, or made for another customer: usage is allowed, and told so."""
        other = self.make_customer("Other")
        for values in (
            {"active": False},
            {"scope": "customer", "partner_id": other.id},
        ):
            with self.subTest(**values):
                alert = self.make_alert({"value": 3, "caps": True})
                self.call(60)
                self.assertTrue(self.state(alert).is_capped)
                alert.write(values)
                self.assertFalse(self.state(alert).is_capped)
                self.assertFalse(self.subscription.metered_cap_info)
                self.assertTrue(self.subscription._metered_entitlement()["allowed"])
                self.assertIn(
                    "no longer applies", self.subscription.message_ids[0].body
                )

    def test_an_invoice_in_the_middle_of_a_period_changes_nothing(self):
        """What was invoiced by hand is usage of the period as well: calls and texts."""
        product = self.env["product.product"].create({"name": "Texts"})
        texts = self.make_meter("Texts", unit="texts", product_id=product.id)
        self.make_price(texts, (0, 0.01), partner_ids=self.customer.ids)
        alert = self.make_alert(3, 5)
        limit = self.make_alert(130, basis="quantity", meter_id=texts.id)
        records = self.make_source("usage", name="Texts", meter_id=texts.id)
        self.make_identifier(self.customer, "acme", kind="key")

        def text(count, day):
            self.import_text(
                records,
                f"time,identifier,quantity\n{day} 10:00:00,acme,{count}\n",
                name=f"{day}.csv",
            )
            self.check()

        self.call(60)
        text(100, "2026-10-06")
        self.assertAlmostEqual(self.state(alert).figure, 4.6)
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-15",
            }
        )
        wizard.action_search()
        wizard.action_create_invoice()
        self.call(4)
        self.assertAlmostEqual(self.state(alert).figure, 4.84)
        text(40, "2026-10-08")
        self.assertAlmostEqual(self.state(alert).figure, 5.24)
        self.assertEqual(self.levels(alert), [3, 5])
        self.assertEqual(self.levels(limit), [130])

    # === SETTINGS === #

    def test_where_it_is_listed(self):
        alert = self.make_alert(3)
        self.call(60)
        events = self.events(alert)
        for record in (self.customer, self.subscription, alert):
            action = (
                record.action_view_events()
                if record == alert
                else record.action_view_metered_alerts()
            )
            self.assertEqual(events.search(action["domain"]), events)
        self.assertEqual(self.customer.metered_alert_count, 1)
        self.assertEqual(self.subscription.metered_alert_count, 1)

    def test_presets(self):
        alert = self.make_alert(7, basis="allowance")
        alert.action_propose_money_limit()
        self.assertEqual(
            [(one.value, one.caps) for one in alert.threshold_ids],
            [(40, False), (50, True)],
        )
        self.assertEqual(alert.currency_id, self.company.currency_id)

    def test_what_is_missing_is_said(self):
        for values in (
            {"scope": "group"},
            {"scope": "customer"},
            {"scope": "subscription"},
            {"basis": "quantity"},
        ):
            with self.subTest(**values), self.assertRaises(ValidationError):
                self.make_alert(3, **values)

    def test_a_triggered_alert_is_archived_not_deleted(self):
        alert = self.make_alert(3)
        self.call(60)
        with self.assertRaises(UserError):
            alert.unlink()
        alert.active = False
        self.assertFalse(self.marks._exist_alerts())
