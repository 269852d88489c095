# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What customers may see: by country, by choice, after a declaration; hidden lists."""

import base64
from datetime import date

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .test_statements import StatementCase


@tagged("post_install", "-at_install")
class TestMaskingRules(StatementCase):
    def masking(self, day=None):
        return self.customer._metered_masking(self.company, day)

    def test_germany_needs_a_declaration(self):
        self.customer.country_id = self.env.ref("base.de")
        # Whatever was chosen.
        self.customer.metered_statement_items = "all"
        self.customer.metered_hidden_digits = "0"
        self.company.metered_hidden_caller_digits = "0"
        self.assertIn("requires a declaration", self.customer.metered_masking_info)
        statement = self.made(self.invoice())
        self.assertEqual((statement.calls, self.table(statement)), (0, []))
        self.assertTrue(statement.adds_up)
        # One that came in the period holds for the next.
        self.customer.metered_declared_on = "2026-10-05"
        self.assertEqual(self.masking(date(2026, 10, 1)).items, "none")
        masking = self.masking(date(2026, 11, 1))
        self.assertEqual((masking.items, masking.digits), ("all", 0))
        # Callers are never shown in full.
        self.assertEqual(masking.caller("+493012345678"), "+493012345xxx")
        self.assertNotIn("requires", self.customer.metered_masking_info)
        self.customer.metered_statement_items = False
        self.customer.metered_hidden_digits = False
        masking = self.masking(date(2026, 11, 1))
        self.assertEqual((masking.items, masking.digits), ("charged", 3))

    def test_austria_hides_until_it_is_declared(self):
        self.customer.country_id = self.env.ref("base.at")
        masking = self.masking()
        self.assertEqual(masking.called("+4312345678"), "+4312345xxx")
        self.assertEqual(masking.called("+43900123456"), "+43900123456")
        self.assertEqual(masking.called("133"), "133")
        self.customer.metered_declared_on = "2020-01-01"
        self.assertEqual(self.masking().called("+4312345678"), "+4312345678")
        self.assertEqual(self.masking().items, "all")

    def test_company_before_country(self):
        self.customer.country_id = self.env.ref("base.fr")
        self.assertEqual(self.masking().digits, 4)
        self.company.metered_hidden_digits = "2"
        self.assertEqual(self.masking().digits, 2)
        self.customer.country_id = False
        self.company.metered_hidden_digits = False
        self.assertEqual((self.masking().items, self.masking().digits), ("all", 0))
        rules = self.env.ref("metered_billing.statement_country_fr")
        with self.assertRaisesRegex(ValidationError, "is not a prefix"):
            rules.full_prefixes = "33 8"

    def test_numbers_that_are_never_shown(self):
        made = self.env["metered.hidden.list"].create(
            {
                "name": "Helplines",
                "country_id": self.env.ref("base.us").id,
                "numbers": "(212) 555-0001\n+12125550003",
            }
        )
        self.assertEqual(made.patterns, ["=12125550001", "=12125550003"])
        statement = self.made(self.invoice())
        shown = {row["to"] for row in self.table(statement)}
        self.assertEqual(len(shown), 5)
        self.assertFalse(shown & {"12125550001", "12125550003"})
        self.assertTrue(statement.adds_up)
        [remainder] = statement._content()._remainders()
        self.assertEqual(remainder[1], 2)
        # What was made stays so.
        made.numbers = False
        statement._run(None, None)
        self.assertEqual(len(self.table(statement)), 5)
        other = self.env["res.company"].create({"name": "Other"})
        made.numbers = "+12125550003*"
        self.assertEqual(self.company._metered_never_shown(), ("12125550003",))
        self.assertEqual(other._metered_never_shown(), ())

    def test_list_from_a_file(self):
        with Form(self.env["metered.hidden.list"]) as form:
            form.name = "Helplines"
            form.country_id = self.env.ref("base.de")
            form.file = base64.b64encode(b"Name;Number\nA;0800 1110111\nB;116123\n")
        made = form.record
        self.assertEqual(made.patterns, ["=116123", "=498001110111"])
        self.assertEqual(made.count, 2)
        self.assertFalse(made.is_old)
        form = Form(made)
        for content, text in (
            (b"a;b\n0800 1;0900 1\n", "Columns 1, 2 of the file"),
            (b"nothing", "No column of the file"),
        ):
            with self.assertRaisesRegex(UserError, text):
                form.file = base64.b64encode(content)
        with self.assertRaisesRegex(ValidationError, "not a phone number in Germany"):
            made.numbers = "nobody"

    def test_list_that_is_old(self):
        made = self.env["metered.hidden.list"].create(
            {"name": "Helplines", "fetched_on": "2020-01-01"}
        )
        self.assertTrue(made.is_old)
        made._cron_remind()
        made._cron_remind()
        [activity] = made.activity_ids
        self.assertIn("was last imported on 2020-01-01", activity.note)
        made.renew_days = 0
        made._cron_remind()
        self.assertFalse(made.activity_ids)
