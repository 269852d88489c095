# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a period's records come to: from the file to the line of the invoice.

Over several days, with files out of order, and with a record that comes after the
period was billed: the whole period counts, and what is due is the difference.
"""

import json
from datetime import date
from decimal import Decimal

import pandas as pd

from odoo.tests import tagged

from ...rating.aggregations import aggregate
from ..billing.test_metered_invoice import MeteredInvoiceCase

FIRST = (
    ("c", "2026-10-20 10:00:00", "7", "ann"),
    ("a", "2026-10-05 22:30:00", "4", "ann"),
    ("b", "2026-10-06 01:00:00", "1", "bob"),
)
SECOND = (
    ("e", "2026-10-19 10:00:00", "3", "bob"),
    ("d", "2026-10-06 00:30:00", "2.5", "cid"),
    # Once more, as it came before.
    ("a", "2026-10-05 22:30:00", "4", "ann"),
)
LATE = (("f", "2026-10-21 09:00:00", "0.5", "dan"),)
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
#: aggregation -> (quantity of October, and with the late record)
EXPECTED = {
    "sum": (17.5, 18),
    "count": (5, 6),
    "max": (7, 7),
    "min": (1, 0.5),
    # Of the records: the mean of the days' means would be 3.9375.
    "average": (3.5, 3),
    "last": (7, 0.5),
    "unique": (3, 4),
}


@tagged("post_install", "-at_install")
class TestAggregations(MeteredInvoiceCase):
    def set_up_meter(self, how):
        """A customer with a plan of 2.00 a unit, and the source of its records."""
        meter = self.make_meter(
            how.title(), aggregation=how, unit="units", unique_property="user"
        )
        price = self.make_price(meter, unit_price=2, charge_model="standard")
        product = self.make_metered_product(how, price)
        partner = self.make_customer(f"Customer {how}")
        self.make_identifier(partner, f"key-{how}", kind="key")
        source = self.make_source("usage", name=how, meter_id=meter.id)
        return source, partner, self.make_plan(product, partner=partner)

    def import_records(self, source, partner, rows):
        key = partner.metered_identifier_ids.value
        lines = ["id,time,identifier,quantity,properties"]
        for name, time, quantity, user in rows:
            properties = json.dumps({"user": user} if user else {}).replace('"', '""')
            lines.append(f'{name},{time},{key},{quantity},"{properties}"')
        name = f"{rows[0][0]}.csv"
        return self.import_text(source, "\n".join([*lines, ""]), name=name)

    def test_from_the_file_to_the_invoice(self):
        # Those of levels are in price/test_levels_billed.py.
        self.assertEqual(
            {*EXPECTED, "time_average", "percentile"},
            set(dict(self.env["metered.meter"]._fields["aggregation"].selection)),
        )
        for how, (quantity, with_late) in EXPECTED.items():
            with self.subTest(how):
                source, partner, plan = self.set_up_meter(how)
                self.import_records(source, partner, FIRST)
                again = self.import_records(source, partner, SECOND)
                self.assertEqual((again.rated, again.duplicates), (2, 1))
                invoice = self.renew(plan)
                self.assert_lines_are_their_usage(invoice)
                [line] = invoice.invoice_line_ids.filtered("metered_price_id")
                self.assertIn(f": {quantity:g} units", line.name)
                self.assertEqual(line.price_subtotal, quantity * 2)
                # What comes late is billed as the difference to the whole period.
                self.import_records(source, partner, LATE)
                second = self.renew(plan)
                self.assert_lines_are_their_usage(second)
                due = (with_late - quantity) * 2
                if due < -10:
                    # An invoice gives back no more than it charges: the next one does.
                    self.assertEqual(second.amount_untaxed, 10)
                    self.assertTrue(self.usage(partner).filtered("collecting"))
                    continue
                self.assertEqual(second.amount_untaxed, 10 + due)
                late = second.invoice_line_ids.filtered("metered_price_id")
                self.assertEqual(sum(late.mapped("price_subtotal")), due)

    def test_what_is_read_comes_to_what_all_records_come_to(self):
        """The database leaves out what cannot change the result, and nothing else."""
        for how in EXPECTED:
            with self.subTest(how):
                source, partner, _plan = self.set_up_meter(how)
                # Lives where it is another day: of the same instant the later stored.
                contact = self.make_customer(
                    f"Contact {how}", parent_id=partner.id, tz="Pacific/Auckland"
                )
                self.make_identifier(contact, f"own-{how}", kind="key")
                self.import_records(source, partner, FIRST + SECOND[:2])
                self.import_records(
                    source,
                    contact,
                    (
                        ("x", "2026-10-20 10:00:00", "6", "ann"),
                        ("y", "2026-10-20 09:59:59", "9", "eve"),
                        ("z", "2026-10-06 01:00:00", "0.25", None),
                    ),
                )
                usage = self.usage(partner) | self.usage(contact)
                [found] = usage._price_meters(self.company, *OCTOBER)
                cdrs = self.env["metered.cdr"].search([("usage_id", "in", usage.ids)])
                self.assertEqual(len(cdrs), 8)
                values = [
                    Decimal(repr(quantity)) for quantity in cdrs.mapped("quantity")
                ]
                if how == "unique":
                    values = [(cdr.properties or {}).get("user") for cdr in cdrs]
                every = pd.DataFrame({"id": cdrs.ids, "value": values})
                every["at_us"] = [int(cdr.start_time.timestamp()) for cdr in cdrs]
                if how == "unique":
                    every = every.dropna()
                expected = aggregate(every, how).quantity
                self.assertEqual(found.priced.quantity, expected)
                rows = usage._read_records(found, usage)
                self.assertEqual(aggregate(rows, how).quantity, expected)
                self.assertLess(len(rows), len(cdrs))

    def test_usage_so_far_is_what_will_be_billed(self):
        for how, (quantity, _with_late) in EXPECTED.items():
            with self.subTest(how):
                source, partner, _plan = self.set_up_meter(how)
                self.import_records(source, partner, FIRST + SECOND[:2])
                usage = self.usage(partner)
                found = usage._price_so_far()
                amounts = [amount for amount, _currency in found.amounts.values()]
                self.assertEqual(float(sum(amounts)), quantity * 2)

    def test_an_import_that_is_undone_counts_no_more(self):
        for how in ("max", "last", "unique", "average"):
            with self.subTest(how):
                source, partner, plan = self.set_up_meter(how)
                self.import_records(source, partner, FIRST)
                self.import_records(source, partner, SECOND[:2])
                wrong = self.import_records(source, partner, LATE)
                wrong.action_undo()
                self.assertEqual(wrong.state, "undone")
                invoice = self.renew(plan)
                self.assertEqual(invoice.amount_untaxed, 10 + EXPECTED[how][0] * 2)
