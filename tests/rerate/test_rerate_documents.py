# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Documents with a difference to invoiced usage: cancelled, deleted, taken back.

Whatever becomes of them, the difference is billed once or found again, and never
billed twice.
"""

from contextlib import contextmanager

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import html2plaintext

from .test_rerate_plans import RerateCase


@tagged("post_install", "-at_install")
class TestRerateDocuments(RerateCase):
    """An invoice of 0.60 whose usage is worth 1.20, and the invoice of the rest."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.import_calls(
            cls.source,
            ("d1", "2026-10-02 10:00:00", 600, "+14045550100", "+12125550199"),
        )

    def setUp(self):
        super().setUp()
        self.invoice = self.bill()
        self.assertEqual(self.invoiced(self.invoice), 0.6)
        self.deck_now = self.own_deck(0.12)
        self.move = self.approve(self.start("invoiced"))
        self.assertEqual(self.move.amount_untaxed, 0.6)

    def found(self):
        """What re-rating finds to be billed now."""
        run = self.start("invoiced")
        return run, round(sum(run.difference_ids.mapped("difference")), 6)

    def reverse(self, move):
        """Take a posted document back in full; the document that does."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "date": fields.Date.today()})
        )
        reversal = self.env["account.move"].browse(wizard.reverse_moves()["res_id"])
        if reversal.state == "draft":
            reversal.action_post()
        return reversal

    @contextmanager
    def refused(self, text):
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            yield

    def told(self, text):
        self.assertIn(text, "".join(self.invoice.message_ids.mapped("body")))

    def test_it_is_explained(self):
        [line] = self.move.invoice_line_ids
        text = html2plaintext(line.metered_explanation)
        for part in ("Change: 1 day", "0.6 USD", "1.2 USD", "The rates were"):
            self.assertIn(part, text)
        [old] = self.invoice.invoice_line_ids.filtered("metered_explained")
        self.assertIn(f"on {self.move.name}", html2plaintext(old.metered_explanation))

    def test_as_a_draft_it_counts(self):
        self.move.button_draft()
        self.assertEqual(self.found()[1], 0)
        self.move.action_post()
        self.assertEqual(self.found()[1], 0)

    def test_cancelled(self):
        self.move.button_draft()
        self.move.button_cancel()
        self.told("was canceled. It billed a difference to this invoice")
        run, amount = self.found()
        self.assertEqual(amount, 0.6)
        # It may come back as long as nothing else bills it.
        self.move.button_draft()
        self.assertEqual(self.found()[1], 0)
        self.move.button_cancel()
        again = self.approve(run)
        self.assertEqual((again.state, again.amount_untaxed), ("posted", 0.6))
        with self.refused(f"later \\({again.name}"):
            self.move.button_draft()
        self.assertEqual(self.move.state, "cancel")
        self.assertEqual(self.found()[1], 0)

    def test_deleted(self):
        self.move.button_draft()
        self.move.name = False
        self.move.unlink()
        self.told("was deleted. It billed a difference to this invoice")
        run, amount = self.found()
        self.assertEqual(amount, 0.6)
        self.approve(run)
        self.assertEqual(self.found()[1], 0)

    def test_taken_back_by_a_credit_note(self):
        credit = self.reverse(self.move)
        self.assertEqual(credit.move_type, "out_refund")
        self.told("was reversed. It billed a difference to this invoice")
        run, amount = self.found()
        self.assertEqual(amount, 0.6)
        # The credit note is withdrawn: it is billed again.
        credit.button_draft()
        self.assertEqual(self.found()[1], 0)
        credit.action_post()
        self.approve(run)
        with self.refused("re-rated or billed again later"):
            credit.button_draft()
        self.assertEqual(self.found()[1], 0)

    def test_credit_note_with_a_difference_taken_back(self):
        """The other way round: what was too much is credited, and charged again."""
        self.deck_now.rate_ids.copy({"prefix": "1", "price": 0.03})
        credit = self.approve(self.found()[0])
        self.assertEqual((credit.move_type, credit.amount_untaxed), ("out_refund", 0.9))
        charge = self.reverse(credit)
        self.assertEqual(charge.move_type, "out_invoice")
        self.assertEqual(self.found()[1], -0.9)
        charge.button_draft()
        self.assertEqual(self.found()[1], 0)

    def test_taken_back_in_part_it_counts(self):
        credit = self.move._reverse_moves()
        credit.invoice_line_ids.price_unit = 0.1
        credit.action_post()
        self.assertEqual(self.found()[1], 0)

    def test_usage_stays_while_a_difference_to_it_counts(self):
        """Billed anew it would hold the difference that the other document bills."""
        text = f"{self.move.name} bills a difference for {self.invoice.name}"
        self.invoice.button_draft()
        with self.refused(text):
            self.invoice.button_cancel()
        line = self.invoice.invoice_line_ids.filtered("metered_usage_ids")
        with self.refused(text):
            line.unlink()
        self.invoice.action_post()
        with self.refused(text):
            self.reverse(self.invoice)
        self.reverse(self.move)
        self.reverse(self.invoice)
        self.assertFalse(self.usage(self.customer).invoice_line_id)

    def test_usage_billed_anew_holds_the_difference(self):
        reversal = self.reverse(self.move)
        self.reverse(self.invoice)
        with self.refused("no matching usage on posted invoices"):
            self.start("invoiced")
        invoice = self.subscription.create_invoice()
        invoice.action_post()
        self.assertEqual(self.invoiced(invoice), 1.2)
        self.assertEqual(self.found()[1], 0)
        # The old document cannot bill it once more.
        with self.refused("re-rated or billed again later"):
            reversal.button_draft()

    def test_an_earlier_document_is_cancelled(self):
        """What it billed is found once more, with what came after it."""
        self.deck_now.rate_ids.copy({"prefix": "1", "price": 0.18})
        second = self.approve(self.found()[0])
        self.assertEqual(second.amount_untaxed, 0.6)
        self.move.button_draft()
        self.move.button_cancel()
        run, amount = self.found()
        self.assertEqual(amount, 0.6)
        self.move.button_draft()
        self.move.action_post()
        self.assertEqual(self.found()[1], 0)
        with self.refused("changed since the preview"):
            self.approve(run)
