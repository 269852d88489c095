# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A new deck, or a file of rates, checked before it counts: in one screen."""

import base64
from datetime import date

from freezegun import freeze_time
from lxml import html

from odoo.exceptions import UserError
from odoo.tests import Form, new_test_user, tagged

from ..support.metered_case import MeteredCase

PHONES = ("+14045550100", "+14045550101")
FILE = (
    "prefix,destination,price,billing,valid from\n"
    "1,USA,0.12,60/60,2026-11-20\n44,UK,0.03,1/1,2026-12-01\n"
)


@tagged("post_install", "-at_install")
@freeze_time("2026-11-15 12:00:00")
class TestDeckCheck(MeteredCase):
    """October: Acme calls the United Kingdom for 0.09, Best the States for 0.06."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.acme = cls.make_customer("Acme", PHONES[0])
        cls.best = cls.make_customer("Best", PHONES[1])
        cls.import_calls(
            cls.source,
            ("1", "2026-10-06 11:00:00", 90, PHONES[0], "+442079460120"),
            ("2", "2026-10-07 10:00:00", 60, PHONES[1], "+12125550199"),
            ("3", "2026-11-07 10:00:00", 60, PHONES[1], "+12125550199"),
        )
        for number, meter in (
            ("+442079460120", "meter_international"),
            ("+12125550199", "meter_national"),
        ):
            cls.env["metered.golden.call"].create(
                {
                    "number": number,
                    "meter_id": cls.env.ref(f"metered_billing.{meter}").id,
                    "seconds": 60,
                    "expected": 0.06,
                }
            )
        cls.admin = new_test_user(
            cls.env, "checker", "metered_billing.group_metered_administrator"
        )

    def run_check(self, action):
        """Fill in nothing, and press the button."""
        wizard = self.env[action["res_model"]].with_context(**action["context"])
        form = Form(wizard.with_user(self.admin))
        done = form.save().action_run()
        return self.env["metered.simulation"].browse(done["res_id"])

    def wizard(self, text=FILE, deck=None):
        wizard = (
            self.env["metered.deck.import"]
            .with_user(self.admin)
            .create(
                {
                    "deck_id": (deck or self.deck).id,
                    "file": base64.b64encode(text.encode()),
                    "file_name": "rates.csv",
                }
            )
        )
        wizard.action_preview()
        return wizard

    def lines(self, run):
        return sorted(
            (x.partner_id.name, round(x.before, 6), round(x.after, 6))
            for x in run.line_ids
        )

    def golden(self, run):
        return [
            (line.call_id.number, line.expected, line.before, line.after, line.verdict)
            for line in run.golden_ids.sorted(lambda line: line.call_id.number)
        ]

    def said(self, run):
        text = html.fromstring(str(run.customers)).text_content()
        return " ".join(text.split())

    def test_a_new_deck(self):
        """Nobody has it yet: it is tried on everybody's last month."""
        new = self.make_deck("New")
        self.make_rate(new, "1", price=0.12)
        run = self.run_check(new.action_check())
        self.assertEqual(
            (run.date_from, run.date_to), (date(2026, 10, 1), date(2026, 10, 31))
        )
        self.assertFalse(run.replaces_id)
        # The house deck is asked for what the new one has no rate for.
        self.assertEqual(self.lines(run), [("Acme", 0.09, 0.09), ("Best", 0.06, 0.12)])
        self.assertEqual(
            self.golden(run),
            [("+12125550199", "0.06 USD", "0.06 USD", "0.12 USD", "differs")],
        )
        self.assertEqual(run.golden_count, 2)
        said = self.said(run)
        self.assertIn(
            "Would pay more (1) Customer Current Simulated Difference Best", said
        )
        self.assertIn("0.06 0.12 0.06 USD 100.0%", said)
        self.assertIn("Would pay less (0) No customers", said)
        self.assertIn("Customers who would pay the same: 1", said)

    def test_a_deck_in_use_with_rates_that_are_planned(self):
        """Its own customers, at the rates that hold when all of them have begun."""
        self.env["metered.rate"].with_context(metered_golden_reason="Agreed").create(
            {
                "deck_id": self.deck.id,
                "prefix": "44",
                "price": 0.3,
                "date_from": date(2026, 12, 24),
            }
        )
        own = self.make_deck("Own")
        self.make_rate(own, "", price=0.5)
        self.best.metered_deck_id = own
        run = self.run_check(self.deck.action_check())
        self.assertEqual(run.replaces_id, self.deck)
        self.assertEqual(run.rates_day, date(2026, 12, 24))
        self.assertIn(("Acme", 0.09, 0.45), self.lines(run))
        self.assertEqual([line[0] for line in self.golden(run)], ["+442079460120"])

    def test_a_file_before_it_is_applied(self):
        wizard = self.wizard()
        rates = len(self.deck.rate_ids)
        run = self.run_check(wizard.action_check())
        self.assertEqual((run.file_name, run.deck_id), ("rates.csv", self.deck))
        self.assertEqual(run.rates_day, date(2026, 12, 1))
        self.assertEqual(self.lines(run), [("Acme", 0.09, 0.045), ("Best", 0.06, 0.12)])
        self.assertEqual(
            self.golden(run),
            [
                ("+12125550199", "0.06 USD", "0.06 USD", "0.12 USD", "differs"),
                ("+442079460120", "0.06 USD", "0.06 USD", "0.03 USD", "differs"),
            ],
        )
        self.assertIn("House with rates.csv", run.display_name)
        # Nothing is applied, and the file is still there when the wizard is gone.
        self.assertEqual(len(self.deck.rate_ids), rates)
        self.assertFalse(self.deck.version_ids)
        wizard.attachment_id.unlink()
        wizard.unlink()
        action = run.with_user(self.admin).action_apply_file()
        again = self.env["metered.deck.import"].browse(action["res_id"])
        self.assertEqual((again.state, again.count_new), ("preview", 2))

    def test_same_as_when_it_is_applied(self):
        """What the check foretells is what the deck then charges."""
        told = self.lines(self.run_check(self.wizard().action_check()))
        wizard = self.wizard()
        wizard.golden_confirmed = True
        wizard.action_apply()
        self.assertEqual(self.lines(self.run_check(self.deck.action_check())), told)

    def test_a_file_that_ends_rates(self):
        """A whole deck: what it does not name ends, and has no price then."""
        wizard = self.wizard("prefix,destination,price,billing\n44,UK,0.06,1/1\n")
        wizard.whole = "whole"
        run = self.run_check(wizard.action_check())
        self.assertEqual(self.lines(run), [("Acme", 0.09, 0.09), ("Best", 0.06, 0)])
        self.assertEqual(run.unrated, 1)
        self.assertEqual([line[-1] for line in self.golden(run)], ["unrated"])

    def test_rows_that_are_wrong(self):
        with self.assertRaisesRegex(UserError, "Some rows of the file are wrong"):
            self.wizard("prefix,destination,price\n44,UK,abc\n").action_check()

    def test_nothing_is_altered(self):
        """The same deck: no golden call is named, but all were asked for."""
        run = self.run_check(self.deck.action_check())
        self.assertEqual((run.golden_count, len(run.golden_ids)), (2, 0))
        self.assertIn("Customers who would pay the same: 2", self.said(run))

    def test_a_run_that_stopped_goes_on(self):
        run = self.run_check(self.deck.action_check())
        lines = self.lines(run)
        with self.assertRaisesRegex(UserError, "has not stopped"):
            run.action_resume()
        run.sudo().write({"state": "failed", "error": "The database went away."})
        run.with_user(self.admin).action_resume()
        self.assertEqual((run.state, run.error), ("done", False))
        self.assertEqual(self.lines(run), lines)
