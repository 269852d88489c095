# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Alarms about what imports bring: raised, grown, decided on, and taken back."""

import json
from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from ...fraud import QUARTER_COLUMNS, RANGE_COLUMNS, add_up, unpack
from ...ingest import load_fraud
from ..support.metered_case import MeteredCase

HOME, AWAY = "13125550123", "37282001122"


@tagged("post_install", "-at_install")
class TestFraudAlarms(MeteredCase):
    #: at night, some hours ago
    begin = datetime(2026, 11, 18, 2)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_rate(cls.deck, "372", price=1.0)
        cls.customer = cls.make_customer("Acme", "+14045550100", country_id=cls.usa.id)
        cls.source = cls.make_source()
        cls.alarms = cls.env["metered.fraud.alarm"]
        cls.days = cls.env["metered.fraud.day"]
        cls.count = 0

    def setUp(self):
        super().setUp()
        # The evening of a Wednesday.
        self.enterContext(freeze_time("2026-11-18 22:00:00"))

    def rows(self, count, begin=None, seconds=300, callee=AWAY, apart=60):
        """Calls from Acme, one after the other."""
        begin, found = begin or self.begin, []
        for number in range(count):
            type(self).count += 1
            start = begin + timedelta(seconds=number * apart)
            found.append((str(self.count), str(start), seconds, "14045550100", callee))
        return found

    def learn_a_month(self):
        """Small calls at home on each of the last thirty days, and one abroad."""
        rows = []
        for day in range(2, 31):
            begin = self.begin - timedelta(days=day)
            rows += self.rows(4, begin, callee=HOME)
        rows += self.rows(1, begin, seconds=30)
        self.import_calls(self.source, *rows)
        self.days._learn(self.company)

    def sums(self, what="quarters"):
        """What is kept of quarters, or of ranges, of all days."""
        self.env.flush_all()
        self.env.cr.execute(
            f"""
            SELECT partner_id, day - date '1970-01-01', {what}
              FROM metered_fraud_day ORDER BY 1, 2
            """
        )
        columns = QUARTER_COLUMNS if what == "quarters" else RANGE_COLUMNS
        return add_up(unpack(self.env.cr.fetchall(), columns))

    def alarm(self):
        return self.alarms.search([("partner_id", "=", self.customer.id)])

    def test_raised_and_grown(self):
        """Told once; further calls make it grow, and known ones change nothing."""
        self.learn_a_month()
        self.assertFalse(self.alarm())
        user = self.env.ref("base.user_admin")
        self.env["metered.fraud.limit"].create({"user_id": user.id})
        webhook = self.env["metered.webhook"].create(
            {
                "name": "Portal",
                "address": "https://example.com/hooks",
                "tells_fraud_alarm": True,
            }
        )
        webhook._new_secret()
        first = self.rows(12)
        self.import_calls(self.source, *first)
        alarm = self.alarm()
        self.assertEqual((alarm.state, alarm.calls, alarm.charge), ("open", 12, 60.0))
        self.assertEqual(alarm.source_id, self.source)
        self.assertEqual(alarm.first_call, self.begin)
        self.assertEqual(alarm.rate, 240)
        self.assertIn("The charges of one hour reached $\xa060.00", alarm.reasons)
        self.assertEqual(alarm.activity_ids.user_id, user)
        self.assertIn("Acme", alarm.activity_ids.summary)
        notified = self.env["mail.message"].search(
            [
                ("model", "=", alarm._name),
                ("res_id", "=", alarm.id),
                ("message_type", "=", "user_notification"),
                ("notified_partner_ids", "in", user.partner_id.ids),
                ("subject", "=", "Possible toll fraud: Acme"),
            ]
        )
        self.assertEqual(len(notified), 1)
        [told] = webhook.delivery_ids
        data = json.loads(told.body)["data"]
        self.assertEqual((data["alarm"], data["calls"]), (alarm.id, 12))
        self.assertIn("hour", data["reasons"])
        calls = self.env["metered.cdr"].search(alarm.action_view_calls()["domain"])
        self.assertEqual(len(calls), 12)
        # The same file again, and then more of the same.
        self.import_calls(self.source, *first)
        self.assertEqual(self.alarm().calls, 12)
        more = self.rows(6, self.begin + timedelta(minutes=12))
        self.import_calls(self.source, *first, *more)
        self.assertEqual(self.alarm(), alarm)
        self.assertEqual((alarm.calls, alarm.charge), (18, 90.0))
        self.assertEqual(len(webhook.delivery_ids), 1)
        self.assertEqual(len(alarm.activity_ids), 1)

    def test_old_calls_are_only_learned_from(self):
        self.learn_a_month()
        old = self.rows(40, self.begin - timedelta(days=10))
        self.import_calls(self.source, *old)
        self.assertFalse(self.alarm())
        self.days._learn(self.company)
        profile = self.env["metered.fraud.profile"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertGreater(profile.learned["levels"]["hour_busy"], -1)
        self.assertGreater(profile.learned["levels"]["day"], 100_000_000 / 2)
        self.assertGreater(profile.learned["levels"]["days"], 25)
        # It is usual now.
        self.import_calls(self.source, *self.rows(12))
        self.assertFalse(self.alarm())

    def test_later_it_is_the_same(self):
        """Calls of the day before yesterday are checked a moment after the import."""
        begin = self.begin - timedelta(hours=30)
        rows = self.rows(12, begin)
        # It rings from there, and is called back.
        trunk = self.make_source(default_direction="inbound")
        rings = [
            (*row[:2], 2, AWAY[:-2] + "99", row[3])
            for row in self.rows(3, begin - timedelta(minutes=5))
        ]
        # Recent ones in the same file are checked at once.
        rows += self.rows(2, self.begin)
        found = []
        for days in (3, 1):
            with (
                self.subTest(days),
                self.env.cr.savepoint() as savepoint,
                patch.object(load_fraud, "RECENT_DAYS", days),
            ):
                self.import_calls(trunk, *rings)
                self.import_calls(self.source, *rows)
                waits = self.env["metered.fraud.wait"]
                if days == 1:
                    self.assertFalse(self.alarm())
                    self.assertTrue(waits.search_count([]))
                    waits._check_companies()
                self.assertFalse(waits.search_count([]))
                alarm = self.alarm()
                self.assertIn("call_back", str(alarm.findings))
                self.assertEqual(alarm.source_id, self.source)
                found.append(
                    (
                        alarm.findings,
                        *(alarm.calls, alarm.charge, alarm.first_call, alarm.last_call),
                        self.sums("quarters").to_dict(),
                        self.sums("ranges").to_dict(),
                    )
                )
                savepoint.rollback()
                self.env.invalidate_all()
        self.assertEqual(*found)

    def test_summed_again_it_is_the_same(self):
        """What imports add up is what is stored, and an undo takes it back."""
        self.learn_a_month()
        self.import_calls(self.source, *self.rows(5))
        batch = self.import_calls(self.source, *self.rows(12))

        before = self.sums()
        self.env["metered.fraud.mark"].create(
            {
                "company_id": self.company.id,
                "day_from": self.begin - timedelta(days=2),
                "day_to": self.begin + timedelta(days=2),
            }
        )
        self.days._learn(self.company)
        self.assertFalse(self.env["metered.fraud.mark"].search_count([]))
        self.assertEqual(self.sums().to_dict(), before.to_dict())
        alarm = self.alarm()
        self.assertEqual(alarm.calls, 17)
        batch.action_undo()
        self.assertEqual(self.sums()["calls"].sum(), before["calls"].sum() - 12)
        self.assertEqual((alarm.state, alarm.calls), ("open", 5))
        self.source.batch_ids.action_undo()
        self.assertEqual((alarm.state, alarm.calls), ("undone", 0))
        self.assertFalse(alarm.activity_ids)
        self.assertFalse(len(self.sums()))

    def test_decided(self):
        """What was dismissed raises no alarm again until it is twice as much."""
        self.learn_a_month()
        self.import_calls(self.source, *self.rows(8))
        alarm = self.alarm()
        wizard = Form.from_action(self.env, alarm.action_open_dismiss()).save()
        wizard.note = "They said so"
        wizard.action_dismiss()
        self.assertEqual((alarm.state, alarm.note), ("dismissed", "They said so"))
        self.assertEqual(alarm.decided_uid, self.env.user)
        self.assertFalse(alarm.activity_ids)
        with self.assertRaises(UserError):
            alarm.action_confirm()
        later = self.begin + timedelta(hours=6)
        self.import_calls(self.source, *self.rows(8, later))
        self.assertEqual(self.alarm(), alarm)
        self.import_calls(self.source, *self.rows(30, later))
        new = self.alarm() - alarm
        self.assertEqual(new.state, "open")
        with self.assertRaises(UserError):
            alarm.action_reopen()
        new.action_confirm()
        self.assertEqual(new.state, "confirmed")
        action = self.alarms.action_open_alarms()
        self.assertIn("1 of 2, 50%", action["name"])
        # The same calls, come late, are part of it; further ones are not.
        self.import_calls(self.source, *self.rows(3, later))
        self.assertEqual(len(self.alarm()), 2)
        self.import_calls(self.source, *self.rows(40, later + timedelta(hours=5)))
        self.assertEqual(len(self.alarm()), 3)

    def test_fraud_is_not_learned(self):
        self.learn_a_month()
        self.import_calls(self.source, *self.rows(12))
        self.alarm().action_confirm()
        self.days._learn(self.company)
        self.import_calls(self.source, *self.rows(12, self.begin + timedelta(hours=3)))
        self.assertEqual(len(self.alarm()), 2)

    def test_limits(self):
        """Of the customer, else of the group, else of the company."""
        limits = self.env["metered.fraud.limit"]
        group = self.env["metered.customer.group"].create({"name": "Small"})
        company = limits.create({"lines_limit": 2})
        self.import_calls(self.source, *self.rows(3, apart=1, seconds=60))
        self.assertIn("The limit is 2", self.alarm().reasons)
        self.alarm().action_confirm()
        company.lines_limit = 0
        self.customer.metered_group_id = group
        limits.create({"group_id": group.id, "country_ids": self.usa.ids})
        later = self.begin + timedelta(hours=2)
        self.import_calls(self.source, *self.rows(1, later, seconds=60))
        self.assertIn("Estonia, which is not an allowed", self.alarm()[0].reasons)
        self.alarm()[0].action_confirm()
        limits.create({"partner_id": self.customer.id, "day_limit": 1})
        later += timedelta(hours=2)
        self.import_calls(self.source, *self.rows(1, later, seconds=60))
        self.assertIn("The limit is $\xa01.00", self.alarm()[0].reasons)
        with self.assertRaises(ValidationError):
            limits.create({"partner_id": self.customer.id, "group_id": group.id})
        self.alarm()[0].action_confirm()
        company.max_age_days = 0
        later += timedelta(hours=2)
        self.import_calls(self.source, *self.rows(30, later))
        self.assertEqual(len(self.alarm()), 3)

    def test_listed_numbers(self):
        """Prefixes that the company lists, even in a country that is called."""
        self.learn_a_month()
        risks = self.env["metered.fraud.risk"]
        for wrong in ("+372", "=911", "x", " "):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                risks.create({"name": "Notice", "prefixes": wrong})
        risks.create({"name": "Notice", "prefixes": "37282 37283"})
        self.import_calls(self.source, *self.rows(4, seconds=240))
        self.assertIn("never called (Notice): $\xa016.00", self.alarm().reasons)

    def test_cured_calls(self):
        """Calls of a customer who is told later are looked at, too."""
        rows = [(*row[:3], "14045550177", row[4]) for row in self.rows(20)]
        self.import_calls(self.source, *rows)
        self.assertFalse(self.alarm())
        self.make_identifier(self.customer, "+14045550177")
        self.env["metered.exception"].search([]).action_retry()
        self.assertEqual(self.alarm().calls, 20)

    def test_merged_customers(self):
        """Their calls are those of one customer from then on."""
        other = self.make_customer("Acme Two", "+14045550188")
        rows = [(*row[:3], "14045550188", row[4]) for row in self.rows(3)]
        self.import_calls(self.source, *rows, *self.rows(3))
        merge = self.env["base.partner.merge.automatic.wizard"].create({})
        merge._merge((self.customer | other).ids, self.customer)
        self.days._learn(self.company)
        sums = self.sums()
        self.assertEqual(set(sums["partner_id"]), {self.customer.id})
        self.assertEqual(sums["calls"].sum(), 6)
