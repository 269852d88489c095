# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A NetSapiens sync beside the bare download of the same pages.

The switch is the test server in a process of its own. The same client asks it the same,
one request after the other: phone numbers, pages of call records, and how many there
are of each day. Once the answers are thrown away, once they are synced: records rated
and stored, and each day compared with the switch's count. The accounts were synced
before, as they are at every sync but the first.

Measured twice: with a switch that takes some time for an answer, as one does that asks
a database and is some way off, and with one that answers as quickly as the test server
can, where Odoo's own work shows.
"""

import statistics
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import imports
from effort import Effort

from odoo.addons.metered_billing.connectors.sources import make_connector
from odoo.addons.metered_billing.connectors.windows import cut
from odoo.addons.metered_billing.models.source.metered_sync_job import KeptSettings

DOMAINS, QUICK_DOMAINS = 20, 4
DAYS = 4
CALLS_A_DAY = 500
#: what an answer takes
ANSWER_SECONDS = 0.05
DEMO = Path(__file__).resolve().parent.parent / "demo"


@dataclass
class SyncFigures:
    """An ``Effort`` of each round; ``pages`` and ``records`` of one round."""

    pages: int
    records: int
    downloads: list
    syncs: list

    @property
    def pages_per_s(self):
        return self.pages / statistics.median(one.wall for one in self.downloads)

    @property
    def records_per_s(self):
        return self.records / statistics.median(one.wall for one in self.syncs)

    @property
    def sync_over_download(self):
        return self._ratio("wall")

    @property
    def sync_over_download_processor(self):
        return self._ratio("processor")

    def _ratio(self, what):
        return statistics.median(
            getattr(sync, what) / getattr(download, what)
            for sync, download in zip(self.syncs, self.downloads, strict=True)
        )


def measure(env, source, quick, rounds, answer_seconds):
    """Measure download and sync by turns.

    :param source: whose settings the syncs' sources get
    :param answer_seconds: what each answer of the switch takes
    :return: :class:`SyncFigures`
    :raises imports.Disagreement: when not every record was stored
    """
    domains = QUICK_DOMAINS if quick else DOMAINS
    figures = SyncFigures(0, 0, [], [])
    with _switch(domains, answer_seconds) as (settings, end):
        begin = end - timedelta(days=DAYS)
        # The server makes each row once, and keeps it.
        _download(env, settings, begin, end)
        for number in range(rounds):
            effort, figures.pages, figures.records = _download(
                env, settings, begin, end
            )
            figures.downloads.append(effort)
            figures.syncs.append(
                _sync(env, source, settings, begin, end, number, figures.records)
            )
    return figures


@contextmanager
def _switch(domains, answer_seconds):
    """The test server; settings of a connection, and when its calls end."""
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "servers.netsapiens"),
            *("--domains", str(domains), "--days", str(DAYS)),
            *("--per-day", str(CALLS_A_DAY), "--delay", str(answer_seconds)),
        ],
        cwd=DEMO,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address, *_words, key = server.stdout.readline().split()
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        yield (
            {"address": address, "api_key": key, "allowed_networks": "127.0.0.1"},
            today,
        )
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def _download(env, settings, begin, end):
    """Ask for everything of all accounts; (``Effort``, pages, records)."""
    pages = records = 0
    with make_connector("netsapiens", settings) as connector:
        accounts = [account.key for account in connector.accounts()]
        with Effort.measure(env.cr) as effort:
            for account in accounts:
                connector.find(account)
                list(connector.identifiers(account))
                connector.count(account, begin, end)
                for window in cut(begin, end):
                    connector.count(account, *window)
                    rows = None
                    offset = 0
                    while rows is None or len(rows) == 100:
                        rows = connector.page(account, window, offset)
                        offset += len(rows)
                        pages += 1
                    records += offset
    return effort, pages, records


def _sync(env, like, settings, begin, end, number, records):
    """Sync all accounts into an empty table, one after the other; ``Effort``."""
    imports.clear(env)
    source = env["metered.source"].create(
        {
            "name": f"Bench NetSapiens {settings['address']} {number}",
            "source_type": "netsapiens",
            **settings,
            "timezone": "UTC",
            "country_id": like.country_id.id,
            "max_age_days": 0,
            "future_hours": 24,
        }
    )
    with source._make_connector() as connector:
        names = [account.key for account in connector.accounts()]
    partners = env["res.partner"].create(
        [{"name": f"{source.name} {name}"} for name in names]
    )
    accounts = env["metered.source.account"].create(
        [
            {"source_id": source.id, "name": name, "partner_id": partner.id}
            for name, partner in zip(names, partners, strict=True)
        ]
    )
    begin, end = begin.replace(tzinfo=None), end.replace(tzinfo=None)
    # Once before that, for the phone numbers.
    _process(env, source._start_syncs("manual", accounts, begin, begin))
    syncs = source._start_syncs("manual", accounts, begin, end)
    effort = _process(env, syncs)
    imports.compare(
        [
            ("syncs that are not done", len(syncs.filtered(lambda s: s.error)), 0),
            ("records synced", sum(syncs.mapped("records")), records),
            ("days with a gap", source.gap_count, 0),
        ]
    )
    return effort


def _process(env, syncs):
    """Work on syncs as the scheduled action does; ``Effort``."""
    env.cr.commit()
    kept = KeptSettings()
    with Effort.measure(env.cr) as effort:
        for sync in syncs:
            sync._process(commit=env.cr.commit, kept=kept)
    return effort
