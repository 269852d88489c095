# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What if, for prices of meters: whole billing periods at another price."""

from datetime import date

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..billing.test_metered_invoice import MeteredInvoiceCase


@tagged("post_install", "-at_install")
class TestSimulationPrices(MeteredInvoiceCase):
    """Texts: 100 free in a month, then 0.05 each. October: 150 texts, so 2.50."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.draft = cls.make_price(
            cls.meter, (50, 0), (0, 0.1), name="Draft", active=False
        )

    def attempt(self, price, **values):
        wizard = self.env["metered.simulation.start"].create(
            {
                "price_id": price.id,
                "date_from": date(2026, 10, 1),
                "date_to": date(2026, 10, 31),
                **values,
            }
        )
        before = self.stored()
        action = wizard.action_run()
        self.assertEqual(self.stored(), before)
        run = self.env["metered.simulation"].browse(action["res_id"])
        self.assertEqual(run.state, "done")
        return run

    def stored(self):
        """What the database holds of usage and records."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT md5(string_agg(usage::text, ';' ORDER BY id))"
            "  FROM metered_usage usage"
        )
        usage = self.env.cr.fetchone()
        self.env.cr.execute("SELECT count(*), sum(charge) FROM metered_cdr")
        return usage, self.env.cr.fetchone()

    def outcome(self, run):
        return [
            tuple(round(line[name], 6) for name in ("calls", "before", "after"))
            for line in run.line_ids.sorted(lambda line: line.partner_id.name)
        ]

    def usage_of_october(self, partner=None):
        self.make_records("2026-10-02", *[1] * 60, partner=partner)
        self.make_records("2026-10-20", *[1] * 90, partner=partner)

    def test_not_billed_yet(self):
        self.make_plan()
        self.usage_of_october()
        run = self.attempt(self.price)
        self.assertEqual(self.outcome(run), [(150, 2.5, 2.5)])
        self.assertEqual(self.outcome(self.attempt(self.draft)), [(150, 2.5, 10.0)])
        self.assertEqual(run.line_ids.meter_id, self.meter)

    def test_billed(self):
        plan = self.make_plan()
        self.usage_of_october()
        self.renew(plan)
        self.assertEqual(self.outcome(self.attempt(self.price)), [(150, 2.5, 2.5)])
        self.assertEqual(self.outcome(self.attempt(self.draft)), [(150, 2.5, 10.0)])

    def test_billed_in_part(self):
        """What came in late is counted with what was billed of its period."""
        plan = self.make_plan()
        self.usage_of_october()
        self.renew(plan)
        self.make_records("2026-10-25", 1, 1)
        self.assertEqual(self.outcome(self.attempt(self.draft)), [(152, 2.6, 10.2)])

    def test_a_period_is_priced_as_a_whole(self):
        """Days before those that are asked for belong to the period that ends."""
        self.make_plan()
        self.usage_of_october()
        run = self.attempt(self.draft, date_from=date(2026, 10, 15))
        self.assertEqual(self.outcome(run), [(150, 2.5, 10.0)])
        with self.assertRaisesRegex(UserError, "matching usage"):
            self.attempt(
                self.draft, date_from=date(2026, 8, 1), date_to=date(2026, 8, 31)
            )
        run = self.attempt(self.draft, date_to=date(2026, 10, 30))
        self.assertFalse(run.line_ids)

    def test_measured_services_without_a_line(self):
        """Calls at one time have no usage, and who has none of these is not listed."""
        channels = self.make_meter(
            "Channels", kind="gauge", aggregation="max", level_source="calls"
        )
        other = self.make_customer("Other")
        for number, partner in enumerate((self.customer, other)):
            self.make_identifier(partner, f"+1404555010{number}")
            for _two in range(2):
                self.make_subscription(partner, "2026-09-01", "2026-11-01")
        self.env["metered.measured.service"].create(
            {
                "partner_id": self.customer.id,
                "meter_id": channels.id,
                "product_id": self.product.id,
                "charge_basis": "max",
                "unit_price": 4,
                "date_from": "2026-09-01",
            }
        )
        self.import_calls(
            self.make_source(),
            *(
                (
                    f"c{n}",
                    f"2026-10-05 10:00:0{n}",
                    60,
                    f"1404555010{n % 2}",
                    "12125550199",
                )
                for n in range(6)
            ),
        )
        draft = self.make_price(
            channels,
            unit_price=5,
            charge_model="standard",
            charge_basis="max",
            active=False,
        )
        run = self.attempt(draft)
        self.assertEqual(self.outcome(run), [(0, 12, 15)])
        self.assertEqual(run.line_ids.partner_id, self.customer)

    def test_in_place_of_a_price(self):
        best = self.make_customer("Best")
        own = self.make_price(
            self.meter, (0, 0.02), name="Own", partner_ids=[Command.set(best.ids)]
        )
        self.make_plan()
        self.make_plan(partner=best)
        self.usage_of_october()
        self.usage_of_october(best)
        self.assertEqual(
            self.outcome(self.attempt(self.draft)), [(150, 2.5, 10), (150, 3, 10)]
        )
        run = self.attempt(self.draft, price_replaces_id=own.id)
        self.assertEqual(self.outcome(run), [(150, 3, 10)])
        self.assertEqual((run.records, run.left_out), (300, 150))
        run = self.attempt(self.draft, partner_ids=[Command.set(self.customer.ids)])
        self.assertEqual(self.outcome(run), [(150, 2.5, 10)])

    def test_a_minimum_without_usage(self):
        best = self.make_customer("Best")
        self.make_plan()
        self.make_plan(partner=best)
        self.usage_of_october()
        minimum = self.make_price(self.meter, (0, 0.01), name="Least", minimum=4)
        self.assertEqual(
            self.outcome(self.attempt(minimum)), [(150, 2.5, 4.0), (0, 0, 4.0)]
        )

    def test_what_has_no_price(self):
        self.usage_of_october()
        short = self.make_price(self.meter, (100, 0.05), name="Short")
        run = self.attempt(short)
        self.assertEqual((self.outcome(run), run.unrated), ([(150, 0, 0)], 150))

    def test_a_price_that_begins_later(self):
        """A draft is tried as it stands, whatever day it is to begin on."""
        self.make_plan()
        self.usage_of_october()
        self.draft.date_from = date(2027, 1, 1)
        self.assertEqual(self.outcome(self.attempt(self.draft)), [(150, 2.5, 10.0)])
