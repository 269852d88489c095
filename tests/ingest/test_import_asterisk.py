# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A month of a real Asterisk, from each of its files, to the second."""

from odoo.tests import tagged

from ..support.metered_case import (
    ASTERISK,
    MeteredCase,
    load_asterisk_customers,
    read_control,
)


@tagged("post_install", "-at_install")
class TestImportAsterisk(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.control = read_control()

    def import_layout(self, name, timezone="UTC"):
        source = self.make_source("asterisk", timezone=timezone)
        partners = load_asterisk_customers(self.env, source)
        batch = self.import_bytes(source, (ASTERISK / name).read_bytes(), name)
        return source, partners, batch

    def assert_control_totals(self, partners, batch):
        groups = self.env["metered.cdr"]._read_group(
            [("batch_id", "=", batch.id), ("state", "=", "rated")],
            ["partner_id"],
            ["__count", "quantity:sum"],
        )
        charged = {partner.name: (n, int(seconds)) for partner, n, seconds in groups}
        expected = {name: self.control[name] for name in partners}
        self.assertEqual(charged, expected)
        self.assertEqual(batch.rated, self.control["TOTAL"][0])
        self.assertEqual(sum(s for _n, s in charged.values()), self.control["TOTAL"][1])

    def assert_all_layouts_alike(self, name, timezone):
        _source, partners, batch = self.import_layout(name, timezone)
        self.assertFalse(
            self.exceptions(batch)[:3].mapped(lambda e: (e.reason, e.detail))
        )
        self.assert_control_totals(partners, batch)
        self.assertRecordValues(
            batch,
            [
                {
                    "state": "done",
                    "records": 3282,
                    "rated": 1647,
                    "not_billable": 3282 - 1647,
                    "duplicates": 0,
                    "exceptions": 0,
                    "balance": "ok",
                }
            ],
        )

    def test_master_csv(self):
        self.assert_all_layouts_alike("Master.csv", "UTC")

    def test_cdr_custom_epoch(self):
        self.assert_all_layouts_alike("cdr_custom_epoch.csv", "America/New_York")

    def test_cdr_custom_legacy(self):
        self.assert_all_layouts_alike("cdr_custom_legacy.csv", "America/New_York")

    def test_cdr_pgsql(self):
        self.assert_all_layouts_alike("cdr_pgsql.csv", "UTC")

    def test_two_layouts_of_one_switch_are_one_month(self):
        """The call id tells that it is the same record, whatever file it comes in."""
        source, partners, first = self.import_layout("Master.csv")
        name = "cdr_custom_epoch.csv"
        second = self.import_bytes(source, (ASTERISK / name).read_bytes(), name)
        self.assertEqual(second.duplicates, 3282)
        self.assertEqual(second.rated, 0)
        self.assertEqual(second.balance, "ok")
        self.assert_control_totals(partners, first)

    def test_not_billable_says_why(self):
        source, _partners, batch = self.import_layout("Master.csv")
        counts = {
            rule.name: count
            for rule, count in self.env["metered.cdr"]._read_group(
                [("batch_id", "=", batch.id), ("state", "=", "not_billable")],
                ["rule_id"],
                ["__count"],
            )
        }
        self.assertEqual(sum(counts.values()), 3282 - 1647)
        self.assertLessEqual(set(counts), set(source.rule_ids.mapped("name")))
        self.assertIn("Unanswered", counts)

    def test_dialled_as_at_home(self):
        """A British office dials 0 and a national number; so say its call details."""
        _source, partners, _batch = self.import_layout("Master.csv")
        cdr = self.env["metered.cdr"].search(
            [
                ("partner_id", "=", partners["Thames Print Ltd"].id),
                ("callee", "=", "+441273310498"),
            ],
            limit=1,
        )
        self.assertTrue(cdr)
        self.assertEqual(cdr.raw_record.split(",")[2], '"01273310498"')
