# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Two people press *Bill This Period Again*, or *Create Invoice*, at once: one invoice.

Each has a transaction of its own, as two requests have; these commit for real, in the
test database, and what they store is removed at the end.
"""

# Other transactions see only what is committed.
# pylint: disable=invalid-commit

import threading
from functools import partial
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.committed_case import CommittedCase


@tagged("post_install", "-at_install")
class TestBilledAgainTogether(CommittedCase):
    def setUp(self):
        super().setUp()
        fee = self.make("product.product", name="Line rental", type="service")
        partner = self.make("res.partner", name="Together")
        stage = self.real["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1
        )
        self.subscriptions = self.real["sale.subscription"].create(
            {
                "partner_id": partner.id,
                **self.make_terms("draft"),
                "sale_subscription_line_ids": [
                    Command.create(
                        {
                            "product_id": fee.id,
                            "name": "Line rental",
                            "price_unit": 10.0,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )
        self.subscriptions.stage_id = stage
        self.subscriptions.write(
            {"date_start": "2026-10-01", "recurring_next_date": "2026-11-01"}
        )
        self.subscriptions._metered_renew().unlink()
        self.period = self.subscriptions.metered_period_ids
        self.cr.commit()

    def _remove(self):
        self.cr.rollback()
        self.subscriptions.invoice_ids.unlink()
        self.cr.execute(
            "DELETE FROM metered_period WHERE subscription_id = ANY(%s)",
            (self.subscriptions.ids,),
        )
        self.cr.commit()
        return super()._remove()

    def press(self, together, button=None):
        """Press the button in a thread, as a request does it; its answer in a list.

        :param button: function of an environment; None: *Bill This Period Again*
        """
        answers = []

        def bill(env):
            # What this transaction sees is fixed from here on.
            env.cr.execute("SELECT count(*) FROM metered_period")
            together()
            if button:
                return button(env)
            return env["metered.period"].browse(self.period.id).action_bill_again()

        def request():
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                try:
                    answers.append(retrying(partial(bill, env), env))
                except UserError as error:
                    answers.append(error)

        thread = threading.Thread(target=request)
        thread.start()
        self.addCleanup(thread.join)
        return thread, answers

    @mute_logger("odoo.sql_db")
    def test_at_once(self):
        both = threading.Barrier(2, timeout=300)
        met = threading.local()

        def together():
            if not getattr(met, "done", False):
                met.done = True
                both.wait()

        with patch("odoo.service.model.random.uniform", return_value=0.0):
            presses = [self.press(together), self.press(together)]
            for thread, _answers in presses:
                thread.join()
        self.refresh()
        [invoice] = self.subscriptions.invoice_ids
        self.assertEqual(invoice.amount_untaxed, 10.0)
        self.assertEqual(str(self.subscriptions.recurring_next_date), "2026-12-01")
        [[made], [told]] = sorted(
            (answers for _thread, answers in presses),
            key=lambda answers: isinstance(answers[0], UserError),
        )
        self.assertEqual(made["res_id"], invoice.id)
        self.assertIn("already billed", str(told))

    @mute_logger("odoo.sql_db")
    def test_create_invoice_at_once(self):
        """The second press is not taken for one that means the period after it."""
        self.period.action_waive()
        self.cr.commit()
        both = threading.Barrier(2, timeout=300)
        met = threading.local()

        def together():
            if not getattr(met, "done", False):
                met.done = True
                both.wait()

        def button(env):
            subscription = env["sale.subscription"].browse(self.subscriptions.id)
            return subscription.manual_invoice()

        with patch("odoo.service.model.random.uniform", return_value=0.0):
            presses = [self.press(together, button) for _person in range(2)]
            for thread, _answers in presses:
                thread.join()
        self.refresh()
        self.assertEqual(len(self.subscriptions.invoice_ids), 1)
        self.assertEqual(str(self.subscriptions.recurring_next_date), "2027-01-01")
        told = [
            answer
            for _thread, answers in presses
            for answer in answers
            if isinstance(answer, UserError)
        ]
        self.assertEqual(len(told), 1)
        self.assertIn("is being invoiced right now", str(told[0]))
