# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements on the screen, in a real browser."""

from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user, tagged

from .test_statements import StatementCase


@tagged("post_install", "-at_install")
class TestStatementTour(StatementCase, HttpCase):
    def test_from_the_invoice(self):
        invoice = self.invoice()
        new_test_user(
            self.env,
            "operator",
            groups="metered_billing.group_metered_user,account.group_account_invoice",
        )
        Statement = type(self.env["metered.statement"])
        # What the scheduled action does soon after.
        with patch.object(Statement, "_enqueue", lambda made: made._process()):
            self.start_tour(
                f"/odoo/account.move/{invoice.id}",
                "metered_billing_statement",
                login="operator",
            )
        made = invoice.metered_statement_ids
        self.assertEqual(sorted(made.mapped("is_current")), [False, True])
        self.authenticate("operator", "operator")
        got = self.url_open(f"/web/content/metered.statement/{made[0].id}/pdf")
        self.assertTrue(got.content.startswith(b"%PDF"))

    def test_list(self):
        invoice = self.invoice()
        first = self.made(invoice)
        failed = invoice._metered_make_statements()
        failed.write({"state": "failed", "error": "The disk was full."})
        first.is_current = False
        new_test_user(self.env, "operator", groups="metered_billing.group_metered_user")
        Zip = type(self.env["metered.statement.zip"])
        with patch.object(Zip, "_enqueue", lambda made: made._process()):
            action = self.env.ref("metered_billing.action_metered_statement")
            self.start_tour(
                f"/odoo/action-{action.id}",
                "metered_billing_statement_list",
                login="operator",
            )
        self.assertEqual(failed.state, "queued")
        [archive] = self.env["metered.statement.zip"].search([])
        self.assertEqual(archive.statement_ids, failed)
        self.assertEqual(archive.left_out, 1)
