# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls whose price is agreed, and files of rates that would alter it."""

import base64
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..support.metered_case import MeteredCase

PHONE = "+14045550100"
DEARER = "prefix,destination,price,billing\n44,UK,0.5,1/1\n"
OTHER = "prefix,destination,price,billing\n49,Germany,0.5,1/1\n"


@tagged("post_install", "-at_install")
class TestGoldenCalls(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", PHONE)
        batch = cls.import_calls(
            cls.source, ("1", "2026-10-05 10:00:00", 90, PHONE, "+442079460120")
        )
        cls.cdr = cls.env["metered.cdr"].search([("batch_id", "=", batch.id)])
        action = cls.cdr.action_keep_golden()
        form = Form(cls.env["metered.golden.call"].with_context(**action["context"]))
        cls.golden = form.save()

    def wizard(self, text):
        wizard = self.env["metered.deck.import"].create(
            {
                "deck_id": self.deck.id,
                "file": base64.b64encode(text.encode()),
                "file_name": "rates.csv",
            }
        )
        wizard.action_preview()
        return wizard

    def test_kept_from_a_call(self):
        golden = self.golden
        self.assertEqual(golden.partner_id, self.customer)
        self.assertEqual((golden.number, golden.seconds), ("+442079460120", 90))
        self.assertEqual((golden.expected, golden.charge), (0.09, "0.09 USD"))
        self.assertEqual(golden.verdict, "same")

    def test_all_in_one_pass(self):
        """Sixty calls of as many customers take no more queries than six."""
        own = self.make_deck("Own")
        self.make_rate(own, "4420", price=0.3)
        meter = self.golden.meter_id

        def make(first, last):
            return self.env["metered.golden.call"].create(
                [
                    {
                        "partner_id": self.make_customer(f"C{at}").id,
                        "number": f"+4420794601{at:02}",
                        "meter_id": meter.id,
                        "seconds": at + 1,
                        "expected": 1,
                    }
                    for at in range(first, last)
                ]
            )

        def queries(calls):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            calls.mapped("verdict")
            return self.env.cr.sql_log_count - before

        few, many = make(0, 6), make(6, 66)
        confirmed = {"metered_golden_reason": "Agreed anew"}
        many[1].partner_id.with_context(**confirmed).metered_deck_id = own
        queries(few)
        self.assertLessEqual(queries(many), queries(few) + 2)
        # Each is priced by its own deck, and for its own length.
        self.assertEqual(many[0].charge, "0.007 USD")
        self.assertEqual(many[1].charge, "0.04 USD")

    def test_rates_that_change(self):
        own = self.make_deck("Own")
        self.make_rate(own, "", price=0.12)
        confirmed = {"metered_golden_reason": "Agreed anew"}
        self.customer.with_context(**confirmed).metered_deck_id = own
        self.golden.invalidate_recordset()
        self.assertEqual(
            (self.golden.charge, self.golden.verdict), ("0.18 USD", "differs")
        )
        self.company.with_context(**confirmed).metered_deck_id = False
        own.with_context(**confirmed).active = False
        self.golden.invalidate_recordset()
        self.assertEqual(self.golden.verdict, "unrated")

    def test_file_that_alters_one_is_refused(self):
        wizard = self.wizard(DEARER)
        self.assertIn("0.09 USD before, 0.75 USD after", wizard.golden)
        # Trying has written nothing.
        self.assertEqual(len(self.deck.rate_ids), 1)
        self.assertFalse(self.deck.version_ids)
        with self.assertRaisesRegex(UserError, "change the price of golden calls"):
            wizard.action_apply()
        self.assertEqual(len(self.deck.rate_ids), 1)
        wizard.golden_confirmed = True
        wizard.action_apply()
        self.assertEqual(len(self.deck.rate_ids), 2)
        self.assertIn("rates.csv", self.golden.message_ids[0].body)

    def test_dates_of_a_file(self):
        """A price that holds from a later day alters what is to hold at any date."""
        wizard = self.wizard(
            "prefix,destination,price,billing,valid from\n44,UK,0.5,1/1,2027-03-01\n"
        )
        self.assertIn("expected 0.09 USD, 0.09 USD before, 0.75", wizard.golden)
        self.assertIn("2027", wizard.golden)

    def test_file_without_golden_calls(self):
        """Where no golden call has the deck, its file is not read once more."""
        self.golden.active = False
        other = self.make_customer("Other", metered_deck_id=self.make_deck("Own").id)
        self.golden.copy({"partner_id": other.id, "active": True})
        self.company.with_context(metered_golden_reason="-").metered_deck_id = False
        wizard = self.wizard(DEARER)
        model = type(wizard)
        with patch.object(model, "_read", autospec=True, side_effect=model._read) as r:
            wizard.action_apply()
        self.assertEqual(r.call_count, 1)

    def test_other_files_are_applied(self):
        wizard = self.wizard(OTHER)
        self.assertFalse(wizard.golden)
        wizard.action_apply()
        self.assertEqual(len(self.deck.rate_ids), 2)

    def test_a_call_of_its_own_date(self):
        """The past keeps its prices: a file from today on does not alter it."""
        self.golden.standing = False
        self.assertFalse(self.wizard(DEARER).golden)

    def test_rights(self):
        user = new_test_user(self.env, "op", "metered_billing.group_metered_user")
        self.assertEqual(self.golden.with_user(user).verdict, "same")
        with self.assertRaises(AccessError):
            self.golden.with_user(user).write({"expected": 1})
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            self.golden.with_user(stranger).read(["expected"])
