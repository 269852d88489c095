# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who may see and do what: User, Administrator, other companies, nobody."""

import base64

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..support.metered_case import MeteredCase, generic_csv

CALL = ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")


@tagged("post_install", "-at_install")
class TestSecurity(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.batch = cls.import_calls(
            cls.source, CALL, ("2", "never", 60, "+14045550100", "911")
        )
        cls.operator = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )
        cls.administrator = new_test_user(
            cls.env, "chief", "metered_billing.group_metered_administrator"
        )
        cls.outsider = new_test_user(cls.env, "outsider", "base.group_user")
        cls.other_company = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.stranger = new_test_user(
            cls.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=cls.other_company.id,
            company_ids=[(6, 0, cls.other_company.ids)],
        )

    def test_user_imports_and_looks(self):
        env = self.env(user=self.operator)
        content = base64.b64encode(generic_csv([("3", *CALL[1:])]).encode()).decode()
        batch_id = env["metered.batch"].import_file(self.source.id, "a.csv", content)
        batch = env["metered.batch"].browse(batch_id)
        batch.sudo()._process()
        self.assertEqual(batch.rated, 1)
        for model in ("cdr", "usage", "exception", "rate", "destination", "meter"):
            self.assertTrue(env[f"metered.{model}"].search([], limit=1).read())
        self.make_customer("New", "+14045550111").with_user(self.operator)
        batch.action_undo()
        self.assertEqual(batch.state, "undone")

    def test_user_changes_no_prices_and_no_rules(self):
        for record, values in (
            (self.deck.rate_ids, {"date_to": "2030-01-01"}),
            (self.deck, {"decimals": 2}),
            (self.source, {"timezone": "Europe/Paris"}),
            (self.source.payer_ids[:1], {"column": "x"}),
            (self.env.ref("metered_billing.meter_national"), {"name": "x"}),
        ):
            with self.assertRaises(AccessError):
                record.with_user(self.operator).write(values)
            record.with_user(self.administrator).write(values)

    def test_nobody_writes_call_details_or_usage(self):
        cdr = self.cdrs(self.batch)
        for user in (self.operator, self.administrator):
            for record in (cdr, cdr.usage_id):
                with self.assertRaises(AccessError):
                    record.with_user(user).write({"currency_id": 1})
                with self.assertRaises(AccessError):
                    record.with_user(user).unlink()

    def test_other_people_see_nothing(self):
        env = self.env(user=self.outsider)
        for model in ("cdr", "usage", "exception", "batch", "source", "rate.deck"):
            with self.assertRaises(AccessError):
                env[f"metered.{model}"].search([])

    def test_other_companies_see_nothing(self):
        env = self.env(user=self.stranger)
        for model in (
            "cdr",
            "usage",
            "exception",
            "batch",
            "source",
            "source.rule",
            "source.column",
            "source.payer",
            "rate.deck",
            "rate",
            "identifier",
        ):
            name = f"metered.{model}"
            self.assertFalse(env[name].search([]), name)
            if model != "source.rule":
                self.assertTrue(self.env[name].search([], limit=1), name)
        # What is shared is shared.
        self.assertTrue(env["metered.destination"].search([], limit=1))
        self.assertTrue(env["metered.meter"].search([], limit=1))
        with self.assertRaises(AccessError):
            self.batch.with_user(self.stranger).read(["records"])
        with self.assertRaises(AccessError):
            env["metered.batch"].import_file(self.source.id, "a.csv", "")

    def test_companies_do_not_mix(self):
        """The same number in two companies is two customers."""
        env = self.env(user=self.stranger, context={})
        deck = env["metered.rate.deck"].create({"name": "Theirs", "timezone": "UTC"})
        env["metered.rate"].create({"deck_id": deck.id, "price": 0.5})
        self.other_company.metered_deck_id = deck
        source = env["metered.source"].create(
            {
                "name": "Theirs",
                "preset": "generic",
                "timezone": "UTC",
                "country_id": self.usa.id,
                "max_age_days": 0,
            }
        )
        partner = self.env["res.partner"].create({"name": "Their customer"})
        env["metered.identifier"].create(
            {"partner_id": partner.id, "kind": "number", "value": "+14045550100"}
        )
        content = base64.b64encode(generic_csv([CALL]).encode()).decode()
        batch_id = env["metered.batch"].import_file(source.id, "a.csv", content)
        batch = self.env["metered.batch"].browse(batch_id)
        batch._process()
        cdr = self.cdrs(batch)
        self.assertEqual(cdr.partner_id, partner)
        self.assertEqual(cdr.company_id, self.other_company)
        self.assertEqual(cdr.charge, 0.5)
        self.assertEqual(cdr.usage_id.company_id, self.other_company)
        self.assertEqual(self.cdrs(self.batch).partner_id, self.customer)
