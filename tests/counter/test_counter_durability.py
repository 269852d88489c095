# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What counters counted is found in a process that is killed, and in the next one.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

from decimal import Decimal
from unittest.mock import patch

from odoo.tests import tagged

from ..support.committed_case import CommittedCase

COUNTERS = 12


@tagged("post_install", "-at_install")
class TestCounterDurability(CommittedCase):
    def setUp(self):
        super().setUp()
        self.meter = self.make(
            "metered.meter", name="Durable", code="durable", kind="counter", unit="kWh"
        )
        self.partners = self.real["res.partner"].create(
            [{"name": f"Durable {place}"} for place in range(COUNTERS)]
        )
        self.made.append(self.partners)
        for place, partner in enumerate(self.partners):
            self.make(
                "metered.identifier",
                partner_id=partner.id,
                kind="meter",
                value=f"durable-{place}",
            )
        self.source = self.make(
            "metered.source",
            name="Durable",
            preset="usage",
            timezone="UTC",
            meter_id=self.meter.id,
            max_age_days=0,
        )
        self.real.flush_all()
        self.cr.commit()

    def _remove(self):
        self.cr.rollback()
        meters = self.made_ids("metered.meter")
        for statement in (
            "DELETE FROM metered_cdr WHERE meter_id = ANY(%s)",
            "DELETE FROM metered_reading WHERE register_id IN"
            " (SELECT id FROM metered_register WHERE meter_id = ANY(%s))",
            "DELETE FROM metered_usage WHERE meter_id = ANY(%s)",
            "DELETE FROM metered_register WHERE meter_id = ANY(%s)",
        ):
            self.cr.execute(statement, (meters,))
        self.cr.commit()
        return super()._remove()

    def take(self, day, *values):
        """Import a reading of each counter, and leave what they counted open."""
        rows = [
            f"2026-10-{day:02d} 10:00:00,durable-{place},{value}"
            for place, value in enumerate(values)
        ]
        text = "\n".join(["time,identifier,quantity", *rows, ""])
        batch = self.make_batch(self.source, text.encode())
        registers = self.registry["metered.register"]
        with patch.object(registers, "_book_quietly", lambda *_args, **_values: None):
            batch._process(commit=self.cr.commit)
        self.cr.commit()
        self.assertEqual((batch.exceptions, batch.state), (0, "done"))

    def work_and_kill(self, portions):
        """A process that commits so many portions, and is killed in the next one."""
        worker = self.start("reading_worker.py", portions)
        told = []
        for line in worker.stdout:
            told.append(line.strip())
            if told[-1] == "waits":
                break
        self.kill(worker)
        self.assertEqual(told, ["committed"] * portions + ["waits"])
        self.refresh()

    def open_counters(self):
        self.refresh()
        return self.real["metered.register"].search_count(
            [("changed_from", "!=", False), ("meter_id", "=", self.meter.id)]
        )

    def used(self):
        """What each customer used; its records must come to the same."""
        self.cr.execute(
            "SELECT usage.partner_id, sum(usage.quantity)::text, sum(cdr.total)::text"
            "  FROM metered_usage usage JOIN ("
            "       SELECT usage_id, sum(quantity) AS total FROM metered_cdr"
            "        GROUP BY usage_id) cdr ON cdr.usage_id = usage.id"
            " WHERE usage.meter_id = %s GROUP BY usage.partner_id",
            (self.meter.id,),
        )
        found = {}
        for partner, usage, records in self.cr.fetchall():
            self.assertEqual(Decimal(usage), Decimal(records))
            found[partner] = Decimal(usage)
        return [found.get(partner, 0) for partner in self.partners.ids]

    def test_killed_between_two_commits_and_started_again(self):
        first = [100 * place for place in range(COUNTERS)]
        used = [7 + place for place in range(COUNTERS)]
        self.take(1, *first)
        self.take(2, *(a + b for a, b in zip(first, used, strict=True)))
        self.assertEqual(self.open_counters(), COUNTERS)
        self.work_and_kill(0)
        self.assertEqual(self.open_counters(), COUNTERS)
        self.assertEqual(self.used(), [0] * COUNTERS)
        self.work_and_kill(2)
        self.assertEqual(self.open_counters(), COUNTERS - 4)
        booked = self.used()
        self.assertEqual(sum(map(bool, booked)), 4)
        self.assertEqual([b or u for b, u in zip(booked, used, strict=True)], used)
        self.work_and_kill(1)
        self.finish(self.start("reading_worker.py", COUNTERS))
        self.assertEqual(self.open_counters(), 0)
        self.assertEqual(self.used(), used)
        # Nothing is left to be done, and nothing is done twice.
        self.finish(self.start("reading_worker.py", COUNTERS))
        self.assertEqual(self.used(), used)
