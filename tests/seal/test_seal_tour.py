# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Seals on the screen, in a real browser."""

from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user, tagged

from ..statement.test_statements import StatementCase


@tagged("post_install", "-at_install")
class TestSealTour(StatementCase, HttpCase):
    def test_verified_and_found(self):
        self.company.write({"metered_sealing": True})
        invoice = self.invoice()
        seals = self.env["metered.seal"]
        while seals._seal_slice(self.company):
            pass
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE metered_usage SET amount = amount + 1"
            " WHERE invoice_line_id = ANY(%s)",
            (invoice.invoice_line_ids.ids,),
        )
        new_test_user(
            self.env,
            "auditor",
            groups="metered_billing.group_metered_administrator,"
            "account.group_account_invoice",
        )
        Check = type(self.env["metered.seal.check"])
        # What the scheduled action does soon after.
        with patch.object(Check, "_enqueue", lambda check: check._process()):
            self.start_tour(
                "/odoo/action-metered_billing.action_metered_seal",
                "metered_billing_seals",
                login="auditor",
            )
        check = self.env["metered.seal.check"].search([])
        self.assertEqual(check.finding_count, 8)
