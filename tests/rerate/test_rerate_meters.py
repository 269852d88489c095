# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Invoiced usage of meters, priced again: the difference is billed, once."""

import random
from datetime import date
from decimal import Decimal

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import html2plaintext

from ..billing.test_metered_invoice import MeteredInvoiceCase


class RerateMetersCase(MeteredInvoiceCase):
    """A phone plan whose texts cost 0.05, the first 100 nothing."""

    def start(self, **values):
        wizard = self.env["metered.rerate.start"].create(
            {
                "date_from": date(2026, 10, 1),
                "date_to": date(2026, 10, 31),
                "scope": "invoiced",
                **values,
            }
        )
        return self.env["metered.rerate"].browse(wizard.action_preview()["res_id"])

    def approve(self, run):
        """Post the difference; its documents."""
        self.env["metered.rerate.approve"].create(
            {"rerate_id": run.id, "reason": "The prices were wrong."}
        ).action_post()
        self.assertEqual(run.state, "done", run.error)
        return run.difference_ids.move_id

    def bill(self, plan):
        """Renew a subscription and post the invoice."""
        invoice = self.renew(plan)
        if invoice.state == "draft":
            invoice.action_post()
        return invoice

    def lines(self, run):
        return [
            (line.partner_id, round(line.before, 6), round(line.after, 6))
            for line in run.line_ids
        ]

    def assert_nothing_more(self):
        again = self.start()
        self.assertFalse(again.line_ids.mapped("difference"))
        self.assertFalse(again.difference_ids)

    def set_price(self, *prices):
        for tier, price in zip(self.price.tier_ids, prices, strict=True):
            tier.unit_price = price


@tagged("post_install", "-at_install")
class TestRerateMeters(RerateMetersCase):
    def setUp(self):
        super().setUp()
        self.plan = self.make_plan()

    def test_the_difference_is_credited(self):
        first = self.make_records("2026-10-05", *[1] * 120)
        second = self.make_records("2026-10-20", *[1] * 30)
        invoice = self.bill(self.plan)
        self.assertEqual(invoice.amount_untaxed, 12.5)
        self.set_price(0, 0.04)

        run = self.start()

        self.assertEqual(self.lines(run), [(self.customer, 2.5, 2.0)])
        self.assertEqual((run.records, run.changed), (150, 150))
        self.assertIn("-0.5 USD", run.result)
        self.assertFalse(run.difference_ids.move_id)

        credit = self.approve(run)

        self.assertEqual((credit.move_type, credit.state), ("out_refund", "posted"))
        self.assertEqual(credit.amount_untaxed, 0.5)
        [line] = credit.invoice_line_ids
        self.assertEqual(
            line.name,
            f"Text messages\nCorrection of {invoice.name}, 10/01/2026 – 10/31/2026",
        )
        self.assertIn("The prices were wrong", credit.narration)
        self.assertIn(credit.name, "".join(invoice.message_ids.mapped("body")))
        self.assertEqual(run.applied_uid, self.env.user)
        # The old charge stays readable, day by day.
        self.assertEqual([first.amount, second.amount], [2.0, 0.5])
        self.assertEqual(invoice.amount_untaxed, 12.5)
        self.assertEqual(
            [
                (row.day, row.before, row.after, row.difference)
                for row in run.difference_ids.sorted("day")
            ],
            [
                (date(2026, 10, 5), 2.0, 1.6, -0.4),
                (date(2026, 10, 20), 0.5, 0.4, -0.1),
            ],
        )
        self.assert_nothing_more()

    def test_the_difference_is_charged(self):
        """What was free is shared out as on a new invoice."""
        self.make_records("2026-10-05", *[1] * 60)
        self.make_records("2026-10-20", *[1] * 20)
        self.bill(self.plan)
        self.set_price(0.02, 0.05)
        move = self.approve(self.start())
        self.assertEqual((move.move_type, move.amount_untaxed), ("out_invoice", 1.6))
        self.assert_nothing_more()

    def test_some_days_stand_for_the_whole_period(self):
        """A price is that of a period: it cannot be half of it."""
        self.make_records("2026-10-05", *[1] * 120)
        self.make_records("2026-10-20", *[1] * 30)
        self.bill(self.plan)
        self.set_price(0, 0.04)
        run = self.start(date_to=date(2026, 10, 10))
        self.assertEqual(self.lines(run), [(self.customer, 2.5, 2.0)])
        self.assertEqual(self.approve(run).amount_untaxed, 0.5)
        self.assert_nothing_more()

    def test_late_usage_after_it(self):
        """The next invoice bills the rest of the period, whatever came between."""
        self.make_records("2026-10-05", *[1] * 150)
        self.bill(self.plan)
        self.set_price(0, 0.04)
        credit = self.approve(self.start())
        self.make_records("2026-10-25", *[1] * 10)
        late = self.bill(self.plan)
        self.assertEqual([line[3] for line in self.usage_lines(late)], [0.4])
        self.assert_nothing_more()
        # The credit note is withdrawn: what it credited is to be credited again.
        credit.button_draft()
        credit.button_cancel()
        run = self.start()
        self.assertEqual(self.lines(run), [(self.customer, 2.9, 2.4)])
        self.assertEqual(self.approve(run).amount_untaxed, 0.5)
        self.assert_nothing_more()

    def test_two_invoices_of_a_period(self):
        """Each is told what it bills of the period; a document corrects both."""
        self.make_records("2026-10-05", *[1] * 90)
        one = self.bill(self.plan)
        self.make_records("2026-10-25", *[1] * 30)
        two = self.bill(self.plan)
        self.assertEqual([line[3] for line in self.usage_lines(two)], [1.0])
        self.set_price(0.01, 0.10)
        october = "10/01/2026 – 10/31/2026"

        run = self.start()

        self.assertEqual(self.lines(run), [(self.customer, 1.0, 3.0)])
        move = self.approve(run)
        self.assertEqual(move.amount_untaxed, 2.0)
        self.assertEqual(
            [(line.name.split("\n")[1], line.price_unit) for line in move.line_ids[:2]],
            [
                (f"Correction of {one.name}, {october}", 0.9),
                (f"Correction of {two.name}, {october} (recorded late)", 1.1),
            ],
        )
        self.assert_nothing_more()

    def test_a_draft_invoice_is_left_alone(self):
        """It can be freed; what it bills of the period counts as it stands."""
        self.make_records("2026-10-05", *[1] * 120)
        self.bill(self.plan)
        self.make_records("2026-10-25", *[1] * 30)
        draft = self.renew(self.plan)
        self.assertEqual([line[3] for line in self.usage_lines(draft)], [1.5])
        self.set_price(0, 0.10)
        run = self.start()
        self.assertEqual(self.lines(run), [(self.customer, 1.0, 2.0)])
        self.assertEqual(self.approve(run).amount_untaxed, 1.0)
        draft.unlink()
        self.plan.recurring_next_date = "2026-12-01"
        again = self.bill(self.plan)
        self.assertEqual([line[3] for line in self.usage_lines(again)], [3.0])
        self.assert_nothing_more()

    def test_lines_of_tiers_are_corrected_together(self):
        self.meter.presentation = "detail"
        tax = self.env["account.tax"].create({"name": "Ten", "amount": 10})
        self.plan.sale_subscription_line_ids[1].tax_ids = tax
        self.set_price(0.02, 0.05)
        self.make_records("2026-10-05", *[1] * 150)
        invoice = self.bill(self.plan)
        self.assertEqual([line[3] for line in self.usage_lines(invoice)], [2.0, 2.5])
        self.set_price(0.01, 0.05)
        run = self.start()
        self.assertEqual(self.lines(run), [(self.customer, 4.5, 3.5)])
        self.assertEqual(run.changed, 150)
        credit = self.approve(run)
        [line] = credit.invoice_line_ids
        self.assertEqual((line.price_subtotal, line.tax_ids), (1.0, tax))
        self.assertEqual(line.account_id, invoice.invoice_line_ids[1].account_id)
        self.assert_nothing_more()

    def test_it_is_explained(self):
        """What it was and is, by which price, who approved it; on the old line too."""
        self.make_records("2026-10-05", *[1] * 150)
        invoice = self.bill(self.plan)
        self.set_price(0, 0.04)
        credit = self.approve(self.start())
        self.assertTrue(credit.metered_explained)
        line = credit.invoice_line_ids
        self.assertTrue(line.metered_explained)
        text = html2plaintext(line.metered_explanation)
        for part in (
            "50 at 0.04 USD",
            "2.5 USD",
            "2 USD",
            "-0.5 USD",
            f"{self.env.user.name}",
            "The prices were wrong.",
        ):
            self.assertIn(part, text)
        old = invoice.invoice_line_ids.filtered("metered_explained")
        text = html2plaintext(old.metered_explanation)
        self.assertIn("50 at 0.05 USD", text)
        self.assertIn(f"on {credit.name}", text)
        action = line.action_view_metered_cdrs()
        self.assertEqual(self.env["metered.cdr"].search_count(action["domain"]), 150)

    def test_a_discount_holds_for_the_difference(self):
        self.plan.sale_subscription_line_ids[1].discount = 50
        self.make_records("2026-10-05", *[1] * 150)
        invoice = self.bill(self.plan)
        self.assertEqual([line[3] for line in self.usage_lines(invoice)], [1.25])
        self.set_price(0, 0.04)
        credit = self.approve(self.start())
        self.assertEqual(credit.amount_untaxed, 0.25)
        self.assert_nothing_more()

    def test_a_minimum_without_usage(self):
        self.price.minimum = 3
        self.bill(self.plan)
        self.price.minimum = 2
        run = self.start()
        self.assertEqual(self.lines(run), [(self.customer, 3.0, 2.0)])
        self.assertEqual(self.approve(run).amount_untaxed, 1.0)
        self.assert_nothing_more()

    def test_the_price_of_the_customer(self):
        """A price that was agreed on afterwards."""
        self.make_records("2026-10-05", *[1] * 150)
        self.bill(self.plan)
        self.make_price(self.meter, unit_price=0.01, partner_ids=self.customer.ids)
        run = self.start()
        self.assertEqual(self.lines(run), [(self.customer, 2.5, 1.5)])

    def test_the_line_is_sold_no_more(self):
        """The price of what it was sold as still holds."""
        self.make_records("2026-10-05", *[1] * 150)
        self.bill(self.plan)
        self.plan.sale_subscription_line_ids[1].unlink()
        self.set_price(0, 0.04)
        self.assertEqual(self.lines(self.start()), [(self.customer, 2.5, 2.0)])

    def test_without_a_price_it_says_so(self):
        self.make_records("2026-10-05", *[1] * 150)
        self.bill(self.plan)
        self.price.date_from = "2026-11-01"
        run = self.start()
        self.assertIn("No version of the price is valid", run.line_ids.note)
        self.assertFalse(run.difference_ids)
        with self.assertRaisesRegex(UserError, "no difference to post"):
            self.approve(run)

    def test_another_currency_it_says_so(self):
        self.make_records("2026-10-05", *[1] * 150)
        self.bill(self.plan)
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.make_price(
            self.meter, unit_price=1, currency_id=euro.id, partner_ids=self.customer.ids
        )
        run = self.start()
        self.assertIn("in a different currency: EUR", run.line_ids.note)
        self.assertFalse(run.difference_ids)

    def test_contacts_are_priced_together(self):
        """Of one contact, and nothing of the company where one is in the way."""
        contact = self.make_customer("Branch", parent_id=self.customer.id)
        self.customer.is_company = True
        self.make_records("2026-10-05", *[1] * 90)
        self.make_records("2026-10-06", *[1] * 60, partner=contact)
        self.bill(self.plan)
        self.set_price(0, 0.04)
        run = self.start(partner_ids=[Command.set(contact.ids)])
        self.assertEqual(
            sorted(self.lines(run), key=lambda line: line[0].id),
            [(self.customer, 1.5, 1.2), (contact, 1.0, 0.8)],
        )
        self.assertEqual(self.approve(run).amount_untaxed, 0.5)
        self.assert_nothing_more()

    def test_invoiced_in_another_currency(self):
        """Converted as the invoice was, and rounded once."""
        euro = self.env.ref("base.EUR")
        euro.active = True
        euro.rate_ids = [
            Command.clear(),
            Command.create({"name": "2026-01-01", "rate": 0.9}),
        ]
        price = self.make_price(self.meter, unit_price=0.0333, currency_id=euro.id)
        self.product.metered_price_id = price
        self.make_records("2026-10-05", *[1] * 7)
        invoice = self.bill(self.plan)
        [(*_rest, amount)] = self.usage_lines(invoice)
        self.assertEqual(amount, 0.26)  # 0.2331 / 0.9
        price.unit_price = 0.0666
        move = self.approve(self.start())
        self.assertEqual(move.currency_id, self.company.currency_id)
        self.assertEqual(amount + move.amount_untaxed, 0.52)  # 0.4662 / 0.9
        self.assert_nothing_more()

    def test_changed_since_the_preview(self):
        self.make_records("2026-10-05", *[1] * 150)
        self.bill(self.plan)
        self.set_price(0, 0.04)
        run = self.start()
        self.set_price(0, 0.03)
        with (
            self.assertRaisesRegex(UserError, "changed since the preview"),
            self.env.cr.savepoint(),
        ):
            self.approve(run)
        self.assertFalse(run.difference_ids.move_id)

    def test_it_cannot_be_freed_while_a_difference_counts(self):
        self.make_records("2026-10-05", *[1] * 150)
        invoice = self.bill(self.plan)
        self.set_price(0, 0.04)
        credit = self.approve(self.start())
        invoice.button_draft()
        with self.assertRaisesRegex(UserError, f"{credit.name} bills a difference"):
            invoice.button_cancel()

    def test_lock_dates_are_respected(self):
        self.make_records("2026-10-05", *[1] * 150)
        self.bill(self.plan)
        self.set_price(0, 0.04)
        closed = fields.Date.add(fields.Date.context_today(self.plan), days=3)
        self.company.sudo().sale_lock_date = closed
        credit = self.approve(self.start())
        self.assertEqual(credit.invoice_date, fields.Date.add(closed, days=1))
        told = "".join(credit.message_ids.mapped("body"))
        self.assertIn("first day that is not locked", told)

    def test_calls_and_meters_of_a_customer(self):
        """One document for all of a customer."""
        self.make_identifier(self.customer, "+14045550100")
        self.import_calls(
            self.make_source(),
            ("m1", "2026-10-02 10:00:00", 600, "+14045550100", "+12125550199"),
        )
        self.make_records("2026-10-05", *[1] * 150)
        self.bill(self.plan)
        self.set_price(0, 0.04)
        deck = self.make_deck("Own")
        self.make_rate(deck, "", price=0.12)
        self.customer.metered_deck_id = deck
        before = (
            self.usage(self.customer)
            .filtered(lambda row: row.meter_id.kind == "call")
            .amount
        )
        run = self.start()
        move = self.approve(run)
        self.assertEqual(len(move), 1)
        self.assertEqual(len(move.invoice_line_ids), 2)
        self.assertEqual(round(move.amount_untaxed, 2), round(1.2 - before - 0.5, 2))
        self.assert_nothing_more()

    def test_any_life_comes_to_the_price_of_the_period(self):
        """Invoices, late usage, new prices, differences, in any order: what is billed
        of a period in the end is its price."""
        rng = random.Random(20261121)
        for life in range(12):
            with self.subTest(life):
                partner = self.make_customer(f"Life {life}")
                plan = self.make_plan(partner=partner)
                records = 0
                for _step in range(rng.randint(3, 6)):
                    number = rng.randint(1, 90)
                    day = f"2026-10-{rng.randint(1, 31):02d}"
                    self.make_records(day, *[1] * number, partner=partner)
                    records += number
                    invoice = self.bill(plan)
                    if rng.random() < 0.3:
                        invoice.button_draft()
                    cents = [Decimal(rng.randint(0, 9)) / 100 for _tier in range(2)]
                    self.set_price(*map(float, cents))
                    run = (
                        self.start(partner_ids=[Command.set(partner.ids)])
                        if (plan.invoice_ids.filtered(lambda m: m.state == "posted"))
                        else self.env["metered.rerate"]
                    )
                    if run.difference_ids:
                        self.approve(run)
                    plan.invoice_ids.filtered(
                        lambda m: m.state == "draft"
                    ).action_post()
                run = self.start(partner_ids=[Command.set(partner.ids)])
                if run.difference_ids:
                    self.approve(run)
                moves = plan.invoice_ids | self.env["account.move"].search(
                    [("partner_id", "=", partner.id)]
                )
                lines = moves.invoice_line_ids.filtered(
                    lambda line: line.metered_price_id or "Correction" in line.name
                )
                due = min(records, 100) * cents[0] + max(records - 100, 0) * cents[1]
                self.assertEqual(
                    round(-sum(lines.mapped("balance")), 2), round(float(due), 2)
                )
