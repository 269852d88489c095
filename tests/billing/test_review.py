# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The invoices of a run, looked at before they are posted: what is said and decided."""

from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .test_renewal import RenewalCase

MONTHS = ("2026-07-01", "2026-08-01", "2026-09-01", "2026-10-01", "2026-11-01")
APPROVAL = "odoo.addons.metered_billing.models.billing.metered_approval"


class ReviewCase(RenewalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        user = "metered_billing.group_metered_user"
        cls.operator = new_test_user(cls.env, "operator", user, name="Olga")
        cls.biller = new_test_user(
            cls.env, "biller", f"{user},account.group_account_invoice", name="Bill"
        )

    def waiting(self, customer=None, start="2026-10-01", mode="invoice", **values):
        """A subscription whose invoices wait for approval."""
        subscription = self.make_subscription(
            customer or self.customer, start, start, **values
        )
        subscription.recurring_next_date = "2026-11-01"
        subscription.template_id.write(
            {"invoicing_mode": mode, "metered_review_policy": "wait"}
        )
        return subscription

    def several(self, count, **values):
        """Subscriptions of as many customers, renewed by one run; the run's rows."""
        for number in range(count):
            customer = self.make_customer(f"C{number}", email=f"c{number}@example.com")
            self.waiting(customer, **values)
        return self.renew_due().review_ids.sorted("id")

    def approve(self, rows, user=None, scope="selected"):
        """Press the buttons; the approvals that have worked."""
        known = self.env["metered.approval"].search([])
        rows = rows.with_user(user or self.biller)
        action = rows.action_open_approve()
        wizard = (
            self.env["metered.review.approve"]
            .with_user(user or self.biller)
            .with_context(**action["context"])
            .create({"scope": scope})
        )
        wizard.action_approve()
        approvals = self.env["metered.approval"].search([]) - known
        for approval in approvals:
            approval._process()
        return approvals

    def hold(self, rows, reason="Disputed", user=None, scope="selected"):
        action = rows.with_user(user or self.operator).action_open_hold()
        wizard = (
            self.env["metered.review.hold"]
            .with_user(user or self.operator)
            .with_context(**action["context"])
            .create({"reason": reason, "scope": scope})
        )
        return wizard.action_hold()

    def add_line(self, invoice, amount):
        invoice.write(
            {
                "invoice_line_ids": [
                    Command.create(
                        {"name": "More", "price_unit": amount, "tax_ids": False}
                    )
                ]
            }
        )


@tagged("post_install", "-at_install")
class TestReviewFigures(ReviewCase):
    """What a row says about its invoice."""

    def history(self, *amounts, customer=None):
        """A subscription with posted invoices of these amounts, a month each."""
        months = [f"2026-{month:02}-01" for month in range(11 - len(amounts), 12)]
        subscription = self.make_subscription(
            customer or self.customer, months[0], months[0]
        )
        subscription.template_id.invoicing_mode = "invoice"
        line = subscription.sale_subscription_line_ids
        for month, amount in zip(months, amounts, strict=False):
            line.price_unit = amount
            self.renew_due(month)
        self.assertEqual(subscription.recurring_next_date.isoformat(), months[-1])
        return subscription

    def row(self, subscription, fee):
        subscription.sale_subscription_line_ids.price_unit = fee
        subscription.template_id.metered_review_policy = "wait"
        rows = self.renew_due("2026-11-01").review_ids
        return rows.filtered(lambda row: row.subscription_id == subscription)

    def test_change_since_the_last_period(self):
        row = self.row(self.history(40, 50), 60)
        self.assertEqual((row.amount, row.last_amount, row.change), (60, 50, 10))
        self.assertEqual(row.change_percent, 20)
        self.assertEqual(row.state, "review")
        self.assertFalse(row.is_first)

    def test_the_first_invoice(self):
        row = self.row(self.history(), 60)
        self.assertTrue(row.is_first)
        self.assertFalse(row.has_last)
        self.assertEqual((row.change, row.change_percent), (0, 0))
        self.assertIn("first invoice", row.findings)

    def test_usage_and_fees(self):
        subscription = self.history(10)
        self.call("2026-10-05", 6000)
        row = self.row(subscription, 6)
        self.assertEqual((row.usage_amount, row.fee_amount), (6, 6))
        self.assertEqual(row.usage_share, 50)
        self.assertEqual(row.amount, row.invoice_id.amount_total)

    def test_zero(self):
        row = self.row(self.history(10, 10), 0)
        self.assertTrue(row.is_zero)
        self.assertEqual(row.concern, 2)

    def test_outliers_need_a_history(self):
        self.assertFalse(self.row(self.history(10, 10, 10), 1000).is_outlier)

    def test_an_outlier(self):
        row = self.row(self.history(10, 10, 10, 10), 1000)
        self.assertTrue(row.is_outlier)
        self.assertEqual((row.usual, row.usual_low, row.usual_high), (10, 8, 12))
        self.assertIn("outlier", row.findings)

    def test_what_is_usual_is_no_outlier(self):
        self.assertFalse(self.row(self.history(10, 10, 10, 10), 12).is_outlier)

    def test_what_was_credited_or_cancelled_is_no_history(self):
        subscription = self.history(10, 10, 10, 10)
        invoice = self.invoices(subscription)[0]
        invoice.button_draft()
        invoice.button_cancel()
        row = self.row(subscription, 1000)
        self.assertFalse(row.has_usual)

    def test_the_customers_own_history(self):
        other = self.make_customer("Other")
        self.history(9000, 9000, 9000, 9000, customer=other)
        row = self.row(self.history(10, 10, 10, 10), 9000)
        self.assertTrue(row.is_outlier)

    def test_exceptions_of_the_customer_and_of_nobody(self):
        subscription = self.history(10)
        self.import_calls(
            self.source,
            ("x1", "2026-10-05 10:00:00", 60, "+14045550100", "123"),
            ("x2", "2026-11-05 10:00:00", 60, "+14045550100", "123"),
            ("x3", "2026-10-05 10:00:00", 60, "+14045559999", "+12125550199"),
        )
        row = self.row(subscription, 10)
        self.assertEqual(row.exceptions, 1, "later ones are another period's")
        found = self.env["metered.exception"].search(row._exceptions_domain())
        self.assertEqual(found.call_id, "x1")
        self.assertEqual(row.concern, 4)
        self.assertIn("Not assigned to a customer: 1 record", row.renewal_id.unassigned)
        self.assertIn("0.06", row.renewal_id.unassigned)
        found.state = "dismissed"
        row.action_refresh()
        self.assertEqual(row.exceptions, 0)

    def gap(self, day, account=None, source=None):
        self.env["metered.completeness"].create(
            {
                "source_id": (source or self.source).id,
                "account_id": account and account.id,
                "day": day,
                "is_counted": True,
                "switch_count": 5,
                "gap": 2,
            }
        )

    def test_missing_days_of_a_source(self):
        subscription = self.history(10)
        self.call("2026-10-20")
        self.gap("2026-10-05")
        self.gap("2026-10-31")
        self.gap("2026-11-01")
        self.gap("2026-09-30")
        self.gap("2026-10-06", source=self.make_source())
        row = self.row(subscription, 10)
        self.assertEqual(row.missing_days, 2, "of its period, and its source")
        self.assertIn("2 days", row.findings)

    def test_missing_days_of_an_account(self):
        other = self.make_customer("Other")
        mine, theirs = (
            self.env["metered.source.account"].create(
                {
                    "name": partner.name,
                    "source_id": self.source.id,
                    "partner_id": partner.id,
                }
            )
            for partner in (self.customer, other)
        )
        subscription = self.history(10)
        self.gap("2026-10-05", mine)
        self.gap("2026-10-06", theirs)
        self.assertEqual(self.row(subscription, 10).missing_days, 1)

    def test_another_currency_is_not_compared(self):
        subscription = self.history(10, 10, 10, 10)
        euro = self.env.ref("base.EUR")
        euro.active = True
        subscription.pricelist_id = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": euro.id}
        )
        row = self.row(subscription, 99)
        self.assertEqual(row.currency_id, euro)
        self.assertFalse(row.has_last)
        self.assertFalse(row.is_outlier)
        self.assertFalse(row.is_first)
        self.assertIn("EUR", row.renewal_id.totals)

    def test_worst_first(self):
        subscription = self.history(10, 10, 10, 10)
        subscription.sale_subscription_line_ids.price_unit = 1000
        subscription.template_id.metered_review_policy = "wait"
        self.several(2)
        rows = self.env["metered.review"].search([("state", "=", "review")])
        self.assertEqual(rows[0].subscription_id, subscription)
        self.assertEqual(rows.mapped("concern"), [2, 1, 1])

    def test_the_draft_changes(self):
        """The amount is the draft's as it is now."""
        row = self.row(self.history(10, 10), 10)
        self.add_line(row.invoice_id, 5)
        self.assertEqual((row.amount, row.change), (15, 5))

    def test_the_run_in_sums(self):
        self.history(40, 50)
        rows = self.several(2)
        run = rows.renewal_id
        self.assertIn("$\N{NO-BREAK SPACE}70.00, 3 invoices", run.totals)
        self.assertIn("previously $\N{NO-BREAK SPACE}50.00", run.totals)
        self.assertEqual(run.largest_ids[0].amount, 50)
        self.assertEqual((run.to_approve, run.on_hold), (2, 0))

    def test_in_words(self):
        subscription = self.history(10)
        self.call("2026-10-05", 600)
        row = self.row(subscription, 10)
        self.assertIn("Line rental", row.with_user(self.operator).explanation)
        self.assertIn("0.6", row.with_user(self.operator).explanation)


@tagged("post_install", "-at_install")
class TestReviewDecisions(ReviewCase):
    """Hold, release, approve, and what becomes of the invoice."""

    def test_nothing_changes_by_itself(self):
        """Templates that say nothing of it post and send as they did."""
        for mode, state in (("draft", "draft"), ("invoice", "posted")):
            subscription = self.make_subscription(
                self.make_customer(mode), "2026-10-01", "2026-11-01"
            )
            subscription.template_id.invoicing_mode = mode
            self.renew_due()
            self.assertEqual(self.invoices(subscription).state, state)
        rows = self.env["metered.review"].search([], order="id")
        self.assertEqual(rows.mapped("state"), ["review", "posted"])
        self.assertFalse(rows.approved_uid)

    def test_runs_wait_where_the_template_says_so(self):
        for mode in ("draft", "invoice", "invoice_send", "sale_and_invoice"):
            with self.subTest(mode):
                customer = self.make_customer(mode, email="a@example.com")
                subscription = self.waiting(customer, mode=mode)
                self.renew_due()
                invoice = self.invoices(subscription)
                self.assertEqual(invoice.state, "draft")
                self.assertFalse(invoice.sending_data)
                row = self.env["metered.review"].search(
                    [("invoice_id", "=", invoice.id)]
                )
                self.approve(row)
                self.assertEqual((invoice.state, row.state), ("posted", "posted"))
                self.assertEqual(
                    bool(invoice.sending_data), mode == "invoice_send", mode
                )

    def test_who_approved_is_kept(self):
        row = self.several(1)
        self.approve(row)
        self.assertEqual(row.approved_uid, self.biller)
        self.assertTrue(row.approved_date)
        self.assertEqual((row.approved_amount, row.posted_amount), (10, 10))
        self.assertEqual(row.approval_id.user_id, self.biller)
        self.assertIn("Bill on", row.invoice_id.metered_approved)
        bodies = "".join(row.invoice_id.message_ids.mapped("body"))
        self.assertIn("Bill approved this invoice for", bodies)

    def test_no_address_to_send_to(self):
        row = self.several(1, mode="invoice_send")
        row.invoice_id.partner_id.email = False
        self.approve(row)
        self.assertEqual(row.state, "posted")
        self.assertIn("no email address", row.note)

    def test_approve_needs_invoicing(self):
        row = self.several(1)
        self.assertEqual(row.with_user(self.operator).amount, 10)
        with self.assertRaisesRegex(AccessError, "access to Invoicing"):
            row.with_user(self.operator).action_open_approve()
        with self.assertRaisesRegex(AccessError, "access to Invoicing"):
            row.with_user(self.operator)._approve()
        with self.assertRaisesRegex(AccessError, "access to Invoicing"):
            row.renewal_id.with_user(self.operator).action_approve_all()
        self.assertEqual(row.state, "review")

    def test_nobody_writes_rows(self):
        row = self.several(1)
        for user in (self.operator, self.biller):
            for values in (
                {"state": "posted"},
                {"approved_uid": user.id},
                {"approved_amount": 1},
            ):
                with self.assertRaises(AccessError):
                    row.with_user(user).write(values)
            with self.assertRaises(AccessError):
                self.env["metered.approval"].with_user(user).create(
                    {"company_id": self.company.id}
                )

    def test_all_but_these(self):
        rows = self.several(4)
        self.approve(rows[:1], scope="others")
        self.assertEqual(rows.mapped("state"), ["review"] + 3 * ["posted"])

    def test_all_of_the_run(self):
        rows = self.several(3)
        self.hold(rows[1])
        action = rows.renewal_id.with_user(self.biller).action_approve_all()
        wizard = (
            self.env["metered.review.approve"]
            .with_user(self.biller)
            .with_context(**action["context"])
            .create({})
        )
        self.assertIn("2 invoices will be posted", wizard.summary)
        self.assertIn("On hold and excluded: 1 invoice", wizard.warning)
        wizard.action_approve()
        rows.approval_id._process()
        self.assertEqual(rows.mapped("state"), ["posted", "held", "posted"])

    def test_all_of_a_customer(self):
        customer = self.make_customer("Two Lines")
        self.waiting(customer)
        self.waiting(customer)
        rows = self.several(1)
        mine = rows.search([("partner_id", "=", customer.id)])
        self.assertEqual(len(mine), 2)
        self.approve(mine[0], scope="customer")
        self.assertEqual(set(mine.mapped("state")), {"posted"})
        self.hold(rows.filtered(lambda r: r.state == "review"), scope="customer")
        self.assertEqual((rows - mine).state, "held")

    def test_on_hold(self):
        row = self.several(1)
        self.hold(row, "Asked for a credit")
        self.assertEqual((row.state, row.held_uid), ("held", self.operator))
        self.assertIn("Asked for a credit", row.invoice_id.metered_hold)
        bodies = "".join(row.invoice_id.message_ids.mapped("body"))
        self.assertIn("put this invoice on hold: Asked for a credit", bodies)
        with self.assertRaisesRegex(UserError, "is waiting for approval"):
            self.approve(row)
        self.assertEqual(row.invoice_id.state, "draft")
        with self.assertRaisesRegex(UserError, r"Asked for a credit.*Click Release"):
            row.invoice_id.with_user(self.biller).action_post()
        self.assertEqual(row.invoice_id.state, "draft")

    def test_a_hold_has_a_reason(self):
        row = self.several(1)
        with self.assertRaisesRegex(UserError, "Enter why"):
            self.hold(row, "  ")

    def test_release(self):
        row = self.several(1)
        self.hold(row)
        row.invoice_id.with_user(self.biller).action_metered_release()
        self.assertEqual(row.state, "review")
        self.assertFalse(row.invoice_id.metered_hold)
        self.approve(row)
        self.assertEqual(row.state, "posted")
        with self.assertRaisesRegex(UserError, "on hold"):
            row.with_user(self.operator).action_release()

    def test_held_after_it_was_approved(self):
        rows = self.several(2)
        approvals, _left = rows.with_user(self.biller)._approve()
        self.hold(rows[0])
        self.assertFalse(rows[0].approved_uid)
        approvals._process()
        self.assertEqual(rows.mapped("state"), ["held", "posted"])
        self.assertEqual((approvals.posted, approvals.state), (1, "done"))

    def test_posted_by_hand(self):
        row = self.several(1)
        row.invoice_id.with_user(self.biller).action_post()
        self.assertEqual((row.state, row.approved_uid), ("posted", self.biller))
        self.assertIn("manually", row.note)

    def test_reset_to_draft(self):
        row = self.several(1)
        self.approve(row)
        row.invoice_id.button_draft()
        self.assertEqual(row.state, "review")
        self.assertFalse(row.approved_uid)
        self.assertFalse(row.posted_amount)
        self.approve(row)
        self.assertEqual(row.state, "posted")

    def test_changed_after_approval(self):
        rows = self.several(2)
        approval, _left = rows.with_user(self.biller)._approve()
        self.add_line(rows[0].invoice_id, 5)
        approval._process()
        self.assertEqual(rows.mapped("state"), ["review", "posted"])
        self.assertEqual((approval.posted, approval.changed), (1, 1))
        self.assertIn("changed after Bill approved it", rows[0].note)
        self.assertEqual(rows[0].invoice_id.state, "draft")
        self.approve(rows[0])
        self.assertEqual((rows[0].state, rows[0].posted_amount), ("posted", 15))

    def test_changed_with_the_same_total(self):
        row = self.several(1)
        approval, _left = row.with_user(self.biller)._approve()
        row.invoice_id.invoice_line_ids.name = "Something else"
        approval._process()
        self.assertEqual((row.state, approval.changed), ("review", 1))

    def test_another_total_when_it_is_posted(self):
        """What posting itself makes of an invoice is not posted unseen."""
        row = self.several(1)
        approval, _left = row.with_user(self.biller)._approve()
        move = self.env.registry["account.move"]
        post = move.action_post

        def dearer(invoices):
            result = post(invoices)
            self.add_to_total(invoices)
            return result

        with patch.object(move, "action_post", dearer):
            approval._process()
        self.assertEqual((row.state, row.invoice_id.state), ("failed", "draft"))

    def add_to_total(self, invoices):
        invoices.sudo().amount_total += 1

    @mute_logger(APPROVAL)
    def test_failing_alone(self):
        rows = self.several(3)
        approval, _left = rows.with_user(self.biller)._approve()
        move = self.env.registry["account.move"]
        post, bad = move.action_post, rows[1].invoice_id
        reason = "The journal is locked."

        def refuse(invoices):
            if bad in invoices:
                raise UserError(reason)
            return post(invoices)

        with patch.object(move, "action_post", refuse):
            approval._process()
        self.assertEqual(rows.mapped("state"), ["posted", "failed", "posted"])
        self.assertEqual((approval.posted, approval.failures), (2, 1))
        self.assertEqual(rows[1].error, reason)
        self.assertIn("approve it again", rows[1].cure)
        self.assertEqual(rows[1].concern // 16, 1)
        self.assertEqual(approval.state, "done")
        self.approve(rows[1])
        self.assertEqual(rows[1].state, "posted")

    def test_rights_taken_away_meanwhile(self):
        row = self.several(1)
        approval, _left = row.with_user(self.biller)._approve()
        self.biller.group_ids -= self.env.ref("account.group_account_invoice")
        with mute_logger("odoo.addons.base.models.ir_model"):
            approval._process()
        self.assertEqual((row.state, row.invoice_id.state), ("failed", "draft"))

    def test_approved_once(self):
        """Who comes second finds nothing to approve."""
        rows = self.several(2)
        approval, left = rows.with_user(self.biller)._approve()
        again, left = rows._approve()
        self.assertFalse(again)
        self.assertEqual(left, rows)
        approval._process()
        approval._process()
        self.assertEqual(approval.posted, 2)

    def test_deleted(self):
        rows = self.several(2)
        subscription = rows[0].subscription_id
        rows[0].invoice_id.with_user(self.biller).unlink()
        self.env.invalidate_all()
        self.assertEqual((rows[0].state, rows[0].amount), ("gone", 10))
        self.assertIn("Bill deleted the invoice", rows[0].note)
        self.assertFalse(rows[0].invoice_id)
        self.approve(rows[1], scope="run")
        self.assertEqual(rows.mapped("state"), ["gone", "posted"])
        # Its period is billed again, and that draft is reviewed with the same run.
        invoice = subscription.metered_period_ids._bill_again()
        run = rows.renewal_id
        again = run.review_ids - rows
        self.assertEqual((again.invoice_id, again.state), (invoice, "review"))

    def test_cancelled_and_back(self):
        row = self.several(1)
        row.invoice_id.button_cancel()
        self.assertEqual(row.state, "gone")
        self.assertIn("canceled the invoice", row.note)
        row.invoice_id.button_draft()
        self.assertEqual(row.state, "review")

    def test_deleted_after_approval(self):
        rows = self.several(2)
        approval, _left = rows.with_user(self.biller)._approve()
        rows[0].invoice_id.unlink()
        approval._process()
        self.assertEqual(rows.mapped("state"), ["gone", "posted"])

    def test_portions(self):
        rows = self.several(5)
        approval, _left = rows.with_user(self.biller)._approve()
        with patch(f"{APPROVAL}.PORTION", 2):
            approval._process()
        self.assertEqual(set(rows.mapped("state")), {"posted"})
        self.assertEqual(approval.records, 5)

    def test_held_by_the_run_itself(self):
        """Records may be missing: no approval of all posts it, a person may."""
        row = self.several(1)
        values = {
            "state": "held",
            "hold_reason": "Records may be missing",
            "held_date": "2026-11-01 00:00:00",
        }
        row.write(values)
        with self.assertRaises(UserError):
            self.approve(row, scope="run")
        row.invoice_id.with_user(self.biller).action_post()
        self.assertEqual(row.state, "posted")

    def test_held_because_records_may_be_missing(self):
        """What holds an invoice back as it is made, holds it in the review."""

        def hold(_subscription, renewal):
            renewal.invoice._metered_raise("sync", "Records may be missing", "Look.")
            return True

        subscriptions = self.env.registry["sale.subscription"]
        with patch.object(subscriptions, "_metered_hold", hold):
            row = self.several(1)
        self.assertEqual(row.state, "held")
        self.assertFalse(row.held_uid)
        self.assertIn("Records may be missing", row.invoice_id.metered_hold)
        row.with_user(self.operator).action_release()
        self.assertEqual(row.state, "review")
        self.assertFalse(row.invoice_id.activity_ids)

    def test_a_run_that_is_still_going_on(self):
        rows = self.several(2)
        rows.renewal_id.state = "running"
        wizard = self.env["metered.review.approve"].create(
            {"renewal_id": rows.renewal_id.id, "scope": "run"}
        )
        self.assertIn("still in progress", wizard.warning)
        self.approve(rows, scope="run")
        self.assertEqual(set(rows.mapped("state")), {"posted"})

    def test_sums_per_currency(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": euro.id}
        )
        self.waiting(self.make_customer("Euro"), pricelist_id=pricelist.id)
        rows = self.several(2)
        wizard = self.env["metered.review.approve"].create(
            {"renewal_id": rows.renewal_id.id, "scope": "run"}
        )
        summary = wizard.summary.replace("\N{NO-BREAK SPACE}", "")
        self.assertIn("1 invoice will be posted, 10.00€", summary)
        self.assertIn("2 invoices will be posted, $20.00", summary)
        self.assertEqual(len(rows.renewal_id.totals.splitlines()), 2)

    def test_closing_waits_too(self):
        self.call("2026-10-05")
        subscription = self.waiting()
        subscription.recurring_next_date = "2026-12-01"
        subscription.close_subscription()
        [invoice] = subscription.invoice_ids
        row = self.env["metered.review"].search([("invoice_id", "=", invoice.id)])
        self.assertEqual((invoice.state, row.state), ("draft", "review"))
        self.assertFalse(row.renewal_id)

    def test_several_companies(self):
        rows = self.several(1)
        other = self.env["res.company"].create({"name": "Other Telecom"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_user,account.group_account_invoice",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for action in ("action_open_approve", "action_open_hold", "action_release"):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(rows.with_user(stranger), action)()
        self.assertFalse(self.env["metered.review"].with_user(stranger).search([]))

    def test_what_the_template_says_is_told(self):
        template = self.several(1).subscription_id.template_id
        with Form(template) as form:
            form.metered_review_policy = "none"
        self.assertEqual(template.metered_review_policy, "none")


@tagged("post_install", "-at_install")
class TestRenewChosen(ReviewCase):
    """Renew, on a list of subscriptions."""

    def test_only_these(self):
        today = fields.Date.context_today(self.customer)
        start = fields.Date.subtract(today, months=1)
        chosen, other = (
            self.make_subscription(self.make_customer(name), start, today)
            for name in ("Chosen", "Other")
        )
        chosen.action_metered_renew()
        run = self.env["metered.renewal"].search([], limit=1)
        self.assertEqual((run.expected, run.subscription_ids), (1, chosen))
        run._process()
        self.assertEqual(len(chosen.invoice_ids), 1)
        self.assertFalse(other.invoice_ids)
        # The nightly run takes the others, whether or not that one goes on.
        run.state = "running"
        self.assertFalse(self.env["metered.renewal"]._start(self.company) & run)

    def test_nothing_is_due(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2199-11-01")
        with self.assertRaisesRegex(UserError, "None of these"):
            subscription.action_metered_renew()
