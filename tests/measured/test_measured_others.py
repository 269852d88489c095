# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Measured services of a customer with several subscriptions: each day once."""

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from .test_measured_services import MeasuredCase


@tagged("post_install", "-at_install")
class TestMeasuredOthers(MeasuredCase):
    """Two subscriptions bill by the month, the first one measures; 10 are held."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.make_subscription(cls.customer, "2026-09-01", "2026-10-01")
        cls.plan.close_subscription()
        cls.second = cls.make_subscription(cls.customer, "2026-09-01", "2026-10-01")
        cls.service = cls.make_service()

    def both(self):
        for plan in (self.first, self.second):
            self.renew(plan)

    def close(self, plan, day):
        with freeze_time(f"{day} 12:00:00"):
            plan.close_subscription()
        return plan.metered_period_ids.invoice_id.sorted("id")[-1:]

    def test_closed_in_the_middle(self):
        """The other one bills the whole month, with one maximum and 5 free."""
        self.sample(("2026-09-03 09:00:00", 10))
        self.both()
        self.sample(("2026-10-08 09:00:00", 12), ("2026-10-20 09:00:00", 7))
        for way in ("alone", "with the other one"):
            with self.subTest(way), self.env.cr.savepoint() as savepoint:
                if way == "alone":
                    last = self.close(self.first, "2026-10-15")
                    self.assertNotEqual(str(last.invoice_date), "2026-10-15")
                    self.assertEqual(self.charged(self.renew(self.second)), [28])
                    self.assertEqual(self.charged(self.renew(self.second)), [8])
                else:
                    with freeze_time("2026-10-15 12:00:00"):
                        (self.first | self.second)._metered_bill_final()
                    charged = [
                        self.charged(
                            plan.metered_period_ids.invoice_id.sorted("id")[-1]
                        )
                        for plan in (self.first, self.second)
                    ]
                    self.assertEqual(charged, [[28], []])
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    def test_other_days(self):
        """The other one is billed on the 15th: it has the days from there on."""
        self.second.unlink()
        self.sample(("2026-09-03 09:00:00", 10))
        self.renew(self.first)
        late = self.make_subscription(self.customer, "2026-10-10", "2026-11-10")
        self.service.write({"charge_basis": "time_average", "free_units": 0})
        self.sample(("2026-10-12 09:00:00", 10))
        final = self.close(self.first, "2026-10-15")
        self.assertEqual(self.charged(final), [40])
        self.sample(("2026-10-26 00:00:00", 0))
        # 10 of the 25 days from 16 October through 9 November.
        self.assertEqual(self.charged(self.renew(late)), [16])

    def test_late_sample_of_a_month_that_the_closed_one_billed(self):
        self.sample(("2026-09-03 09:00:00", 10))
        self.both()
        self.close(self.first, "2026-10-15")
        self.sample(("2026-09-20 09:00:00", 15))
        late, october = self.charged(self.renew(self.second))
        self.assertEqual((late, october), (20, 40))

    def test_paused(self):
        self.sample(("2026-09-03 09:00:00", 10))
        self.both()
        self.first.is_paused = True
        self.assertEqual(self.charged(self.renew(self.second)), [20])
        left = self.usage(self.customer).filtered("no_renewal")
        self.assertFalse(left.filtered("records"))
        self.first.is_paused = False
        self.assertEqual(self.charged(self.renew(self.first)), [])
        self.assertEqual(self.charged(self.renew(self.first)), [20])
        self.assertEqual(self.charged(self.renew(self.second)), [])

    def test_a_line_that_is_gone(self):
        """What a line of a subscription billed is not measured again."""
        price = self.make_price(self.extensions, unit_price=1, charge_model="standard")
        product = self.make_metered_product("Extensions", price)
        self.second.sale_subscription_line_ids = [
            Command.create({"product_id": product.id})
        ]
        self.sample(("2026-09-03 09:00:00", 10))
        self.both()
        self.sample(("2026-10-03 09:00:00", 11))
        self.assertEqual(self.charged(self.close(self.second, "2026-10-15")), [11])
        self.service.write({"charge_basis": "time_average", "free_units": 0})
        self.assertEqual(self.charged(self.renew(self.first)), [44])

    def test_carried_forward(self):
        """Months that hold a level without a sample wait for the third one, too."""
        partner = self.make_customer("Small", tz="UTC")
        self.make_identifier(partner, "small", kind="key")
        self.make_service(partner)
        plan = self.make_subscription(
            partner, "2026-10-01", "2026-11-01", sale_subscription_line_ids=[]
        )
        self.env["metered.invoice.floor"].create({"amount": 50})
        self.sample(("2026-10-03 09:00:00", 10), key="small")
        self.assertFalse(self.renew(plan) or self.renew(plan))
        self.assertEqual(self.charged(self.renew(plan)), [20, 20, 20])
        self.assertEqual(self.charged(self.renew(plan)), [])
