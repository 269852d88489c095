# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Retention in a process that is killed half way, and two that run at once.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.committed_case import CommittedCase

CUSTOMERS = 6
CALLS = 10
PHONE = 12_125_580_000
#: calls that are dealt with together
PORTION = 4

_REMOVE = (
    "DELETE FROM metered_retention_sum",
    "DELETE FROM metered_retention_run",
    "DELETE FROM metered_retention_rule",
    "UPDATE res_company SET metered_details_until = NULL",
    "DELETE FROM metered_cdr WHERE partner_id = ANY(%(partners)s)",
    "DELETE FROM metered_usage WHERE partner_id = ANY(%(partners)s)",
    "DELETE FROM metered_period WHERE subscription_id IN ("
    " SELECT id FROM sale_subscription WHERE partner_id = ANY(%(partners)s))",
    "DELETE FROM account_move_line WHERE move_id IN ("
    " SELECT id FROM account_move WHERE partner_id = ANY(%(partners)s))",
    "DELETE FROM account_move WHERE partner_id = ANY(%(partners)s)",
    "DELETE FROM sale_subscription_line WHERE sale_subscription_id IN ("
    " SELECT id FROM sale_subscription WHERE partner_id = ANY(%(partners)s))",
    "DELETE FROM sale_subscription WHERE partner_id = ANY(%(partners)s)",
)


@tagged("post_install", "-at_install")
class TestRetentionDurability(CommittedCase):
    def setUp(self):
        super().setUp()
        self.deck = self.make_deck("Durable", price=0.0333)
        self.source = self.make_source("Durable switch")
        self.partners = self.make_customers(CUSTOMERS, PHONE, self.deck)
        product = self.make("product.product", name="Line", type="service")
        terms = self.make_terms("invoice")
        subscriptions = self.real["sale.subscription"].create(
            [
                {
                    "partner_id": partner.id,
                    **terms,
                    "sale_subscription_line_ids": [
                        Command.create({"product_id": product.id, "name": "Line"})
                    ],
                }
                for partner in self.partners
            ]
        )
        subscriptions.stage_id = self.real["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1
        )
        subscriptions.write(
            {"date_start": "2026-10-01", "recurring_next_date": "2026-11-01"}
        )
        rows = [
            f"t{place}-{call},2026-10-{call // 2 + 1:02d} 1{call % 2}:00:00,"
            f"{17 * call + 1},+{PHONE + place},+12125550199"
            for place in range(CUSTOMERS)
            for call in range(CALLS)
        ]
        text = "\n".join(["call_id,start_time,duration,caller,callee", *rows])
        self.batch = self.make_batch(self.source, text.encode())
        self.batch._process(commit=self.cr.commit)
        subscriptions._metered_renew()
        self.refresh()
        self.assertEqual(set(subscriptions.invoice_ids.mapped("state")), {"posted"})

    def _remove(self):
        self.cr.rollback()
        for statement in _REMOVE:
            self.cr.execute(statement, {"partners": self.partners.ids})
        self.cr.commit()
        return super()._remove()

    def make_run(self, kind):
        rules = self.real["metered.retention.rule"]
        company = {"company_id": self.real.company.id, "kind": kind}
        rule = rules.create({**company, "days": 62, "is_on": True})
        run = self.real["metered.retention.run"].create(
            {**company, "rule_id": rule.id, "before": "2026-11-01", "digits": 4}
        )
        self.cr.commit()
        return run

    def work(self, run):
        return self.start("retention_worker.py", run.id, PORTION)

    def work_and_kill(self, run):
        worker = self.work(run)
        portions = 0
        for line in worker.stdout:
            portions += line.startswith("committed") and not line.endswith(" 0\n")
            if portions == 4:
                break
        self.kill(worker)
        self.assertEqual(run.state, "running")
        self.assertTrue(0 < run.records < CUSTOMERS * CALLS, run.records)

    def check_whole(self, kind):
        """Each row of usage is the sum of its calls, or of what is kept of them."""
        self.cr.execute(
            """
            SELECT count(*) FILTER (WHERE details_gone = 'deleted'),
                   sum(amount - coalesce(calls.charge, kept.charge)),
                   sum(usage.records - coalesce(calls.records, kept.records)),
                   count(kept.seal) FILTER (WHERE details_gone IS NULL)
              FROM metered_usage usage
              LEFT JOIN (SELECT usage_id, sum(charge) AS charge, count(*) AS records
                           FROM metered_cdr GROUP BY usage_id) calls
                ON calls.usage_id = usage.id
              LEFT JOIN metered_retention_sum kept
                ON kept.usage_id = usage.id AND kept.kind = %s
             WHERE usage.partner_id = ANY(%s)
            """,
            (kind, self.partners.ids),
        )
        deleted, *differences = self.cr.fetchone()
        self.assertEqual(differences, [0, 0, 0])
        return deleted

    def test_killed_half_way_and_started_again(self):
        run = self.make_run("calls")
        self.work_and_kill(run)
        self.assertTrue(self.check_whole("calls"))
        self.finish(self.work(run))
        self.assertEqual((run.state, run.records), ("done", CUSTOMERS * CALLS))
        self.assertEqual(self.check_whole("calls"), CUSTOMERS * CALLS // 2)
        self.assertEqual(self.batch.details_deleted, CUSTOMERS * CALLS)
        sums = self.real["metered.retention.sum"].search([("run_id", "=", run.id)])
        self.assertEqual(len(sums), len(sums.usage_id))
        self.assertEqual(len(set(sums.mapped("seal"))), len(sums))
        # A run that failed goes on with what is left: nothing.
        run.write({"state": "failed"})
        self.assertTrue(run.action_resume())
        self.cr.commit()
        self.finish(self.work(run))
        self.assertEqual((run.state, run.records), ("done", CUSTOMERS * CALLS))

    def test_two_at_once(self):
        """Two processes at one run, and one that masks beside them."""
        deleting, masking = self.make_run("calls"), self.make_run("numbers")
        workers = [self.work(run) for run in (deleting, masking, deleting)]
        for worker in workers:
            self.finish(worker)
        for run in (deleting, masking):
            if run.state != "done":
                # It met the other one, and waits for the scheduled action.
                self.finish(self.work(run))
        self.assertEqual((deleting.state, masking.state), ("done", "done"))
        self.assertEqual(deleting.records, CUSTOMERS * CALLS)
        self.assertEqual(self.check_whole("calls"), CUSTOMERS * CALLS // 2)
        self.cr.execute(
            "SELECT count(*), count(DISTINCT usage_id) FROM metered_retention_sum"
            " WHERE kind = 'calls'"
        )
        self.assertEqual(self.cr.fetchone(), (CUSTOMERS * CALLS // 2,) * 2)
        with self.assertRaisesRegex(UserError, "deleted under retention"):
            self.batch.action_undo()
