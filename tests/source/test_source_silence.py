# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A source that is silent for longer than usual, fetched from or posting."""

from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

MONDAY = datetime(2026, 10, 5)


@tagged("post_install", "-at_install")
class TestSilence(MeteredCase):
    def setUp(self):
        super().setUp()
        self.now = fields.Datetime.now()
        self.source = self.make_source(source_type="freeswitch_json")

    def arrive(self, *moments, source=None, **values):
        """Imports that came at these moments, with a new record each."""
        batches = self.env["metered.batch"].create(
            [
                {
                    "source_id": (source or self.source).id,
                    "records": 5,
                    "rated": 5,
                    **values,
                }
                for _moment in moments
            ]
        )
        batches.state = "done"
        self.env.flush_all()
        for batch, moment in zip(batches, moments, strict=True):
            self.env.cr.execute(
                "UPDATE metered_batch SET create_date = %s WHERE id = %s",
                (moment, batch.id),
            )
        self.env.invalidate_all()

    def ago(self, *hours):
        return [self.now - timedelta(hours=hour) for hour in hours]

    def watch(self):
        """What the scheduled action does; the open alarms afterwards."""
        with patch.object(
            type(self.env["metered.sync"]), "_cron_process_syncs", lambda model: None
        ):
            self.env["metered.source"]._cron_sync()
        return self.source.activity_ids

    def office_hours(self, weeks):
        """Every hour from 8 to 18, Monday to Friday, from a Monday on."""
        return [
            MONDAY + timedelta(weeks=week, days=day, hours=hour)
            for week in range(weeks)
            for day in range(5)
            for hour in range(8, 19)
        ]

    def silence(self, moment):
        usual, quiet = self.source._silences(moment)[self.source.id]
        return usual, usual is not None and self.source._is_too_long(usual, quiet)

    def test_a_switch_that_stops_posting(self):
        # Once a day for a month, and then no more.
        self.arrive(*self.ago(*range(40, 40 + 24 * 30, 24)))
        [alarm] = self.watch()
        self.assertIn("40 hours", alarm.note)
        self.assertIn("24 hours", alarm.note)
        self.assertEqual(self.watch(), alarm)
        [check] = [c for c in self.source._checks() if c.name == "New records"]
        self.assertFalse(check.ok)
        self.assertEqual(check.place, "test")
        # It posts again: that alone ends it, before anything is rated.
        self.receive_call(self.source, {"uuid": "x"})
        self.assertFalse(self.watch())

    def test_a_source_that_is_fetched_from(self):
        self.source.write({"source_type": "netsapiens", "next_sync": "2099-01-01"})
        self.arrive(*self.ago(*range(40, 40 + 24 * 30, 24)))
        # What is fetched by hand alone is watched by who fetches it.
        self.source.sync_hours = 0
        self.assertFalse(self.watch())
        self.source.sync_hours = 24
        self.assertTrue(self.watch())
        self.arrive(self.now)
        self.assertFalse(self.watch())

    def test_nights_and_weekends_are_usual(self):
        self.arrive(*self.office_hours(4))
        friday = MONDAY + timedelta(weeks=3, days=4, hours=18)
        self.assertEqual(
            self.silence(friday + timedelta(hours=62)), (timedelta(hours=62), False)
        )
        self.assertTrue(self.silence(friday + timedelta(hours=79))[1])

    def test_one_failure_does_not_become_usual(self):
        moments = self.office_hours(5)
        failed = MONDAY + timedelta(weeks=2)
        moments = [m for m in moments if not failed <= m < failed + timedelta(weeks=1)]
        self.arrive(*moments)
        usual, _too_long = self.silence(moments[-1])
        self.assertEqual(usual, timedelta(hours=62))

    def test_records_that_were_known_are_no_sign_of_life(self):
        self.arrive(*self.ago(*range(40, 40 + 24 * 30, 24)))
        self.arrive(*self.ago(1), duplicates=5, rated=0)
        self.assertTrue(self.watch())

    def test_a_source_that_comes_once_a_month(self):
        day = 24
        self.arrive(*self.ago(*range(5 * day, 5 * day + 8 * 30 * day, 30 * day)))
        self.assertEqual(
            self.source._silences(self.now)[self.source.id],
            (timedelta(days=30), timedelta(days=5)),
        )
        self.assertFalse(self.watch())

    def test_too_little_is_known(self):
        self.arrive(*self.ago(*range(200, 200 + 24 * 4, 24)))
        self.assertFalse(self.watch())
        # Much on a few days tells nothing of nights and weekends.
        self.arrive(*self.ago(*range(100, 300)))
        self.assertIsNone(self.source._silences(self.now)[self.source.id][0])
        self.assertFalse(self.watch())
