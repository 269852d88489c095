# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Why a call, or a line of an invoice, costs what it costs: in words and numbers."""

from datetime import date

from lxml import html

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ...rating.steps import TEXTS
from ..support.metered_case import MeteredCase

PHONE = "+14045550100"


@tagged("post_install", "-at_install")
class TestExplainCharge(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", PHONE)
        cls.uk = cls.make_rate(
            cls.deck,
            "44",
            price=0.12,
            name="United Kingdom",
            initial_increment=60,
            increment=6,
            connection_fee=0.05,
        )
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 67, PHONE, "+442079460120"),
            ("2", "2026-10-05 11:00:00", 30, PHONE, "+12125550199"),
        )
        cls.first, cls.second = cls.env["metered.cdr"].search(
            [("batch_id", "=", cls.batch.id)], order="line"
        )

    def rows(self, text):
        """The steps as the screen shows them: list of (title, text, amount)."""
        tree = html.fromstring(str(text))
        return [
            tuple(" ".join(cell.text_content().split()) for cell in step)
            for step in tree.xpath("//div[contains(@class, 'o_metered_step ')]")
        ]

    def said(self, record):
        if record._name == "metered.cdr":
            return html.fromstring(str(record.explanation)).text_content()
        return html.fromstring(str(record.metered_explanation)).text_content()

    def step(self, record, title):
        return [row[1:] for row in self.rows(record.explanation) if row[0] == title]

    def test_every_step_of_a_call(self):
        self.assertEqual(self.first.charge, 0.194)
        self.assertEqual(self.step(self.first, "Rate deck"), [("House", "")])
        self.assertEqual(
            self.step(self.first, "Rate"),
            [("Prefix 44 (United Kingdom): 0.12 USD per minute", "")],
        )
        self.assertEqual(
            self.step(self.first, "Increments"),
            [
                (
                    "67 s; the first increment is 60 s, then 2 × 6 s: 72 s are billed",
                    "",
                )
            ],
        )
        self.assertEqual(
            self.step(self.first, "Price"),
            [("72 s at 0.12 USD per minute", "0.144 USD")],
        )
        self.assertEqual(
            self.step(self.first, "Connection fee"),
            [("plus 0.05 USD", "0.194 USD")],
        )
        self.assertEqual(
            self.step(self.first, "Rounding"),
            [("Half up to 4 decimals, once", "0.194 USD")],
        )
        self.assertEqual(self.step(self.first, "Charge"), [("", "0.194 USD")])
        self.assertIn("Acme, identified by", self.said(self.first))
        self.assertNotIn("current rates", self.said(self.first))

    def test_todays_rates_differ(self):
        deck = self.make_deck("Own")
        self.make_rate(deck, "44", price=0.06)
        self.customer.metered_deck_id = deck
        said = self.said(self.first)
        self.assertIn(
            "With the current rates it would cost 0.067 USD: 0.127 less.", said
        )
        self.assertIn("The charge stays unchanged until the call is re-rated.", said)
        self.assertEqual(
            self.step(self.first, "Charge"), [("", "0.194 USD"), ("", "0.067 USD")]
        )
        self.assertEqual(
            self.step(self.first, "Rate deck"),
            [
                ("House", ""),
                ("Own", ""),
            ],
        )

    def test_rate_that_ended_since(self):
        self.uk.date_to = date(2026, 10, 1)
        self.make_rate(self.deck, "44", price=0.2, date_from=date(2026, 10, 1))
        said = self.said(self.first)
        self.assertIn("0.12 USD per minute", said)
        self.assertIn("With the current rates it would cost 0.2233 USD", said)

    def test_rate_that_is_missing_today(self):
        self.deck.active = False
        self.assertIn(
            "With the current rates it would have no price.",
            said := (self.said(self.first)),
        )
        self.assertIn("0.12 USD per minute", said)

    def test_what_cannot_be_derived_any_more(self):
        self.deck.decimals = 2
        said = self.said(self.first)
        self.assertIn("the charge of 0.194 USD can no longer be explained", said)
        self.assertIn("it would cost 0.19 USD: 0.004 less", said)

    def test_not_billable(self):
        quiet = self.make_source(default_outcome="not_billable")
        batch = self.import_calls(
            quiet, ("3", "2026-10-05 12:00:00", 9, PHONE, "+12125550199")
        )
        cdr = self.cdrs(batch)
        self.assertEqual(cdr.state, "not_billable")
        self.assertIn("it is not charged", self.said(cdr))
        self.assertEqual(cdr.action_explain()["res_id"], cdr.id)

    def test_no_step_is_without_words(self):
        words = self.env["metered.explanation"]
        for code in TEXTS:
            self.assertTrue(hasattr(words, f"_say_{code}"), code)

    def test_language_and_its_numbers(self):
        self.env["res.lang"]._activate_lang("de_DE")
        cdr = self.first.with_context(lang="de_DE")
        self.assertEqual(self.rows(cdr.explanation)[-1][2], "0,194 USD")

    def test_invoice_line(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.generate_invoice()
        lines = subscription.invoice_ids.invoice_line_ids
        charging = lines.filtered("metered_explained")
        self.assertEqual(len(charging), 2)
        line = charging.filtered(lambda line: line.price_subtotal == 0.19)
        said = self.said(line)
        self.assertIn("1 call on 1 day, 72 seconds billed", said)
        self.assertIn("0.194 USD", said)
        self.assertEqual(line.metered_largest_cdr_ids, self.first)
        action = line.action_view_metered_cdrs()
        self.assertEqual(self.env["metered.cdr"].search(action["domain"]), self.first)
        self.assertNotIn("changed manually", said)
        line.price_unit = 5
        line.invalidate_recordset(["metered_explanation"])
        self.assertIn("it was changed manually", self.said(line))

    def test_kept_steps_name_what_is_the_documents_and_the_users(self):
        """Steps that are kept on a line may have been written by anybody."""
        other = self.env["res.company"].create({"name": "Other Telecom"})
        secret = self.make_deck("Secret", company_id=other.id)
        rate = self.make_rate(secret, "44", price=0.01, name="Secret Destination")
        own = self.make_rate(self.deck, "49", price=0.2, name="Own Destination")
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = subscription.create_invoice()
        line = invoice.invoice_line_ids.filtered("metered_usage_ids")[:1]
        line.sudo().metered_pricing = {
            "meter_id": line.metered_usage_ids.meter_id.id,
            "steps": [
                [code, {"deck_id": rate.deck_id.id, "rate_id": rate.id}]
                for rate in (rate, own)
                for code in ("deck", "runner_up")
            ],
        }
        chief = new_test_user(
            self.env,
            "explained_chief",
            "metered_billing.group_metered_administrator,account.group_account_invoice",
            company_ids=[Command.set((self.company | other).ids)],
        )
        accountant = new_test_user(
            self.env, "explained_accountant", "account.group_account_invoice"
        )
        for user, names in ((chief, {"House", "Own"}), (accountant, set())):
            with self.subTest(user=user.login):
                said = self.said(line.with_user(user))
                self.assertEqual(
                    {name for name in ("House", "Own", "Secret") if name in said},
                    names,
                )

    def test_who_may_ask(self):
        user = new_test_user(self.env, "op", "metered_billing.group_metered_user")
        biller = new_test_user(self.env, "bill", "account.group_account_invoice")
        self.assertIn("href", str(self.first.with_user(user).explanation))
        # Who reads no rates is not led to them.
        self.assertNotIn("href", str(self.first.with_user(biller).explanation))
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            self.first.with_user(stranger).action_explain()
        with self.assertRaises(AccessError):
            self.first.with_user(stranger)._explain()
