# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage on an invoice is charged by it, to its own customer; or else it is open."""

from contextlib import contextmanager

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestInvoiceCharged(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.stranger = cls.make_customer("Globex")
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.import_calls(
            source, ("1", "2026-10-05 10:00:00", 600, "+14045550100", "+12125550199")
        )
        cls.subscription.template_id.invoicing_mode = "draft"
        cls.subscription.generate_invoice()
        cls.invoice = cls.subscription.invoice_ids
        cls.line = cls.invoice.invoice_line_ids.filtered("metered_usage_ids")
        cls.used = cls.line.metered_usage_ids
        cls.period = cls.subscription.metered_period_ids

    def reverse(self, move):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "date": fields.Date.today()})
        )
        reversal = self.env["account.move"].browse(wizard.refund_moves()["res_id"])
        reversal.action_post()
        return reversal

    @contextmanager
    def refused(self, text):
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            yield

    def is_open(self):
        self.used.invalidate_recordset()
        return not self.used.invoice_line_id

    def test_a_reversed_credit_note_charges_again(self):
        self.invoice.action_post()
        credit = self.reverse(self.invoice)
        self.assertTrue(self.is_open())
        again = self.reverse(credit)
        self.assertEqual(again.move_type, "out_invoice")
        self.assertEqual(again.amount_total, self.invoice.amount_total)
        self.assertEqual(self.used.invoice_id, again)
        self.assertEqual(self.period.state, "billed")
        self.assertEqual(self.period.invoice_id, again)
        with self.refused("was reversed by"):
            credit.button_draft()
        self.reverse(again)
        self.assertTrue(self.is_open())
        self.period.invalidate_recordset()
        self.assertEqual(self.period.state, "unbilled")

    def test_a_credit_note_is_not_reversed_when_its_usage_is_billed(self):
        self.invoice.action_post()
        credit = self.reverse(self.invoice)
        self.period.action_bill_again()
        with self.refused("billed again"):
            self.reverse(credit)

    def test_a_posted_credit_note_is_not_deleted(self):
        self.invoice.action_post()
        credit = self.reverse(self.invoice)
        with self.refused("Reset it to draft"):
            credit.with_context(force_delete=True).unlink()
        credit.button_draft()
        self.assertEqual(self.used.invoice_id, self.invoice)
        credit.with_context(force_delete=True).unlink()
        self.assertEqual(self.used.invoice_id, self.invoice)

    def test_what_becomes_a_credit_note_charges_nothing(self):
        self.invoice.action_switch_move_type()
        self.assertEqual(self.invoice.move_type, "out_refund")
        self.assertTrue(self.is_open())
        self.period.invalidate_recordset()
        self.assertEqual(self.period.state, "unbilled")
        self.invoice.action_switch_move_type()
        self.assertEqual(self.used.invoice_id, self.invoice)
        self.period.invalidate_recordset()
        self.assertEqual(self.period.state, "billed")

    def test_a_remark_charges_nothing(self):
        self.line.write({"quantity": 0, "price_unit": 0})
        self.line.write({"display_type": "line_note", "account_id": False})
        self.assertTrue(self.is_open())

    def test_nobody_else_is_charged(self):
        with self.refused("is usage of Acme"):
            self.invoice.partner_id = self.stranger
        other = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": self.stranger.id}
        )
        with self.refused("is usage of Acme"):
            self.line.move_id = other
        with self.refused("is usage of Acme"):
            other.write({"invoice_line_ids": [Command.link(self.line.id)]})
        self.assertEqual(self.used.invoice_id, self.invoice)

    def test_another_company_charges_nobody(self):
        company = self.env["res.company"].create({"name": "Other Telecom"})
        self.env.user.company_ids += company
        journal = self.env["account.journal"].create(
            {"name": "Sales", "code": "OT", "type": "sale", "company_id": company.id}
        )
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.invoice.write({"journal_id": journal.id, "company_id": company.id})
            self.env.flush_all()

    def test_another_contact_of_the_customer_is_charged(self):
        office = self.env["res.partner"].create(
            {"name": "Accounts", "type": "invoice", "parent_id": self.customer.id}
        )
        self.invoice.partner_id = office
        self.assertEqual(self.used.invoice_id, self.invoice)
        parent = self.env["res.partner"].create({"name": "Holding", "is_company": True})
        self.customer.write({"is_company": True, "parent_id": parent.id})
        self.invoice.partner_id = parent
        self.assertEqual(self.used.invoice_id, self.invoice)

    # === WHO BILLS IT === #

    def test_a_subscription_with_something_to_bill_stays(self):
        self.invoice.unlink()
        with self.refused("No invoice for"):
            self.subscription.unlink()
        self.period.action_waive()
        with self.refused("is waiting for the next invoice"):
            self.subscription.unlink()
        second = self.make_subscription(self.customer, "2026-10-01", "2026-12-01")
        self.subscription.unlink()
        self.assertFalse(self.used.no_renewal)
        second.close_subscription()
        self.assertFalse(self.is_open())
        second.unlink()
