# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Invoices that Manual Invoicing deletes and bills again: all of it, or nothing."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .test_billed_again import BilledAgainCase

INVOICING = "metered_billing.group_metered_user,account.group_account_invoice"


@tagged("post_install", "-at_install")
class TestManualAgain(BilledAgainCase):
    def wizard(self, user=None, **values):
        env = self.env(user=user) if user else self.env
        wizard = env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                **values,
            }
        )
        wizard.action_search()
        return wizard

    def again(self, wizard):
        action = wizard.action_delete_and_bill_again()
        return self.env["account.move"].browse(action["res_id"])

    def by_hand(self, **values):
        """A draft of October's usage, without fees."""
        return self.env["account.move"].browse(
            self.wizard(**values).action_create_invoice()["res_id"]
        )

    def test_a_renewals_invoice_gets_its_fees_again(self):
        for posted in (False, True):
            with self.subTest(posted=posted), self.env.cr.savepoint() as savepoint:
                self.use("10")
                invoice = self.renew_on("2026-11-01")
                said, name = self.lines(invoice), "draft of"
                if posted:
                    invoice.action_post()
                    name = invoice.name
                user = new_test_user(self.env, "invoicing", groups=INVOICING)
                wizard = self.wizard(user)
                self.assertIn(
                    f"action-metered_billing.action_metered_invoice/{invoice.id}",
                    wizard.checks,
                )
                new = self.again(wizard)
                self.assertFalse(invoice.exists())
                self.assertEqual(new.state, "draft")
                self.assertEqual(self.lines(new), said)
                self.assertEqual(self.period("2026-11-01").invoice_id, new)
                self.assertEqual(self.period("2026-11-01").state, "billed")
                messages = "".join(new.message_ids.mapped("body"))
                self.assertIn(name, messages)
                self.assertIn(user.name, messages)
                savepoint.rollback()

    def test_usage_of_other_days_is_not_left_behind(self):
        """The question of one day takes the whole invoice that it is on."""
        self.use("10")
        self.call("2026-10-20")
        invoice = self.by_hand()
        self.assertEqual(invoice.amount_untaxed, 11.12)
        deck = self.make_deck("Dearer")
        self.make_rate(deck, "", price=0.12)
        self.customer.metered_deck_id = deck
        new = self.again(self.wizard(date_from="2026-10-05", date_to="2026-10-05"))
        self.assertFalse(invoice.exists())
        self.assertEqual(new.amount_untaxed, 11.24)

    def test_usage_of_other_meters_stays_open(self):
        self.use("10")
        national = self.env.ref("metered_billing.meter_national")
        invoice = self.by_hand(meter_ids=national.ids)
        self.assertEqual(invoice.amount_untaxed, 0.06)
        self.assertEqual(self.again(self.wizard()).amount_untaxed, 0.06)

    def test_what_odoo_keeps_stays(self):
        """A number in the middle of a sequence: nothing is deleted for who may not."""
        self.use("10")
        invoice = self.renew_on("2026-11-01")
        invoice.action_post()
        other = invoice.copy()
        other.invoice_date = invoice.invoice_date
        other.action_post()
        user = new_test_user(self.env, "invoicing", groups=INVOICING)
        with self.assertRaises(UserError):
            self.again(self.wizard(user))
        self.assertEqual(invoice.state, "posted")
        self.assertEqual(self.period("2026-11-01").invoice_id, invoice)

    def test_what_is_paid_stays(self):
        self.use("10")
        invoice = self.renew_on("2026-11-01")
        invoice.action_post()
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({}).action_create_payments()
        with self.assertRaisesRegex(UserError, "paid or credited"):
            self.again(self.wizard())

    def test_what_cannot_be_made_anew_stays(self):
        self.call("2026-10-05")
        invoice = self.by_hand()
        self.company.metered_deck_id = self.make_deck("Empty")
        with self.assertRaises(UserError):
            self.again(self.wizard())
        self.assertTrue(invoice.exists())
        # Nothing is invoiced of these days, so nothing is deleted.
        with self.assertRaises(UserError):
            self.wizard(
                date_from="2026-09-01", date_to="2026-09-30"
            ).action_delete_and_bill_again()

    def test_who_may(self):
        """Who may not delete invoices; who may not read them sees no link either."""
        self.use("10")
        invoice = self.renew_on("2026-11-01")
        user = "metered_billing.group_metered_user"
        for login, groups, is_link in (
            ("plain", user, False),
            ("biller", f"{user},metered_billing.group_metered_biller", True),
            ("chief", "metered_billing.group_metered_administrator", False),
        ):
            with self.subTest(login):
                wizard = self.wizard(new_test_user(self.env, login, groups=groups))
                self.assertIn("Already billed", wizard.checks)
                self.assertEqual(f"/{invoice.id}" in wizard.checks, is_link)
                with self.assertRaises(AccessError):
                    wizard.action_delete_and_bill_again()
        self.assertEqual(invoice.state, "draft")
