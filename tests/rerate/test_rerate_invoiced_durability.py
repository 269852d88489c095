# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Differences to invoiced usage: posted by a process that is killed half way, and
while the same period is billed by somebody else.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import threading

import psycopg2

from odoo import SUPERUSER_ID, Command, api
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.committed_case import CommittedCase

CUSTOMERS = 12
TEXTS = 150
CALLS = 5
#: two customers a slice
SLICE = 2 * (TEXTS + CALLS)
PHONE = 12_125_570_000

_REMOVE = (
    "DELETE FROM metered_rerate_difference",
    "DELETE FROM metered_rerate",
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
class TestRerateInvoicedDurability(CommittedCase):
    """Customers with 150 texts at 0.05 from the 101st on, and calls at 0.06."""

    def setUp(self):
        super().setUp()
        self.partners = self.real["res.partner"]
        self.meter = self.make(
            "metered.meter", name="Texts", kind="event", code="texts", unit="texts"
        )
        self.price = self.make(
            "metered.price",
            name="Texts",
            meter_id=self.meter.id,
            charge_model="graduated",
            tier_ids=[
                Command.create({"up_to": 100, "unit_price": 0}),
                Command.create({"up_to": 0, "unit_price": 0.05}),
            ],
        )
        self.product = self.make(
            "product.product",
            name="Texts",
            type="service",
            metered_meter_id=self.meter.id,
            metered_price_id=self.price.id,
        )
        self.terms = self.make_terms("invoice")
        self.old = self.make_deck("Durable old", price=0.06)
        self.new = self.make_deck("Durable new", price=0.12)
        self.source = self.make_source("Durable switch")

    def make_billed(self, count):
        """Customers with a subscription, whose October is invoiced and posted."""
        self.partners = self.make_customers(count, PHONE, self.old)
        subscriptions = self.real["sale.subscription"].create(
            [
                {
                    "partner_id": partner.id,
                    **self.terms,
                    "sale_subscription_line_ids": [
                        Command.create(
                            {
                                "product_id": self.product.id,
                                "name": "Texts",
                                "tax_ids": [Command.clear()],
                            }
                        )
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
        self.real.flush_all()
        self.cr.commit()
        rows = [
            f"r{place}-{call},2026-10-{call + 1:02d} 10:00:00,60,"
            f"+{PHONE + place},+12125550199"
            for place in range(count)
            for call in range(CALLS)
        ]
        text = "\n".join(["call_id,start_time,duration,caller,callee", *rows])
        self.make_batch(self.source, text.encode())._process(commit=self.cr.commit)
        self.add_texts("2026-10-05", TEXTS)
        subscriptions._metered_renew()
        self.real.flush_all()
        self.cr.commit()
        invoices = subscriptions.invoice_ids
        self.assertEqual(set(invoices.mapped("state")), {"posted"})
        self.assertEqual(
            {round(x, 2) for x in invoices.mapped("amount_untaxed")}, {2.8}
        )
        return subscriptions

    def add_texts(self, day, number):
        """So many texts of each customer, as an import stores their usage."""
        self.cr.execute(
            """
            INSERT INTO metered_usage (company_id, partner_id, meter_id, day,
                   currency_id, records, quantity, billed_quantity, amount, collecting)
            SELECT %s, partner, %s, %s, %s, %s, %s, 0, 0, TRUE
              FROM unnest(%s) AS partner
            """,
            (
                self.real.company.id,
                self.meter.id,
                day,
                self.real.company.currency_id.id,
                number,
                number,
                self.partners.ids,
            ),
        )
        self.refresh()

    def make_run(self):
        """A finished preview."""
        run = self.real["metered.rerate"].create(
            {
                "company_id": self.real.company.id,
                "partner_ids": [Command.set(self.partners.ids)],
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                "scope": "invoiced",
                "expected": len(self.partners) * (TEXTS + CALLS),
            }
        )
        self.cr.commit()
        run._process(commit=self.cr.commit)
        self.cr.commit()
        self.assertEqual(run.state, "done", run.error)
        return run

    def _remove(self):
        self.cr.rollback()
        for statement in _REMOVE:
            self.cr.execute(statement, {"partners": self.partners.ids})
        self.cr.commit()
        return super()._remove()

    def set_price(self, price):
        self.price.tier_ids[-1].unit_price = price
        self.cr.commit()

    def billed(self):
        """What each customer's documents come to, and how many there are."""
        self.cr.execute(
            "SELECT partner_id, count(*), sum(amount_untaxed_signed)::text"
            "  FROM account_move WHERE partner_id = ANY(%s) AND state = 'posted'"
            " GROUP BY partner_id",
            (self.partners.ids,),
        )
        return {(number, float(total)) for _id, number, total in self.cr.fetchall()}

    def test_killed_half_way_and_started_again(self):
        """Each customer gets one document: none twice, none left out."""
        self.make_billed(CUSTOMERS)
        self.set_price(0.04)
        self.partners.metered_deck_id = self.new
        self.cr.commit()
        run = self.make_run()
        # 0.50 less for texts, 0.30 more for calls.
        self.assertEqual(
            {round(x, 6) for x in run.line_ids.mapped("difference")}, {-0.2}
        )
        run.write(
            {
                "phase": "apply",
                "state": "queued",
                "reason": "The prices were wrong.",
                "position": 0,
                "records": 0,
                "applied_uid": SUPERUSER_ID,
            }
        )
        self.cr.commit()
        worker = self.start("rerate_worker.py", run.id, SLICE)
        slices = 0
        for line in worker.stdout:
            slices += line.startswith("committed") and not line.endswith(" 0\n")
            if slices == 2:
                break
        self.kill(worker)
        self.assertEqual(run.state, "running")
        posted = run.difference_ids.filtered("move_id")
        self.assertTrue(0 < len(posted) < len(run.difference_ids))

        self.finish(self.start("rerate_worker.py", run.id, SLICE))

        self.assertEqual(run.state, "done", run.error)
        self.assertEqual(len(run.difference_ids.move_id), CUSTOMERS)
        self.assertEqual(self.billed(), {(2, 2.6)})
        self.assertFalse(self.make_run().line_ids)

    def in_thread(self, work):
        """Do something in a transaction of its own.

        :return: (thread, list that a serialisation failure is put into)
        """
        refused = []

        def run():
            with self.registry.cursor() as other:
                env = api.Environment(other, SUPERUSER_ID, self.real_context)
                try:
                    work(env)
                except psycopg2.errors.SerializationFailure as error:
                    refused.append(error)
                    other.rollback()

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        return thread, refused

    @mute_logger("odoo.sql_db")
    def test_late_usage_is_billed_at_the_same_time(self):
        """Whoever comes second begins again, and bills what is left."""
        subscription = self.make_billed(1)
        self.set_price(0.04)
        self.add_texts("2026-10-06", 10)
        run = self.make_run()
        run._post_differences("The prices were wrong.")
        self.real.flush_all()
        thread, refused = self.in_thread(
            lambda env: (
                env["sale.subscription"].browse(subscription.id)._metered_renew()
            )
        )
        self.wait_until_blocked(thread, "metered_usage")
        self.cr.commit()
        thread.join(300)
        self.assertTrue(refused)
        subscription._metered_renew()
        self.cr.commit()
        # 60 texts above the free ones, and the calls.
        self.assertEqual(self.billed(), {(3, 2.7)})

    @mute_logger("odoo.sql_db")
    def test_the_difference_while_late_usage_is_billed(self):
        subscription = self.make_billed(1)
        self.add_texts("2026-10-06", 10)
        self.set_price(0.06)
        run = self.make_run()
        subscription._metered_renew()
        self.real.flush_all()
        thread, refused = self.in_thread(
            lambda env: (
                env["metered.rerate"]
                .browse(run.id)
                ._post_differences("The prices were wrong.")
            )
        )
        self.wait_until_blocked(thread, "metered_usage")
        self.cr.commit()
        thread.join(300)
        self.assertTrue(refused)
        # Late usage was billed with the price of the whole period.
        self.assertEqual(self.billed(), {(2, 3.9)})
        self.assertFalse(sum(self.make_run().line_ids.mapped("difference")))
