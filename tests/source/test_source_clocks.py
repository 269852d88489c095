# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Clocks that are changed lose and double no hour, whatever a source answers."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from odoo.tests import tagged

from odoo.addons.metered_billing.demo.servers.rest import RestSwitch, Tenant

from ..support.postgres_server import PostgresServer
from ..support.source_case import SourceTypeCase
from .test_source_types import ACME, ASTERISK, NUMBER, RestCase

NEW_YORK = ZoneInfo("America/New_York")
#: some hours around the changes in New York: back an hour, and ahead an hour
NIGHTS = (
    datetime(2026, 11, 1, 3, tzinfo=UTC),
    datetime(2026, 3, 8, 4, tzinfo=UTC),
)
STEP = timedelta(minutes=10)
CALLS = 36
LOCAL = "%Y-%m-%d %H:%M:%S"


def moments(night):
    """Every ten minutes of six hours."""
    return [night + STEP * at for at in range(CALLS)]


class NightCase(SourceTypeCase):
    def sync_nights(self, source):
        """Windows of two hours, which overlap across the changes."""
        for night in NIGHTS:
            for hour in range(-1, 6):
                begin = night.replace(tzinfo=None) + timedelta(hours=hour)
                [sync] = source._start_syncs(
                    "manual", None, begin, begin + timedelta(hours=2)
                )
                sync._process()
                self.assertEqual(sync.state, "done", sync.line_ids.mapped("message"))

    def starts(self, source):
        cdrs = self.env["metered.cdr"].search([("source_id", "=", source.id)])
        return sorted(cdrs.mapped("start_time"))


class LocalTimesSwitch(RestSwitch):
    """Takes UTC, and answers its own local times without an offset."""

    def _page(self, rows, request):
        return [
            {**row, "begin": self._local(row["begin"])} if "begin" in row else row
            for row in super()._page(rows, request)
        ]

    def _local(self, text):
        return datetime.fromisoformat(text).astimezone(NEW_YORK).strftime(LOCAL)


@tagged("post_install", "-at_install")
class TestRestClocks(NightCase, RestCase):
    """Of the two moments that 01:30 is, each call has its own: windows end there."""

    def check(self, switch):
        self.server = self.enterContext(switch)
        source = self.make_rest("http_json", timezone="America/New_York")
        self.add_account(source)
        self.sync_nights(source)
        expected = sorted(when for night in NIGHTS for when in moments(night))
        self.assertEqual(
            self.starts(source), [when.replace(tzinfo=None) for when in expected]
        )

    def tenants(self):
        calls = [
            {
                "uid": f"{when:%m%d%H%M}",
                "begin": when.isoformat(),
                "from": {"number": NUMBER, "name": "Acme"},
                "to": {"number": "12125550199"},
                "seconds": 30,
            }
            for night in NIGHTS
            for when in moments(night)
        ]
        return [Tenant(ACME, "Acme", [NUMBER], calls)]

    def test_times_with_offset(self):
        self.check(RestSwitch(self.tenants()))

    def test_local_times(self):
        self.check(LocalTimesSwitch(self.tenants()))


@tagged("post_install", "-at_install")
class TestAsteriskClocks(NightCase):
    """The table has local times: of an hour that comes twice it cannot say which.

    But each call of it is there once, and no other hour is off.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.stop)
        owner = cls.server.connect()
        cls.addClassCleanup(owner.close)
        with owner.cursor() as cr:
            cr.execute(ASTERISK)
            for night in NIGHTS:
                for when in moments(night):
                    cr.execute(
                        "INSERT INTO cdr (accountcode, src, dst, dcontext, channel,"
                        " dstchannel, lastapp, start, answer, duration, billsec,"
                        " disposition, uniqueid, sequence)"
                        " VALUES ('acme', %s, '12125550199', 'from-internal', 'a',"
                        " 'PJSIP/carrier-1',"
                        " 'Dial', %s, %s, 60, 60, 'ANSWERED', %s, 1)",
                        (
                            NUMBER,
                            when.astimezone(NEW_YORK).strftime(LOCAL),
                            when.astimezone(NEW_YORK).strftime(LOCAL),
                            f"{when:%m%d%H%M}",
                        ),
                    )

    def test_each_call_once(self):
        source = self.make_by_form(
            "asterisk_sql",
            host="127.0.0.1",
            port=self.server.port,
            database="postgres",
            username="metered",
            password="reads-only",
            allowed_networks="127.0.0.1",
        )
        source.timezone = "America/New_York"
        self.make_identifier(self.customer, "acme", "account_code")
        self.sync_nights(source)
        back, ahead = NIGHTS
        found = self.starts(source)
        self.assertEqual(len(found), 2 * CALLS - 12)
        # 01:00 to 02:00 came twice: from 05:00 and from 06:00 UTC.
        twice = (back + timedelta(hours=2), back + timedelta(hours=4))
        for night in (back, ahead):
            for when in moments(night):
                if not twice[0] <= when < twice[1]:
                    self.assertIn(when.replace(tzinfo=None), found)
        between = [
            when for when in found if twice[0] <= when.replace(tzinfo=UTC) < twice[1]
        ]
        self.assertEqual(between, [])
        # Each call of the hour is there once, and a person says which hour it was.
        waiting = self.env["metered.exception"].search([("source_id", "=", source.id)])
        self.assertEqual(waiting.mapped("reason"), ["repeated_hour"] * 12)
        source.repeated_hour = "first"
        waiting.action_retry()
        self.assertEqual(len(self.starts(source)), 2 * CALLS)
