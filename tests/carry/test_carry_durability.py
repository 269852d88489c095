# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Carried periods in processes and transactions of their own: killed, two at once."""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import threading

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.metered_billing.ingest.conflicts import CONFLICTS

from ..billing.test_renewal_durability import RenewalCommittedCase

#: more than two portions
SUBSCRIPTIONS = 120


@tagged("post_install", "-at_install")
class TestCarryDurability(RenewalCommittedCase):
    """The usage of October is 1.50 for each customer, the smallest invoice 2.00."""

    def setUp(self):
        super().setUp()
        self.make("metered.invoice.floor", amount=2.0)
        product = self.real.ref("metered_billing.meter_national").product_id
        taxes, product.taxes_id = product.taxes_id, False

        def put_back():
            self.cr.rollback()
            product.taxes_id = taxes
            self.cr.commit()

        self.addCleanup(put_back)

    def carry(self, count):
        """Subscriptions that carry October, with 1.50 in November; due in December."""
        subscriptions = self.make_subscriptions(count)
        subscriptions.sale_subscription_line_ids.unlink()
        subscriptions._metered_renew()
        self.real.flush_all()
        self.cr.execute(
            """
            INSERT INTO metered_usage (company_id, partner_id, meter_id, day,
                   currency_id, records, quantity, billed_quantity, amount, collecting)
            SELECT company_id, partner_id, meter_id, day + 31, currency_id, records,
                   quantity, billed_quantity, amount, TRUE
              FROM metered_usage WHERE partner_id = ANY(%s)
            """,
            (self.partners.ids,),
        )
        self.cr.commit()
        states = set(subscriptions.metered_period_ids.mapped("state"))
        self.assertEqual(states, {"carried"})
        return subscriptions

    def assert_billed_together(self, count):
        """Each customer has one invoice of 3.00, two lines, and both periods."""
        self.refresh()
        self.cr.execute(
            """
            SELECT count(DISTINCT move.id), count(DISTINCT move.partner_id),
                   min(move.amount_untaxed), max(move.amount_untaxed),
                   count(period.id)
              FROM account_move move
              LEFT JOIN metered_period period ON period.invoice_id = move.id
             WHERE move.partner_id = ANY(%s)
            """,
            (self.partners.ids,),
        )
        self.assertEqual(self.cr.fetchone(), (count, count, 3.0, 3.0, 2 * count))
        self.cr.execute(
            "SELECT count(*) FROM metered_usage"
            " WHERE partner_id = ANY(%s) AND invoice_line_id IS NULL",
            (self.partners.ids,),
        )
        self.assertEqual(self.cr.fetchone(), (0,))

    def test_killed_half_way_and_started_again(self):
        self.carry(SUBSCRIPTIONS)
        run = self.real["metered.renewal"].create(
            {
                "company_id": self.real.company.id,
                "date": "2026-12-01",
                "expected": SUBSCRIPTIONS,
            }
        )
        self.cr.commit()
        worker = self.start("renewal_worker.py", run.id)
        portions = 0
        for line in worker.stdout:
            portions += line.startswith("committed") and not line.endswith(" 0\n")
            if portions == 2:
                break
        self.kill(worker)
        self.assertTrue(0 < run.records < SUBSCRIPTIONS, run.records)
        self.finish(self.start("renewal_worker.py", run.id))
        self.refresh()
        self.assertEqual((run.state, run.failures), ("done", 0))
        self.assertEqual((run.records, run.invoices), (SUBSCRIPTIONS,) * 2)
        self.assert_billed_together(SUBSCRIPTIONS)

    def at_once(self, table, act):
        """Do something in a transaction that starts before this one commits.

        :param table: on which it waits for this one
        :return: how often it had to begin again
        """
        conflicts = []

        def other():
            while True:
                with self.registry.cursor() as cr:
                    try:
                        act(api.Environment(cr, SUPERUSER_ID, {}))
                        cr.commit()
                        return
                    except CONFLICTS as error:
                        conflicts.append(error)
                        cr.rollback()

        thread = threading.Thread(target=other)
        thread.start()
        self.wait_until_blocked(thread, table)
        self.cr.commit()
        thread.join(300)
        self.refresh()
        return len(conflicts)

    @mute_logger("odoo.sql_db")
    def test_two_bill_it_at_once(self):
        subscription = self.carry(1)
        subscription._metered_renew()
        self.real.flush_all()
        again = self.at_once(
            "metered_",
            lambda env: (
                env["sale.subscription"].browse(subscription.id)._metered_bill_carried()
            ),
        )
        self.assertEqual(again, 1)
        self.assert_billed_together(1)

    @mute_logger("odoo.sql_db")
    def test_two_carry_for_one_customer_at_once(self):
        """The second one begins again, and sees what the first one carried."""
        first, second = subscriptions = self.make_subscriptions(2)
        subscriptions.sale_subscription_line_ids.unlink()
        for subscription, partner in zip(subscriptions, self.partners, strict=True):
            self.real.flush_all()
            self.cr.execute(
                "UPDATE metered_usage SET subscription_id = %s, partner_id = %s"
                " WHERE partner_id = %s AND subscription_id IS NULL",
                (subscription.id, first.partner_id.id, partner.id),
            )
        self.real.invalidate_all()
        second.partner_id = first.partner_id
        self.real.flush_all()
        self.refresh()
        first._metered_renew()
        self.real.flush_all()
        self.assertEqual(first.metered_period_ids.state, "carried")
        again = self.at_once(
            "metered_usage",
            lambda env: env["sale.subscription"].browse(second.id)._metered_renew(),
        )
        self.assertEqual(again, 1)
        invoice = first.metered_period_ids.invoice_id
        self.assertEqual(invoice, second.metered_period_ids.invoice_id)
        self.assertEqual(invoice.amount_untaxed, 3.0)
