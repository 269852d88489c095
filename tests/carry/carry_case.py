# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Subscriptions of usage alone: texts at a cent each, the smallest invoice is 1.00."""

from freezegun import freeze_time

from odoo import Command

from ..support.metered_case import MeteredCase


class CarryCase(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        # A minute of a call is 0.05.
        deck = cls.make_deck("Cents")
        cls.make_rate(deck, "", price=0.05)
        cls.company.metered_deck_id = deck
        cls.national = cls.env.ref("metered_billing.meter_national")
        cls.national.product_id.taxes_id = [Command.clear()]
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.subscription = cls.sell(cls.customer)
        cls.floor = cls.make_floor(1.0)
        cls.calls = 0

    @classmethod
    def sell(cls, partner, *products, due="2026-02-01", **values):
        """A subscription since January without a flat fee."""
        lines = [Command.create({"product_id": product.id}) for product in products]
        return cls.make_subscription(
            partner, "2026-01-01", due, sale_subscription_line_ids=lines, **values
        )

    @classmethod
    def make_floor(cls, amount, **values):
        return cls.env["metered.invoice.floor"].create({"amount": amount, **values})

    def call(self, day, cents, caller="+14045550100"):
        """A call for an amount, which is a multiple of 5 cents or less than a cent."""
        type(self).calls += 1
        self.import_calls(
            self.source,
            (
                f"carry-{self.calls}",
                f"{day} 10:00:00",
                round(cents * 12),
                caller,
                "+12125550199",
            ),
            name=f"{self.calls}.csv",
        )

    def renew(self, today):
        """Run what the scheduled action runs; the run."""
        with freeze_time(f"{today} 03:00:00"):
            run = self.env["metered.renewal"]._start(self.company)
            run._process()
        self.assertFalse(run.failure_ids.mapped("reason"))
        return run

    def use(self, *cents, first=1):
        """Use so many cents in each of the months from January, and renew."""
        for month, amount in enumerate(cents, first):
            if amount:
                self.call(f"2026-{month:02}-10", amount)
            year, after = divmod(month, 12)
            self.renew(f"{2026 + year}-{after + 1:02}-01")

    def states(self, subscription=None):
        subscription = subscription or self.subscription
        return subscription.metered_period_ids.sorted("date_from").mapped("state")

    def lines(self, invoice):
        """(first day, amount) of the lines of an invoice, in their order."""
        return [
            (str(line.metered_date_from), line.price_subtotal)
            for line in invoice.invoice_line_ids.sorted(
                lambda one: (one.sequence, one.id)
            )
        ]

    def all_invoices(self, partner=None):
        partner = partner or self.customer
        return self.env["account.move"].search([("partner_id", "=", partner.id)])

    def reviewed(self, invoice):
        """The part of an invoice that the review says was carried forward."""
        row = self.env["metered.review"].search([("invoice_id", "=", invoice.id)])
        self.assertEqual(
            bool(row.carried_amount), "carried forward" in (row.findings or "")
        )
        return row.carried_amount

    def carried(self, partner=None):
        """(amount, first day) of what is carried of a customer; None for nothing."""
        found = (partner or self.customer)._metered_carried()
        if not found:
            return None
        [one] = found
        return one["amount"], str(one["since"])

    def assert_billed_once(self, partner=None):
        """All usage is on a line, and each line is its usage."""
        usage = self.usage(partner or self.customer)
        self.assertFalse(usage.filtered(lambda row: not row.invoice_line_id))
        for line in usage.invoice_line_id:
            self.assertAlmostEqual(
                sum(line.metered_usage_ids.mapped("amount")), line.price_subtotal, 2
            )
