# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A company in the middle of its business, for tests of whatever the module has."""

import base64
from datetime import date, datetime

from odoo import Command

from .metered_case import MeteredCase

PHONE, PHONE_2 = "+14045550100", "+14045550101"
NEW_YORK, LONDON = "+12125550199", "+442079460120"
DECK_FILE = b"prefix,destination,price,billing\n44,UK,0.15,60/6\n1,USA,0.01,1/1\n"


class PopulatedCase(MeteredCase):
    """At least one record of every model that is kept, in as many states as easily."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.setUpPrices()
        cls.setUpCustomers()
        cls.setUpImports()
        cls.setUpBilling()
        cls.setUpTrials()
        cls.setUpSwitch()
        cls.env.flush_all()

    @classmethod
    def setUpPrices(cls):
        env = cls.env
        cls.band = env["metered.time.band"].create(
            {
                "name": "Peak",
                "slot_ids": [
                    Command.create({"monday": True, "hour_from": 8, "hour_to": 18})
                ],
            }
        )
        cls.holiday = env["metered.holiday"].create(
            {"name": "New Year", "date": date(2027, 1, 1)}
        )
        cls.deck.holiday_ids = cls.holiday
        cls.deck.rate_ids.date_from = date(2026, 1, 1)
        cls.make_rate(cls.deck, "44", price=0.12, name="UK")
        cls.make_rate(cls.deck, "49", price=0.2, band_id=cls.band.id)
        tiered = cls.make_rate(cls.deck, "999", price=1)
        env["metered.rate.tier"].create({"rate_id": tiered.id, "price": 0.01})
        cls.file_deck = cls.make_deck("Carrier")
        wizard = env["metered.deck.import"].create(
            {
                "deck_id": cls.file_deck.id,
                "file": base64.b64encode(DECK_FILE),
                "file_name": "rates.csv",
            }
        )
        wizard.action_preview()
        wizard.action_apply()
        cls.group = env["metered.customer.group"].create(
            {"name": "Gold", "deck_id": cls.deck.id}
        )
        cls.meter = cls.make_meter("Texts", unit="texts", code="sms")
        cls.price = cls.make_price(cls.meter, (2, 0), (0, 0.05))
        cls.text_product = cls.make_metered_product("Text messages", cls.price)
        cls.counter = cls.make_meter("Power", kind="counter", unit="kWh")
        cls.counter_price = cls.make_price(cls.counter, (0, 0.3))
        cls.power_product = cls.make_metered_product("Power", cls.counter_price)
        cls.plan = env["metered.calling.plan"].create(
            {
                "name": "Plan",
                "allowance_ids": [
                    Command.create({"name": "Minutes", "unit": "minutes", "amount": 10})
                ],
            }
        )
        cls.plan_product = env["product.product"].create(
            {"name": "Plan", "type": "service", "metered_plan_id": cls.plan.id}
        )

    @classmethod
    def setUpCustomers(cls):
        cls.source = cls.make_source()
        cls.texts = cls.make_source("usage", meter_id=cls.meter.id)
        cls.customer = cls.make_customer("Acme", PHONE, is_company=True)
        cls.other = cls.make_customer("Best", PHONE_2, metered_group_id=cls.group.id)
        cls.make_identifier(cls.customer, "key-1", kind="key")
        cls.make_identifier(cls.customer, "4711", kind="meter")
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.subscription.sale_subscription_line_ids = [
            Command.create({"product_id": cls.plan_product.id}),
            Command.create({"product_id": cls.text_product.id}),
            Command.create({"product_id": cls.power_product.id}),
        ]
        cls.other_subscription, cls.paused = (
            cls.make_subscription(cls.other, "2026-10-01", "2026-11-01")
            for _number in range(2)
        )
        cls.paused.is_paused = True

    @classmethod
    def setUpImports(cls):
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 900, PHONE, NEW_YORK),
            ("2", "2026-10-05 11:00:00", 60, PHONE_2, LONDON),
            # Exceptions: nobody's number, no such destination, no length.
            ("3", "2026-10-05 12:00:00", 60, "+14045559999", NEW_YORK),
            ("4", "2026-10-05 12:00:00", 60, PHONE, "123"),
            ("5", "2026-10-05 12:00:00", "x", PHONE, NEW_YORK),
            ("5b", "2026-10-05 12:00:00", "y", PHONE, NEW_YORK),
        )
        cls.text_batch = cls.import_texts("1", "2026-10-05", 5)
        cls.open_batch = cls.import_calls(
            cls.source,
            ("6", "2026-11-05 10:00:00", 900, PHONE, NEW_YORK),
            ("7", "2026-11-05 11:00:00", 60, PHONE_2, LONDON),
            name="open.csv",
        )
        cls.open_text_batch = cls.import_texts("2", "2026-11-05", 7)
        cls.import_text(
            cls.texts,
            "time,identifier,quantity,meter\n"
            "2026-11-05 10:00:00,4711,100,power\n"
            "2026-11-06 10:00:00,4711,110,power\n"
            # It went back.
            "2026-11-07 10:00:00,4711,90,power\n",
            name="readings.csv",
        )
        cls.failed_batch = cls.import_calls(
            cls.source,
            ("8", "2026-11-06 10:00:00", 60, PHONE, NEW_YORK),
            name="failed.csv",
        )
        cls.failed_batch.write({"state": "failed", "error": "The server was stopped."})
        cls.stuck_batch = cls.import_calls(
            cls.make_source(),
            ("9", "2026-11-07 10:00:00", 60, PHONE, NEW_YORK),
            name="stuck.csv",
        )
        cls.stuck_batch.write({"state": "undoing", "undo_error": "It was invoiced."})
        # A call from before there was any rate.
        cls.import_calls(
            cls.source,
            ("10", "2025-12-31 12:00:00", 60, PHONE, NEW_YORK),
            name="old.csv",
        )
        job = cls.env["metered.exception.job"]._create_jobs(
            "retry", {"reasons": ["unknown_customer"]}
        )
        job.write({"state": "failed", "error": "The server was stopped."})
        cls.exceptions(cls, cls.batch)[-1].state = "dismissed"

    @classmethod
    def import_texts(cls, name, day, count):
        rows = "".join(f"{name}-{at},{day} 10:00:00,key-1,1,,\n" for at in range(count))
        return cls.import_text(
            cls.texts,
            "id,time,identifier,quantity,meter,properties\n" + rows,
            name=f"texts-{name}.csv",
        )

    @classmethod
    def setUpBilling(cls):
        env = cls.env
        cls.renewal = env["metered.renewal"].create(
            {"company_id": cls.company.id, "date": "2026-11-01", "expected": 2}
        )
        cls.renewal._process()
        cls.invoice = cls.subscription.invoice_ids
        cls.invoice.action_post()
        cls.failed_renewal = env["metered.renewal"].create(
            {
                "company_id": cls.company.id,
                "date": "2026-11-01",
                "expected": 1,
                "state": "failed",
                "error": "The server was stopped.",
                "failures": 1,
                "failure_ids": [
                    Command.create(
                        {
                            "subscription_id": cls.other_subscription.id,
                            "date": "2026-11-01",
                            "reason": "There is no price.",
                        }
                    )
                ],
            }
        )

        [row] = cls.renewal.review_ids.filtered(lambda row: row.state == "review")
        cls.held_review = row.copy(
            {
                "invoice_id": False,
                "state": "held",
                "hold_reason": "The customer asks for a credit.",
                "held_uid": env.uid,
                "held_date": "2026-11-01 10:00:00",
            }
        )
        # A draft that nobody has decided about.
        third = cls.make_subscription(
            cls.make_customer("Third"), "2026-10-01", "2026-11-01"
        )
        third._metered_renew(cls.renewal)
        cls.approval = env["metered.approval"].create(
            {
                "company_id": cls.company.id,
                "renewal_id": cls.renewal.id,
                "user_id": env.uid,
                "expected": 1,
                "state": "failed",
                "error": "The server was stopped.",
            }
        )

    @classmethod
    def setUpTrials(cls):
        env = cls.env
        cls.golden = env["metered.golden.call"].create(
            {
                "partner_id": cls.customer.id,
                "number": LONDON,
                "meter_id": cls.cdrs(cls, cls.open_batch)[0].meter_id.id,
                "moment": datetime(2026, 11, 5, 10),
                "standing": False,
                "seconds": 60,
                "expected": 0.12,
            }
        )
        env["metered.golden.call"].create(
            {
                "kind": "usage",
                "partner_id": cls.customer.id,
                "meter_id": cls.meter.id,
                "quantity": 3,
                "expected": 0.05,
            }
        )
        days = {"date_from": date(2026, 10, 1), "date_to": date(2026, 12, 31)}
        supplier = cls.make_deck("Supplier", purpose="cost")
        cls.make_rate(supplier, "", price=0.01)
        cls.company.metered_cost_deck_id = supplier
        for values in (
            {"kind": "margin"},
            {"kind": "what_if", "deck_id": cls.file_deck.id},
        ):
            env["metered.simulation.start"].create({**days, **values}).action_run()
        wizard = env["metered.deck.import"].create(
            {
                "deck_id": cls.file_deck.id,
                "file": base64.b64encode(DECK_FILE.replace(b"0.15", b"0.16")),
                "file_name": "next.csv",
            }
        )
        wizard.action_preview()
        tried = wizard.action_check()["context"]
        env["metered.simulation.start"].with_context(**tried).create(days).action_run()
        dear = cls.make_deck("Dear")
        cls.make_rate(dear, "", price=0.5)
        cls.other.metered_deck_id = dear
        for scope in ("open", "invoiced"):
            env["metered.rerate.start"].create(
                {**days, "scope": scope}
            ).action_preview()
        cls.other_invoice = cls.other_subscription.invoice_ids
        cls.other_invoice.action_post()
        wizard = env["metered.rerate.start"].create({**days, "scope": "invoiced"})
        run = env["metered.rerate"].browse(wizard.action_preview()["res_id"])
        env["metered.rerate.approve"].create(
            {"rerate_id": run.id, "reason": "The rates were wrong."}
        ).action_post()
        dearer = cls.make_deck("Dearer")
        cls.make_rate(dearer, "", price=0.7)
        cls.other.metered_deck_id = dearer
        for scope in ("open", "invoiced"):
            env["metered.rerate.start"].create(
                {**days, "scope": scope}
            ).action_preview()
        for model in ("metered.simulation", "metered.rerate"):
            found = env[model].search([], order="id desc")
            found[-1].copy({"state": "failed", "error": "The server was stopped."})

    @classmethod
    def setUpSwitch(cls):
        """A switch that does not answer, with what it once told."""
        env = cls.env
        cls.switch = cls.make_source(
            "netsapiens",
            source_type="netsapiens",
            address="https://127.0.0.1",
            api_key="not a key",
        )
        cls.account = env["metered.source.account"].create(
            {
                "source_id": cls.switch.id,
                "name": "acme",
                "partner_id": cls.customer.id,
            }
        )
        env["metered.source.found"].create(
            [
                {"source_id": cls.switch.id, "name": "best", "title": "Best"},
                {"source_id": cls.switch.id, "name": "acme", "title": "Acme"},
            ]
        )
        span = {
            "kind": "manual",
            "date_from": "2026-10-01 00:00:00",
            "date_to": "2026-10-02 00:00:00",
        }
        for state in ("failed", "done"):
            env["metered.sync"].create(
                {
                    "source_id": cls.switch.id,
                    "account_id": cls.account.id,
                    "state": state,
                    "batch_id": state == "done" and cls.open_batch.id,
                    **span,
                }
            )
        env["metered.completeness"].create(
            {
                "source_id": cls.switch.id,
                "account_id": cls.account.id,
                "day": "2026-10-01",
                "switch_count": 3,
                "held_count": 1,
            }
        )
        cls.rest = cls.make_source(source_type="http_json", address="https://127.0.0.1")
