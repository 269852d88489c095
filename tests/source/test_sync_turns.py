# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Several sources without a job runner: the scheduled action is fair to them."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from odoo.addons.metered_billing.models.job import metered_job
from odoo.addons.metered_billing.models.job.metered_job import SLICE_SECONDS

from ..support.metered_case import MeteredCase

ACCOUNTS = 12


class Clock:
    """Stands for the module ``time``; it passes when a test says so."""

    def __init__(self, now=0.0):
        self.now = now

    def monotonic(self):
        return self.now

    time = monotonic


@tagged("post_install", "-at_install")
class TestTurns(MeteredCase):
    """The scheduled action alone: sources take turns, so that none waits for another.

    What a sync does is not looked at here: it takes the time that the test says.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.big, cls.small = cls.make_source(), cls.make_source()
        for at in range(ACCOUNTS):
            cls.add_sync(cls.big, f"big{at:02d}")
        cls.add_sync(cls.small, "small")

    @classmethod
    def add_sync(cls, source, name):
        account = cls.env["metered.source.account"].create(
            {
                "source_id": source.id,
                "name": name,
                "partner_id": cls.make_customer(name).id,
            }
        )
        return cls.env["metered.sync"].create(
            {
                "source_id": source.id,
                "account_id": account.id,
                "kind": "schedule",
                "date_from": "2026-10-05",
                "date_to": "2026-10-06",
            }
        )

    def run_action(self, process, clock):
        """A slice of time of the scheduled action, where this is what a sync does."""
        syncs = self.env["metered.sync"]
        with (
            patch.object(type(syncs), "_process", process),
            patch.object(type(self.env["ir.cron"]), "_commit_progress"),
            patch.object(type(self.big), "_has_job_runner", lambda self: False),
            patch.object(metered_job, "time", clock),
        ):
            syncs._cron_process_syncs()

    def work_off(self, needs):
        """One slice of time.

        :param needs: account's name -> seconds that its sync still takes, 1 unless told
        :return: list of (account's name, seconds it worked)
        """
        clock, worked = Clock(), []

        def process(sync, commit, seconds, **_given):
            name = sync.account_id.name
            needs.setdefault(name, 1.0)
            took = min(seconds, needs[name])
            clock.now += took
            needs[name] -= took
            worked.append((name, took))
            sync.write({"run_seconds": sync.run_seconds + took, "state": "running"})
            if needs[name] <= 0:
                sync.state = "done"
            return sync.state == "done"

        self.run_action(process, clock)
        return worked

    def test_a_small_source_does_not_wait_for_a_big_ones_first_pass(self):
        names = [name for name, _took in self.work_off({})]
        self.assertEqual(len(names), ACCOUNTS + 1)
        self.assertEqual(sorted(names[:2]), ["big00", "small"])
        # What the small one does not need is the big one's.
        self.assertEqual(names[2:], [f"big{at:02d}" for at in range(1, ACCOUNTS)])

    def test_nor_for_one_large_account(self):
        needs = {"big00": 3600.0, "small": 5.0}
        worked = self.work_off(needs)
        took = {}
        for name, seconds in worked:
            took[name] = took.get(name, 0.0) + seconds
        self.assertEqual(took["small"], 5.0)
        self.assertEqual(took["big01"], 1.0)
        # All of the slice is used, by the large account when the others are done.
        self.assertAlmostEqual(
            took["big00"], SLICE_SECONDS - took["small"] - (ACCOUNTS - 1)
        )

    def test_more_sources_than_a_slice_has_time_for(self):
        """Each of them has its turn, not only those that come first."""
        others = [self.make_source() for _at in range(3)]
        for source in others:
            self.add_sync(source, source.name)
        served = []

        def process(sync, commit, seconds, **_given):
            served.append(sync.source_id)
            clock.now += SLICE_SECONDS
            return False

        for at in range(5):
            clock = Clock(at * SLICE_SECONDS)
            self.run_action(process, clock)
        self.assertEqual(len(served), 5)
        self.assertEqual({*served}, {self.big, self.small, *others})

    def test_what_has_to_wait_is_not_tried_again(self):
        """A switch that let a sync wait until its turn was over has its peace."""
        [waiting] = self.small.sync_ids
        clock, tries = Clock(), []

        def process(sync, commit, seconds, **_given):
            if sync != waiting:
                sync.state = "done"
                return True
            tries.append(sync)
            clock.now += seconds
            sync.not_before = fields.Datetime.now() + timedelta(minutes=1)
            return False

        self.run_action(process, clock)
        self.assertEqual(len(tries), 1)
        self.assertEqual(set(self.big.sync_ids.mapped("state")), {"done"})
