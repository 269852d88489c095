# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Manual invoicing on the screen, in a real browser."""

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers

PHONE = "+14045550100"


@tagged("post_install", "-at_install")
class TestToursManualInvoice(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="Tour Switch")
        cls.customer = cls.make_customer("Tour Customer", PHONE)
        cls.make_customer("Silent Customer")
        # The wizard asks for last month where nothing else is said.
        month = fields.Date.subtract(fields.Date.today(), months=1)
        cls.day = fields.Date.start_of(month, "month")
        cls.import_calls(
            cls.source,
            ("t1", f"{cls.day} 10:00:00", 90, PHONE, "+12125550199"),
            ("t2", f"{cls.day} 11:00:00", 60, PHONE, "+442079460120"),
        )
        cls.user = new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_user,account.group_account_invoice",
        )

    def test_from_search_to_the_draft(self):
        self.start_tour("/odoo", "metered_billing_manual_invoice", login="operator")
        invoice = self.usage(self.customer).invoice_id
        self.assertEqual(invoice.state, "draft")
        self.assertEqual(
            invoice.invoice_line_ids.mapped("price_unit"),
            [0.09, 0.06],
        )
        self.assertEqual(invoice.create_uid, self.user)

    def test_deletes_and_bills_again(self):
        first = self.bill()
        self.start_tour(
            "/odoo/metered", "metered_billing_delete_and_bill_again", login="operator"
        )
        self.assertFalse(self.env["account.move"].browse(first).exists())
        invoice = self.usage(self.customer).invoice_id
        self.assertEqual(invoice.invoice_line_ids.mapped("price_unit"), [0.9, 0.6])

    def bill(self):
        """The id of a draft of the usage, whose rates are others by now."""
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": self.day,
                "date_to": fields.Date.end_of(self.day, "month"),
            }
        )
        wizard.action_search()
        first = wizard.action_create_invoice()["res_id"]
        deck = self.make_deck("Dearer")
        self.make_rate(deck, "", price=0.6)
        self.customer.metered_deck_id = deck
        return first

    def test_deleted_and_billed_again(self):
        first = self.bill()
        self.start_tour(
            f"/odoo/action-account.action_move_out_invoice_type/{first}",
            "metered_billing_bill_again",
            login="operator",
        )
        self.assertFalse(self.env["account.move"].browse(first).exists())
        invoice = self.usage(self.customer).invoice_id
        self.assertEqual(invoice.invoice_line_ids.mapped("price_unit"), [0.9, 0.6])
