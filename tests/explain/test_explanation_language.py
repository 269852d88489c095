# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Explanations in the user's language: sentences, numbers and days."""

from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import html2plaintext
from odoo.tools.misc import ReadonlyDict
from odoo.tools.translate import code_translations

from ..billing.test_metered_invoice import MeteredInvoiceCase

GERMAN = {
    "How It Was Charged": "Wie es berechnet wurde",
    "Tier %s": "Staffel %s",
    "%(sold)s at %(price)s": "%(sold)s zu %(price)s",
    "Discount": "Nachlass",
    "%s%% off the rounded amount": "%s %% vom gerundeten Betrag",
    "%s per minute": "%s je Minute",
    "%(rate)s, valid from %(first)s through %(last)s": (
        "%(rate)s, vom %(first)s bis %(last)s"
    ),
    "%(customer)s, %(meter)s, %(day)s": "%(customer)s: %(meter)s am %(day)s",
}


@tagged("post_install", "-at_install")
class TestExplanationLanguage(MeteredInvoiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        language = cls.env["res.lang"]._activate_lang("de_DE")
        language.write(
            {"decimal_point": ",", "thousands_sep": ".", "date_format": "%d.%m.%Y"}
        )
        cls.startClassPatcher(
            patch.dict(
                code_translations.python_translations,
                {("metered_billing", "de_DE"): ReadonlyDict(GERMAN)},
            )
        )

    def in_german(self, record):
        return record.with_context(lang="de_DE")

    def test_an_invoice_line(self):
        plan = self.make_plan()
        plan.sale_subscription_line_ids.filtered("metered_meter_id").discount = 12.5
        usage = self.make_records("2026-10-05", 1234.5)
        invoice = self.renew(plan)
        line = self.in_german(invoice.invoice_line_ids.filtered("metered_price_id"))
        text = html2plaintext(line.metered_explanation)
        for words in (
            "Wie es berechnet wurde",
            # 1,134.5 texts at 0.05 are 56.725, rounded 56.73; less 12.5 %: 49.64
            "1.134,5",
            "Nachlass",
            "12,5 % vom gerundeten Betrag",
            "49,64",
        ):
            self.assertIn(words, text)
        self.assertEqual(
            self.in_german(usage).display_name, "Acme: Texts am 05.10.2026"
        )

    def test_a_call_and_the_days_of_its_rate(self):
        self.deck.rate_ids.write({"date_from": "2026-10-01", "date_to": "2026-11-01"})
        self.make_identifier(self.customer, "+14045550100")
        batch = self.import_calls(
            self.make_source(),
            ("1", "2026-10-05 10:00:00", 61, "+14045550100", "+12125550199"),
        )
        cdr = self.in_german(self.cdrs(batch))
        text = html2plaintext(cdr.explanation)
        self.assertIn("0,06 USD je Minute, vom 01.10.2026 bis 31.10.2026", text)
        self.assertIn("0,061 USD", text)
