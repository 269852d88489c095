# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What others do to the usage rows of a chunk while it is being stored.

They commit for real, in the test database; what they store is removed at the end.
"""

# Other transactions see only what is committed.
# pylint: disable=invalid-commit

from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from odoo.addons.metered_billing.ingest import store
from odoo.addons.metered_billing.ingest.usage_store import UsageRows

from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv

CUSTOMERS, DAYS = 5, 3
PHONE = 14045550170


@tagged("post_install", "-at_install")
class TestImportTogether(CommittedCase):
    def setUp(self):
        super().setUp()
        deck = self.make_deck("Together", price=0.0371, initial_increment=6)
        self.customers = self.make_customers(CUSTOMERS, PHONE, deck)
        self.invoices = self.real["account.move"]

    def _remove(self):
        self.cr.rollback()
        self.invoices.exists().unlink()
        self.cr.commit()
        return super()._remove()

    def queue(self, name):
        """An import of two calls a day of every customer, from a switch of its own."""
        calls = [
            (
                f"{customer}-{day}-{again}",
                f"2026-10-0{day + 1} 1{again}:00:00",
                31 + 7 * customer + day,
                f"+{PHONE + customer}",
                "+12125550199",
            )
            for customer in range(CUSTOMERS)
            for day in range(DAYS)
            for again in range(2)
        ]
        batch = self.make_batch(self.make_source(name), generic_csv(calls).encode())
        self.cr.commit()
        return batch

    def elsewhere(self, work):
        """Do something in a transaction of its own."""
        with self.registry.cursor() as cr:
            work(api.Environment(cr, SUPERUSER_ID, self.real_context))

    def bill(self, customers):
        def work(env):
            for customer in env["res.partner"].browse(customers.ids):
                wizard = env["metered.manual.invoice"].create(
                    {
                        "partner_id": customer.id,
                        "date_from": "2026-10-01",
                        "date_to": "2026-10-31",
                    }
                )
                wizard.action_search()
                action = wizard.action_create_invoice()
                invoice = env["account.move"].browse(action["res_id"])
                self.invoices |= invoice.with_env(self.real)

        self.elsewhere(work)

    def import_there(self, batch):
        def work(env):
            env["metered.batch"].browse(batch.id)._process(commit=env.cr.commit)

        self.elsewhere(work)

    def import_while(self, batch, step, *others):
        """Import a batch; before the step, each time it comes, the next other works.

        The chunk is not begun anew: its calls are written out once.
        """
        waiting, original = list(others), getattr(UsageRows, step)

        def after_another(rows, *args):
            # Theirs pass here, too.
            if waiting and rows.cr is self.cr:
                waiting.pop(0)()
            return original(rows, *args)

        with (
            patch.object(UsageRows, step, after_another),
            patch.object(store, "cdr_table", wraps=store.cdr_table) as written,
        ):
            batch._process(commit=self.cr.commit)
        self.assertFalse(waiting)
        self.refresh()
        mine = [call for call in written.call_args_list if call.args[-1] == batch.id]
        self.assertEqual(len(mine), 1)

    def assert_all_is_there(self, *batches, rows):
        """Each usage row is the sum of its calls, which are its customer's.

        :param int rows: of usage that there are
        """
        calls = CUSTOMERS * DAYS * 2
        for batch in batches:
            self.assertEqual(
                (batch.state, batch.balance, batch.rated), ("done", "ok", calls)
            )
        self.cr.execute(
            """
            SELECT usage.records, count(cdr.id), usage.amount, sum(cdr.charge),
                   usage.quantity, sum(cdr.quantity),
                   bool_and(cdr.partner_id = usage.partner_id
                            AND cdr.start_time::date = usage.day)
              FROM metered_usage usage
              LEFT JOIN metered_cdr cdr ON cdr.usage_id = usage.id
             WHERE usage.partner_id = ANY(%s)
             GROUP BY usage.id
            """,
            (self.customers.ids,),
        )
        found = self.cr.fetchall()
        self.assertEqual(len(found), rows)
        self.assertEqual(sum(row[0] for row in found), calls * len(batches))
        for records, count, amount, charge, quantity, seconds, own in found:
            self.assertEqual((records, amount, quantity), (count, charge, seconds))
            self.assertTrue(own)

    def test_usage_that_is_billed_meanwhile(self):
        """The calls of two customers are in new rows, those of the others as before."""
        first, second = self.queue("First"), self.queue("Second")
        self.import_there(first)
        self.import_while(
            second, "add_to_known", lambda: self.bill(self.customers[1:3])
        )
        self.assert_all_is_there(first, second, rows=(CUSTOMERS + 2) * DAYS)
        for invoice in self.invoices:
            self.assertEqual(invoice.metered_usage_count, 2 * DAYS)

    def test_usage_that_is_made_meanwhile(self):
        """The other import's rows are added to, and the chunk is not begun anew."""
        first, second = self.queue("First"), self.queue("Second")
        self.import_while(second, "add_new", lambda: self.import_there(first))
        self.assert_all_is_there(first, second, rows=CUSTOMERS * DAYS)

    def test_usage_that_is_billed_and_made_meanwhile(self):
        """Billed by one, and the rows after that made by another."""
        first, second, third = map(self.queue, ("First", "Second", "Third"))
        self.import_there(first)

        def others():
            self.bill(self.customers)
            self.import_there(second)

        self.import_while(third, "add_to_known", others)
        self.assert_all_is_there(first, second, third, rows=2 * CUSTOMERS * DAYS)
