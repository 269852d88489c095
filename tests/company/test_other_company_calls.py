# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls by which strangers and users of another company once got something done."""

from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.metered_billing.connectors.errors import SourceError
from odoo.addons.metered_billing.ingest.load_rates import deck_chain
from odoo.addons.metered_billing.models.source import metered_source_connection

from ..support.metered_case import MeteredCase

PHONE = "+14045550100"
USER = "metered_billing.group_metered_user"
ADMINISTRATOR = "metered_billing.group_metered_administrator"


@tagged("post_install", "-at_install")
class TestOtherCompanyCalls(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.customer = cls.make_customer("Acme", PHONE)
        cls.source = cls.make_source(
            source_type="http_json",
            address="https://switch.example.com",
            http_records_path="/calls/{account}",
            http_accounts_path="/accounts",
        )
        cls.portal = new_test_user(cls.env, "portal a", "base.group_portal")
        cls.plain = new_test_user(cls.env, "plain a", "base.group_user")
        cls.contact = new_test_user(
            cls.env, "contact a", "base.group_user,base.group_partner_manager"
        )
        cls.operator = new_test_user(
            cls.env, "operator a", f"{USER},base.group_partner_manager"
        )
        cls.user_b = cls.make_other_user("user b", USER)
        cls.chief_b = cls.make_other_user(
            "chief b", f"{ADMINISTRATOR},base.group_partner_manager"
        )

    @classmethod
    def make_other_user(cls, login, groups):
        return new_test_user(
            cls.env,
            login,
            groups,
            company_id=cls.other.id,
            company_ids=[Command.set(cls.other.ids)],
        )

    def setUp(self):
        super().setUp()
        self.asked = []

        def ask(*_args, **_kwargs):
            self.asked.append(1)
            raise SourceError("403: internal list of tenants")

        connector = patch.object(metered_source_connection, "make_connector", ask)
        connector.start()
        self.addCleanup(connector.stop)

    # === REQUESTS WITH A COMPANY'S CREDENTIALS === #

    def test_list_of_accounts(self):
        context = {"metered_source_ids": self.source.ids}
        for user in (self.portal, self.plain, self.user_b, self.chief_b):
            found = self.env["metered.source.found"].with_user(user)
            with self.assertRaises(AccessError):
                found.with_context(**context).action_list_again()
        self.assertFalse(self.asked)

    def test_choice_of_an_account(self):
        choice = self.env["metered.account.choice"].with_user(self.user_b)
        with self.assertRaises(AccessError):
            choice.onchange(
                {"source_id": self.source.id},
                ["source_id"],
                {"source_id": {}, "found_id": {}, "problem": {}},
            )
        self.assertFalse(self.asked)

    # === RENEWALS === #

    def test_renewal(self):
        run = self.env["metered.renewal"].create(
            {"company_id": self.company.id, "date": "2026-11-01", "state": "failed"}
        )
        for user in (self.portal, self.plain, self.user_b, self.chief_b):
            for method in ("action_resume", "action_view_invoices"):
                with self.assertRaises(AccessError):
                    getattr(run.with_user(user), method)()
        self.assertEqual(run.state, "failed")
        run.with_user(self.operator).action_resume()
        self.assertEqual(run.state, "running")

    # === WHAT IS THE COMPANY'S === #

    def test_time_zone(self):
        wizard = (
            self.env["metered.company.setup"]
            .with_user(self.chief_b)
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "country_id": self.usa.id,
                    "timezone": "Pacific/Kiritimati",
                }
            )
        )
        with self.assertRaises(AccessError) as caught:
            wizard.with_user(self.chief_b).action_save()
        self.assertNotIn(self.company.name, str(caught.exception))
        self.assertEqual(self.company.metered_tz, "UTC")

    def destination_wizard(self, user, company):
        """A dialog whose company is not that of its exceptions."""
        number = "+28212345678"
        self.import_calls(
            self.make_source(), ("1", "2026-10-05 10:00:00", 60, PHONE, number)
        )
        exception = self.env["metered.exception"].search([], limit=1)
        self.assertEqual(exception.reason, "no_destination")
        target = {"ids": exception.ids}
        line = {"prefix": "282", "name": "Nowhere", "kind": "fixed"}
        wizard = self.env["metered.exception.destination"].create(
            {
                "target": target,
                "company_id": company.id,
                "line_ids": [Command.create(line)],
            }
        )
        return wizard.with_user(user)

    def test_destinations_are_the_company_s_own(self):
        """The company is that of the exceptions, never that of the dialog."""
        shared = self.env["metered.destination"].create(
            {"name": "Nowhere", "kind": "fixed", "prefixes": "2819"}
        )
        for company in (self.env["res.company"], self.other):
            wizard = self.destination_wizard(self.operator, company)
            with self.env.cr.savepoint() as savepoint:
                wizard.action_add()
                own = self.env["metered.destination"].search(
                    [("prefixes", "=", "282"), ("name", "=", "Nowhere")]
                )
                self.assertEqual(own.company_id, self.company)
                self.assertEqual(shared.prefixes, "2819")
                savepoint.rollback()
            self.env.invalidate_all()
            self.env["metered.exception"].search([]).sudo().unlink()

    def test_destinations_of_another_company(self):
        wizard = self.destination_wizard(self.user_b, self.company)
        with self.assertRaises(UserError):
            wizard.action_add()
        self.assertFalse(
            self.env["metered.destination"].search([("prefixes", "=", "282")])
        )

    # === WHOSE PRICES HOLD === #

    def test_prices_of_a_customer(self):
        """Who may edit contacts may not say what they pay, nor see it."""
        group = self.env["metered.customer.group"].create(
            {"name": "Gold", "deck_id": self.deck.id}
        )
        values = {
            "metered_deck_id": self.deck.id,
            "metered_group_id": group.id,
            "metered_tz": "Europe/Paris",
            "metered_hidden_digits": "3",
        }
        for name, value in values.items():
            for user in (self.contact, self.portal, self.plain):
                customer = self.customer.with_user(user)
                self.assertNotIn(name, customer.fields_get())
                with self.assertRaises(AccessError):
                    customer.read([name])
                with self.assertRaises(AccessError):
                    customer.write({name: value})
            self.customer.with_user(self.operator).write({name: value})
        copied = self.customer.with_user(self.contact).copy()
        self.assertFalse(copied.sudo().metered_deck_id)
        copied = self.customer.with_user(self.operator).copy()
        self.assertEqual(copied.metered_deck_id, self.deck)
        self.assertEqual(copied.metered_tz, "Europe/Paris")
        self.assertEqual(copied.metered_hidden_digits, "3")
        # What not everybody may see, Odoo's copy must not read for everybody.
        for field in copied._fields.values():
            if field._module == "metered_billing" and field.groups and field.store:
                self.assertFalse(field.copy, field)

    def test_decks_of_the_company(self):
        """What a company charges by is not told to all who may read the company."""
        for name in ("metered_deck_id", "metered_cost_deck_id"):
            for user in (self.contact, self.portal, self.plain):
                with self.assertRaises(AccessError):
                    self.company.with_user(user).read([name])
            self.assertTrue(self.company.with_user(self.operator).read([name]))

    def test_another_company_s_deck(self):
        customer = self.make_customer("Bolt", company_id=self.other.id)
        customer = customer.with_user(self.chief_b)
        group = self.env["metered.customer.group"].create({"name": "Gold"})
        for values in (
            {"metered_deck_id": self.deck.id},
            {"metered_group_id": group.id},
        ):
            with self.assertRaises(UserError):
                customer.write(values)

    def test_another_company_s_deck_does_not_price(self):
        """However it came to the customer."""
        company = self.other.with_company(self.other)
        customer = self.customer.with_company(self.other)
        theirs = self.make_deck("Theirs", company_id=self.other.id)
        customer.metered_deck_id = theirs
        self.assertEqual(deck_chain(customer, company), (theirs.id,))
        self.env.cr.execute(
            "UPDATE metered_rate_deck SET company_id = %s WHERE id = %s",
            (self.company.id, theirs.id),
        )
        self.env.invalidate_all()
        self.assertEqual(deck_chain(customer, company), ())

    # === MARKUP === #

    def test_checks_of_manual_invoicing(self):
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "state": "found",
                "checks": "<img src=x onerror=\"window.__xss='checks'\">",
            }
        )
        self.assertNotIn("onerror", wizard.checks or "")

    # === RECORDS MOVED, FILES READ, USAGE TAKEN === #

    def file_of(self, user, name="calls.csv", raw=b"x"):
        return (
            self.env["ir.attachment"].with_user(user).create({"name": name, "raw": raw})
        )

    def test_an_import_made_by_hand(self):
        """It put calls on customers of the company whose source it was moved to."""
        own = self.make_source(company_id=self.other.id)
        batches = self.env["metered.batch"].with_user(self.user_b)
        values = {
            "source_id": own.id,
            "attachment_id": self.file_of(self.user_b).id,
            "file_format": {"kind": "delimited"},
            "state": "queued",
        }
        for made in (values, {**values, "source_id": self.source.id}):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                batches.create(made)
        batch = batches.browse(
            self.env["metered.batch"].create({**values, "state": "failed"}).id
        )
        for written in (
            {"source_id": self.source.id},
            {"state": "queued"},
            {"attachment_id": self.file_of(self.user_b).id},
            {"records": 1, "rated": 1, "stored_rated": 1},
            {"checksum": "x", "file_name": "other.csv", "undone_uid": 2},
        ):
            with self.subTest(written), self.assertRaises(AccessError):
                batch.write(written)

    def test_a_file_of_somebody_else(self):
        """Its rows were shown in the preview, as exceptions, and as raw records."""
        secret = self.file_of(self.env.user, "payroll.csv", b"name;salary\nA;1\n")
        own = self.make_source(company_id=self.other.id)
        deck = self.make_deck("B", company_id=self.other.id)
        for user, model, values in (
            (self.user_b, "metered.import", {"source_id": own.id, "file": b"eA=="}),
            (self.chief_b, "metered.deck.import", {"deck_id": deck.id}),
        ):
            wizards = self.env(user=user)[model]
            with self.subTest(model), self.assertRaises(AccessError):
                wizards.create({**values, "attachment_id": secret.id})
            wizard = wizards.create(values)
            with self.subTest(model), self.assertRaises(AccessError):
                wizard.write({"attachment_id": secret.id})

    def test_usage_of_another_invoice(self):
        """An accountant took it by naming it on a line of an invoice of their own."""
        self.import_calls(
            self.make_source(), ("1", "2026-10-05 10:00:00", 60, PHONE, "+12125550199")
        )
        usage = self.usage(self.customer)
        self.assertTrue(usage)
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.make_customer("Own").id,
                "invoice_line_ids": [Command.create({"name": "x", "price_unit": 1})],
            }
        )
        insider = new_test_user(
            self.env, "accountant a", "account.group_account_manager"
        )
        line = invoice.invoice_line_ids.with_user(insider)
        for values in (
            {"metered_freed": {str(usage[0].id): [19, "0"]}},
            {"metered_date_from": "2026-10-01", "metered_date_to": "2026-11-01"},
            {"metered_usage_ids": [Command.link(usage[0].id)]},
            {"metered_pricing": {"deck_id": self.deck.id}},
            {"metered_origin_line_id": line.id},
        ):
            with self.subTest(values), self.assertRaises(AccessError):
                line.write(values)
            with self.subTest(values), self.assertRaises(AccessError):
                invoice.with_user(insider).write(
                    {"invoice_line_ids": [Command.update(line.id, values)]}
                )
        # Even where it stands there, a line takes back what is of its company only.
        line.sudo().metered_freed = {str(usage[0].id): [19, "0"]}
        self.env.cr.execute(
            "UPDATE metered_usage SET company_id = %s WHERE id = %s",
            (self.other.id, usage[0].id),
        )
        self.env.invalidate_all()
        self.assertFalse(line._metered_freed_usage())

    def test_hours_of_a_time_band(self):
        band = self.env["metered.time.band"].create(
            {
                "name": "Peak",
                "company_id": self.company.id,
                "slot_ids": [Command.create({"hour_from": 8, "hour_to": 18})],
            }
        )
        slots = band.slot_ids.with_user(self.chief_b)
        for do in (
            lambda: slots.write({"hour_to": 9}),
            lambda: slots.unlink(),
            lambda: slots.create({"band_id": band.id, "hour_from": 1, "hour_to": 2}),
        ):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                do()
