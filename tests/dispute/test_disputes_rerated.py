# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a dispute credited is not given back once more by re-rating."""

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..rerate.test_rerate_plans import RerateCase


@tagged("post_install", "-at_install")
class TestDisputesRerated(RerateCase):
    def test_credited_and_then_cheaper(self):
        self.import_calls(
            self.source,
            ("d1", "2026-10-02 10:00:00", 600, "+14045550100", "+12125550199"),
            ("d2", "2026-10-02 11:00:00", 600, "+14045550100", "+12125550199"),
        )
        invoice = self.bill()
        call = self.env["metered.cdr"].search([("call_id", "=", "d1")])
        dispute = self.env["metered.dispute"]._dispute_calls(
            self.customer, call.ids, [], "not_mine", "We were closed", "phone"
        )
        dispute.action_start()
        dispute.line_ids.write(
            {"outcome": "credit", "approved": 0.6, "answer": "A fault of our trunk."}
        )
        dispute.action_decide()
        credit = dispute.line_ids.credit_id
        self.assertEqual(credit.amount_untaxed, 0.6)
        cheap = self.own_deck(0.03)
        run = self.start("invoiced")
        self.assertFalse(run.difference_ids)
        self.assertIn(dispute.name, run.line_ids.note)
        # What would cost more is charged, and without the credit so is all.
        self.own_deck(0.12)
        run = self.start("invoiced")
        self.assertEqual(round(sum(run.difference_ids.mapped("difference")), 6), 1.2)
        credit.button_draft()
        credit.button_cancel()
        self.customer.metered_deck_id = cheap
        run = self.start("invoiced")
        self.assertEqual(round(sum(run.difference_ids.mapped("difference")), 6), -0.6)
        self.assertEqual(invoice.state, "posted")

    def test_a_wrong_price_is_billed_anew(self):
        """A dispute about a price ends with the document of the difference, posted."""
        self.import_calls(
            self.source,
            ("p1", "2026-10-02 10:00:00", 600, "+14045550100", "+12125550199"),
            ("p2", "2026-10-03 10:00:00", 600, "+14045550100", "+12125550199"),
        )
        invoice = self.bill()
        call = self.env["metered.cdr"].search([("call_id", "=", "p1")])
        for price, kind, sign, amount in (
            (0.03, "out_refund", -1, 0.3),
            (0.12, "out_invoice", 1, 0.6),
        ):
            with self.subTest(kind), self.env.cr.savepoint() as savepoint:
                dispute = self.env["metered.dispute"]._dispute_calls(
                    self.customer, call.ids, [], "price", "We agreed on less", "phone"
                )
                dispute.action_start()
                self.own_deck(price)
                dispute.line_ids.write(
                    {"outcome": "rerate", "answer": "Wrong price list."}
                )
                dispute.action_decide()
                self.assertEqual(dispute.state, "held")
                self.assertTrue(invoice.no_followup)
                # Of the day of the call only.
                run = dispute.rerate_id
                self.assertAlmostEqual(run.difference_ids.difference, amount * sign)
                with self.assertRaisesRegex(UserError, "Approve the difference"):
                    dispute.action_rerated()
                document = self.approve(run)
                self.assertEqual((document.move_type, document.state), (kind, "posted"))
                self.assertAlmostEqual(document.amount_untaxed, amount)
                self.assertEqual(document.partner_id, invoice.partner_id)
                dispute.action_rerated()
                self.assertEqual(dispute.state, "resolved")
                self.assertIn(document.name, dispute.event_ids[-1].text)
                self.assertFalse(invoice.no_followup)
                self.assertFalse(dispute.line_ids.credit_id)
                self.assert_nothing_more_of(call)
                savepoint.rollback()

    def assert_nothing_more_of(self, call):
        """What was billed anew is not once more."""
        run = self.start(
            "invoiced", date_from=call.usage_id.day, date_to=call.usage_id.day
        )
        self.assertFalse(run.difference_ids)
