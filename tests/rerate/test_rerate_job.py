# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Re-rating as people ask for it: previewed, applied, posted, and kept."""

from datetime import date, timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..support.metered_case import MeteredCase

PHONES = ("+14045550100", "+14045550101")


@tagged("post_install", "-at_install")
class TestRerateJob(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.acme = cls.make_customer("Acme", PHONES[0])
        cls.best = cls.make_customer("Best", PHONES[1])
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 60, PHONES[0], "+12125550199"),
            ("2", "2026-10-05 11:00:00", 90, PHONES[0], "+442079460120"),
            ("3", "2026-10-06 10:00:00", 60, PHONES[1], "+12125550199"),
        )
        cls.user = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )
        cls.chief = new_test_user(
            cls.env, "chief", "metered_billing.group_metered_administrator"
        )

    def start(self, user=None, **values):
        wizard = (
            self.env["metered.rerate.start"]
            .with_user(user or self.user)
            .create(
                {
                    "date_from": date(2026, 10, 1),
                    "date_to": date(2026, 10, 31),
                    **values,
                }
            )
        )
        action = wizard.action_preview()
        self.assertEqual(action["res_model"], "metered.rerate")
        return wizard.env["metered.rerate"].browse(action["res_id"])

    def dearer(self):
        """Acme's own deck: twice as dear."""
        deck = self.make_deck("Own")
        self.make_rate(deck, "", price=0.12)
        self.acme.metered_deck_id = deck
        return deck

    def lines(self, run):
        return [
            (x.partner_id, x.changed, round(x.before, 6), round(x.after, 6))
            for x in run.line_ids
        ]

    def amount(self, partner):
        return round(sum(self.usage(partner).mapped("amount")), 6)

    # === NOT INVOICED === #

    def test_preview_writes_nothing(self):
        self.dearer()
        run = self.start()
        self.assertEqual((run.state, run.phase), ("done", "preview"))
        self.assertEqual((run.records, run.changed), (3, 2))
        self.assertEqual(self.lines(run), [(self.acme, 2, 0.15, 0.3)])
        self.assertIn("+0.15 USD", run.result)
        self.assertEqual(self.amount(self.acme), 0.15)

    def test_apply(self):
        self.dearer()
        run = self.start()
        run.action_apply()
        self.assertEqual((run.state, run.phase), ("done", "apply"))
        self.assertEqual(self.lines(run), [(self.acme, 2, 0.15, 0.3)])
        self.assertEqual(self.amount(self.acme), 0.3)
        self.assertEqual(self.amount(self.best), 0.06)
        self.assertEqual((run.create_uid, run.applied_uid), (self.user, self.user))
        with self.assertRaisesRegex(UserError, "only once"):
            run.action_apply()
        again = self.start()
        self.assertFalse(again.line_ids)
        self.assertIn("No changes", again.result)

    def test_filters(self):
        self.dearer()
        run = self.start(partner_ids=[Command.set(self.best.ids)])
        self.assertEqual((run.records, run.line_count), (1, 0))
        national = self.env.ref("metered_billing.meter_national")
        run = self.start(meter_ids=[Command.set(national.ids)])
        self.assertEqual(self.lines(run), [(self.acme, 1, 0.06, 0.12)])
        run = self.start(date_to=date(2026, 10, 5))
        self.assertEqual(run.records, 2)
        for days in (
            {"date_from": date(2027, 1, 1), "date_to": date(2027, 1, 2)},
            {"date_from": date(2026, 10, 7)},
        ):
            with self.assertRaisesRegex(UserError, "no matching calls"):
                self.start(**days)
        with self.assertRaisesRegex(UserError, "is after"):
            self.start(date_to=date(2026, 9, 1))

    def test_calls_without_rate(self):
        deck = self.make_deck("Own")
        self.make_rate(deck, "1", price=0.06)
        self.acme.metered_deck_id = deck
        self.company.metered_deck_id = False
        run = self.start(partner_ids=[Command.set(self.acme.ids)])
        self.assertEqual((run.changed, run.unrated), (1, 1))
        self.assertEqual(self.lines(run), [(self.acme, 1, 0.15, 0.06)])
        run.action_apply()
        self.assertEqual(len(self.exceptions(self.batch)), 1)

    def test_in_slices_and_resumed(self):
        self.dearer()
        model = type(self.env["metered.rerate"])
        with patch(
            "odoo.addons.metered_billing.models.rerate.metered_rerate_run.SLICE_CALLS",
            1,
        ):
            run = self.start()
            self.assertEqual(self.lines(run), [(self.acme, 2, 0.15, 0.3)])
            seen = []
            rate = model._rate_customers

            def look(job, partner_ids):
                seen.append(partner_ids)
                return rate(job, partner_ids)

            with patch.object(model, "_rate_customers", look):
                run.action_apply()
        self.assertEqual(seen, [self.acme.ids, self.best.ids])

    def test_large_ones_wait_for_the_worker(self):
        self.dearer()
        with patch(
            "odoo.addons.metered_billing.models.rerate.metered_rerate.AT_ONCE", 1
        ):
            run = self.start()
            self.assertEqual(run.state, "queued")
            with self.assertRaisesRegex(UserError, "finished preview"):
                run.action_apply()
            run.sudo()._process()
            self.assertEqual(run.state, "done")
        run.sudo()._fail("No disk")
        run.action_resume()
        self.assertEqual((run.state, run.error), ("queued", False))

    # === INVOICED === #

    def invoice(self, partner, tax=None):
        subscription = self.make_subscription(partner, "2026-10-01", "2026-11-01")
        subscription.generate_invoice()
        invoice = subscription.invoice_ids
        lines = invoice.invoice_line_ids.filtered("metered_usage_ids")
        lines.tax_ids = [Command.set(tax.ids if tax else [])]
        invoice.action_post()
        return invoice

    def approve(self, run, reason="The rates were wrong.", user=None):
        wizard = (
            self.env["metered.rerate.approve"]
            .with_user(user or self.chief)
            .create({"rerate_id": run.id, "reason": reason})
        )
        action = wizard.action_post()
        moves = run.sudo().difference_ids.move_id
        self.assertIn(moves[-1:].name, action["params"]["message"])
        return moves

    def test_difference_as_an_invoice(self):
        tax = self.env["account.tax"].create({"name": "10 %", "amount": 10})
        invoice = self.invoice(self.acme, tax)
        before = invoice.amount_total
        self.dearer()
        run = self.start(self.chief, scope="invoiced")
        self.assertEqual(self.lines(run), [(self.acme, 2, 0.15, 0.3)])
        with self.assertRaisesRegex(UserError, "Approve"):
            run.action_apply()
        move = self.approve(run)
        self.assertEqual((move.move_type, move.state), ("out_invoice", "posted"))
        self.assertEqual(move.partner_id, self.acme)
        self.assertEqual(
            sorted(move.invoice_line_ids.mapped("price_subtotal")), [0.06, 0.09]
        )
        self.assertEqual(move.invoice_line_ids.tax_ids, tax)
        self.assertEqual(move.invoice_origin, invoice.name)
        self.assertIn("The rates were wrong.", move.narration)
        self.assertEqual(run.applied_uid, self.chief)
        # The old charge stays readable where it was.
        self.assertEqual(invoice.amount_total, before)
        self.assertEqual(self.amount(self.acme), 0.15)
        difference = run.difference_ids.filtered(lambda d: d.before == 0.06)
        self.assertEqual((difference.after, difference.move_id), (0.12, move))
        self.assertIn(move.name, "".join(invoice.message_ids.mapped("body")))
        # Nothing is billed twice.
        again = self.start(self.chief, scope="invoiced")
        self.assertFalse(again.difference_ids)

    def test_difference_as_a_credit_note(self):
        self.invoice(self.acme)
        deck = self.dearer()
        run = self.start(self.chief, scope="invoiced")
        self.approve(run)
        deck.rate_ids.copy({"prefix": "44", "price": 0.0})
        cheaper = self.start(self.chief, scope="invoiced")
        self.assertEqual(self.lines(cheaper), [(self.acme, 2, 0.3, 0.12)])
        credit = self.approve(cheaper)
        self.assertEqual((credit.move_type, credit.state), ("out_refund", "posted"))
        self.assertEqual(credit.amount_untaxed, 0.18)
        # A credit note that is cancelled bills nothing.
        credit.button_draft()
        credit.button_cancel()
        third = self.start(self.chief, scope="invoiced")
        self.assertEqual(self.lines(third), [(self.acme, 2, 0.3, 0.12)])

    def test_lock_date(self):
        self.invoice(self.acme)
        self.dearer()
        today = fields.Date.context_today(self.env.user)
        self.company.sale_lock_date = today + timedelta(days=1)
        run = self.start(self.chief, scope="invoiced")
        move = self.approve(run)
        self.assertEqual(move.state, "posted")
        self.assertGreater(move.date, self.company.sale_lock_date)

    def test_its_usage_is_opened_without_rights_to_invoices(self):
        self.invoice(self.acme)
        self.dearer()
        run = self.start(self.user, scope="invoiced")
        for user in (self.user, self.chief):
            action = run.with_user(user).action_view_usage()
            usage = self.env["metered.usage"].with_user(user).search(action["domain"])
            self.assertEqual(usage.partner_id, self.acme)

    def test_what_changed_since_the_preview_is_not_posted(self):
        self.invoice(self.acme)
        deck = self.dearer()
        run = self.start(self.chief, scope="invoiced")
        self.make_rate(deck, "1", price=0.5)
        with self.assertRaisesRegex(UserError, "changed since the preview"):
            self.approve(run)

    def test_without_rate_is_not_credited(self):
        self.invoice(self.acme)
        deck = self.make_deck("Own")
        self.make_rate(deck, "1", price=0.06)
        self.acme.metered_deck_id = deck
        self.company.metered_deck_id = False
        run = self.start(self.chief, scope="invoiced")
        self.assertIn("Calls without a rate: 1.", run.line_ids.note)
        self.assertFalse(run.difference_ids)
        with self.assertRaisesRegex(UserError, "no difference"):
            self.approve(run)

    def test_only_an_administrator_approves(self):
        self.invoice(self.acme)
        self.dearer()
        run = self.start(scope="invoiced")
        with self.assertRaises(AccessError):
            run.action_approve()
        with self.assertRaises(AccessError):
            run._post_differences("I want it")
        run = run.with_user(self.chief)
        self.assertEqual(run.action_approve()["res_model"], "metered.rerate.approve")
        with self.assertRaisesRegex(UserError, "Enter why"):
            run._post_differences("  ")

    def test_nobody_writes_the_log(self):
        self.dearer()
        run = self.start()
        for user in (self.user, self.chief):
            with self.assertRaises(AccessError):
                run.with_user(user).write({"phase": "preview"})
            with self.assertRaises(AccessError):
                run.with_user(user).unlink()

    def test_another_company(self):
        self.dearer()
        run = self.start()
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        with self.assertRaises(AccessError):
            run.with_user(stranger).action_apply()
        with self.assertRaises(AccessError):
            self.start(stranger, company_id=self.company.id)
