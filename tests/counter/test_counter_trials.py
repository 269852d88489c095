# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Counters in What If, and quantities of counters whose price is agreed."""

from datetime import date

from odoo.exceptions import UserError
from odoo.tests import tagged

from .test_counter_readings import CounterCase

READ = (("2026-10-01 00:00", "10150"), ("2026-10-31 12:00", "10300"))


@tagged("post_install", "-at_install")
class TestCounterTrials(CounterCase):
    """150 kWh in October: 75.00; at the other price 90.00."""

    def attempt(self, price):
        wizard = self.env["metered.simulation.start"].create(
            {
                "price_id": price.id,
                "date_from": date(2026, 10, 1),
                "date_to": date(2026, 10, 31),
            }
        )
        run = self.env["metered.simulation"].browse(wizard.action_run()["res_id"])
        self.assertEqual(run.state, "done")
        return run

    def outcome(self, run):
        return [(round(line.before, 6), round(line.after, 6)) for line in run.line_ids]

    def test_what_if(self):
        self.make_plan()
        self.take(*READ)
        self.assertEqual(self.used(), 150)
        draft = self.make_price(
            self.meter,
            name="Draft",
            charge_model="standard",
            unit_price=0.6,
            active=False,
        )
        self.assertEqual(self.outcome(self.attempt(self.price)), [(75, 75)])
        run = self.attempt(draft)
        self.assertEqual(self.outcome(run), [(75, 90)])
        self.assertEqual(run.line_ids.meter_id, self.meter)
        # A reading that comes late is part of the period.
        self.take(("2026-10-31 18:00", "10310"))
        self.assertEqual(self.outcome(self.attempt(draft)), [(80, 96)])

    def test_agreed_quantity(self):
        self.meter.product_id = self.product
        golden = self.env["metered.golden.call"].create(
            {
                "kind": "usage",
                "partner_id": self.customer.id,
                "meter_id": self.meter.id,
                "quantity": 150,
                "expected": 75,
            }
        )
        self.assertEqual((golden.charge, golden.verdict), ("75 USD", "same"))
        self.assertEqual(golden.display_name, "150 kWh of Power, Ann")
        with (
            self.assertRaisesRegex(UserError, "75 USD before, 90 USD after"),
            self.env.cr.savepoint(),
        ):
            self.price.unit_price = 0.6
        # Readings change no price.
        self.take(*READ)
        self.assertEqual(golden.verdict, "same")
