# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Short calls that cost nothing: below a length, or up to and including it."""

import base64

from odoo.tests import Form, tagged

from ..support.metered_case import MeteredCase

PHONE, LONDON = "+14045550100", "+442079460120"


@tagged("post_install", "-at_install")
class TestFreeCalls(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", PHONE)
        cls.carrier = cls.make_deck("Carrier")
        cls.company.metered_deck_id = cls.carrier

    def charged(self):
        """Which of calls of 4, 5 and 6 seconds are charged, and what Explain says."""
        batch = self.import_calls(
            self.source,
            *(
                (f"{self.carrier.rate_ids.ids}-{seconds}", "2026-10-05 10:00:00")
                + (seconds, PHONE, LONDON)
                for seconds in (4, 5, 6)
            ),
        )
        cdrs = self.cdrs(batch)
        self.assertEqual(cdrs.mapped("quantity"), [4, 5, 6])
        return [bool(cdr.charge) for cdr in cdrs], cdrs[0].explanation

    def import_deck(self, text):
        wizard = self.env["metered.deck.import"].create(
            {
                "deck_id": self.carrier.id,
                "file_name": "rates.csv",
                "file": base64.b64encode(text.encode()),
            }
        )
        wizard.action_preview()
        wizard.action_apply()

    def test_both_meanings_at_the_boundary(self):
        cases = (
            ("below", 5, [False, True, True], "calls shorter than 5 s are free"),
            ("including", 5, [False, False, True], "calls of up to 5 s are free"),
            ("including", 0, [True, True, True], ""),
            ("below", 0, [True, True, True], ""),
        )
        for kind, seconds, charged, said in cases:
            with self.subTest(kind=kind, seconds=seconds):
                rate = self.make_rate(
                    self.carrier, "44", 1, grace_kind=kind, free_seconds=seconds
                )
                self.assertEqual(rate.free_seconds, seconds)
                found, explanation = self.charged()
                self.assertEqual(found, charged)
                self.assertIn(said, explanation)
                self.env["metered.cdr"].search([]).unlink()
                rate.used = False
                rate.unlink()

    def test_other_words_are_no_other_price(self):
        with Form(
            self.env["metered.rate"].with_context(default_deck_id=self.carrier.id)
        ) as form:
            form.prefix = "44"
            form.free_seconds = 6
            form.grace_kind = "including"
            self.assertEqual(form.free_seconds, 5)
        rate = form.save()
        self.assertEqual((rate.grace_seconds, rate.free_seconds), (6, 5))
        with Form(rate) as form:
            form.free_seconds = 6
        self.assertEqual((rate.grace_seconds, rate.free_seconds), (7, 6))

    def test_deck_files_say_both(self):
        for column, kind, grace in (
            ("free below", "below", 5),
            ("grace seconds", "below", 5),
            ("Free up to and including", "including", 6),
        ):
            with self.subTest(column):
                self.carrier.rate_ids.unlink()
                self.import_deck(f"prefix,price,{column}\n44,0.1,5\n49,0.1,0\n")
                first, second = self.carrier.rate_ids.sorted("prefix")
                self.assertEqual((first.grace_kind, first.free_seconds), (kind, 5))
                self.assertEqual(first.grace_seconds, grace)
                self.assertEqual(second.grace_seconds, 0)
                export = self.carrier.action_export_csv()["url"].split("/")[4]
                file = self.env["metered.deck.export"].browse(int(export)).file
                self.carrier.rate_ids.unlink()
                self.import_deck(base64.b64decode(file).decode())
                again = self.carrier.rate_ids.sorted("prefix")[0]
                self.assertEqual((again.grace_kind, again.grace_seconds), (kind, grace))
