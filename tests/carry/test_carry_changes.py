# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is carried is what its usage comes to now: late, undone, deleted, re-rated."""

from freezegun import freeze_time

from odoo.tests import tagged

from .carry_case import CarryCase


@tagged("post_install", "-at_install")
class TestCarryChanges(CarryCase):
    def test_a_deleted_invoice_opens_all_of_its_periods(self):
        self.use(40, 35, 30)
        self.all_invoices().unlink()
        self.assertEqual(self.states(), ["carried", "carried", "unbilled"])
        self.assertEqual(self.carried(), (0.75, "2026-01-01"))
        again = self.subscription._metered_unbilled_periods()._bill_again()
        self.assertEqual(
            self.lines(again),
            [("2026-01-01", 0.4), ("2026-02-01", 0.35), ("2026-03-01", 0.3)],
        )
        self.assertEqual(self.states(), ["billed"] * 3)
        self.assert_billed_once()

    def test_a_canceled_invoice_comes_back(self):
        self.use(40, 35, 30)
        invoice = self.all_invoices()
        invoice.button_cancel()
        self.assertEqual(self.states(), ["carried", "carried", "unbilled"])
        invoice.button_draft()
        self.assertEqual(self.states(), ["billed"] * 3)
        self.assert_billed_once()

    def test_credited_in_full_and_billed_with_the_next(self):
        self.use(40, 35, 30)
        invoice = self.all_invoices()
        invoice.action_post()
        refund = invoice._reverse_moves()
        refund.action_post()
        self.assertEqual(self.states(), ["carried", "carried", "unbilled"])
        self.use(10, first=4)
        new = self.all_invoices() - invoice - refund
        self.assertEqual(new.amount_untaxed, 1.15)
        self.assertEqual(
            self.lines(new),
            [
                ("2026-01-01", 0.4),
                ("2026-02-01", 0.35),
                ("2026-03-10", 0.3),
                ("2026-04-01", 0.1),
            ],
        )
        self.assert_billed_once()

    def test_late_usage_of_a_carried_period(self):
        """It is part of its period, and not late: no invoice had it."""
        self.use(40)
        self.call("2026-01-20", 35)
        self.assertEqual(self.carried(), (0.75, "2026-01-01"))
        self.use(30, first=2)
        invoice = self.all_invoices()
        self.assertEqual(
            self.lines(invoice), [("2026-01-01", 0.75), ("2026-02-01", 0.3)]
        )
        self.assertFalse(any(invoice.invoice_line_ids.mapped("metered_late")))

    def test_it_is_not_shown_as_late(self):
        """The customer tab and the portal say that it waits, not that it was late."""
        self.use(40)
        blocks = self.customer._metered_usage_blocks()
        self.assertEqual(blocks[0]["title"], "Carried forward")
        self.assertIn("0.40", blocks[0]["totals"][0])
        titles = " ".join(block["title"] for block in blocks)
        self.assertNotIn("Recorded late", titles)
        self.call("2025-12-31", 5)
        self.subscription.date_start = "2025-12-01"
        titles = [block["title"] for block in self.customer._metered_usage_blocks()]
        self.assertEqual(titles[0], "Carried forward")
        self.assertIn("Recorded late", titles[1])

    def test_undone_usage_is_carried_no_more(self):
        self.use(40)
        batch = self.env["metered.batch"].search([], order="id desc", limit=1)
        batch._undo()
        self.assertIsNone(self.carried())
        self.use(0, 35, first=2)
        self.assertEqual(self.states(), ["nothing", "nothing", "carried"])

    def test_rated_again(self):
        self.use(40)
        dear = self.make_deck("Dear")
        self.make_rate(dear, "", price=0.1)
        self.company.metered_deck_id = dear
        self.usage(self.customer)._rerate()
        self.assertEqual(self.carried(), (0.8, "2026-01-01"))
        self.use(20, first=2)
        self.assertEqual(self.all_invoices().amount_untaxed, 1.2)

    def test_another_smallest_invoice(self):
        self.use(40)
        self.floor.amount = 0.3
        self.use(0, first=2)
        self.assertEqual(self.all_invoices().amount_untaxed, 0.4)
        self.assertEqual(self.subscription.metered_period_ids[-1].carried_floor, 1.0)

    def test_another_currency(self):
        """Two currencies are never added up: what is carried is converted once."""
        self.use(40)
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", euro.id)]).unlink()
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2020-01-01", "rate": 0.5}
        )
        self.subscription.pricelist_id = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": euro.id}
        )
        [carried] = self.customer._metered_carried()
        self.assertEqual((carried["currency"], carried["amount"]), (euro, 0.2))
        # No smallest invoice in that currency: any amount is billed.
        self.use(0, first=2)
        self.assertEqual(self.all_invoices().amount_untaxed, 0.2)

    def test_by_hand_at_the_rate_of_its_invoice(self):
        """It is converted at the date of the invoice, not when it was carried."""
        euro = self.env.ref("base.EUR")
        euro.active = True
        rates = self.env["res.currency.rate"]
        rates.search([("currency_id", "=", euro.id)]).unlink()
        rates.create({"currency_id": euro.id, "name": "2020-01-01", "rate": 0.5})
        self.make_floor(1.0, currency_id=euro.id)
        self.subscription.pricelist_id = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": euro.id}
        )
        self.use(40)
        self.assertEqual(self.states(), ["carried"])
        rates.create({"currency_id": euro.id, "name": "2026-02-15", "rate": 0.25})
        with freeze_time("2026-03-01 12:00:00"):
            invoice = self.subscription._metered_bill_carried()
        self.assertEqual(str(invoice.invoice_date), "2026-03-01")
        self.assertEqual(invoice.amount_untaxed, 0.1)

    def test_a_minimum_works_before(self):
        """The minimum of a carried period is charged once, each period for itself."""
        meter = self.make_meter("Texts", unit="texts")
        price = self.make_price(meter, charge_model="standard", unit_price=0.01)
        price.minimum = 0.45
        product = self.make_metered_product("Texts", price)
        other = self.make_customer("Beta")
        subscription = self.sell(other, product)
        self.use(0, 0)
        self.assertEqual(self.states(subscription), ["carried"] * 2)
        self.assertEqual(self.carried(other), (0.9, "2026-01-01"))
        self.assertFalse(self.usage(other))
        self.use(0, first=3)
        self.assertEqual(
            self.lines(self.all_invoices(other)),
            [("2026-01-01", 0.45), ("2026-02-01", 0.45), ("2026-03-01", 0.45)],
        )
        self.assert_billed_once(other)

    def test_tiers_begin_again(self):
        """Free units and tiers are those of each carried period, not of all of them."""
        meter = self.make_meter("Texts", unit="texts")
        product = self.make_metered_product(
            "Texts", self.make_price(meter, (5, 0), (0, 0.1))
        )
        other = self.make_customer("Beta")
        self.make_identifier(other, "key-1", kind="key")
        subscription = self.sell(other, product)
        source = self.make_source("usage", meter_id=meter.id)
        for month in (1, 2, 3):
            self.import_text(
                source,
                "id,time,identifier,quantity\n"
                + f"{month},2026-{month:02}-10 10:00:00,key-1,9\n",
                name=f"{month}.csv",
            )
            self.renew(f"2026-{month + 1:02}-01")
        self.assertEqual(self.states(subscription), ["billed"] * 3)
        self.assertEqual(
            self.lines(self.all_invoices(other)),
            [("2026-01-01", 0.4), ("2026-02-01", 0.4), ("2026-03-01", 0.4)],
        )
        self.assert_billed_once(other)

    def test_invoiced_manually(self):
        """Manual Invoicing takes what was carried; the period carries nothing then."""
        self.use(40)
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-01-01",
                "date_to": "2026-01-31",
            }
        )
        wizard.action_search()
        self.assertRegex(wizard.checks, r"because it is less than \$\S+1\.00\. The")
        self.floor.amount = 0.4
        wizard.action_search()
        self.assertNotIn("Smallest invoice", wizard.checks)
        self.floor.amount = 1.0
        wizard.action_create_invoice()
        self.assertIsNone(self.carried())
        self.use(100, first=2)
        self.assertEqual(self.states(), ["nothing", "billed"])
        self.assertEqual(sum(self.all_invoices().mapped("amount_untaxed")), 1.4)
        self.assert_billed_once()

    def test_the_quote_says_that_it_waits(self):
        self.use(40)
        self.call("2026-02-10", 35)
        [quote] = self.subscription._metered_quotes()
        self.assertEqual((quote["untaxed"], quote["billed"]), (0.75, ""))
        self.assertIn("0.75 is carried forward", quote["carried"])
        self.assertEqual(self.carried(), (0.4, "2026-01-01"))
        self.call("2026-02-11", 25)
        [quote] = self.subscription._metered_quotes()
        self.assertEqual((quote["untaxed"], quote["carried"]), (1.0, ""))
        self.assertFalse(self.all_invoices())
