# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Accounts chosen from what a switch lists: one by one, and many at once."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.metered_billing.demo.servers import netsapiens
from odoo.addons.metered_billing.demo.servers.netsapiens_calls import make_domain
from odoo.addons.metered_billing.demo.servers.rest import (
    API_KEY,
    SETTINGS,
    RestSwitch,
    make_tenant,
)

from ..support.metered_case import MeteredCase
from ..support.source_case import DAY, LoopbackRequests


class AccountsCase(LoopbackRequests, MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(
            cls.env,
            "clerk",
            "metered_billing.group_metered_user,base.group_partner_manager",
        )
        names = ("Acme Ltd", "Bolt", "Cord", "Cord")
        cls.acme, cls.bolt, *_twins = cls.env["res.partner"].create(
            [{"name": name} for name in names]
        )
        cls.server = RestSwitch(
            [
                make_tenant("acme.example.com", "ACME ltd", "14045550100", DAY, 1),
                make_tenant("bolt.example.com", "Bolt", "14045550200", DAY, 1),
                make_tenant("cord.example.com", "Cord", "14045550300", DAY, 1),
                *(
                    make_tenant(f"t{at}.example.com", f"Tenant {at}", "1", DAY, 0)
                    for at in range(100)
                ),
            ]
        )
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.stop)

    def connect(self, source_type="http_json"):
        return self.make_source(
            source_type=source_type,
            address=self.server.url,
            allowed_networks="127.0.0.1",
            api_key=API_KEY,
            **SETTINGS,
        )

    def found(self, source, name):
        return source.found_ids.filtered(lambda found: found.name == name)

    def choose(self, partner, source):
        """The dialog of the customer tab, opened by a user."""
        action = partner.with_user(self.clerk).action_metered_remedy(
            "account", source.id
        )
        self.assertEqual(action["res_model"], "metered.account.choice")
        return (
            self.env[action["res_model"]]
            .with_user(self.clerk)
            .with_context(**action["context"])
            .browse(action["res_id"])
        )


@tagged("post_install", "-at_install")
class TestAccountChoice(AccountsCase):
    def test_chosen_from_the_list_of_each_type(self):
        switch = netsapiens.NetSapiensServer(
            [make_domain("acme.12345.service"), make_domain("bolt.12345.service")]
        )
        switch.__enter__()
        self.addCleanup(switch.__exit__, None, None, None)
        sources = [self.connect("http_json"), self.connect("brightlink")]
        sources.append(
            self.make_source(
                "netsapiens",
                source_type="netsapiens",
                address=switch.url,
                allowed_networks="127.0.0.1",
                api_key=netsapiens.API_KEY,
            )
        )
        for source, count in zip(sources, (103, 103, 2), strict=True):
            choice = self.choose(self.bolt, source)
            self.assertEqual(len(source.found_ids), count)
            [first, *_others] = self.env["metered.source.found"].name_search(
                "bolt.", [("source_id", "=", source.id)]
            )
            choice.found_id = first[0]
            choice.action_choose()
            [account] = source.account_ids
            self.assertEqual(account.partner_id, self.bolt)
            self.assertTrue(account.name.startswith("bolt."))

    def test_a_switch_that_does_not_answer_leaves_the_others(self):
        source = self.connect()
        broken = self.make_source(
            "netsapiens",
            source_type="netsapiens",
            name="Broken",
            address="http://127.0.0.1:9",
            allowed_networks="127.0.0.1",
            api_key="key",
        )
        with self.assertRaisesRegex(UserError, "Broken: "):
            broken.action_map_accounts()
        action = self.env["metered.source"].action_map_all_accounts()["params"]
        self.assertIn("Broken: ", action["message"])
        found = self.env["metered.source.found"].search(action["next"]["domain"])
        self.assertEqual(found.source_id, source)
        # The client would show its HTML as it is written.
        self.assertFalse(action["next"]["help"])

    def test_the_customers_own_name_is_proposed(self):
        source = self.connect()
        choice = self.choose(self.acme, source)
        self.assertEqual(choice.found_id.name, "acme.example.com")
        self.assertEqual(choice.free_count, 103)
        # Two customers have this name, and which one is meant nobody knows.
        self.assertFalse(self.found(source, "cord.example.com").suggested_id)

    def test_found_by_a_part_of_either_name(self):
        source = self.connect()
        source._list_accounts()
        found = self.env["metered.source.found"].with_context(
            metered_partner_id=self.acme.id
        )
        for part in ("cme l", "acme.exa"):
            [(_id, name)] = found.name_search(part)
            self.assertEqual(name, "ACME ltd · acme.example.com")

    def test_taken_by_another_customer(self):
        source = self.connect()
        self.choose(self.acme, source).action_choose()
        choice = self.choose(self.bolt, source)
        choice.found_id = self.found(source, "acme.example.com")
        self.assertEqual(choice.taken_id, self.acme)
        self.assertIn("assigned to Acme Ltd", choice.found_id.display_name)
        own = choice.found_id.with_context(metered_partner_id=self.acme.id)
        self.assertIn("this customer's", own.display_name)
        with self.assertRaisesRegex(UserError, "is already assigned to Acme Ltd"):
            choice.action_choose()
        self.assertEqual(source.account_ids.partner_id, self.acme)

    def test_a_switch_that_does_not_answer(self):
        source = self.connect()
        source._list_accounts()
        self.move_source(source, address="http://127.0.0.1:9", listed="2026-01-01")
        choice = self.choose(self.acme, source)
        self.assertIn("127.0.0.1:9", choice.problem)
        # What it listed before can still be chosen from.
        self.assertEqual(choice.found_id.name, "acme.example.com")
        action = choice.action_enter()
        with Form(
            self.env[action["res_model"]].with_context(**action["context"])
        ) as form:
            form.name = "entered.example.com"
        choice.action_choose()
        self.assertEqual(source.account_ids.partner_id, self.acme)
        self.assertEqual(
            set(source.account_ids.mapped("name")),
            {"acme.example.com", "entered.example.com"},
        )

    def test_a_switch_without_a_list(self):
        source = self.connect()
        source.http_accounts_path = False
        action = self.acme.action_metered_remedy("account", source.id)
        self.assertEqual(action["res_model"], "metered.source.account")
        self.assertFalse(self.acme.metered_lists_accounts)
        with self.assertRaisesRegex(UserError, "cannot list its accounts"):
            source.action_map_accounts()
        with self.assertRaisesRegex(UserError, "None of your sources lists"):
            self.acme.action_metered_choose_account()


@tagged("post_install", "-at_install")
class TestAccountMapping(AccountsCase):
    def open_list(self, source):
        action = source.with_user(self.clerk).action_map_accounts()
        model = (
            self.env[action["res_model"]]
            .with_user(self.clerk)
            .with_context(**action["context"])
        )
        return model, model.search([*action["domain"], ("account_id", "=", False)])

    def test_assigned_by_equal_name(self):
        source = self.connect()
        model, free = self.open_list(source)
        self.assertEqual((len(free), source.free_count), (103, 103))
        action = free.action_assign_suggested()
        self.assertIn("Assigned accounts: 2.", action["params"]["message"])
        self.assertEqual(
            {a.name: a.partner_id for a in source.account_ids},
            {"acme.example.com": self.acme, "bolt.example.com": self.bolt},
        )
        self.env.invalidate_all()
        self.assertEqual(source.free_count, 101)
        with self.assertRaisesRegex(UserError, "exactly one"):
            free.action_assign_suggested()
        self.assertEqual(
            model.search([("partner_id", "=", self.bolt.id)]).name, "bolt.example.com"
        )

    def test_assigned_one_by_one_and_many_to_one(self):
        source = self.connect()
        _model, free = self.open_list(source)
        some = free.filtered(lambda found: found.title in ("Tenant 1", "Tenant 2"))
        with Form(some[0]) as form:
            form.partner_id = self.acme
        some[1].partner_id = self.acme
        self.assertEqual(source.account_ids.partner_id, self.acme)
        self.assertEqual(
            set(source.account_ids.mapped("name")), set(some.mapped("name"))
        )
        with self.assertRaisesRegex(UserError, "is already assigned to Acme Ltd"):
            some[0].partner_id = self.bolt

    def test_listed_anew(self):
        source = self.connect()
        model, free = self.open_list(source)
        free.filtered(lambda f: f.title == "Bolt").partner_id = self.bolt
        tenants = self.server.tenants
        self.addCleanup(tenants.update, dict(tenants))
        gone = tenants.pop("bolt.example.com")
        tenants["acme.example.com"].title = "Acme International"
        self.addCleanup(setattr, tenants["acme.example.com"], "title", "ACME ltd")
        model.action_list_again()
        self.assertFalse(self.found(source, gone.key))
        self.assertEqual(
            self.found(source, "acme.example.com").title, "Acme International"
        )
        # The account stays: its calls are the customer's.
        self.assertEqual(source.account_ids.partner_id, self.bolt)

    def test_an_account_that_is_renamed_or_archived(self):
        source = self.connect()
        _model, free = self.open_list(source)
        free.action_assign_suggested()
        account = source.account_ids.filtered(lambda a: a.partner_id == self.acme)
        account.name = "t5.example.com"
        self.assertFalse(self.found(source, "acme.example.com").partner_id)
        self.assertEqual(self.found(source, "t5.example.com").partner_id, self.acme)
        account.active = False
        self.assertEqual(self.found(source, "t5.example.com").partner_id, self.acme)
        self.assertTrue(self.found(source, "t5.example.com").is_archived)

    def test_nothing_of_it_for_others(self):
        source = self.connect()
        source._list_accounts()
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_user",
            company_id=self.env["res.company"].create({"name": "Other"}).id,
        )
        found = self.env["metered.source.found"]
        self.assertFalse(found.with_user(stranger).search([]))
        with self.assertRaises(AccessError):
            found.with_user(new_test_user(self.env, "visitor")).search([])
        with self.assertRaises(AccessError):
            source.found_ids.with_user(self.clerk).unlink()
