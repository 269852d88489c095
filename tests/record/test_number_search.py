# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user, tagged

from ...models.record import metered_cdr
from ..support.metered_case import MeteredCase, MeteredMakers

ACME, LONDON = "+12125550142", "+442079460120"
CALLS = (
    ("n1", "2026-10-05 10:00:00", 854, ACME, LONDON),
    ("n2", "2026-10-05 11:00:00", 3723, "+14045550100", ACME),
    ("n3", "2026-10-05 12:00:00", 60, "+14045550100", "+14045550199"),
)


@tagged("post_install", "-at_install")
class TestNumberSearch(MeteredCase):
    """A number is found as people write it, in whatever list holds numbers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme 3M", ACME)
        cls.beta = cls.make_customer("Beta", "+14045550100")

    def found(self, model, text):
        return self.env[model].search([("number_or_customer", "ilike", text)])

    def test_call_details(self):
        self.import_calls(self.source, *CALLS)
        for text in ("(212) 555-0142", "+1 212 555 0142", "12125550142", "212-555"):
            with self.subTest(text):
                found = self.found("metered.cdr", text)
                self.assertEqual(set(found.mapped("call_id")), {"n1", "n2"})
        for text in ("+44", "44 20 7946", "011 44 20 7946 0120"):
            with self.subTest(text):
                found = self.found("metered.cdr", text)
                self.assertEqual(found.mapped("call_id"), ["n1"])
        self.assertFalse(self.found("metered.cdr", "(212) 556-0142"))

    def test_whole_numbers_are_found_by_the_filters_on_them(self):
        self.import_calls(self.source, *CALLS)
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(
            "EXPLAIN SELECT id FROM metered_cdr WHERE callee = %s OR caller = %s",
            (ACME, ACME),
        )
        plan = "\n".join(row[0] for row in self.env.cr.fetchall())
        self.env.cr.execute("SET LOCAL enable_seqscan TO DEFAULT")
        self.assertIn("numbers_bloom", plan)
        domain = self.env["metered.cdr"]._domain_numbers([ACME])
        self.assertEqual(domain.field_expr, "id")
        self.assertEqual(len(domain.value), 2)
        # A number in many records is looked for as all others are, the newest first.
        with patch.object(metered_cdr, "MOST_OF_NUMBER", 1):
            found = self.found("metered.cdr", ACME)
        self.assertEqual(set(found.mapped("call_id")), {"n1", "n2"})

    def test_a_name_is_a_customer(self):
        self.import_calls(self.source, *CALLS)
        for text, count in (("acme", 1), ("3M", 1), ("Beta", 2), ("Nobody", 0)):
            self.assertEqual(len(self.found("metered.cdr", text)), count, text)

    def test_identifiers(self):
        extension = self.make_identifier(self.beta, "1001@pbx", kind="extension")
        number = self.customer.metered_identifier_ids
        self.assertEqual(self.found("metered.identifier", "(212) 555-0142"), number)
        self.assertEqual(self.found("metered.identifier", "acme"), number)
        self.assertEqual(self.found("metered.identifier", "1001@"), extension)

    def test_exceptions(self):
        self.import_calls(
            self.source, ("x", "2026-10-05 10:00:00", 60, "+13125550111", LONDON)
        )
        exception = self.env["metered.exception"].search([])
        for text in ("(312) 555-0111", "+1 312 555", "+44 20"):
            self.assertEqual(self.found("metered.exception", text), exception, text)
        self.assertFalse(self.found("metered.exception", "(312) 555-0112"))


@tagged("post_install", "-at_install")
class TestCallDetailsTour(MeteredMakers, HttpCase):
    def test_tour(self):
        self.set_up_rates()
        source = self.make_source()
        self.make_customer("Acme", ACME)
        self.make_customer("Beta", "+14045550100")
        new_test_user(self.env, "operator", "metered_billing.group_metered_user")
        self.import_calls(source, *CALLS)
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_cdr_menu",
            "metered_billing_call_details",
            login="operator",
        )
