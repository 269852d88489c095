# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage leaves an invoice that is deleted, cancelled or credited, and never twice."""

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

PHONE = "+14045550100"


@tagged("post_install", "-at_install")
class TestFreeUsage(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", PHONE)
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 60, PHONE, "+12125550199"),
            ("2", "2026-10-06 10:00:00", 30, PHONE, "+442079460120"),
        )
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.invoice = cls.renew()

    @classmethod
    def renew(cls, due=None):
        if due:
            cls.subscription.recurring_next_date = due
        known = cls.subscription.invoice_ids
        cls.subscription.generate_invoice()
        return cls.subscription.invoice_ids - known

    def usage_lines(self, invoice):
        return invoice.invoice_line_ids.filtered("metered_usage_ids")

    def holders(self):
        """The invoices that the customer's usage is on; none where it is free."""
        return self.usage(self.customer).invoice_id

    def assert_free(self):
        self.assertFalse(self.holders())

    def chatter(self, invoice):
        return " ".join(invoice.message_ids.mapped("body"))

    def price_anew(self, price=0.6):
        deck = self.make_deck("Own")
        self.make_rate(deck, "", price=price)
        self.customer.metered_deck_id = deck
        return deck

    def reverse(self, modify=False, post=True, **values):
        """Reverse the invoice by the stock wizard.

        :return: the credit note, and the draft that replaces the invoice
        """
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.invoice.ids)
            .create({"journal_id": self.invoice.journal_id.id, **values})
        )
        if modify:
            wizard.modify_moves()
            return self.invoice.reversal_move_ids, wizard.new_move_ids
        wizard.refund_moves()
        refund = wizard.new_move_ids
        if post:
            refund.action_post()
        return refund, refund.browse()

    # === CANCELLING === #

    def test_cancel_draft(self):
        self.invoice.button_cancel()
        self.assert_free()
        self.assertIn("can be billed again: 2 records.", self.chatter(self.invoice))
        again = self.renew("2026-11-01")
        self.assertEqual(self.holders(), again)
        self.assertEqual(self.usage_lines(again).mapped("price_unit"), [0.06, 0.03])
        self.assertEqual(self.subscription.metered_period_ids.invoice_id, again)

    def test_cancel_posted(self):
        self.invoice.action_post()
        self.invoice.button_cancel()
        self.assert_free()

    def test_draft_and_cancel(self):
        self.invoice.action_post()
        self.invoice.button_draft()
        self.assertEqual(self.holders(), self.invoice)
        self.invoice.button_cancel()
        self.assert_free()

    def test_rated_with_todays_rates(self):
        self.invoice.button_cancel()
        self.price_anew()
        again = self.renew("2026-11-01")
        self.assertEqual(self.usage_lines(again).mapped("price_unit"), [0.6, 0.3])
        # What is billed is what the calls add up to.
        self.assertEqual(self.cdrs(self.batch).mapped("charge"), [0.6, 0.3])

    def test_what_no_rate_fits_becomes_an_exception(self):
        self.invoice.button_cancel()
        deck = self.price_anew()
        deck.rate_ids.prefix = "1"
        self.company.metered_deck_id = False
        again = self.renew("2026-11-01")
        self.assertEqual(self.usage_lines(again).mapped("price_unit"), [0.6])
        self.assertEqual(self.exceptions(self.batch).mapped("reason"), ["no_rate"])
        self.assertEqual(self.batch.balance, "ok")

    def test_currency_of_the_deck_changed(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2026-01-01", "rate": 0.5}
        )
        self.invoice.button_cancel()
        self.price_anew().currency_id = euro
        again = self.renew("2026-11-01")
        # 0.60 and 0.30 euros in dollars
        self.assertEqual(self.usage_lines(again).mapped("price_unit"), [1.2, 0.6])
        self.assertEqual(self.usage(self.customer).currency_id, euro)

    # === DRAFTING WHAT WAS CANCELLED === #

    def test_draft_again_takes_its_usage_back(self):
        lines = self.usage_lines(self.invoice)
        lines[0].price_unit = 0.05  # by hand
        self.invoice.button_cancel()
        self.invoice.button_draft()
        self.assertEqual(self.usage_lines(self.invoice), lines)
        self.assertEqual(lines.mapped("price_unit"), [0.05, 0.03])
        self.assertFalse(any(lines.mapped("metered_freed")))
        self.invoice.action_post()

    def test_draft_again_with_todays_rates(self):
        self.invoice.button_cancel()
        self.price_anew()
        self.invoice.button_draft()
        lines = self.usage_lines(self.invoice)
        self.assertEqual(lines.mapped("price_unit"), [0.6, 0.3])
        self.assertEqual(len(self.invoice.invoice_line_ids), 3)
        self.assertIn("10/01/2026", lines[0].name)
        self.assertIn("re-rated", self.chatter(self.invoice))
        self.invoice.action_post()
        self.assertEqual(self.invoice.amount_untaxed, 10.9)

    def test_draft_refused_when_billed_elsewhere(self):
        self.invoice.action_post()
        self.invoice.button_cancel()
        again = self.renew("2026-11-01")
        again.action_post()
        with self.assertRaisesRegex(UserError, again.name):
            self.invoice.button_draft()
        self.assertEqual(self.invoice.state, "cancel")
        self.assertEqual(self.holders(), again)
        # Once that one is gone, it can be.
        again.button_cancel()
        self.invoice.button_draft()
        self.assertEqual(self.holders(), self.invoice)
        with self.assertRaisesRegex(UserError, self.invoice.name):
            again.button_draft()

    def test_draft_again_after_the_import_was_undone(self):
        self.invoice.button_cancel()
        self.batch.action_undo()
        self.invoice.button_draft()
        self.assertEqual(self.invoice.invoice_line_ids.mapped("price_unit"), [10.0])

    # === DELETING === #

    def test_delete_invoice(self):
        self.invoice.unlink()
        self.assert_free()
        self.price_anew()
        again = self.renew("2026-11-01")
        self.assertEqual(self.usage_lines(again).mapped("price_unit"), [0.6, 0.3])

    def test_delete_line(self):
        self.usage_lines(self.invoice)[1].unlink()
        self.assertEqual(len(self.usage(self.customer).filtered("invoice_id")), 1)
        self.assertIn("International", self.chatter(self.invoice))
        self.assertIn("can be billed again: 1 record.", self.chatter(self.invoice))

    def test_delete_cancelled_invoice(self):
        self.invoice.button_cancel()
        again = self.renew("2026-11-01")
        self.invoice.unlink()
        self.assertEqual(self.holders(), again)

    # === CREDITING === #

    def test_credit_in_full(self):
        self.invoice.action_post()
        refund, _none = self.reverse(post=False)
        self.assertEqual(self.holders(), self.invoice)
        refund.action_post()
        self.assert_free()
        self.assertIn(refund.name, self.chatter(self.invoice))
        self.assertIn("can be billed again: 2 records.", self.chatter(self.invoice))
        self.assertFalse(self.usage_lines(refund))
        self.price_anew()
        again = self.renew("2026-11-01")
        self.assertEqual(self.usage_lines(again).mapped("price_unit"), [0.6, 0.3])

    def test_credit_of_one_line(self):
        self.invoice.action_post()
        refund, _none = self.reverse(post=False)
        kept = refund.invoice_line_ids.filtered(
            lambda line: "National" in line.name and "Inter" not in line.name
        )
        (refund.invoice_line_ids - kept).unlink()
        refund.action_post()
        free = self.usage(self.customer).filtered(lambda u: not u.invoice_line_id)
        self.assertEqual(free.meter_id, self.env.ref("metered_billing.meter_national"))
        self.assertFalse(self.invoice._metered_is_void())

    def test_partial_credit_frees_nothing(self):
        self.invoice.action_post()
        refund, _none = self.reverse(post=False)
        line = refund.invoice_line_ids.filtered("metered_origin_line_id")[0]
        line.price_unit = 0.04
        (refund.invoice_line_ids - line).unlink()
        refund.action_post()
        self.assertEqual(self.holders(), self.invoice)
        self.assertEqual(len(self.usage(self.customer).invoice_line_id), 2)
        self.assertIn("credits part of National calls", self.chatter(self.invoice))
        # A second one over the rest makes it whole.
        other = refund.copy({"reversed_entry_id": self.invoice.id})
        self.assertFalse(other.invoice_line_ids.metered_origin_line_id)
        rest, _none = self.reverse(post=False)
        line = rest.invoice_line_ids.filtered("metered_origin_line_id")[0]
        line.price_unit = 0.02
        rest.action_post()
        self.assert_free()

    def test_credit_withdrawn(self):
        self.invoice.action_post()
        refund, _none = self.reverse()
        refund.button_draft()
        self.assertEqual(self.holders(), self.invoice)
        self.assertIn("charged here again", self.chatter(self.invoice))
        refund.action_post()
        self.assert_free()
        again = self.renew("2026-11-01")
        with self.assertRaisesRegex(UserError, "was billed again on"):
            refund.button_draft()
        self.assertEqual(self.holders(), again)

    def test_credit_withdrawn_after_rates_changed(self):
        self.invoice.action_post()
        refund, _none = self.reverse()
        self.price_anew()
        again = self.renew("2026-11-01")
        again.unlink()
        with self.assertRaisesRegex(UserError, "re-rated or reversed"):
            refund.button_draft()

    def test_credit_and_new_draft(self):
        """The new draft charges the usage, with the rates of today."""
        self.invoice.action_post()
        self.price_anew()
        refund, draft = self.reverse(modify=True)
        self.assertEqual(refund.state, "posted")
        self.assertEqual(draft.state, "draft")
        self.assertEqual(self.holders(), draft)
        self.assertEqual(self.usage_lines(draft).mapped("price_unit"), [0.6, 0.3])
        self.assertEqual(draft.amount_untaxed, 10.9)
        self.assertEqual(self.subscription.metered_period_ids.invoice_id, draft)
        with self.assertRaisesRegex(UserError, "was billed again on"):
            refund.button_draft()
        draft.unlink()
        self.assert_free()
        again = self.renew("2026-11-01")
        self.assertEqual(self.holders(), again)

    def test_credit_later_and_new_draft(self):
        """A credit note of tomorrow: until then the first invoice has the usage."""
        self.invoice.action_post()
        refund, draft = self.reverse(modify=True, date="2999-01-01")
        self.assertEqual(refund.state, "draft")
        self.assertEqual(self.holders(), self.invoice)
        refund.write({"auto_post": "no", "date": "2026-11-01"})
        refund.action_post()
        self.assertEqual(self.holders(), draft)

    # === COPIES === #

    def test_duplicate_has_no_usage(self):
        copy = self.invoice.copy()
        self.assertEqual(copy.invoice_line_ids.mapped("price_unit"), [10.0])
        self.assertEqual(copy.amount_total, 10.0)
        copy.action_post()
        self.assertEqual(self.holders(), self.invoice)

    def test_other_invoices_are_left_alone(self):
        other = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [
                    Command.create({"name": "Phone", "price_unit": 50.0})
                ],
            }
        )
        other.copy().action_post()
        other.action_post()
        other.button_cancel()
        other.button_draft()
        self.assertEqual(other.invoice_line_ids.price_unit, 50.0)
        self.assertEqual(self.holders(), self.invoice)
