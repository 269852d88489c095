# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A metered line with nothing used: no line, or one that shows 0, as the meter says."""

from odoo.tests import tagged

from .test_metered_invoice import MeteredInvoiceCase


@tagged("post_install", "-at_install")
class TestZeroLines(MeteredInvoiceCase):
    def test_no_line_unless_asked_for(self):
        plan = self.make_plan()
        self.assertEqual(self.usage_lines(self.renew(plan)), [])
        self.meter.shows_zero = True
        invoice = self.renew(plan)
        self.assertEqual(self.usage_lines(invoice), [("0 texts", 1, 0.0, 0.0)])
        self.assert_lines_are_their_usage(invoice)
        # Deleted and billed again it is there once, and no usage is left over.
        invoice.unlink()
        again = plan._metered_unbilled_periods()._bill_again()
        self.assertEqual(self.usage_lines(again), [("0 texts", 1, 0.0, 0.0)])
        self.assertEqual(len(self.usage(self.customer)), 1)

    def test_with_a_line_per_tier(self):
        self.meter.write({"shows_zero": True, "presentation": "detail"})
        [line] = self.usage_lines(self.renew(self.make_plan()))
        self.assertEqual(line[3], 0.0)

    def test_what_was_used_shows_no_zero_beside_it(self):
        self.meter.shows_zero = True
        self.make_records("2026-10-05", *[1] * 101)
        plan = self.make_plan()
        self.assertEqual(
            self.usage_lines(self.renew(plan)), [("101 texts", 1, 0.05, 0.05)]
        )
        # Late usage of that period is on the next invoice, with 0 of its own period.
        self.make_records("2026-10-06", 1)
        self.assertEqual(
            [line[0] for line in self.usage_lines(self.renew(plan))],
            ["1 texts", "0 texts"],
        )

    def test_no_subscription_no_zero(self):
        """Manual invoicing has lines for usage only."""
        self.meter.shows_zero = True
        self.make_plan()
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        wizard.action_search()
        self.assertIn("no usage", wizard.problem)
