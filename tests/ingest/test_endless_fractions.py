# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Quantities, shares and prices whose digits never end, wherever they are shown.

The mean of 1, 1 and 2 is 4/3, and so are 4 of what is sold by the three: every way of
counting, unit, charge model and presentation that the module offers, in one file, on
one invoice.
"""

import itertools
import re
from datetime import date

from odoo import Command
from odoo.tests import Form, tagged
from odoo.tools import html2plaintext

from ..plan.test_calling_plans import PHONE, PlanCase
from ..rerate.test_rerate_meters import RerateMetersCase

#: what each charge model needs to have a price
SETTINGS = {
    "standard": {"unit_price": 0.07},
    "package": {"unit_price": 5, "package_size": 0.7, "package_rounding": "half_up"},
    "percentage": {"rate": 2.9, "fixed_fee": 0.3, "free_events": 1},
    "stairstep": {
        "tier_ids": [
            Command.create({"up_to": 0.3, "flat_fee": 50}),
            Command.create({"flat_fee": 80}),
        ]
    },
    "graduated_percentage": {
        "tier_ids": [
            Command.create({"up_to": 0.3, "rate": 3}),
            Command.create({"rate": 70, "flat_fee": 1}),
        ]
    },
}
TIERS = {
    "tier_ids": [
        Command.create({"up_to": 0.3, "unit_price": 0.7}),
        Command.create({"unit_price": 0.05, "flat_fee": 1}),
    ]
}
FREE_TIERS = {
    "tier_ids": [
        Command.create({"up_to": 100}),
        Command.create({"unit_price": 0.05}),
    ]
}
FACTORS = {"multiply": 0.1, "divide": 3}

#: what a number of Python's looks like, and none on an invoice
RAW = re.compile(r"(?<![\d/])-?\d+/\d+(?![\d/])|Fraction|Decimal|\d[eE][+-]?\d")


def choices(model, field):
    """What a selection field offers."""
    return [value for value, _label in model._fields[field].selection]


@tagged("post_install", "-at_install")
class TestEndlessFractions(RerateMetersCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Price, Meter = cls.env["metered.price"], cls.env["metered.meter"]
        every = itertools.product(
            choices(Meter, "aggregation"),
            choices(Meter, "presentation"),
            choices(Price, "charge_model"),
            choices(Price, "conversion_operation"),
        )
        cls.prices = Price
        for place, how in enumerate(every):
            cls.prices |= cls.make_one(place, *how)
        cls.source = cls.make_source("usage")
        cls.make_identifier(cls.customer, "meter-1", "meter")

    @classmethod
    def make_one(cls, place, aggregation, presentation, model, operation):
        meter = cls.make_meter(
            f"Meter {place}",
            aggregation=aggregation,
            kind="gauge" if aggregation in ("time_average", "percentile") else "event",
            presentation=presentation,
            unique_property="who",
        )
        tiers = FREE_TIERS if place % 3 else TIERS
        price = cls.make_price(
            meter,
            charge_model=model,
            conversion_operation=operation,
            conversion_factor=FACTORS[operation],
            free_units=0.1 * (place % 5 == 0),
            minimum=7 * (place % 7 == 0),
            prorate=place % 4 == 0,
            **SETTINGS.get(model, tiers),
        )
        if place % 2:
            # 8 days of 31 at the price of now, the others at one before it
            price._keep_until(date(2026, 10, 20))
        return price

    def read_file(self):
        rows = ["id,time,identifier,quantity,meter,properties"]
        for meter in self.prices.meter_id:
            rows += [
                f"{meter.code}-{place},2026-10-{day} 10:00:00,meter-1,{quantity},"
                f'{meter.code},"{{""who"": ""{place}""}}"'
                for place, (day, quantity) in enumerate(((13, 1), (14, 1), (25, 2)))
            ]
        batch = self.import_text(self.source, "\n".join(rows))
        self.assertEqual(len(self.cdrs(batch)), len(rows) - 1)

    def subscribe(self):
        # 20 days of October
        plan = self.make_subscription(self.customer, "2026-10-12", "2026-11-01")
        plan.sale_subscription_line_ids = [
            Command.create({"product_id": self.make_metered_product(p.name, p).id})
            for p in self.prices
        ]
        return plan

    def assert_readable(self, text, about):
        text = re.sub(r"\d+/\d+/\d{4}", "", html2plaintext(text or ""))
        self.assertFalse(RAW.findall(text), f"{about}: {text}")

    def test_from_the_file_to_the_invoice_and_its_correction(self):
        self.read_file()
        plan = self.subscribe()

        tab = {
            row["name"]: row
            for block in self.customer.metered_usage_info["blocks"]
            for row in block["rows"]
        }
        self.assertEqual(len(tab), len(self.prices))
        invoice = self.bill(plan)

        self.assertEqual(invoice.state, "posted")
        lines = invoice.invoice_line_ids.filtered("metered_price_id")
        self.assertEqual(lines.metered_price_id, self.prices)
        self.assert_lines_are_their_usage(invoice)
        for price, of_price in lines.grouped("metered_price_id").items():
            row = tab[price.meter_id.name]
            due = sum(of_price.mapped("price_subtotal"))
            self.assertEqual(row["amount"], self.customer._metered_money(due, self.usd))
            self.assert_readable(row["quantity"], price.name)
        for line in lines:
            self.assert_readable(line.name, line.metered_price_id.name)
            self.assert_readable(line.metered_explanation, line.name)

        # Corrected: priced by the seven, which has no end either.
        self.prices.write({"conversion_factor": 7})
        run = self.start()
        self.assertFalse(run.line_ids.filtered("note"), run.line_ids)
        documents = self.approve(run)
        self.assertTrue(documents)
        self.assertEqual(set(documents.mapped("state")), {"posted"})
        for line in documents.invoice_line_ids:
            self.assert_readable(line.name, line.name)
            self.assert_readable(line.metered_explanation, line.name)
        self.assert_nothing_more()

    @property
    def usd(self):
        return self.company.currency_id

    def test_forms_of_prices_and_the_rows_of_usage(self):
        self.read_file()
        self.subscribe()
        usage = self.usage(self.customer)
        for row in usage:
            self.assertNotEqual(row.so_far, "no price", row.meter_id.name)
            self.assert_readable(row.so_far, row.meter_id.name)
        self.prices.example_quantity = 4
        for price in self.prices:
            self.assert_readable(price.example, price.name)
            self.assertNotIn("alert", price.example, price.name)
            self.assert_readable(price.description, price.name)
        for price in self.prices[:: len(self.prices) // 8]:
            with Form(price) as form:
                form.example_quantity = 7
                self.assert_readable(form.example, price.name)

    def test_what_if(self):
        self.read_file()
        self.subscribe()
        for price in self.prices.filtered(
            lambda price: price.meter_id.presentation == "sum"
        ):
            wizard = self.env["metered.simulation.start"].create(
                {
                    "price_id": price.id,
                    "date_from": date(2026, 10, 1),
                    "date_to": date(2026, 10, 31),
                }
            )
            run = self.env["metered.simulation"].browse(wizard.action_run()["res_id"])
            self.assertEqual(run.state, "done", price.name)
            self.assert_readable(run.result, price.name)

    def test_by_hand_in_another_currency(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2020-01-01", "rate": 0.7}
        )
        self.prices.write({"currency_id": euro.id})
        for price in self.prices:
            price.meter_id.product_id = self.make_metered_product(price.name, price)
        self.read_file()
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        wizard.action_search()
        self.assertEqual(wizard.line_ids.meter_id, self.prices.meter_id)
        for line in wizard.line_ids:
            self.assert_readable(line.rated, line.meter_id.name)
        action = wizard.action_create_invoice()
        invoice = self.env["account.move"].browse(action["res_id"])
        self.assertEqual(invoice.currency_id, self.usd)
        lines = invoice.invoice_line_ids
        self.assertEqual(lines.metered_price_id, self.prices)
        for line in lines:
            self.assert_readable(line.name, line.name)
            self.assert_readable(line.metered_explanation, line.name)

    def test_golden_quantities(self):
        self.read_file()
        for price in self.prices[:: len(self.prices) // 20]:
            call = self.env["metered.golden.call"].create(
                {
                    "kind": "usage",
                    "meter_id": price.meter_id.id,
                    "quantity": 4,
                    "expected": 0,
                    "currency_id": self.usd.id,
                }
            )
            self.assert_readable(call.display_name, price.name)
            self.assert_readable(" ".join(map(str, call._looks()[call])), price.name)


@tagged("post_install", "-at_install")
class TestEndlessCalls(PlanCase):
    """100 seconds at prices per 7 s, minute or hour, some of them by an allowance."""

    def test_explained_and_found(self):
        callee = 12125550100
        for place, per in enumerate((7, 60, 3600, 7, 60, 3600)):
            self.make_rate(
                self.deck,
                str(callee + place),
                price=1,
                per_seconds=per,
                max_charge=0.1,
                has_max_charge=place % 2,
            )
        units = choices(self.env["metered.calling.plan.allowance"], "unit")
        rows = []
        for unit in units:
            values = {} if unit in ("money", "records") else {"increment": 7}
            self.sell(self.make_plan({"unit": unit, "amount": 3, **values}))
        for number in range(callee, callee + place + 1):
            rows.append((f"c{number}", "2026-10-02 10:00:00", 100, PHONE, f"+{number}"))
        batch = self.import_calls(self.source, *rows)
        cdrs = self.cdrs(batch)
        self.assertEqual(len(cdrs), len(rows))
        for cdr in cdrs:
            text = re.sub(r"\d+/\d+/\d{4}", "", html2plaintext(cdr.explanation))
            self.assertFalse(RAW.findall(text), text)
            finder = self.env["metered.rate.finder"].create(
                {
                    "number": cdr.callee,
                    "moment": cdr.start_time,
                    "source_id": self.source.id,
                    "partner_id": self.customer.id,
                    "seconds": 100,
                }
            )
            text = re.sub(r"\d+/\d+/\d{4}", "", html2plaintext(finder.result))
            self.assertFalse(RAW.findall(text), text)
