# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a dispute credited is not given back once more by re-rating."""

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
