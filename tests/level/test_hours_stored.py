# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Hours of levels stay what their samples come to, whatever becomes of these."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

import pandas as pd

from odoo.tests import tagged

from ...stored.level_hours import read_hours
from ..support.hours_by_hand import COLUMNS, hours_by_hand
from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestHoursStored(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.level = cls.make_meter(
            "Channels",
            kind="gauge",
            aggregation="time_average",
            level_holds=True,
            level_property="device",
            most_hours_held=0.5,
        )
        cls.partner = cls.make_customer("Acme", tz="America/New_York")
        cls.make_identifier(cls.partner, "acme", kind="key")
        cls.source = cls.make_source("usage", meter_id=cls.level.id)
        cls.marks = cls.env["metered.level.mark"]

    def import_samples(self, *samples):
        rows = [
            f'{number},{at},acme,{value},"{{""device"": ""{device}""}}"'
            for number, at, value, device in samples
        ]
        text = "\n".join(["id,time,identifier,quantity,properties", *rows, ""])
        return self.import_text(self.source, text, name=f"{samples[0][0]}.csv")

    def usage_of_level(self):
        return self.env["metered.usage"].search(
            [("meter_id", "=", self.level.id), ("records", ">", 0)]
        )

    def by_hand(self):
        """Hours of each usage row, from its records."""
        cdrs = self.env["metered.cdr"].search([("meter_id", "=", self.level.id)])
        parts = []
        for usage, some in cdrs.grouped("usage_id").items():
            samples = pd.DataFrame(
                [
                    (
                        f"{usage.partner_id.id} 0 "
                        f"{(cdr.properties or {}).get(self.level.level_property, '')}",
                        cdr.id,
                        int(cdr.start_time.timestamp()) * 1_000_000,
                        Decimal(repr(cdr.quantity)),
                    )
                    for cdr in some
                ],
                columns=["series", "id", "at_us", "value"],
            )
            longest = self.level._longest_held_us()
            parts.append(hours_by_hand(samples, longest, 1000))
        return pd.concat(parts or [pd.DataFrame(columns=COLUMNS)])

    def rows(self, hours, per_unit):
        """Hours in an order of their own, in thousandths."""
        rows = []
        for row in hours[COLUMNS].itertuples(index=False):
            values = row._asdict()
            for name in ("lowest", "highest", "last", "area", "lapsed_area"):
                values[name] = values[name] * 1000 // per_unit
            rows.append(tuple(values.values()))
        return sorted(rows)

    def assert_hours(self):
        usage = self.usage_of_level().ids
        args = usage, self.level.level_property, self.level._longest_held_us()
        expected = self.rows(self.by_hand(), 1000)
        # Marked they are found when they are read, and afterwards they are stored.
        hours, per_unit = read_hours(self.env.cr, *args)
        self.assertEqual(self.rows(hours, per_unit), expected)
        self.marks._store_marked()
        self.assertFalse(self.marks.search_count([]))
        stored = self.env["metered.level.hour"].search_count([])
        self.assertEqual(stored, len(expected))
        hours, per_unit = read_hours(self.env.cr, *args)
        self.assertEqual(self.rows(hours, per_unit), expected)

    def test_equal_to_a_computation_from_scratch(self):
        chance = random.Random(17)
        begin = datetime(2026, 10, 31, 20)
        samples = [
            (
                number,
                begin + timedelta(minutes=chance.randrange(720)),
                chance.randrange(0, 9000) / 1000,
                chance.choice("ab"),
            )
            for number in range(90)
        ]
        # two of one instant: the last one counts
        samples.append((90, samples[0][1], 5, samples[0][3]))
        first = self.import_samples(*samples[:40])
        self.assertEqual(first.rated, 40)
        self.assert_hours()
        again = self.import_samples(*samples[30:60])
        self.assertEqual((again.rated, again.duplicates), (20, 10))
        self.assert_hours()
        late = self.import_samples(*samples[60:])
        self.assert_hours()
        again.action_undo()
        self.assert_hours()
        late.action_undo()
        self.assert_hours()
        self.import_samples(*samples)
        self.assert_hours()
        self.level.most_hours_held = 0.25
        self.assert_hours()
        self.level.level_property = False
        self.assert_hours()
        for batch in self.env["metered.batch"].search([("state", "=", "done")]):
            batch.action_undo()
        self.marks._store_marked()
        self.assertFalse(self.env["metered.level.hour"].search_count([]))
        self.assertFalse(self.marks.search_count([]))

    def test_only_what_changed_is_written(self):
        at = datetime(2026, 10, 5)
        hourly = [(n, at + timedelta(hours=n), n, "a") for n in range(24)]
        self.import_samples(*hourly)
        self.marks._store_marked()
        self.env.cr.execute("SELECT hour, xmin, ctid FROM metered_level_hour")
        before = set(self.env.cr.fetchall())
        self.import_samples((99, at + timedelta(hours=5, minutes=1), 7, "a"))
        self.marks._store_marked()
        self.env.cr.execute("SELECT hour, xmin, ctid FROM metered_level_hour")
        changed = set(self.env.cr.fetchall()) - before
        self.assertEqual([row[0] for row in changed], [at + timedelta(hours=5)])

    def test_opening_is_the_last_sample_of_each_level(self):
        at = datetime(2026, 10, 5)
        self.import_samples((1, at, 3, "a"), (2, at + timedelta(days=2), 4, "a"))
        self.import_samples((3, at + timedelta(days=1), 7, "b"))
        usage = self.usage_of_level().ids
        for is_stored in (False, True):
            if is_stored:
                self.marks._store_marked()
            hours, per_unit = read_hours(
                self.env.cr, usage, "device", None, is_opening=True
            )
            self.assertEqual(sorted(hours["last"] // per_unit), [4, 7])
