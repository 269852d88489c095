# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Customers that are merged: with their usage, and not into another company."""

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestPartnerMerge(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.first = cls.make_customer("Acme", "+14045550100")
        cls.second = cls.make_customer("Acme Inc.", "+14045550101")
        cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"),
            ("2", "2026-10-05 11:00:00", 60, "+14045550101", "+12125550199"),
        )
        cls.other = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.clerk = new_test_user(
            cls.env,
            "clerk of another company",
            "base.group_user,base.group_partner_manager",
            company_id=cls.other.id,
            company_ids=[Command.set(cls.other.ids)],
        )

    def merge(self, source, target, user=None):
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard = wizard.with_user(user or self.env.user)
        with self.env.cr.savepoint():
            wizard.create(
                {
                    "partner_ids": [Command.set((source | target).ids)],
                    "dst_partner_id": target.id,
                }
            ).action_merge()

    def test_nobody_merges_customers_of_a_company_that_is_not_theirs(self):
        own = self.env["res.partner"].create(
            {"name": "Acme", "company_id": self.other.id}
        )
        shared = self.env["res.partner"].create({"name": "Acme"})
        for target in (own, shared):
            with self.subTest(target.name):
                with self.assertRaisesRegex(UserError, "would change owners"):
                    self.merge(self.first, target, self.clerk)
        self.assertEqual(self.usage(self.first).partner_id, self.first)

    def test_a_customer_does_not_become_another_companys(self):
        self.env.user.company_ids += self.other
        own = self.env["res.partner"].create(
            {"name": "Acme", "company_id": self.other.id}
        )
        with self.assertRaisesRegex(UserError, "shared by all companies"):
            self.merge(self.first, own)

    def test_what_both_have_of_a_run_becomes_one_line(self):
        run = self.env["metered.simulation"].create(
            {
                "kind": "margin",
                "company_id": self.env.company.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                "position": "2026-10-31",
            }
        )
        meter = self.env.ref("metered_billing.meter_national")
        Line = self.env["metered.simulation.line"]
        lines = Line.create(
            [
                {
                    "simulation_id": run.id,
                    "company_id": run.company_id.id,
                    "partner_id": partner.id,
                    "meter_id": meter.id,
                    "currency_id": run.company_id.currency_id.id,
                    "calls": calls,
                    "before": calls / 10,
                }
                for partner, calls in ((self.first, 3), (self.second, 4))
            ]
        )
        self.merge(self.first, self.second)
        self.assertRecordValues(
            lines.exists(),
            [{"partner_id": self.second.id, "calls": 7, "before": 0.7}],
        )
        self.assertEqual(sum(self.usage(self.second).mapped("records")), 2)

    def test_what_a_customer_has_once(self):
        """Odoo would delete all of it where there is one of both."""
        seats, lines = (
            self.make_meter(name, code=name.lower(), kind="gauge")
            for name in ("Seats", "Lines")
        )
        product = self.env["product.product"].create({"name": "Measured"})
        Service = self.env["metered.measured.service"]
        both, theirs, own = Service.create(
            [
                {"partner_id": owner.id, "meter_id": meter.id, "product_id": product.id}
                for owner, meter in (
                    (self.first, seats),
                    (self.first, lines),
                    (self.second, seats),
                )
            ]
        )
        limits = self.env["metered.fraud.limit"].create(
            [{"partner_id": self.first.id}, {"partner_id": self.second.id}]
        )
        alarms = self.env["metered.fraud.alarm"].create(
            [
                {
                    "company_id": self.company.id,
                    "partner_id": partner.id,
                    "first_call": "2026-10-05 10:00:00",
                    "last_call": f"2026-10-05 1{calls}:00:00",
                    "calls": calls,
                    "charge": calls / 4,
                }
                for partner, calls in ((self.first, 3), (self.second, 4))
            ]
        )
        statements = self.env["metered.statement"].create(
            [
                {
                    "name": f"ST/{partner.id}",
                    "company_id": self.company.id,
                    "partner_id": partner.id,
                    "currency_id": self.company.currency_id.id,
                    "scope": "period",
                    "date_from": "2026-10-01",
                    "date_to": "2026-11-01",
                }
                for partner in (self.first, self.second)
            ]
        )
        passwords = self.env["metered.statement.password"].create(
            [
                {"partner_id": partner.id, "value": f"secret of {partner.name}"}
                for partner in (self.first, self.second)
            ]
        )
        self.merge(self.first, self.second)
        self.assertEqual(passwords.exists(), passwords[1])
        self.assertEqual(passwords[1].partner_id, self.second)
        self.assertEqual(statements.mapped("is_current"), [False, True])
        self.assertEqual(statements.partner_id, self.second)
        self.assertEqual((both + theirs + own).partner_id, self.second)
        self.assertEqual((both + theirs + own).mapped("active"), [False, True, True])
        self.assertEqual(limits.mapped("active"), [False, True])
        self.assertRecordValues(
            alarms.exists(),
            [{"partner_id": self.second.id, "calls": 7, "charge": 1.75}],
        )

    def test_every_unique_index_with_a_customer_is_thought_of(self):
        """Odoo's merge asks for constraints, and knows nothing of indexes."""
        self.env.cr.execute(
            """
            SELECT indrelid::regclass::text
              FROM pg_index
              JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey)
             WHERE indisunique AND attname = 'partner_id'
               AND indrelid::regclass::text LIKE 'metered\\_%'
            """
        )
        self.assertEqual(
            {table for (table,) in self.env.cr.fetchall()},
            {
                # The rows that come over collect no more; the lines are folded.
                *("metered_usage", "metered_simulation_line"),
                # Odoo itself sees to contacts of something.
                "metered_alert_contact_rel",
                # One is left of each: test_what_a_customer_has_once.
                *("metered_measured_service", "metered_fraud_alarm"),
                *("metered_fraud_day", "metered_fraud_profile", "metered_statement"),
                "metered_statement_password",
            },
        )
