# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The list of sources: as cheap for many as for one, and each has its own status."""

from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.tests import tagged

from odoo.addons.metered_billing.connectors.sources import kind_of

from ..support.metered_case import MeteredCase

NUMBER = "+14045550100"
HOUR = 3600


@tagged("post_install", "-at_install")
class TestSourceList(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.yesterday = fields.Datetime.now().replace(microsecond=0) - timedelta(days=1)
        cls.make_customer("Acme", NUMBER)
        cls.env["metered.source"].search([]).active = False

    def make_all(self, what, without=()):
        """Sources of all types, with something to look at, each another number of it.

        :param what: text for the names
        :param without: types that are left out
        """
        sources = self.env["metered.source"]
        for at, key in enumerate(sources._fields["source_type"].get_values(self.env)):
            if key in without:
                continue
            source = self.make_source(
                kind_of(key).preset or "generic",
                name=f"{what} {key}",
                source_type=key,
                tested=self.yesterday,
                test_result=[
                    {"name": "Host", "ok": True, "detail": what, "remedy": ""}
                ],
            )
            self.make_sync(source, at + 1)
            self.make_days(source, at)
            self.make_arrivals(source, at)
            if source._kind().has_tokens:
                source._new_token()
                self.env["metered.wrong.token"]._count(source.id, "203.0.113.9")
            sources |= source
        return sources

    def make_files(self, what, first=0):
        """Sources of files: good, with the clock off, charged twice, and empty."""
        good = self.make_source(name=f"{what} good")
        self.import_some(good, what)
        shifted = self.make_source(name=f"{what} shifted")
        self.import_some(shifted, f"{what} s", first + 100, HOUR)
        twice = self.make_source(name=f"{what} twice")
        self.import_some(twice, f"{what} t")
        foreign = self.make_source(name=f"{what} foreign")
        self.import_some(foreign, f"{what} f", first + 200, callee="+490000")
        return good | shifted | twice | foreign | self.make_source(name=f"{what} none")

    def import_some(self, source, what, first=0, apart=0, callee="+1212555"):
        for at in range(2):
            calls = []
            for number in range(at * 30, at * 30 + 30):
                start = self.yesterday + timedelta(seconds=number + first)
                stamp = int(
                    (start - fields.Datetime.to_datetime("1970-01-01")).total_seconds()
                )
                digits = 11 - len(callee) + 1
                called = f"{callee}{number:0{digits}}"
                key = f"{stamp + apart}.{number}"
                calls.append((key, str(start), 60, NUMBER, called))
            self.import_calls(source, *calls, name=f"{what} {at}.csv")

    def make_sync(self, source, records):
        sync = self.env["metered.sync"].create(
            {
                "source_id": source.id,
                "kind": "manual",
                "date_from": self.yesterday,
                "date_to": self.yesterday + timedelta(hours=1),
            }
        )
        sync._set_as_program(
            {"state": "done", "records": records, "finished": self.yesterday}
        )

    def make_days(self, source, count):
        self.env["metered.completeness"].create(
            [
                {
                    "source_id": source.id,
                    "day": self.yesterday.date() - timedelta(days=day),
                    "is_counted": True,
                    "gap": day % 2,
                }
                for day in range(count)
            ]
        )

    def make_arrivals(self, source, at):
        batches = self.env["metered.batch"].create(
            [{"source_id": source.id, "records": 1} for _day in range(20)]
        )
        batches._set_as_program({"state": "done"})
        self.env.flush_all()
        for day, batch in enumerate(batches):
            self.env.cr.execute(
                "UPDATE metered_batch SET create_date = %s WHERE id = %s",
                (self.yesterday - timedelta(days=day, hours=at), batch.id),
            )

    def open(self, view_type):
        """How many queries the list or the cards take, and what they show."""
        sources = self.env["metered.source"]
        arch = etree.fromstring(sources.get_view(view_type=view_type)["arch"])
        asked = {node.get("name"): {} for node in arch.iter("field")}
        self.assertIn("check_state", asked)
        for name in asked:
            if sources._fields[name].relational:
                asked[name] = {"fields": {"display_name": {}}}
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        shown = sources.web_search_read([], asked, limit=80)["records"]
        return self.env.cr.sql_log_count - before, shown

    def test_many_take_no_more_queries_than_a_few(self):
        # Credentials are read for the one source that they belong to.
        self.make_all("A", without=["usage_url"])
        self.make_files("A")
        few = {}
        for view_type in ("list", "kanban"):
            self.open(view_type)
            few[view_type], rows = self.open(view_type)
            self.assertEqual(len(rows), 15)
        for what in "BC":
            self.make_all(what, without=["usage_url"])
            self.make_files(what, ord(what) * 1000)
        for view_type, queries in few.items():
            with self.subTest(view_type):
                now, rows = self.open(view_type)
                self.assertEqual(len(rows), 45)
                self.assertEqual(now, queries)

    def test_what_is_read_together_is_what_each_says_alone(self):
        sources = self.make_all("A") | self.make_files("A") | self.make_all("B")
        sources[3].active = False
        self.env.invalidate_all()
        together = {source: source.check_info for source in sources}
        states = {source: source.check_state for source in sources}
        for source in sources:
            self.env.invalidate_all()
            alone = source.browse(source.id)
            with self.subTest(source.name):
                self.assertEqual(together[source], alone.check_info)
                self.assertEqual(states[source], alone.check_state)

    def test_each_has_its_own_problem(self):
        sources = self.make_files("A")
        wrong = {
            source.name: {
                check["name"]
                for group in source.check_info["groups"]
                for check in group["checks"]
                if not check["ok"]
            }
            for source in sources
        }
        self.assertEqual(
            wrong,
            {
                "A good": set(),
                "A shifted": {"Clock"},
                "A twice": {"Charged Once"},
                "A foreign": {"Numbers"},
                "A none": {"Last import"},
            },
        )
        self.assertEqual(
            sources.mapped("check_state"), ["ok", "wrong", "wrong", "wrong", "wrong"]
        )
