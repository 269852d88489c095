# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A Kafka source from its form to an invoice, in a real browser."""

from odoo import Command, fields
from odoo.tests import HttpCase, tagged

from ..support.kafka_broker import Broker
from ..support.metered_case import MeteredMakers
from ..support.tour_worker import TourWorker
from .test_source_kafka import event


@tagged("post_install", "-at_install")
class TestSourceKafkaTour(TourWorker, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.broker = cls.enterClassContext(Broker())
        cls.broker.topic("tour-usage")
        cls.env["ir.config_parameter"].set_param(
            "metered_tour.brokers", cls.broker.address
        )

    def test_from_the_form_to_the_invoice(self):
        # The wizard asks for last month where nothing else is said.
        today = fields.Date.today()
        day = fields.Date.start_of(fields.Date.subtract(today, months=1), "month")
        meter = self.make_meter("API calls", code="api", unit="calls")
        price = self.make_price(meter, (0, 0.25))
        product = self.make_metered_product("API calls", price)
        customer = self.make_customer("Topic Customer")
        self.make_identifier(customer, "acme", "key")
        self.make_subscription(
            customer,
            day,
            fields.Date.add(day, months=2),
            sale_subscription_line_ids=[
                Command.create({"product_id": product.id, "name": product.name})
            ],
        )
        self.broker.send(
            "tour-usage",
            [
                event(1, time=f"{day}T10:00:00Z", data={"quantity": 2}),
                b"no JSON",
                event(2, time=f"{day}T11:00:00Z", data={"quantity": 3}),
            ],
        )
        wait = self.start_worker("metered.sync", looks=2)
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_source",
            "metered_billing_kafka",
            login="admin",
        )
        wait()
        usage = self.usage(customer)
        self.assertEqual(usage.quantity, 5)
        [line] = usage.invoice_id.invoice_line_ids
        self.assertEqual(line.price_subtotal, 1.25)
        self.assertEqual(usage.invoice_id.state, "draft")
