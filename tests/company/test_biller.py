# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who bills usage sees what became of it, and nothing else of Invoicing."""

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredCase, MeteredMakers

BILLER = "metered_billing.group_metered_biller"
CALL = ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")


class BillerMakers(MeteredMakers):
    @classmethod
    def set_up_biller(cls):
        """An invoice of usage and one of something else, and who may see what."""
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.import_calls(cls.make_source(), CALL)
        cls.invoice = cls.subscription.create_invoice()
        cls.other = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": cls.customer.id,
                "invoice_line_ids": [(0, 0, {"name": "Chairs", "price_unit": 10})],
            }
        )
        cls.biller = new_test_user(cls.env, "operator", BILLER)


@tagged("post_install", "-at_install")
class TestBiller(BillerMakers, MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_biller()

    def as_biller(self, records):
        records.env.flush_all()
        return records.with_user(self.biller)

    def test_invoices_of_usage_only(self):
        invoices = self.env["account.move"].with_user(self.biller).search([])
        self.assertEqual(invoices, self.invoice)
        self.assertTrue(invoices.amount_untaxed)
        self.assertTrue(invoices.invoice_line_ids.mapped("name"))
        with self.assertRaises(AccessError):
            self.as_biller(self.other).read(["amount_total"])
        with self.assertRaises(AccessError):
            self.as_biller(self.other.invoice_line_ids).read(["name"])

    def test_nothing_is_changed(self):
        invoice, plan = self.as_biller(self.invoice), self.as_biller(self.subscription)
        for change in (
            lambda: invoice.write({"ref": "X"}),
            invoice.action_post,
            invoice.unlink,
            lambda: invoice.copy(),
            lambda: invoice.invoice_line_ids[0].write({"price_unit": 1}),
            lambda: plan.write({"code": "X"}),
            plan.unlink,
        ):
            with self.assertRaises(AccessError):
                change()

    def test_no_bills_entries_and_others_companies(self):
        bill = self.env["account.move"].create(
            {"move_type": "in_invoice", "partner_id": self.customer.id}
        )
        with self.assertRaises(AccessError):
            self.as_biller(bill).read(["name"])
        company = self.env["res.company"].create({"name": "Other"})
        self.env.cr.execute(
            "UPDATE sale_subscription SET company_id = %s", (company.id,)
        )
        self.env.invalidate_all()
        self.assertFalse(
            self.env["sale.subscription"].with_user(self.biller).search([])
        )

    def test_others_rights_stay(self):
        """An accountant who is a biller, too, sees all that accountants see."""
        both = new_test_user(
            self.env, "both", f"{BILLER},account.group_account_invoice"
        )
        seen = self.env["account.move"].with_user(both).search([])
        self.assertLessEqual(self.invoice | self.other, seen)
        self.other.with_user(both).ref = "X"
        user = new_test_user(self.env, "mona", "metered_billing.group_metered_user")
        with self.assertRaises(AccessError):
            self.invoice.with_user(user).read(["name"])


@tagged("post_install", "-at_install")
class TestBillerTour(BillerMakers, HttpCase):
    def test_tour(self):
        self.set_up_rates()
        self.set_up_biller()
        self.start_tour("/odoo", "metered_billing_biller", login="operator")
