# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Amounts are stored with six decimals, quantities without zeros at their end.

Whatever wrote them: the copy of an import, what adds to it, plans, rating again, an
undo. So what is stored is the same text after a kill and a new attempt.
"""

import re
from pathlib import Path

from odoo.tests import tagged

from ..plan.test_calling_plans import NEW_YORK, PHONE, PlanCase
from ..support.record_factory import MODULE

AMOUNTS = ("charge", "deck_charge", "amount", "cost", "margin", "estimate")
QUANTITIES = ("quantity", "billed_quantity", "plan_quantity")
SCALE = 6
#: what a person enters, as it was entered
ENTERED = "metered_calling_plan_allowance"
#: stored numbers that are neither money nor a quantity, with the reason
NOT_EXACT = {
    **{
        (model, "run_seconds"): "how long a job took"
        for model in (
            *("metered.approval", "metered.batch", "metered.exception.job"),
            "metered.renewal",
            *("metered.rerate", "metered.simulation", "metered.statement"),
            *("metered.retention.run", "metered.seal.check", "metered.sync"),
            *("metered.statement.zip", "metered.evidence"),
        )
    },
    ("metered.deck.import.line", "change"): "percent, for a person to look at",
    ("metered.manual.invoice.line", "minutes"): "shown beside the exact amount",
    ("metered.quote.line", "quantity"): "as an invoice line has it, to be looked at",
    ("metered.quote.line", "forecast_quantity"): "as quantity is",
    ("metered.quote.line", "unit_price"): "as an invoice line has it, to be looked at",
    ("metered.retention.run", "bytes"): "whole, and more than an integer holds",
    ("metered.review", "change_percent"): "percent, for a person to look at",
    ("metered.review", "usage_share"): "percent, for a person to look at",
    ("metered.review", "weight"): "how far up in the list it stands",
    ("metered.source", "requests_per_second"): "how fast a switch may be asked",
    ("metered.source.file", "size"): "bytes: whole, and more than an integer holds",
    ("metered.source.partition", "end_offset"): "an offset, as large as 64 bits",
    ("metered.source.partition", "next_offset"): "an offset, as large as 64 bits",
    ("metered.subscription.setup", "fee"): "the product's price, which is one as well",
    ("metered.time.band.slot", "hour_from"): "an hour of the day, as Odoo has it",
    ("metered.time.band.slot", "hour_to"): "an hour of the day, as Odoo has it",
}


@tagged("post_install", "-at_install")
class TestAmountScale(PlanCase):
    def check(self, *tables):
        """Each amount and quantity of our tables; these have some."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_name LIKE 'metered\\_%%' AND data_type = 'numeric'"
            " AND column_name = ANY(%s) AND table_name != %s",
            ([*AMOUNTS, *QUANTITIES], ENTERED),
        )
        for table, column in self.env.cr.fetchall():
            scale = SCALE if column in AMOUNTS else f"min_scale({column})"
            self.env.cr.execute(
                f"SELECT count(*), count(*) FILTER (WHERE scale({column}) != {scale}),"
                f" min({column}::text) FILTER (WHERE scale({column}) != {scale})"
                f" FROM {table} WHERE {column} IS NOT NULL"
            )
            number, wrong, example = self.env.cr.fetchone()
            self.assertFalse(wrong, f"{table}.{column}: {example}")
            if table in tables and column in ("amount", "charge"):
                self.assertTrue(number, f"{table}.{column}")

    def call(self, number, seconds=67, caller=PHONE):
        start = f"2026-10-05 10:{number:02d}:00"
        return (f"s{number}", start, seconds, caller, NEW_YORK)

    def test_calls_on_all_their_ways(self):
        first = self.import_calls(self.source, self.call(1), self.call(2))
        self.check("metered_cdr", "metered_usage")
        second = self.import_calls(self.source, self.call(3, 31), self.call(4, 29))
        self.check()
        unknown = self.import_calls(self.source, self.call(5, caller="+14045550177"))
        self.assertEqual(unknown.exceptions, 1)
        self.make_identifier(self.customer, "+14045550177")
        self.exceptions(unknown).action_retry()
        self.assertEqual(unknown.exceptions, 0)
        self.check()
        self.sell(self.make_plan({"amount": 1}))
        self.env["metered.plan.mark"]._apply_plans()
        self.check()
        deck = self.make_deck("Dearer")
        self.make_rate(deck, "", price=0.0371)
        self.customer.metered_deck_id = deck
        self.assertTrue(self.usage(self.customer)._rerate().changed)
        self.check()
        self.env["metered.plan.mark"]._apply_plans()
        self.check()
        second.action_undo()
        self.check("metered_cdr", "metered_usage")
        self.assertTrue(self.cdrs(first))

    def test_quantities_of_meters(self):
        meter = self.make_meter("Energy", unit="kWh")
        source = self.make_source("usage", name="Readings", meter_id=meter.id)
        self.make_identifier(self.customer, "key-1", kind="key")
        batches = [
            self.import_text(
                source,
                "id,time,identifier,quantity\n"
                f"r{number},2026-10-05 10:00:00,key-1,{quantity}\n",
                name=f"r{number}.csv",
            )
            for number, quantity in enumerate(("1.50", "1.5", "0.25", "1.75"))
        ]
        self.check()
        [usage] = self.usage(self.customer)
        self.env.cr.execute(
            "SELECT quantity::text FROM metered_usage WHERE id = %s", usage.ids
        )
        self.assertEqual(self.env.cr.fetchone(), ("5",))
        batches[2].action_undo()
        self.check()

    def test_no_statement_divides_amounts(self):
        """A division of numbers has as many decimals as PostgreSQL thinks best."""
        root = Path(__file__).resolve().parents[2]
        for path in [
            *root.glob("ingest/*.py"),
            *root.glob("stored/*.py"),
            *root.glob("models/**/*.py"),
        ]:
            found = re.search(r"micro\s*/\s*1000000", path.read_text())
            self.assertFalse(found, path.name)

    def test_every_number_is_stored_as_it_is(self):
        """Nothing that may be money or a quantity is rounded or binary in its column.

        What is added next month neither, or it is named with the reason.
        """
        found = {
            (name, field.name)
            for name, model in self.env.registry.items()
            for field in model._fields.values()
            if field._module == MODULE
            and field.type == "float"
            and field.store
            and not model._abstract
            and field._digits != 0
        }
        self.assertEqual(found, set(NOT_EXACT))
