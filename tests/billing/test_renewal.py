# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Renewing: each way of invoicing, dates, pauses and closing, with usage.

Every defect of subscription_oca that touches an invoice with usage has a test here of
what happens instead.
"""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..support.metered_case import MeteredCase

RUN = "odoo.addons.metered_billing.models.billing.metered_renewal"


class RenewalCase(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer(
            "Acme", "+14045550100", email="acme@example.com"
        )
        cls.national = cls.env.ref("metered_billing.meter_national")

    def call(self, day, seconds=60, caller="+14045550100"):
        number = self.calls = getattr(self, "calls", 0) + 1
        self.import_calls(
            self.source,
            (
                f"{self.id()}-{number}",
                f"{day} 10:00:00",
                seconds,
                caller,
                "+12125550199",
            ),
            name=f"{number}.csv",
        )

    def renew_due(self, today="2026-11-01"):
        """Run what the scheduled action runs; the run's record."""
        with freeze_time(f"{today} 03:00:00"):
            run = self.env["metered.renewal"]._start(self.company)
            if run:
                run._process()
        return run

    def invoices(self, subscription):
        return subscription.metered_period_ids.invoice_id.sorted("invoice_date")

    def usage_lines(self, invoice):
        return invoice.invoice_line_ids.filtered("metered_usage_ids")


@tagged("post_install", "-at_install")
class TestRenewalModes(RenewalCase):
    def renewed(self, mode, **values):
        self.call("2026-10-05")
        subscription = self.make_subscription(
            self.customer, "2026-10-01", "2026-11-01", **values
        )
        subscription.template_id.invoicing_mode = mode
        run = self.renew_due()
        self.assertFalse(run.failure_ids.mapped("reason"))
        return subscription

    def test_draft(self):
        invoice = self.invoices(self.renewed("draft"))
        self.assertEqual(invoice.state, "draft")
        self.assertEqual(invoice.invoice_date, date(2026, 11, 1))
        self.assertEqual(invoice.amount_untaxed, 10.06)

    def test_invoice_is_posted_and_not_sent(self):
        """subscription_oca mails in this mode too."""
        invoice = self.invoices(self.renewed("invoice"))
        self.assertEqual(invoice.state, "posted")
        self.assertFalse(invoice.sending_data)
        self.assertFalse(invoice.is_move_sent)

    def test_invoice_and_send_waits_for_the_sender(self):
        mail = self.env["mail.template"].create(
            {
                "name": "Our bill",
                "model_id": self.env["ir.model"]._get_id("account.move"),
                "subject": "Your usage",
                "body_html": "<p>Dear customer</p>",
            }
        )
        self.customer.invoice_sending_method = "manual"
        self.call("2026-10-05")
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.write(
            {"invoicing_mode": "invoice_send", "invoice_mail_template_id": mail.id}
        )
        self.renew_due()
        invoice = self.invoices(subscription)
        self.assertEqual(invoice.state, "posted")
        settings = self.env["account.move.send"]._get_default_sending_settings(
            invoice, from_cron=True
        )
        self.assertEqual(settings["sending_methods"], {"email"})
        self.assertEqual(settings["mail_template"], mail)
        self.assertEqual(settings["mail_partner_ids"], self.customer.ids)

    def test_no_address_to_send_to(self):
        """The invoice is made, and the subscription says why it was not sent."""
        self.customer.email = False
        subscription = self.renewed("invoice_send")
        self.assertEqual(self.invoices(subscription).state, "posted")
        self.assertFalse(self.invoices(subscription).sending_data)
        self.assertIn("no email address", subscription.message_ids[0].body)

    def test_sale_order_and_invoice(self):
        subscription = self.renewed("sale_and_invoice")
        invoice = self.invoices(subscription)
        self.assertEqual(subscription.sale_order_ids.invoice_ids, invoice)
        self.assertEqual(subscription.sale_order_ids.state, "sale")
        self.assertTrue(subscription.sale_order_ids.locked)
        self.assertEqual(invoice.state, "posted")
        self.assertEqual(invoice.invoice_date, date(2026, 11, 1))
        self.assertEqual(invoice.amount_untaxed, 10.06)
        self.assertEqual(self.usage_lines(invoice).price_unit, 0.06)
        self.assertEqual(subscription.account_invoice_ids_count, 1)

    def test_sale_order_makes_no_second_subscription(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "sale_and_invoice"
        subscription.sale_subscription_line_ids.product_id.product_tmpl_id.write(
            {
                "subscribable": True,
                "subscription_template_id": subscription.template_id.id,
            }
        )
        before = self.env["sale.subscription"].search_count([])
        self.renew_due()
        self.assertTrue(self.invoices(subscription))
        self.assertEqual(self.env["sale.subscription"].search_count([]), before)

    def test_sale_order_that_is_invoiced_by_delivery(self):
        """Usage is invoiced all the same."""
        self.call("2026-10-05")
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "sale_and_invoice"
        product = subscription.sale_subscription_line_ids.product_id
        product.invoice_policy = "delivery"
        run = self.renew_due()
        self.assertFalse(run.failure_ids.mapped("reason"))
        self.assertEqual(self.invoices(subscription).amount_untaxed, 0.06)

    def test_usage_only(self):
        """subscription_oca never renews a subscription without fixed lines."""
        for mode in ("draft", "invoice", "sale_and_invoice"):
            with self.subTest(mode=mode):
                customer = self.make_customer(mode, f"+1404555020{len(mode) % 10}")
                self.call("2026-10-05", caller=f"+1404555020{len(mode) % 10}")
                subscription = self.make_subscription(
                    customer, "2026-10-01", "2026-11-01"
                )
                subscription.sale_subscription_line_ids.unlink()
                subscription.template_id.invoicing_mode = mode
                self.renew_due()
                self.assertEqual(self.invoices(subscription).amount_untaxed, 0.06)

    def test_nothing_to_invoice_makes_no_invoice(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.sale_subscription_line_ids.unlink()
        self.renew_due()
        self.assertFalse(self.invoices(subscription))
        self.assertEqual(subscription.recurring_next_date, date(2026, 12, 1))

    def test_pricelist_currency(self):
        """subscription_oca invoices the amounts in the company's currency."""
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2026-01-01", "rate": 0.5}
        )
        self.call("2026-10-05")
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.pricelist_id.currency_id = euro
        for mode in ("invoice", "sale_and_invoice"):
            subscription.template_id.invoicing_mode = mode
            self.renew_due("2026-12-01" if mode != "invoice" else "2026-11-01")
            self.assertEqual(self.invoices(subscription)[-1].currency_id, euro)
        self.assertEqual(self.invoices(subscription)[0].amount_untaxed, 10.03)

    def test_fiscal_position_moves_the_account_of_the_fee(self):
        """subscription_oca leaves the account as the product has it."""
        income, foreign = self.env["account.account"].create(
            [
                {"name": name, "code": code, "account_type": "income"}
                for name, code in (("Home", "HOM1"), ("Abroad", "ABR1"))
            ]
        )
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Abroad",
                "account_ids": [
                    Command.create(
                        {"account_src_id": income.id, "account_dest_id": foreign.id}
                    )
                ],
            }
        )
        subscription = self.make_subscription(
            self.customer, "2026-10-01", "2026-11-01", fiscal_position_id=position.id
        )
        fee = subscription.sale_subscription_line_ids.product_id
        fee.property_account_income_id = income
        self.renew_due()
        self.assertEqual(
            self.invoices(subscription).invoice_line_ids.account_id, foreign
        )

    def test_product_without_an_account(self):
        """subscription_oca's invoice line has no account then, which the database
        refuses."""
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        fee = subscription.sale_subscription_line_ids.product_id
        self.assertFalse(fee.property_account_income_id)
        fee.categ_id = False
        self.renew_due()
        self.assertTrue(self.invoices(subscription).invoice_line_ids.account_id)

    def test_lines_say_their_days(self):
        """The fee is for the month that begins, the usage for the one that ended."""
        invoice = self.invoices(self.renewed("draft"))
        fee, usage = invoice.invoice_line_ids
        self.assertEqual(fee.name, "Line rental\n11/01/2026 – 11/30/2026")
        self.assertIn("10/01/2026 – 10/31/2026", usage.name)


@tagged("post_install", "-at_install")
class TestRenewalDates(RenewalCase):
    def test_missed_periods_are_caught_up_one_by_one(self):
        for day in ("2026-08-15", "2026-09-15", "2026-10-15"):
            self.call(day)
        subscription = self.make_subscription(self.customer, "2026-08-01", "2026-09-01")
        self.renew_due("2026-11-03")
        invoices = self.invoices(subscription)
        self.assertEqual(
            invoices.mapped("invoice_date"),
            [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)],
        )
        self.assertEqual(invoices.mapped("amount_untaxed"), [10.06] * 3)
        for invoice, day in zip(invoices, ("08/31", "09/30", "10/31"), strict=True):
            self.assertIn(f"{day}/2026", self.usage_lines(invoice).name)
        self.assertEqual(subscription.recurring_next_date, date(2026, 12, 1))

    def test_month_end_is_kept(self):
        """31 January, 28 February, 31 March: subscription_oca stays on the 28th."""
        subscription = self.make_subscription(self.customer, "2026-01-31", "2026-01-31")
        self.renew_due("2026-06-30")
        self.assertEqual(
            self.invoices(subscription).mapped("invoice_date"),
            [
                date(2026, 1, 31),
                date(2026, 2, 28),
                date(2026, 3, 31),
                date(2026, 4, 30),
                date(2026, 5, 31),
                date(2026, 6, 30),
            ],
        )

    def test_month_end_from_a_next_date(self):
        """A next date that a person sets counts, not the day of the start."""
        subscription = self.make_subscription(self.customer, "2026-01-15", "2026-01-31")
        self.renew_due("2026-03-31")
        self.assertEqual(subscription.recurring_next_date, date(2026, 4, 30))
        subscription.recurring_next_date = date(2026, 4, 10)
        self.renew_due("2026-04-10")
        self.assertEqual(subscription.recurring_next_date, date(2026, 5, 10))

    def test_periods_of_month_ends_touch(self):
        subscription = self.make_subscription(self.customer, "2025-12-31", "2026-01-31")
        self.renew_due("2026-03-31")
        periods = subscription.metered_period_ids.sorted("date_to")
        self.assertEqual(
            [(p.date_from, p.date_to) for p in periods],
            [
                (date(2025, 12, 31), date(2026, 1, 31)),
                (date(2026, 1, 31), date(2026, 2, 28)),
                (date(2026, 2, 28), date(2026, 3, 31)),
            ],
        )

    def test_next_date_moved_by_hand(self):
        """The period reaches back to the renewal before, so no day is left out."""
        subscription = self.make_subscription(self.customer, "2026-09-01", "2026-10-01")
        self.renew_due("2026-10-01")
        self.call("2026-10-05")
        subscription.recurring_next_date = date(2026, 11, 15)
        self.renew_due("2026-11-15")
        line = self.usage_lines(self.invoices(subscription)[-1])
        self.assertIn("10/01/2026 – 11/14/2026", line.name)

    def test_term_has_as_many_fees_as_agreed(self):
        """Two months are two fees: subscription_oca makes three invoices."""
        self.call("2026-02-10")
        subscription = self.make_subscription(self.customer, "2026-01-01", "2026-01-01")
        subscription.template_id.write(
            {"recurring_rule_boundary": "limited", "recurring_rule_count": 2}
        )
        subscription._compute_rule_boundary()
        self.assertEqual(subscription.date, date(2026, 3, 1))
        self.renew_due("2026-01-01")
        self.renew_due("2026-02-01")
        run = self.renew_due("2026-03-01")
        self.assertEqual((run.closed, run.invoices), (1, 1))
        invoices = self.invoices(subscription)
        self.assertEqual(invoices.mapped("amount_untaxed"), [10.0, 10.0, 0.06])
        self.assertEqual(subscription.stage_id.type, "post")

    def test_term_that_ended_is_caught_up_whole(self):
        """subscription_oca closes after one invoice."""
        subscription = self.make_subscription(self.customer, "2026-01-01", "2026-01-01")
        subscription.template_id.write(
            {"recurring_rule_boundary": "limited", "recurring_rule_count": 3}
        )
        subscription._compute_rule_boundary()
        self.renew_due("2026-08-01")
        self.assertEqual(len(self.invoices(subscription)), 3)
        self.assertFalse(subscription.in_progress)

    def test_ready_to_start(self):
        """It starts on its day, also when the scheduled action comes late."""
        stage = self.env["sale.subscription.stage"].search([("type", "=", "pre")])[:1]
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-10-01")
        subscription.write({"stage_id": stage.id})
        subscription.write({"date_start": "2026-10-01"})
        self.renew_due("2026-10-03")
        self.assertTrue(subscription.in_progress)
        self.assertEqual(subscription.date_start, date(2026, 10, 1))
        self.assertEqual(self.invoices(subscription).invoice_date, date(2026, 10, 1))

    def test_another_stage_in_progress_keeps_the_dates(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        other = self.env["sale.subscription.stage"].create(
            {"name": "In progress, too", "type": "in_progress"}
        )
        subscription.stage_id = other
        self.assertEqual(subscription.date_start, date(2026, 10, 1))
        self.assertEqual(subscription.recurring_next_date, date(2026, 11, 1))
        self.assertEqual(subscription.metered_billing_day, 1)

    def test_default_dates_are_of_today(self):
        """subscription_oca takes the day on which the server was started."""
        with freeze_time("2031-05-07 12:00:00"):
            defaults = self.env["sale.subscription"].default_get(
                ["date_start", "recurring_next_date"]
            )
        self.assertEqual(
            {fields.Date.to_date(value) for value in defaults.values()},
            {date(2031, 5, 7)},
        )


@tagged("post_install", "-at_install")
class TestRenewalPauseAndClose(RenewalCase):
    def paused(self, policy):
        subscription = self.make_subscription(self.customer, "2026-07-01", "2026-08-01")
        subscription.template_id.metered_pause_policy = policy
        subscription.action_pause()
        self.call("2026-08-20")
        self.assertFalse(self.renew_due("2026-10-15"))
        with freeze_time("2026-10-15 12:00:00"):
            subscription.action_resume()
        self.renew_due("2026-11-01")
        return subscription

    def test_pause_that_is_charged(self):
        subscription = self.paused("charge")
        self.assertEqual(
            self.invoices(subscription).mapped("amount_untaxed"),
            [10.0, 10.06, 10.0, 10.0],
        )

    def test_pause_that_is_not_charged(self):
        """Its usage is billed all the same."""
        subscription = self.paused("skip")
        invoice = self.invoices(subscription)
        self.assertEqual(invoice.invoice_date, date(2026, 11, 1))
        self.assertEqual(invoice.amount_untaxed, 10.06)
        self.assertIn(
            "renewals during the pause",
            "".join(subscription.message_ids.mapped("body")),
        )

    def test_paused_subscription_is_closed_at_the_end_of_its_term(self):
        subscription = self.make_subscription(self.customer, "2026-01-01", "2026-02-01")
        subscription.template_id.write(
            {"recurring_rule_boundary": "limited", "recurring_rule_count": 2}
        )
        subscription._compute_rule_boundary()
        subscription.action_pause()
        self.renew_due("2026-03-02")
        self.assertFalse(subscription.in_progress)
        self.assertFalse(self.invoices(subscription))

    def close(self, subscription, by):
        post = self.env["sale.subscription.stage"].search([("type", "=", "post")])
        if by == "button":
            wizard = self.env["close.reason.wizard"].with_context(
                active_id=subscription.id
            )
            wizard.create({}).button_confirm()
        else:
            subscription.stage_id = post

    def test_closing_bills_the_usage_that_is_left(self):
        for by in ("button", "stage"):
            with self.subTest(by=by), freeze_time("2026-11-10 12:00:00"):
                customer = self.make_customer(by, f"+1404555030{len(by)}")
                subscription = self.make_subscription(
                    customer, "2026-10-01", "2026-11-01"
                )
                subscription.template_id.invoicing_mode = "invoice"
                self.renew_due("2026-11-01")
                self.call("2026-11-09", caller=f"+1404555030{len(by)}")
                self.close(subscription, by)
                final = self.invoices(subscription)[-1]
                self.assertEqual(final.amount_untaxed, 0.06)
                self.assertEqual(final.invoice_date, date(2026, 11, 10))
                self.assertEqual(final.state, "posted")
                self.assertIn("11/01/2026 – 11/10/2026", final.invoice_line_ids.name)
                self.assertFalse(subscription.recurring_next_date)
                self.assertFalse(subscription.in_progress)

    def test_closing_without_usage_makes_no_invoice(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.close(subscription, "button")
        self.assertFalse(self.invoices(subscription))


@tagged("post_install", "-at_install")
class TestRenewalRun(RenewalCase):
    def test_one_that_fails_disturbs_no_other(self):
        """It stays as it was, and one activity tells, however often it fails."""
        good = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        bad = self.make_subscription(
            self.make_customer("Bad", "+14045550111"), "2026-10-01", "2026-11-01"
        )
        last = self.make_subscription(
            self.make_customer("Last"), "2026-10-01", "2026-11-01"
        )
        (good | bad | last).template_id.invoicing_mode = "invoice"
        self.call("2026-10-05", caller="+14045550111")
        self.national.product_id = False
        run = self.renew_due()
        self.assertEqual(
            (run.state, run.records, run.invoices, run.failures), ("done", 3, 2, 1)
        )
        self.assertEqual(run.failure_ids.subscription_id, bad)
        self.assertIn("has no invoice product", run.failure_ids.reason)
        self.assertFalse(bad.invoice_ids | bad.metered_period_ids.invoice_id)
        self.assertEqual(bad.recurring_next_date, date(2026, 11, 1))
        self.assertEqual((good | last).invoice_ids.mapped("state"), ["posted"] * 2)
        self.renew_due("2026-11-02")
        self.assertEqual(len(bad.activity_ids), 1)
        self.assertEqual(bad.activity_ids.metered_count, 2)
        self.national.product_id = self.env["product.product"].create({"name": "Calls"})
        self.renew_due("2026-11-03")
        self.assertFalse(bad.activity_ids)
        self.assertEqual(self.invoices(bad).amount_untaxed, 10.06)
        self.assertTrue(all(run.failure_ids.mapped("renewed")))

    def test_failed_post_leaves_no_draft_behind(self):
        """subscription_oca leaves one more draft with every run."""
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "invoice"
        with patch.object(
            type(self.env["account.move"]),
            "_post",
            side_effect=UserError("The journal is locked"),
        ):
            self.renew_due()
            run = self.renew_due("2026-11-02")
        self.assertIn("The journal is locked", run.failure_ids.reason)
        self.assertFalse(subscription.invoice_ids)
        self.renew_due("2026-11-03")
        self.assertEqual(len(subscription.invoice_ids), 1)

    @mute_logger(RUN, "odoo.sql_db")
    def test_database_error_of_one(self):
        """In subscription_oca the cursor is of no use to the others after it."""
        bad = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        good = self.make_subscription(
            self.make_customer("Good"), "2026-10-01", "2026-11-01"
        )
        prepare = type(bad)._prepare_account_move

        def broken(subscription, lines):
            if subscription == bad:
                self.env.cr.execute("SELECT 1 / 0")
            return prepare(subscription, lines)

        with patch.object(type(bad), "_prepare_account_move", broken):
            run = self.renew_due()
        self.assertTrue(self.invoices(good))
        self.assertIn("DivisionByZero", run.failure_ids.reason)

    def test_no_next_date(self):
        """subscription_oca stops with a TypeError, for all."""
        bad = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        bad.recurring_next_date = False
        good = self.make_subscription(
            self.make_customer("Good"), "2026-10-01", "2026-11-01"
        )
        run = self.renew_due()
        self.assertIn("no next invoice date", run.failure_ids.reason)
        self.assertTrue(self.invoices(good))

    def test_one_by_one_is_as_together(self):
        """The amounts do not depend on who is renewed with whom."""
        expected = []
        customers = []
        for number in range(4):
            caller = f"+1404555040{number}"
            customer = self.make_customer(f"C{number}", caller)
            self.call("2026-10-05", 60 * (number + 1), caller)
            customers.append(
                self.make_subscription(customer, "2026-10-01", "2026-11-01")
            )
            expected.append(round(10 + 0.06 * (number + 1), 2))
        with patch(f"{RUN}.PORTION", 3):
            run = self.renew_due()
        self.assertEqual(
            [self.invoices(subscription).amount_untaxed for subscription in customers],
            expected,
        )
        self.assertEqual((run.records, run.invoices, run.expected), (4, 4, 4))
        self.assertEqual(
            run.period_ids.subscription_id,
            self.env["sale.subscription"].union(*customers),
        )

    def test_two_subscriptions_of_a_customer_in_one_portion(self):
        """The usage is on one invoice."""
        self.call("2026-10-05")
        both = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        both |= self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.renew_due()
        self.assertEqual(
            sorted(both.metered_period_ids.invoice_id.mapped("amount_untaxed")),
            [10.0, 10.06],
        )

    def test_a_billed_period_is_not_billed_again(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.renew_due()
        subscription.recurring_next_date = date(2026, 11, 1)
        self.renew_due()
        self.assertEqual(len(subscription.invoice_ids), 1)
        self.assertEqual(subscription.recurring_next_date, date(2026, 12, 1))
        subscription.recurring_next_date = date(2026, 11, 1)
        with self.assertRaisesRegex(UserError, "already (been )?billed"):
            subscription.manual_invoice()
        subscription.invoice_ids.unlink()
        subscription.manual_invoice()
        self.assertEqual(len(subscription.invoice_ids), 1)

    def test_failure_is_tried_again_by_hand(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.recurring_next_date = False
        run = self.renew_due()
        failure = run.failure_ids
        self.assertIn("Still failing", failure.action_retry()["params"]["message"])
        subscription.recurring_next_date = date(2026, 11, 1)
        self.assertIn("Renewed", failure.action_retry()["params"]["message"])
        self.assertTrue(self.invoices(subscription))
        self.assertTrue(all(run.failure_ids.mapped("renewed")))

    def test_another_companys_subscriptions(self):
        other = self.env["res.company"].create({"name": "Other"})
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        with freeze_time("2026-11-01 03:00:00"):
            self.assertFalse(self.env["metered.renewal"]._start(other))
        self.assertTrue(self.renew_due())
        self.assertTrue(self.invoices(subscription))

    def test_scheduled_action_of_subscription_oca(self):
        """It runs ours, for every company."""
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        with (
            freeze_time("2026-11-01 03:00:00"),
            self.enter_registry_test_mode(),
        ):
            self.env.ref(
                "subscription_oca.ir_cron_subscription_management"
            ).method_direct_trigger()
        self.assertTrue(self.invoices(subscription))

    def test_button_says_when_nothing_is_due(self):
        with freeze_time("2026-11-01 03:00:00"):
            self.env["sale.subscription"].search([]).write({"in_progress": False})
            action = self.env["metered.renewal"].action_start()
        self.assertEqual(action["tag"], "display_notification")

    def test_form_keeps_the_next_date_of_a_template(self):
        """The billing day follows a next date that a person enters."""
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        with Form(subscription) as form:
            form.recurring_next_date = date(2026, 11, 30)
        self.assertEqual(subscription.metered_billing_day, 30)
