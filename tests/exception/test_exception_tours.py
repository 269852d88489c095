# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Exceptions cured in bulk and an import undone, in a real browser."""

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers

START = "2026-10-05 10:00:00"


@tagged("post_install", "-at_install")
class TestExceptionTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="Tour Switch")
        cls.customer = cls.make_customer("Tour Customer", "+14045550100")
        cls.newcomer = cls.make_customer("Tour Newcomer")
        cls.user = new_test_user(
            cls.env,
            login="operator",
            name="Tour operator",
            groups="metered_billing.group_metered_user,"
            "account.group_account_invoice,sales_team.group_sale_salesman",
        )
        cls.batch = cls.import_calls(
            cls.source,
            ("t1", START, 90, "+14045550100", "+12125550199"),
            ("t2", START, 60, "+14045559999", "+12125550199"),
            ("t3", START, 60, "4045559999", "+12125550199"),
            ("t4", START, 60, "+14045558888", "+12125550199"),
            ("t5", START, "broken", "+14045550100", "+12125550199"),
            name="wrong.csv",
        )
        cls.env.cr.flush()

    def test_cure_in_bulk(self):
        self.start_tour("/odoo", "metered_billing_cure_exceptions", login="operator")
        self.assertEqual(
            sorted(self.newcomer.metered_identifier_ids.mapped("value")),
            ["+14045558888", "+14045559999"],
        )
        self.assertEqual(sum(self.usage(self.newcomer).mapped("records")), 3)
        self.assertEqual(
            (self.batch.rated, self.batch.exceptions, self.batch.balance), (4, 1, "ok")
        )
        dismissed = self.exceptions(self.batch)[-1]
        self.assertEqual(dismissed.dismiss_reason, "A test of ours")
        self.assertEqual(dismissed.dismissed_uid, self.user)

    def test_undo(self):
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_batch",
            "metered_billing_undo_import",
            login="operator",
        )
        self.assertEqual(self.batch.state, "undone")
        self.assertEqual(self.batch.undone_uid, self.user)
        self.assertFalse(self.usage(self.customer))

    def test_undo_other_usage(self):
        meter = self.make_meter("Texts", code="sms")
        self.make_price(meter, unit_price=0.05)
        self.make_identifier(self.customer, "key-1", kind="key")
        batch = self.import_text(
            self.make_source("usage", meter_id=meter.id),
            "id,time,identifier,quantity,meter,properties\n"
            "1,2026-10-05 10:00:00,key-1,3,,\n",
            name="texts.csv",
        )
        self.assertEqual(batch.rated, 1)
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_batch",
            "metered_billing_undo_usage",
            login="operator",
        )
        self.assertEqual(batch.state, "undone")
        usage = self.usage(self.customer)
        self.assertFalse(usage.filtered(lambda u: u.meter_id == meter))
