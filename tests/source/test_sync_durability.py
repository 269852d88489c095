# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A sync killed half way, in a process of its own, against a real server."""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

from datetime import UTC, datetime

from odoo.tests import tagged

from odoo.addons.metered_billing.demo.servers.netsapiens import (
    API_KEY,
    NetSapiensServer,
)
from odoo.addons.metered_billing.demo.servers.netsapiens_calls import (
    make_domain,
    month_of_calls,
)

from ..support.committed_case import CommittedCase

DAY = datetime(2026, 10, 5, tzinfo=UTC)
CHUNK = 100


@tagged("post_install", "-at_install")
class TestSyncDurability(CommittedCase):
    def setUp(self):
        super().setUp()
        self.domain = month_of_calls(make_domain("durable.service"), DAY, 2, 700)
        server = NetSapiensServer([self.domain])
        server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)
        self.address = server.url
        self.deck = self.make_deck("Durable", price=0.0371, initial_increment=6)

    def make_sync(self, name):
        """A sync of two days that waits, of a source and a customer of its own."""
        source = self.make_source(name)
        source.write(
            {
                "source_type": "netsapiens",
                "address": self.address,
                "api_key": API_KEY,
                "allowed_networks": "127.0.0.1",
                **source._prepare_preset_values("netsapiens"),
            }
        )
        partner = self.make("res.partner", name=name, metered_deck_id=self.deck.id)
        account = self.make(
            "metered.source.account",
            source_id=source.id,
            partner_id=partner.id,
            name=self.domain.name,
        )
        sync = self.make(
            "metered.sync",
            source_id=source.id,
            account_id=account.id,
            kind="manual",
            date_from="2026-10-05 00:00:00",
            date_to="2026-10-07 00:00:00",
        )
        self.cr.commit()
        return sync

    def keep(self, sync):
        """Have what a sync made removed at the end."""
        self.made += [*sync.account_id.identifier_ids, *sync.batch_id]

    def stored(self, sync):
        """What a sync left, without what differs between sources."""
        self.cr.execute(
            """
            SELECT call_id, line, start_time, quantity::text, billed_quantity::text,
                   caller, callee, state, meter_id, destination_id, charge::text
              FROM metered_cdr WHERE source_id = %s ORDER BY call_id
            """,
            (sync.source_id.id,),
        )
        cdrs = self.cr.fetchall()
        self.cr.execute(
            """
            SELECT meter_id, day, records, quantity::text, billed_quantity::text,
                   amount::text
              FROM metered_usage WHERE partner_id = %s ORDER BY 1, 2
            """,
            (sync.partner_id.id,),
        )
        return cdrs, self.cr.fetchall()

    def test_killed_half_way(self):
        calm = self.make_sync("Calm")
        self.finish(self.start("sync_worker.py", calm.id, CHUNK))
        self.keep(calm)
        self.assertEqual(calm.state, "done", calm.error)

        shot = self.make_sync("Shot")
        worker = self.start("sync_worker.py", shot.id, CHUNK)
        for line in worker.stdout:
            if int(line.split()[-1]) >= 5 * CHUNK:
                break
        self.kill(worker)
        self.keep(shot)
        self.assertEqual(shot.state, "running")
        self.assertTrue(0 < shot.records < calm.records, shot.records)
        self.assertEqual(shot.records, shot.batch_id.records)

        self.finish(self.start("sync_worker.py", shot.id, CHUNK))
        self.assertEqual(shot.state, "done", shot.error)
        self.assertEqual(shot.records, calm.records)
        self.assertEqual(self.stored(shot), self.stored(calm))
        self.assertEqual(
            shot.batch_id.read(["rated", "not_billable", "duplicates", "balance"])[0]
            | {"id": 0},
            calm.batch_id.read(["rated", "not_billable", "duplicates", "balance"])[0]
            | {"id": 0},
        )
        self.assertEqual(
            self.real["metered.completeness"]
            .search([("source_id", "=", shot.source_id.id)])
            .mapped("state"),
            ["ok", "ok"],
        )
