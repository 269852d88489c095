# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Two programs complete one invoice at once: it is issued once, and charges once.

Each has a transaction of its own, as two requests have; these commit for real, in the
test database, and what they store is removed at the end.
"""

# Other transactions see only what is committed.
# pylint: disable=invalid-commit

import threading
from decimal import Decimal
from functools import partial
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.committed_case import CommittedCase


@tagged("post_install", "-at_install")
class TestBillForwardTogether(CommittedCase):
    def setUp(self):
        super().setUp()
        self.meter = self.make(
            "metered.meter", name="Messages", code="together", kind="event", unit="m"
        )
        price = self.make(
            "metered.price",
            name="Messages",
            meter_id=self.meter.id,
            charge_model="graduated",
            tier_ids=[Command.create({"up_to": 0, "unit_price": 0.05})],
        )
        product = self.make(
            "product.product",
            name="Messages",
            type="service",
            metered_meter_id=self.meter.id,
            metered_price_id=price.id,
            taxes_id=[Command.clear()],
        )
        partner = self.make("res.partner", name="Together")
        stage = self.real["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1
        )
        self.subscriptions = self.real["sale.subscription"].create(
            {
                "partner_id": partner.id,
                **self.make_terms("draft"),
                "sale_subscription_line_ids": [
                    Command.create({"product_id": product.id})
                ],
            }
        )
        self.subscriptions.template_id.metered_wait_policy = "hold"
        self.subscriptions.stage_id = stage
        self.subscriptions.write(
            {"date_start": "2026-10-01", "recurring_next_date": "2026-11-01"}
        )
        self.invoice = self.subscriptions._metered_renew()
        self.charge = self.invoice.metered_charge_ids
        self.cr.commit()

    def _remove(self):
        self.cr.rollback()
        invoice = self.invoice
        if invoice.state == "posted":
            invoice.button_draft()
        invoice.name = False
        invoice.with_context(force_delete=True).unlink()
        for table, column, ids in (
            ("metered_cdr", "meter_id", self.meter.ids),
            ("metered_usage", "meter_id", self.meter.ids),
            ("metered_period", "subscription_id", self.subscriptions.ids),
        ):
            self.cr.execute(f"DELETE FROM {table} WHERE {column} = ANY(%s)", (ids,))
        self.cr.commit()
        return super()._remove()

    def at_once(self, *works):
        """What requests come to that all began before any of them was done."""
        both = threading.Barrier(len(works), timeout=300)
        answers = []

        def request(work):
            met = []

            def once(env):
                # What this transaction sees is fixed from here on.
                env.cr.execute("SELECT count(*) FROM account_move")
                if not met:
                    met.append(True)
                    both.wait()
                return work(env)

            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                try:
                    answers.append(retrying(partial(once, env), env))
                except UserError as error:
                    answers.append(error)

        threads = [threading.Thread(target=request, args=(work,)) for work in works]
        with patch("odoo.service.model.random.uniform", return_value=0.0):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.cr.rollback()
        self.real.invalidate_all()
        return answers

    def give(self, quantity, env):
        charge = env["metered.charge"].browse(self.charge.id)
        return charge._recalculate(Decimal(quantity), "Program")

    def issue(self, env):
        return env["account.move"].browse(self.invoice.id)._metered_issue()

    def recorded(self):
        self.cr.execute(
            "SELECT count(*), sum(cdr.quantity)::int FROM metered_cdr cdr"
            "  JOIN metered_usage usage ON usage.id = cdr.usage_id"
            "  JOIN account_move_line line ON line.id = usage.invoice_line_id"
            " WHERE cdr.meter_id = %s",
            (self.meter.id,),
        )
        return self.cr.fetchone()

    @mute_logger("odoo.sql_db")
    def test_two_quantities(self):
        self.at_once(partial(self.give, 100), partial(self.give, 200))
        [charge] = self.charge
        self.assertEqual(charge.version_number, 3)
        self.assertEqual(self.recorded(), (1, int(charge.counted)))
        self.assertEqual(
            {version.given for version in charge.version_ids}, {"100", "200"}
        )
        self.assertAlmostEqual(
            self.invoice.amount_untaxed, int(charge.counted) * 0.05, 2
        )

    @mute_logger("odoo.sql_db")
    def test_issued_twice(self):
        answers = self.at_once(self.issue, self.issue)
        refused = [one for one in answers if isinstance(one, UserError)]
        self.assertEqual(len(refused), 1, answers)
        self.assertEqual(self.invoice.state, "posted")

    @mute_logger("odoo.sql_db")
    def test_given_while_it_is_issued(self):
        answers = self.at_once(partial(self.give, 100), self.issue)
        self.assertEqual(self.invoice.state, "posted")
        refused = [one for one in answers if isinstance(one, UserError)]
        charged = 0 if refused else 5
        self.assertEqual(self.invoice.amount_untaxed, charged)
