# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import itertools
from datetime import date

from odoo.tests import Form, freeze_time, tagged

from ..support.metered_case import MeteredCase

NAMES = itertools.count()


@freeze_time("2026-11-20 12:00:00")
@tagged("post_install", "-at_install")
class TestSyncStart(MeteredCase):
    """Which days the dialog of a sync proposes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Acme", "+12125550100")
        cls.other = cls.make_customer("Beta", "+12125550101")
        cls.source = cls.make_source()

    def days(self, period, *customers):
        accounts = self.env["metered.source.account"].create(
            [
                {
                    "source_id": self.source.id,
                    "partner_id": customer.id,
                    "name": f"{customer.name} {next(NAMES)}",
                }
                for customer in customers
            ]
        )
        start = self.env["metered.sync.start"].create({"account_ids": accounts.ids})
        with Form(start) as form:
            form.period = period
        return start.date_from, start.date_to

    def test_months(self):
        this, last = date(2026, 11, 1), date(2026, 10, 1)
        self.assertEqual(
            self.days("this_month", self.customer), (this, date(2026, 11, 20))
        )
        self.assertEqual(
            self.days("last_month", self.customer), (last, date(2026, 10, 31))
        )

    def test_since_last_invoice(self):
        today = date(2026, 11, 20)
        first_time = (date(2026, 10, 1), today)
        self.assertEqual(self.days("since_invoice", self.customer), first_time)
        self.charge("2026-10-20")
        self.assertEqual(
            self.days("since_invoice", self.customer), (date(2026, 10, 21), today)
        )
        # Nobody's days are left out: the other one was never invoiced.
        self.assertEqual(
            self.days("since_invoice", self.customer, self.other), first_time
        )

    def test_a_year_at_most(self):
        self.charge("2024-03-05")
        self.assertEqual(
            self.days("since_invoice", self.customer)[0], date(2025, 11, 20)
        )

    def test_custom_keeps_the_days_and_lets_them_change(self):
        start = self.env["metered.sync.start"].create({"source_id": self.source.id})
        form = Form(start)
        form.period = "last_month"
        form.period = "custom"
        self.assertEqual(str(form.date_from), "2026-10-01")
        form.date_from = "2026-10-15"
        self.assertEqual(form.save().date_from, date(2026, 10, 15))

    def charge(self, day):
        """Put the customer's usage of a day on an invoice."""
        self.import_calls(
            self.source,
            (f"c{day}", f"{day} 15:00:00", 60, "+12125550100", "+442079460120"),
        )
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [(0, 0, {"name": "Usage", "price_unit": 1})],
            }
        )
        usage = self.usage(self.customer)
        self.assertTrue(usage)
        usage._set_as_program({"invoice_line_id": move.invoice_line_ids.id})
