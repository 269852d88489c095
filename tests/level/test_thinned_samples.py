# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Samples that were thinned are billed as they were, and never billed twice."""

import random
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from functools import partial
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from psycopg2.errors import LockNotAvailable

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import html2plaintext, mute_logger

from ...connectors.events.body import RequestFault
from ...connectors.events.cloud_event import Event
from ...ingest.event_inbox import store_events
from ...models.level import metered_usage_hours
from ...models.source import metered_source_cancel
from ...rating.levels import GAPS
from ...stored import thin_samples
from ..billing.test_metered_invoice import MeteredInvoiceCase

#: of the year; samples are thinned up to October
MONTHS = [date(2026, month, 1) for month in (1, 6, 9, 10, 12)]
#: (aggregation, whether the level continues, what is in a gap)
WAYS = [
    *(
        (how, False, "hold")
        for how in ("sum", "count", "average", "max", "min", "last")
    ),
    *((how, True, "hold") for how in ("max", "min", "last")),
    *((how, True, gap) for how in ("time_average", "percentile") for gap in GAPS),
]


def nullcontext_of(*_args):
    """Nobody else is there."""
    return nullcontext()


@tagged("post_install", "-at_install")
class TestThinnedSamples(MeteredInvoiceCase):
    """Two customers with the same year of samples; those of one are thinned."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.level = cls.make_meter(
            "Seats",
            kind="gauge",
            aggregation="max",
            level_holds=True,
            level_property="device",
            most_hours_held=100,
            unit="seats",
        )
        price = cls.make_price(cls.level, unit_price=10, charge_model="standard")
        cls.seats = cls.make_metered_product("Seats", price)
        chance = random.Random(3)
        cls.year = [
            (
                number,
                datetime(2026, 1, 1) + timedelta(hours=chance.randrange(365 * 24)),
                chance.randrange(0, 20_000) / 1000,
                chance.choice(["a", "b", ""]),
            )
            for number in range(150)
        ]
        # of one instant the last one counts, also when both are thinned
        cls.year += [(150, cls.year[0][1], 12, cls.year[0][3])]
        cls.thinned, cls.other = [cls.set_up_customer(name) for name in "XY"]

    @classmethod
    def set_up_customer(cls, name):
        partner = cls.make_customer(f"Customer {name}", tz="America/New_York")
        cls.make_identifier(partner, name, kind="key")
        source = cls.make_source("usage", name=name, meter_id=cls.level.id)
        cls.import_samples(source, *cls.year)
        plan = cls.make_plan(
            cls.seats, partner=partner, start="2025-12-01", due="2026-02-01"
        )
        return partner, source, plan

    @classmethod
    def import_samples(cls, source, *samples, name="samples.csv"):
        rows = [
            f"s{number},{at},{source.name},{value},"
            + (f'"{{""device"": ""{device}""}}"' if device else "")
            for number, at, value, device in samples
        ]
        text = "\n".join(["id,time,identifier,quantity,properties", *rows, ""])
        return cls.import_text(source, text, name=name)

    def thin(self, months=3):
        """Thin what the first customer's source sent before October 2026."""
        others = self.env["metered.batch"].search(
            [("source_id", "=", self.other[1].id), ("state", "=", "done")]
        )
        # As if these were still being imported.
        others._set_as_program({"state": "queued"})
        self.company.metered_samples_months = months
        with freeze_time("2027-01-01 12:00:00"):
            self.assertTrue(self.env["metered.level.kept"]._thin(self.company))
        others._set_as_program({"state": "done"})
        self.env.flush_all()

    def test_by_a_retention_rule(self):
        """As the setting does it: previewed, counted, and not of what is on hold."""
        rule = self.env["metered.retention.rule"].create(
            {"company_id": self.company.id, "kind": "samples", "days": 92}
        )
        self.env["metered.hold"].create(
            {
                "name": "Order",
                "reason": "order",
                "hold_from": "2026-01-01",
                "partner_id": self.other[0].id,
            }
        )
        self.company.metered_samples_months = 1
        with freeze_time("2027-01-01 12:00:00"):
            start = self.env["metered.retention.start"].create({"rule_id": rule.id})
            records, customers = start.records, start.customers
            run = rule._turn_on()
            run._process()
            self.env.invalidate_all()
            self.assertEqual((run.state, run.records), ("done", records))
            left = [self.count(who) for who in (self.thinned, self.other)]
            self.assertEqual((customers, left), (1, [151 - records, 151]))
            self.assertTrue(0 < records < 151)
            # Nor does the setting take what is on hold.
            self.assertTrue(self.env["metered.level.kept"]._thin(self.company))
        self.assertLess(self.count(self.thinned), 151 - records)
        self.assertEqual(self.count(self.other), 151)

    def count(self, who):
        partner, *_rest = who
        return self.env["metered.cdr"].search_count([("partner_id", "=", partner.id)])

    def quantities(self, who):
        """What each month comes to, in every way."""
        partner, _source, plan = who
        found = {}
        for how, holds, gap in WAYS:
            values = {"aggregation": how, "level_holds": holds, "gap_policy": gap}
            self.level.write(values)
            for begin in MONTHS:
                end = begin + relativedelta(months=1)
                usage = self.env["metered.usage"].search(
                    [
                        ("partner_id", "=", partner.id),
                        ("day", ">=", begin),
                        ("day", "<", end),
                    ]
                )
                priced = (
                    self.env["metered.usage"]
                    ._price_meter(
                        self.level, plan, partner, self.company, begin, end, usage
                    )
                    .priced
                )
                step = [dict(s.values) for s in priced.steps if s.code == "level"]
                found[how, holds, gap, begin] = (priced.quantity, step)
        self.level.write({"aggregation": "max", "level_holds": True})
        return found

    def test_a_year_comes_to_the_same_in_every_way(self):
        before = self.quantities(self.thinned)
        self.thin()
        self.assertLess(self.count(self.thinned), self.count(self.other) / 2)
        self.assertEqual(self.count(self.other), len(self.year))
        self.assertEqual(self.quantities(self.thinned), before)
        with patch.object(metered_usage_hours, "MANY_SAMPLES", 0):
            self.assertEqual(self.quantities(self.thinned), before)
        # What came in late stands between the thinned ones, and is thinned later.
        june = [row for row in self.year if row[1].month == 6]
        late = [
            (1000, june[0][1] + timedelta(minutes=20), 19.5, june[0][3]),
            (1001, june[1][1], 0.25, june[1][3]),
        ]
        for who in (self.thinned, self.other):
            self.assertEqual(self.import_samples(who[1], *late).rated, 2)
        now = self.quantities(self.other)
        self.assertNotEqual(now, before)
        self.assertEqual(self.quantities(self.thinned), now)
        self.thin()
        self.assertEqual(self.quantities(self.thinned), now)
        self.env["metered.level.mark"]._store_marked()
        # Of the days before, now only those are read that say something.
        self.assertEqual(self.quantities(self.thinned), now)
        read = {}
        for partner, *_rest in (self.thinned, self.other):
            self.env.cr.execute(
                "SELECT level_of, hour, samples, lowest, highest, last, area"
                "  FROM metered_level_hour hour"
                "  JOIN metered_usage usage ON usage.id = hour.usage_id"
                " WHERE usage.partner_id = %s ORDER BY 1, 2",
                (partner.id,),
            )
            read[partner] = self.env.cr.fetchall()
        one, other = read.values()
        self.assertEqual(one, other)

    def test_invoices_stay_and_are_made_again(self):
        def told(invoices):
            lines = invoices.invoice_line_ids.filtered("metered_price_id").sorted("id")
            return [
                (line.price_subtotal, html2plaintext(line.metered_explanation))
                for line in lines
            ]

        first = [self.renew(who[2]) for who in (self.thinned, self.other)]
        self.assertEqual(told(first[0]), told(first[1]))
        self.thin()
        self.assertEqual(told(first[0]), told(first[1]))
        # A billed period is deleted and billed again, and an open one follows it.
        expected = told(first[1])
        for invoice, who in zip(first, (self.thinned, self.other), strict=True):
            invoice.unlink()
            who[2].recurring_next_date = "2026-02-01"
        again = [self.renew(who[2]) for who in (self.thinned, self.other)]
        self.assertEqual(told(again[0]), told(again[1]))
        self.assertEqual(
            [amount for amount, _text in told(again[0])],
            [amount for amount, _text in expected],
        )
        then = [self.renew(who[2]) for who in (self.thinned, self.other)]
        self.assertEqual(told(then[0]), told(then[1]))

    def test_the_same_samples_again_are_duplicates(self):
        self.thin()
        _partner, source, _plan = self.thinned
        again = self.import_samples(source, *self.year, name="again.csv")
        self.assertEqual((again.rated, again.duplicates), (0, len(self.year)))
        # The id of a thinned one, and another level: a person is asked.
        old = next(row for row in self.year if row[1] < datetime(2026, 6, 1))
        other = self.import_samples(source, (old[0], old[1], 77, old[3]))
        self.assertEqual((other.rated, other.exceptions), (0, 1))
        self.assertEqual(self.exceptions(other).reason, "same_id")

    def test_samples_without_an_id(self):
        source, rows = self.thinned[1], "2026-02-03 10:00:00,X,5\n"
        first = self.import_text(source, f"time,identifier,quantity\n{rows}")
        self.assertEqual(first.rated, 1)
        self.thin()
        self.assertEqual(first.thinned, 1)
        text = f"time,identifier,quantity\n{rows}2026-02-03 10:00:00,X,6\n"
        again = self.import_text(source, text, name="more.csv")
        self.assertEqual((again.duplicates, again.rated), (1, 1))

    def test_what_is_told_of_an_import(self):
        batch = self.env["metered.batch"].search(
            [("source_id", "=", self.thinned[1].id)]
        )
        self.thin()
        old = sum(row[1] < datetime(2026, 10, 1) for row in self.year)
        self.assertAlmostEqual(batch.thinned, old, delta=2)
        batch._verify()
        self.assertEqual(batch.balance, "ok")
        with self.assertRaisesRegex(UserError, "cannot be undone, because some"):
            batch.action_undo()
        self.assertEqual(batch.state, "done")
        old = next(row for row in self.year if row[1] < datetime(2026, 6, 1))
        cancel = partial(self.thinned[1]._cancel_event, who="key", commit=list)
        with patch(f"{metered_source_cancel.__name__}.lock_source", nullcontext_of):
            with self.assertRaisesRegex(RequestFault, "was thinned"):
                cancel(f"s{old[0]}")
            self.assertFalse(cancel("unheard-of"))

    def test_events_that_are_pushed_again(self):
        source = self.thinned[1]
        batch = self.env["metered.batch"].search([("source_id", "=", source.id)])
        old = next(row for row in self.year if row[1] < datetime(2026, 6, 1))
        self.env.cr.execute(
            "UPDATE metered_cdr SET content = 'said' WHERE batch_id = %s", (batch.id,)
        )
        self.thin()
        outcomes = [
            store_events(
                self.env.cr,
                source.id,
                [Event(key=f"s{number}", content=content, record="{}")],
            )
            for number, content in ((old[0], "said"), (old[0], "other"), (9999, "said"))
        ]
        self.assertEqual(outcomes, [["duplicate"], ["conflict"], ["accepted"]])

    def test_every_night_in_portions(self):
        with (
            patch.object(thin_samples, "PORTION_SAMPLES", 10),
            patch.object(thin_samples, "STRETCH_SAMPLES", 40),
            freeze_time("2027-01-01 12:00:00"),
            self.enter_registry_test_mode(),
        ):
            for name in ("thin_samples", "level_hours"):
                cron = self.env.ref(f"metered_billing.ir_cron_{name}")
                cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self.count(self.thinned), self.count(self.other))
        old = len(self.year) - self.count(self.thinned)
        self.assertGreater(old, len(self.year) / 2)
        self.env.cr.execute(
            "SELECT sum(kept.samples), sum(array_length(kept.kept_time, 1))"
            "  FROM metered_level_kept kept WHERE source_id = %s",
            (self.thinned[1].id,),
        )
        self.assertEqual(self.env.cr.fetchone(), (old, old))
        self.assertFalse(self.env["metered.level.mark"].search_count([]))

    def test_an_import_of_the_same_source_comes_first(self):
        """Who imports sees each sample either stored or thinned."""
        _partner, source, _plan = self.thinned
        usage = self.env["metered.usage"].search([("meter_id", "=", self.level.id)])
        # This transaction has imported, and not committed.
        with self.registry.cursor() as other:
            other.execute("SET LOCAL lock_timeout = '50ms'")
            kept = self.env(cr=other)["metered.level.kept"]
            with mute_logger("odoo.sql_db"), self.assertRaises(LockNotAvailable):
                kept._thin_portion(source.id, usage.ids, "device", None, None)
            other.rollback()

    def test_what_stays(self):
        for months in (0, 24):
            self.thin(months)
            self.assertEqual(self.count(self.thinned), len(self.year))
        self.level.write({"aggregation": "unique", "unique_property": "device"})
        self.thin(3)
        self.assertEqual(self.count(self.thinned), len(self.year))

    def test_settings_that_need_what_is_gone(self):
        self.thin()
        self.level.level_property = "device"
        for values in (
            {"level_property": "room"},
            {"level_property": False},
            {"aggregation": "unique", "unique_property": "device"},
        ):
            with self.assertRaisesRegex(UserError, "were thinned"):
                self.level.write(values)
