# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The connector of the page: a source from the form to the ledger, no override."""

from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from ...connectors.kinds import KINDS
from ...connectors.sources import CONNECTORS, kind_of
from ..connectors.test_connector_interface import AcmeServer, use_example
from ..support.source_case import SourceTypeCase


@tagged("post_install", "-at_install")
class TestConnectorOfYourOwn(SourceTypeCase):
    def setUp(self):
        super().setUp()
        use_example(self)
        # What the other module's entry in the selection is.
        field = self.env["metered.source"]._fields["source_type"]
        entry = ("acme", "Acme PBX")
        self.patch(field, "selection", [*field.selection, entry])
        self.patch(field, "_selection", dict([*field._selection.items(), entry]))
        self.server = AcmeServer()
        self.server.__enter__()
        self.addCleanup(self.server.stop)
        self.source = self.make_by_form(
            "acme",
            preset="generic",
            address=self.server.url,
            allowed_networks="127.0.0.1",
            api_key="acme-key",
        )

    def test_from_the_form_to_the_ledger(self):
        source = self.source
        self.check_connection(source)
        self.assertIn("2 accounts", str(source.test_result))
        with self.assertRaisesRegex(UserError, "no accounts"):
            source.action_sync()
        source.action_map_accounts()
        self.assertEqual(source.found_ids.mapped("name"), ["t1", "t2"])
        source._assign_account("t1", self.customer)
        sync = self.sync(source)
        self.assertEqual(sync.account_id.name, "t1")
        self.assertEqual((sync.records, self.stored(source)), (9, (9, 0)))
        self.assertEqual(
            set(self.customer.metered_identifier_ids.mapped("value")),
            {"t1", "12025550101"},
        )
        self.assertEqual(sum(self.usage(self.customer).mapped("records")), 9)
        self.assertEqual(self.sync(source).batch_id.duplicates, 9)
        # It cannot count, and says so, account by account and day by day.
        days = source.completeness_ids
        self.assertEqual(days.account_id.name, "t1")
        self.assertEqual(sum(days.mapped("held_count")), 9)
        self.assertNotIn(True, days.mapped("is_counted"))

    def test_everything_asks_its_class(self):
        source = self.source
        self.assertTrue(source.is_connected and source.is_fetched)
        self.assertTrue(source.lists_accounts and source._needs_account())
        self.assertFalse(source.is_posted_to or source.brings_files)
        sources = self.env["metered.source"]
        for name in ("is_connected", "is_posted_to", "brings_files"):
            for value in (True, False):
                found = source in sources.search([(name, "=", value)])
                self.assertEqual(found, source[name] == value, name)
                found = source in sources.search([(name, "!=", value)])
                self.assertEqual(found, source[name] != value, name)
        # A customer of nobody's is told what his account is chosen from.
        self.assertTrue(self.customer.metered_lists_accounts)
        self.assertTrue(self.customer.action_metered_choose_account())

    def test_the_form_asks_for_what_it_needs(self):
        with Form(self.source.with_user(self.chief)) as form:
            for name in ("address", "api_key", "requests_per_second", "parallel"):
                self.assertFalse(form._get_modifier(name, "invisible"), name)
            for name in ("host", "database", "http_records_path", "store_folder"):
                self.assertTrue(form._get_modifier(name, "invisible"), name)

    def test_every_kind_has_a_class(self):
        keys = self.env["metered.source"]._fields["source_type"].get_values(self.env)
        known = {**CONNECTORS, **KINDS}
        self.assertEqual(set(keys), set(known))
        for key in keys:
            form = self.env["metered.source"].sudo().new({"name": "New"})
            with self.subTest(key):
                kind = kind_of(key)
                self.assertEqual(kind.key, key)
                form.source_type = key
                self.assertIn(kind.needs_account(form), (True, False))
                self.assertTrue(kind.lists_accounts(form) <= kind.needs_account(form))
                self.assertLessEqual(set(kind.decided_by), set(form._fields))
                notes = {"access_key", "brightlink_manual", "events", "chargeover"}
                notes |= {"kafka"}
                self.assertLessEqual(kind.asks_for(form) - notes, set(form._fields))
