# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is closed to strangers stays open to those whose work it is.

Each role goes through its day with no more rights than it has: what is written by the
program on the way must not be refused because of who pressed the button.
"""

import base64

from odoo import fields
from odoo.tests import Form, new_test_user, tagged

from ..support.metered_case import MeteredCase, generic_csv

CALLS = (
    ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"),
    ("2", "2026-10-06 11:00:00", 120, "+14045550100", "+12125550199"),
    ("3", "2026-10-07 11:00:00", 120, "+14045559999", "+12125550199"),
)


@tagged("post_install", "-at_install")
class TestRightfulUsers(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer(
            "Acme", "+14045550100", email="acme@example.com"
        )
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        for name, groups in (
            ("operator", "metered_billing.group_metered_user"),
            ("chief", "metered_billing.group_metered_administrator"),
            ("accountant", "account.group_account_manager"),
            ("salesperson", "sales_team.group_sale_salesman_all_leads"),
        ):
            setattr(cls, name, new_test_user(cls.env, f"right_{name}", groups))

    def invoice(self):
        """A posted invoice with usage."""
        self.import_calls(self.source, *CALLS)
        self.subscription.generate_invoice()
        invoice = self.subscription.invoice_ids
        invoice.action_post()
        self.assertTrue(invoice.metered_usage_count)
        return invoice

    def test_operator(self):
        """Imports, looks, resumes, undoes, bills by hand."""
        env = self.env(user=self.operator)
        wizard = env["metered.import"].create(
            {
                "source_id": self.source.id,
                "file": base64.b64encode(generic_csv(CALLS).encode()),
                "file_name": "october.csv",
            }
        )
        wizard.action_preview()
        wizard.has_header = True
        wizard.action_refresh()
        batch = env["metered.batch"].browse(wizard.action_import()["res_id"])
        batch.sudo()._process()
        self.assertEqual(batch.rated, 2)
        batch.sudo().write({"state": "failed", "error": "The disk was full."})
        batch.action_resume()
        self.assertEqual(batch.state, "queued")
        batch.sudo()._process()
        form = Form(env["metered.manual.invoice"])
        form.partner_id = self.customer
        form.date_from, form.date_to = "2026-10-01", "2026-10-31"
        asked = form.save()
        asked.action_search()
        asked.action_create_invoice()
        asked.sudo().invoice_id.unlink()
        undo = batch.action_open_undo()
        env["metered.batch.undo"].with_context(**undo["context"]).create({})
        batch.action_undo()
        self.assertEqual(batch.state, "undone")

    def test_accountant(self):
        """Cancels, drafts, credits, replaces, copies and deletes what has usage."""
        invoice = self.invoice().with_user(self.accountant)
        self.assertFalse(invoice.copy().metered_usage_count)
        usage = self.usage(self.customer)
        invoice.button_draft()
        invoice.button_cancel()
        self.assertFalse(usage.invoice_line_id)
        invoice.button_draft()
        self.assertEqual(usage.invoice_id, invoice)
        invoice.action_post()
        for modify in (False, True):
            wizard = (
                self.env["account.move.reversal"]
                .with_user(self.accountant)
                .with_context(active_model="account.move", active_ids=invoice.ids)
                .create({"journal_id": invoice.journal_id.id})
            )
            action = wizard.reverse_moves(is_modify=modify)
            made = wizard.new_move_ids
            self.assertTrue(action and made)
            if not modify:
                self.assertEqual(
                    made.invoice_line_ids.metered_origin_line_id.move_id, invoice
                )
                made.button_cancel()
        self.assertEqual(usage.invoice_id, made.sudo())
        made.invoice_line_ids.filtered("metered_date_from").unlink()
        self.assertFalse(usage.invoice_line_id)

    def test_salesperson(self):
        """Changes dates, bills, closes and opens subscriptions again."""
        self.import_calls(self.source, *CALLS)
        subscription = self.subscription.with_user(self.salesperson)
        subscription.recurring_next_date = "2026-11-15"
        self.assertEqual(subscription.metered_billing_day, 15)
        subscription.copy()
        stages = {
            stage.type: stage
            for stage in self.env["sale.subscription.stage"].search([])
        }
        subscription.stage_id = stages["in_progress"]
        subscription.stage_id = stages["post"]
        self.assertTrue(self.usage(self.customer).invoice_line_id)
        subscription.stage_id = stages["in_progress"]
        self.assertFalse(subscription.sudo().metered_plan_end)

    def test_administrator(self):
        """Imports and exports rates, changes a price, tries a deck, re-rates."""
        env = self.env(user=self.chief)
        self.import_calls(self.source, *CALLS)
        wizard = env["metered.deck.import"].create(
            {
                "deck_id": self.deck.id,
                "file": base64.b64encode(b"prefix,price\n1,0.05\n"),
                "file_name": "rates.csv",
                "date_from": "2026-10-01",
            }
        )
        wizard.action_preview()
        wizard.action_back()
        wizard.action_preview()
        wizard.action_apply()
        version = self.deck.version_ids
        self.assertEqual(version.user_id, self.chief)
        self.assertEqual(version.attachment_id.res_id, version.id)
        deck = self.deck.with_user(self.chief)
        url = deck.action_export_csv()["url"]
        export = env["metered.deck.export"].browse(int(url.split("/")[4]))
        self.assertIn(b"0.05", base64.b64decode(export.file))
        price = self.make_price(self.make_meter("Texts"), unit_price=0.05)
        change = price.with_user(self.chief).action_change()
        env["metered.price.change"].with_context(**change["context"]).create(
            {"date": "2026-11-01"}
        ).action_apply()
        self.assertEqual(price.date_from, fields.Date.to_date("2026-11-01"))
        self.assertEqual(len(price.version_ids), 1)
        run = env["metered.rerate.start"].create(
            {"scope": "open", "date_from": "2026-10-01", "date_to": "2026-10-31"}
        )
        self.assertTrue(run.action_preview())
