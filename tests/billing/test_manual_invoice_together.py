# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Two people press Create Invoice at once: one invoice.

Each has a transaction of its own, as two requests have; these commit for real, in the
test database, and what they store is removed at the end.
"""

# Other transactions see only what is committed.
# pylint: disable=invalid-commit

import threading
from functools import partial
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.service.model import retrying
from odoo.tests import tagged

from ..support.committed_case import CommittedCase

PHONE = "+14045550177"


@tagged("post_install", "-at_install")
class TestManualInvoiceTogether(CommittedCase):
    def setUp(self):
        super().setUp()
        deck = self.make_deck("Together", price=0.06)
        self.partner = self.make(
            "res.partner", name="Together", metered_deck_id=deck.id
        )
        self.make("metered.identifier", partner_id=self.partner.id, value=PHONE)
        lines = [
            "call_id,start_time,duration,caller,callee",
            *(
                f"{number},2026-10-{number + 1:02d} 10:00:00,60,{PHONE},+12125550199"
                for number in range(20)
            ),
        ]
        source = self.make_source("Together")
        self.batch = self.make_batch(source, "\n".join(lines).encode())
        self.batch._process()
        self.wizards = [self.search(), self.search()]
        self.cr.commit()

    def search(self):
        """One user's wizard, as it is after Search."""
        wizard = self.make(
            "metered.manual.invoice",
            partner_id=self.partner.id,
            date_from="2026-10-01",
            date_to="2026-10-31",
        )
        wizard.action_search()
        return wizard

    def invoices(self):
        self.refresh()
        return self.real["account.move"].search([("partner_id", "=", self.partner.id)])

    def _remove(self):
        self.cr.rollback()
        self.invoices().unlink()
        self.cr.commit()
        return super()._remove()

    def press(self, wizard, before=None, after=None):
        """Press the button in a thread, as a request does it.

        :param before: called in the transaction before it is pressed
        :param after: called before the transaction is committed
        :return: (the thread, list that will hold the action or the error)
        """
        answers = []

        def create(env):
            if before:
                before(env)
            action = env["metered.manual.invoice"].browse(wizard.id)
            action = action.action_create_invoice()
            if after:
                after()
            return action

        def request():
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                try:
                    answers.append(retrying(partial(create, env), env))
                except Exception as error:
                    answers.append(error)
                    raise

        thread = threading.Thread(target=request)
        thread.start()
        self.addCleanup(thread.join)
        return thread, answers

    def assert_one_invoice(self, *answers):
        """One of the two got it, the other was told."""
        [invoice] = self.invoices()
        self.assertEqual(invoice.invoice_line_ids.mapped("price_unit"), [1.2])
        self.assertEqual(invoice.metered_usage_count, 20)
        models = sorted(action["res_model"] for [action] in answers)
        self.assertEqual(models, ["account.move", "metered.manual.invoice"])
        told = self.real["metered.manual.invoice"].search(
            [("id", "in", [wizard.id for wizard in self.wizards])]
        )
        told = told.filtered("changes")
        self.assertEqual(len(told), 1)
        self.assertIn("20 records, 1.20 USD before; 0 records", told.changes)
        self.assertIn(invoice._metered_label(), told.problem)

    def test_at_once(self):
        """Both are past the search of their usage when the first one commits."""
        both = threading.Barrier(2, timeout=300)
        Usage = type(self.env["metered.usage"])
        found = Usage.search_fetch
        waited = threading.local()

        def search_together(usage, *args, **kwargs):
            records = found(usage, *args, **kwargs)
            if not getattr(waited, "done", False):
                waited.done = True
                both.wait()
            return records

        with (
            patch.object(Usage, "search_fetch", search_together),
            patch("odoo.service.model.random.uniform", return_value=0.0),
        ):
            presses = [self.press(wizard) for wizard in self.wizards]
            for thread, _answers in presses:
                thread.join()
        self.assert_one_invoice(*(answers for _thread, answers in presses))

    def test_second_begins_before_the_first_commits(self):
        """The second one waits, and begins again with what is left."""
        begun, made = threading.Event(), threading.Event()

        def begin(env):
            # What this transaction sees is fixed from here on.
            env.cr.execute("SELECT count(*) FROM metered_usage")
            begun.set()
            made.wait(300)

        def wait_for_the_other():
            made.set()
            begun.wait(300)

        with patch("odoo.service.model.random.uniform", return_value=0.0):
            second, second_answers = self.press(self.wizards[1], before=begin)
            begun.wait(300)
            first, first_answers = self.press(self.wizards[0], after=wait_for_the_other)
            first.join()
            second.join()
        self.assertEqual(first_answers[0]["res_model"], "account.move")
        self.assert_one_invoice(first_answers, second_answers)
