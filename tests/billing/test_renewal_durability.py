# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Renewals in processes and transactions of their own: killed half way, two at once.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import threading

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.committed_case import CommittedCase

SUBSCRIPTIONS = 500
DUE = "2026-11-01"


class RenewalCommittedCase(CommittedCase):
    """Subscriptions that are due, committed."""

    def setUp(self):
        super().setUp()
        self.partners = self.real["res.partner"]
        self.fee = self.make("product.product", name="Line rental", type="service")
        self.terms = self.make_terms("invoice")

    def make_subscriptions(self, count):
        """Subscriptions that are due, each with ten days of usage for 1.50."""
        env = self.real
        self.partners = env["res.partner"].create(
            [{"name": f"Durable {number}"} for number in range(count)]
        )
        self.made.append(self.partners)
        stage = env["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1
        )
        subscriptions = env["sale.subscription"].create(
            [
                {
                    "partner_id": partner.id,
                    **self.terms,
                    "sale_subscription_line_ids": [
                        Command.create(
                            {
                                "product_id": self.fee.id,
                                "name": "Line rental",
                                "product_uom_qty": 1,
                                "price_unit": 10.0,
                                "tax_ids": [Command.clear()],
                            }
                        )
                    ],
                }
                for partner in self.partners
            ]
        )
        subscriptions.write({"stage_id": stage.id})
        subscriptions.write({"date_start": "2026-10-01", "recurring_next_date": DUE})
        env.flush_all()
        self.cr.execute(
            """
            INSERT INTO metered_usage (company_id, partner_id, meter_id, day,
                   currency_id, records, quantity, billed_quantity, amount, collecting)
            SELECT %s, partner, %s, date '2026-10-01' + day, %s, 1, 60, 60, 0.15, TRUE
              FROM unnest(%s) AS partner, generate_series(0, 9) AS day
            """,
            (
                env.company.id,
                env.ref("metered_billing.meter_national").id,
                env.company.currency_id.id,
                self.partners.ids,
            ),
        )
        self.cr.commit()
        return subscriptions

    def _remove(self):
        self.cr.rollback()
        partners = self.partners.ids
        statements = (
            "DELETE FROM metered_usage WHERE partner_id = ANY(%s)",
            "DELETE FROM metered_period WHERE subscription_id IN ("
            " SELECT id FROM sale_subscription WHERE partner_id = ANY(%s))",
            "DELETE FROM metered_renewal_failure WHERE subscription_id IN ("
            " SELECT id FROM sale_subscription WHERE partner_id = ANY(%s))",
            "DELETE FROM account_move_line WHERE move_id IN ("
            " SELECT id FROM account_move WHERE partner_id = ANY(%s))",
            "DELETE FROM account_move WHERE partner_id = ANY(%s)",
            "DELETE FROM sale_subscription_line WHERE sale_subscription_id IN ("
            " SELECT id FROM sale_subscription WHERE partner_id = ANY(%s))",
            "DELETE FROM sale_subscription WHERE partner_id = ANY(%s)",
        )
        for statement in statements:
            self.cr.execute(statement, (partners,))
        self.cr.execute("DELETE FROM metered_renewal")
        self.cr.commit()
        return super()._remove()


@tagged("post_install", "-at_install")
class TestRenewalDurability(RenewalCommittedCase):
    def make_run(self):
        run = self.real["metered.renewal"].create(
            {
                "company_id": self.real.company.id,
                "date": DUE,
                "expected": SUBSCRIPTIONS,
            }
        )
        self.cr.commit()
        return run

    def work(self, run):
        """Start a process that works on the run."""
        return self.start("renewal_worker.py", run.id)

    def test_killed_half_way_and_started_again(self):
        subscriptions = self.make_subscriptions(SUBSCRIPTIONS)
        run = self.make_run()
        worker = self.work(run)
        portions = 0
        for line in worker.stdout:
            portions += line.startswith("committed") and not line.endswith(" 0\n")
            if portions == 4:
                break
        self.kill(worker)
        self.assertEqual(run.state, "running")
        self.assertTrue(0 < run.records < SUBSCRIPTIONS, run.records)
        self.assertEqual(
            run.records, len(subscriptions.filtered(lambda s: s.invoice_ids))
        )

        self.finish(self.work(run))
        self.assertEqual(
            (run.state, run.records, run.invoices, run.failures),
            ("done", SUBSCRIPTIONS, SUBSCRIPTIONS, 0),
        )
        self.cr.execute(
            """
            SELECT count(*), count(DISTINCT move.subscription_id),
                   min(move.amount_untaxed), max(move.amount_untaxed),
                   count(*) FILTER (WHERE move.state != 'posted'),
                   count(period.id), count(DISTINCT move.name)
              FROM account_move move
              LEFT JOIN metered_period period ON period.invoice_id = move.id
             WHERE move.partner_id = ANY(%s)
            """,
            (self.partners.ids,),
        )
        self.assertEqual(
            self.cr.fetchone(),
            (SUBSCRIPTIONS, SUBSCRIPTIONS, 11.5, 11.5, 0, SUBSCRIPTIONS, SUBSCRIPTIONS),
        )
        self.cr.execute(
            "SELECT count(*) FROM metered_usage"
            " WHERE partner_id = ANY(%s) AND invoice_line_id IS NULL",
            (self.partners.ids,),
        )
        self.assertEqual(self.cr.fetchone(), (0,))

    @mute_logger("odoo.sql_db")
    def test_a_person_and_the_run_at_once(self):
        """Who comes second waits, and then makes no invoice."""
        subscription = self.make_subscriptions(1)
        refused = []

        def press_the_button():
            with self.registry.cursor() as other:
                env = api.Environment(other, SUPERUSER_ID, {})
                try:
                    env["sale.subscription"].browse(subscription.id).manual_invoice()
                except UserError as error:
                    refused.append(str(error))
                    other.rollback()

        subscription._metered_renew()
        self.real.flush_all()
        person = threading.Thread(target=press_the_button)
        person.start()
        self.wait_until_blocked(person, "metered_period")
        self.cr.commit()
        person.join(300)
        [told] = refused
        self.assertIn("is being invoiced right now", told)
        self.refresh()
        self.assertEqual(len(subscription.invoice_ids), 1)
        self.assertEqual(str(subscription.recurring_next_date), "2026-12-01")
