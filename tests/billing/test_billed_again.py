# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A period whose invoice is gone is red, and is billed again, once, as it was."""

from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .test_renewal import RenewalCase

#: how an invoice goes
GONE = ("deleted", "cancelled", "credited")
SHOWN = ("name", "quantity", "price_unit", "discount", "price_subtotal", "price_total")


class BilledAgainCase(RenewalCase):
    """A fee of 10 with a discount and a tax, calls, and a meter with tiers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax = cls.env["account.tax"].create(
            {"name": "Ten percent", "amount": 10.0, "type_tax_use": "sale"}
        )
        cls.zero = cls.env["account.tax"].create(
            {"name": "Nothing", "amount": 0.0, "type_tax_use": "sale"}
        )
        cls.position = cls.env["account.fiscal.position"].create({"name": "Abroad"})
        if "original_tax_ids" in cls.zero._fields:
            cls.zero.write(
                {
                    "original_tax_ids": [Command.set(cls.tax.ids)],
                    "fiscal_position_ids": [Command.set(cls.position.ids)],
                }
            )
        meter = cls.make_meter("Storage", unit="GB")
        price = cls.make_price(meter, (10, 1.0), (0, 0.5), minimum=3.0)
        cls.storage = cls.make_metered_product("Storage", price)
        cls.events = cls.make_source("usage", meter_id=meter.id)
        cls.make_identifier(cls.customer, "box-1", kind="key")
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.subscription.sale_subscription_line_ids.write(
            {"discount": 5.0, "tax_ids": [Command.set(cls.tax.ids)]}
        )
        cls.subscription.sale_subscription_line_ids = [
            Command.create(
                {
                    "product_id": cls.storage.id,
                    "name": "Storage",
                    "product_uom_qty": 1,
                    "tax_ids": [Command.clear()],
                }
            )
        ]

    def store(self, day, quantity):
        number = self.stored = getattr(self, "stored", 0) + 1
        self.import_text(
            self.events,
            "id,time,identifier,quantity\n"
            f"{self.id()}-{number},{day} 10:00:00,box-1,{quantity}\n",
            name=f"events{number}.csv",
        )

    def use(self, month):
        """Calls of 0.06 and 12 GB in a month: 10 x 1.0 + 2 x 0.5."""
        self.call(f"2026-{month}-05")
        self.store(f"2026-{month}-06", 12)

    def renew_on(self, day):
        self.renew_due(day)
        return self.period(day).invoice_id

    def period(self, day):
        return self.subscription.metered_period_ids.filtered(
            lambda period: period.date_to == date.fromisoformat(day)
        )

    def lines(self, invoice):
        """What a person reads on an invoice, line by line."""
        return [
            (*(line[name] for name in SHOWN), line.product_id, line.tax_ids)
            for line in invoice.invoice_line_ids
        ]

    def lose(self, invoice, how):
        """Let an invoice go; what it said."""
        said = self.lines(invoice)
        if how == "deleted":
            invoice.unlink()
        elif how == "cancelled":
            invoice.button_cancel()
        else:
            self.credit(invoice)
        return said

    def credit(self, invoice, modify=False):
        invoice.action_post()
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        action = wizard.reverse_moves(is_modify=modify)
        wizard.new_move_ids.filtered(lambda m: m.move_type == "out_refund").filtered(
            lambda m: m.state == "draft"
        ).action_post()
        return action

    def bill_again(self, period):
        action = period.action_bill_again()
        return self.env["account.move"].browse(action["res_id"])


@tagged("post_install", "-at_install")
class TestBilledAgain(BilledAgainCase):
    def test_same_lines_whatever_became_of_the_invoice(self):
        self.subscription.fiscal_position_id = self.position
        for how in GONE:
            with self.subTest(how=how), self.env.cr.savepoint() as savepoint:
                self.use("10")
                said = self.lose(self.renew_on("2026-11-01"), how)
                self.assertEqual(
                    # 10 less 5 %; a call; 10 x 1.00 + 2 x 0.50
                    [round(line[4], 2) for line in said],
                    [9.5, 0.06, 11.0],
                )
                period = self.period("2026-11-01")
                self.assertEqual(period.state, "unbilled")
                invoice = self.bill_again(period)
                self.assertEqual(self.lines(invoice), said)
                self.assertEqual(invoice.state, "draft")
                self.assertEqual(invoice.invoice_date, date(2026, 11, 1))
                self.assertEqual(invoice.fiscal_position_id, self.position)
                self.assertEqual(period.state, "billed")
                self.assertEqual(
                    self.subscription.recurring_next_date, date(2026, 12, 1)
                )
                with self.assertRaisesRegex(UserError, "already (been )?billed"):
                    period.action_bill_again()
                # Deleting again frees again.
                invoice.unlink()
                self.assertEqual(period.state, "unbilled")
                self.assertEqual(self.lines(self.bill_again(period)), said)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_a_period_shows_its_amount_and_usage(self):
        self.use("10")
        usage = self.env["metered.usage"].search([("day", ">=", "2026-10-01")])
        invoice = self.renew_on("2026-11-01")
        period = self.period("2026-11-01")
        self.assertEqual(period.amount, invoice.amount_untaxed)
        self.assertTrue(period.amount)
        self.assertEqual(usage.search(period.action_view_usage()["domain"]), usage)
        # Lost, it shows what is open of its days.
        invoice.unlink()
        self.assertEqual(period.amount, 0)
        self.assertEqual(usage.search(period.action_view_usage()["domain"]), usage)

    def test_only_the_minimum_was_billed(self):
        said = self.lose(self.renew_on("2026-11-01"), "deleted")
        self.assertEqual([line[4] for line in said], [9.5, 3.0])
        self.assertEqual(self.lines(self.bill_again(self.period("2026-11-01"))), said)

    def test_two_periods_lost_billed_in_either_order(self):
        for order in (("2026-11-01", "2026-12-01"), ("2026-12-01", "2026-11-01")):
            with self.subTest(order=order), self.env.cr.savepoint() as savepoint:
                self.use("10")
                self.use("11")
                invoices = {}
                self.renew_due("2026-12-01")
                for day in sorted(order):
                    invoices[day] = self.period(day).invoice_id
                said = {
                    day: self.lose(invoice, "deleted")
                    for day, invoice in invoices.items()
                }
                for day in order:
                    invoice = self.bill_again(self.period(day))
                    self.assertEqual(self.lines(invoice), said[day])
                savepoint.rollback()
                self.env.invalidate_all()

    def test_with_a_renewal_in_between(self):
        """The renewal takes the usage, once; the fee is what is left."""
        self.use("10")
        first = self.lose(self.renew_on("2026-11-01"), "deleted")
        self.use("11")
        between = self.renew_on("2026-12-01")
        self.assertEqual(self.period("2026-11-01").state, "unbilled")
        again = self.bill_again(self.period("2026-11-01"))
        self.assertEqual(self.lines(again), first[:1])
        self.assertEqual(
            round(between.amount_untaxed + again.amount_untaxed, 2),
            # two fees, two months of calls and of storage
            round(2 * (9.5 + 0.06 + 11.0), 2),
        )
        self.assertEqual(self.period("2026-12-01").state, "billed")

    def test_create_invoice_does_not_bill_the_next_period_instead(self):
        self.use("10")
        self.lose(self.renew_on("2026-11-01"), "deleted")
        with self.assertRaisesRegex(UserError, "Bill This Period Again"):
            self.subscription.manual_invoice()
        self.assertEqual(self.subscription.recurring_next_date, date(2026, 12, 1))
        self.assertFalse(self.subscription.invoice_ids)
        self.subscription.action_metered_bill_again()
        self.subscription.manual_invoice()
        self.assertEqual(
            sorted(self.subscription.invoice_ids.mapped("invoice_date")),
            [date(2026, 11, 1), date(2026, 12, 1)],
        )

    def test_create_invoice_of_the_lost_period_itself(self):
        """Somebody set the next date back: that bills it again."""
        self.lose(self.renew_on("2026-11-01"), "deleted")
        self.subscription.recurring_next_date = date(2026, 11, 1)
        self.subscription.manual_invoice()
        self.assertEqual(self.period("2026-11-01").state, "billed")

    def test_a_cancelled_invoice_cannot_come_back_beside_the_new_one(self):
        """Also where only a fee is on it, and no usage."""
        self.subscription.sale_subscription_line_ids.filtered(
            "metered_meter_id"
        ).unlink()
        invoice = self.renew_on("2026-11-01")
        invoice.button_cancel()
        again = self.bill_again(self.period("2026-11-01"))
        with (
            self.assertRaisesRegex(UserError, "billed again on"),
            self.env.cr.savepoint(),
        ):
            invoice.button_draft()
        again.unlink()
        invoice.button_draft()
        self.assertEqual(self.period("2026-11-01").invoice_id, invoice)
        with self.assertRaisesRegex(UserError, "already (been )?billed"):
            self.period("2026-11-01").action_bill_again()

    def test_a_credit_note_cannot_be_withdrawn_beside_the_new_one(self):
        self.subscription.sale_subscription_line_ids.filtered(
            "metered_meter_id"
        ).unlink()
        invoice = self.renew_on("2026-11-01")
        self.credit(invoice)
        again = self.bill_again(self.period("2026-11-01"))
        with (
            self.assertRaisesRegex(UserError, "billed again on"),
            self.env.cr.savepoint(),
        ):
            invoice.reversal_move_ids.button_draft()
        again.unlink()
        invoice.reversal_move_ids.button_draft()
        self.assertEqual(self.period("2026-11-01").state, "billed")

    def test_reversed_and_replaced(self):
        invoice = self.renew_on("2026-11-01")
        self.credit(invoice, modify=True)
        period = self.period("2026-11-01")
        self.assertEqual(period.state, "billed")
        self.assertNotEqual(period.invoice_id, invoice)
        period.invoice_id.unlink()
        self.assertEqual(period.state, "unbilled")

    def test_partly_credited_is_billed(self):
        invoice = self.renew_on("2026-11-01")
        invoice.action_post()
        refund = invoice._reverse_moves([{}])
        refund.invoice_line_ids[:1].unlink()
        refund.action_post()
        self.assertEqual(self.period("2026-11-01").state, "billed")

    def test_by_a_sale_order(self):
        """The order of the fees is invoiced again; no other one is made."""
        self.subscription.template_id.invoicing_mode = "sale_and_invoice"
        self.use("10")
        invoice = self.renew_on("2026-11-01")
        self.assertEqual(invoice.state, "posted")
        said = self.lines(invoice)
        self.credit_posted(invoice)
        period = self.period("2026-11-01")
        self.assertEqual(period.state, "unbilled")
        self.assertEqual(self.lines(self.bill_again(period)), said)
        self.assertEqual(len(self.subscription.sale_order_ids), 1)
        # What a salesperson invoices of the order bills the period, too.
        period.invoice_id.unlink()
        order = self.subscription.sale_order_ids
        order._create_invoices()
        self.assertEqual(period.state, "billed")
        with self.assertRaisesRegex(UserError, "already (been )?billed"):
            period.action_bill_again()

    def credit_posted(self, invoice):
        invoice._reverse_moves([{}]).action_post()

    def test_closing_had_usage_only(self):
        self.call("2026-10-05")
        with freeze_time("2026-10-20 12:00:00"):
            self.subscription.sale_subscription_line_ids.filtered(
                "metered_meter_id"
            ).unlink()
            self.subscription.close_subscription()
        period = self.subscription.metered_period_ids
        invoice = period.invoice_id
        self.assertEqual(invoice.invoice_date, date(2026, 10, 20))
        said = self.lose(invoice, "deleted")
        again = self.bill_again(period)
        self.assertEqual(self.lines(again), said)
        self.assertEqual(again.invoice_date, date(2026, 10, 20))

    def test_paused_meanwhile(self):
        self.use("10")
        said = self.lose(self.renew_on("2026-11-01"), "deleted")
        self.subscription.action_pause()
        self.assertEqual(self.lines(self.bill_again(self.period("2026-11-01"))), said)

    def test_the_fee_changed_meanwhile(self):
        """The subscription's fees count, and the invoice says what they were."""
        self.lose(self.renew_on("2026-11-01"), "deleted")
        fee = self.subscription._metered_flat_lines()
        fee.price_unit = 12.0
        invoice = self.bill_again(self.period("2026-11-01"))
        self.assertEqual(invoice.invoice_line_ids[0].price_subtotal, 11.4)
        told = " ".join(invoice.message_ids.mapped("body"))
        self.assertIn("12.00", told)
        self.assertIn("10.00", told)

    def test_nothing_to_bill_is_not_red(self):
        self.subscription.sale_subscription_line_ids.unlink()
        self.renew_due("2026-11-01")
        self.assertEqual(self.period("2026-11-01").state, "nothing")

    def test_nothing_is_left(self):
        self.subscription.sale_subscription_line_ids.unlink()
        self.call("2026-10-05")
        self.lose(self.renew_on("2026-11-01"), "deleted")
        self.renew_due("2026-12-01")
        action = self.period("2026-11-01").action_bill_again()
        self.assertIn("There is nothing left", action["params"]["message"])
        self.assertEqual(self.period("2026-11-01").state, "nothing")

    def test_left_unbilled(self):
        self.lose(self.renew_on("2026-11-01"), "deleted")
        period = self.period("2026-11-01")
        period.action_waive()
        self.assertEqual(period.state, "waived")
        self.subscription.manual_invoice()
        with self.assertRaisesRegex(UserError, "cannot be left unbilled"):
            self.period("2026-12-01").action_waive()
        self.bill_again(period)
        self.assertEqual(period.state, "billed")

    def test_states_are_found_as_they_are_shown(self):
        self.renew_due("2026-12-01")
        self.period("2026-11-01").invoice_id.unlink()
        periods = self.subscription.metered_period_ids
        for state, _label in periods._fields["state"].selection:
            self.assertEqual(
                periods.filtered(lambda p, state=state: p.state == state),
                periods.search([("id", "in", periods.ids), ("state", "=", state)]),
                state,
            )

    def test_no_caller_chooses_the_day(self):
        """What a caller sends in the context moves no invoice."""
        subscription = self.subscription.with_context(
            metered_past_renewals={self.subscription.id: "2020-01-01"}
        )
        self.assertEqual(subscription.create_invoice().invoice_date, date(2026, 11, 1))


@tagged("post_install", "-at_install")
class TestUnbilledIsTold(BilledAgainCase):
    def look(self):
        """What the subscription, the customer, the dashboard and the wizard say."""
        checks = {
            check.name: check
            for check in self.customer._metered_checks(
                self.customer._metered_valid_identifiers()
            )
        }
        unbilled = self.env["metered.dashboard"].get_dashboard()["renewals"]["unbilled"]
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        wizard.action_search()
        self.subscription.invalidate_recordset()
        return (
            bool(self.subscription.metered_unbilled),
            not checks["Billing periods"].ok,
            self.env["metered.period"].search(unbilled["link"]["domain"])
            == self.period("2026-11-01")
            and unbilled["count"] == 1,
            "Fees without invoice" in wizard.checks
            and wizard.unbilled == 1
            and self.env["metered.period"].search(
                wizard.action_view_unbilled()["domain"]
            )
            == self.period("2026-11-01"),
        )

    def test_everywhere_until_it_is_billed(self):
        self.use("10")
        for how in GONE:
            with self.subTest(how=how), self.env.cr.savepoint() as savepoint:
                invoice = self.renew_on("2026-11-01")
                self.assertEqual(self.look(), (False,) * 4)
                self.lose(invoice, how)
                self.assertEqual(self.look(), (True,) * 4)
                action = self.customer.action_metered_remedy("periods")
                self.assertEqual(
                    self.env["metered.period"].search(action["domain"]),
                    self.period("2026-11-01"),
                )
                self.bill_again(self.period("2026-11-01"))
                self.assertEqual(self.look(), (False,) * 4)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_who_may(self):
        self.lose(self.renew_on("2026-11-01"), "deleted")
        period = self.period("2026-11-01")
        stranger = new_test_user(self.env, "stranger", "base.group_user")
        with self.assertRaises(AccessError):
            period.with_user(stranger).action_bill_again()
        with self.assertRaises(AccessError):
            period.with_user(stranger).action_waive()
        with self.assertRaises(AccessError):
            self.subscription.with_user(stranger).action_metered_bill_again()
        other = self.env["res.company"].create({"name": "Other"})
        foreigner = new_test_user(
            self.env,
            "foreigner",
            "metered_billing.group_metered_administrator,account.group_account_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        with self.assertRaises(AccessError):
            period.with_user(foreigner).action_bill_again()
        # As with Manual Invoicing: who sees no invoices is told that it was made.
        user = new_test_user(self.env, "biller", "metered_billing.group_metered_user")
        action = period.with_user(user).action_bill_again()
        self.assertEqual(action["params"]["title"], "Invoice created")
        self.assertEqual(period.state, "billed")

    def test_a_salesperson_presses_the_subscriptions_button(self):
        self.lose(self.renew_on("2026-11-01"), "deleted")
        seller = new_test_user(
            self.env, "seller", "sales_team.group_sale_salesman_all_leads"
        )
        self.subscription.with_user(seller).action_metered_bill_again()
        self.assertEqual(self.period("2026-11-01").state, "billed")
