# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The statistics of a level in a real browser, with mouse, finger, and keys."""

from datetime import datetime
from unittest.mock import patch

from odoo import Command, fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestLevelTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        seats = cls.make_meter(
            "Seats",
            kind="gauge",
            aggregation="max",
            level_holds=True,
            unit="seats",
            most_hours_held=24 * 7,
        )
        cls.meter = seats
        cls.make_meter("Bandwidth", kind="gauge", aggregation="max", unit="Mbit/s")
        price = cls.make_price(seats, unit_price=4, charge_model="standard")
        price.free_units = 5
        product = cls.make_metered_product("Seats", price)
        cls.acme = cls.make_customer("Acme")
        cls.make_identifier(cls.acme, "acme", kind="key")
        cls.plan = cls.make_subscription(cls.acme, "2026-11-01", "2026-12-01")
        cls.plan.sale_subscription_line_ids = [
            Command.create({"product_id": product.id})
        ]
        samples = [
            *((f"2026-09-{day:02} 09:00:00", 10 + day % 4) for day in range(2, 30, 2)),
            *((f"2026-10-{day:02} 09:00:00", 14 + day % 3) for day in range(2, 30, 3)),
            ("2026-11-01 09:00:00", 12),
            ("2026-11-03 09:30:00", 23),
            ("2026-11-04 09:00:00", 8),
        ]
        source = cls.make_source("usage", meter_id=seats.id)
        rows = "".join(f"{at},acme,{value}\n" for at, value in samples)
        batch = cls.import_text(source, "time,identifier,quantity\n" + rows)
        assert batch.rated == len(samples)
        new_test_user(
            cls.env,
            "keeper",
            groups="metered_billing.group_metered_administrator,"
            "sales_team.group_sale_manager",
            tz="America/New_York",
        )
        cls.startClassPatcher(
            patch.object(fields.Datetime, "now", lambda *_: datetime(2026, 11, 15, 18))
        )

    def test_statistics_of_a_level(self):
        self.start_tour(
            f"/odoo/metered-meters/{self.meter.id}",
            "metered_billing_level_window",
            login="keeper",
        )

    def test_from_a_subscription_line(self):
        self.start_tour(
            f"/odoo/sale.subscription/{self.plan.id}",
            "metered_billing_level_from_line",
            login="keeper",
        )

    def test_from_a_customer(self):
        self.start_tour(
            f"/odoo/res.partner/{self.acme.id}",
            "metered_billing_level_from_customer",
            login="keeper",
        )
