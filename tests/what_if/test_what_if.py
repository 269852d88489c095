# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What past calls would bring with another deck, and what they cost."""

import base64
import io
from datetime import date
from unittest.mock import patch

import openpyxl
from lxml import html

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..support.metered_case import MeteredCase

PHONES = ("+14045550100", "+14045550101")


@tagged("post_install", "-at_install")
class TestSimulation(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.acme = cls.make_customer("Acme", PHONES[0])
        cls.best = cls.make_customer("Best", PHONES[1])
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 60, PHONES[0], "+12125550199"),
            ("2", "2026-10-06 11:00:00", 90, PHONES[0], "+442079460120"),
            ("3", "2026-10-07 10:00:00", 60, PHONES[1], "+12125550199"),
            ("4", "2026-11-01 10:00:00", 60, PHONES[1], "+12125550199"),
        )
        cls.draft = cls.make_deck("Draft", active=False)
        cls.make_rate(cls.draft, "1", price=0.09)
        cls.make_rate(cls.draft, "44", price=0.02)
        cls.user = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )

    def start(self, user=None, **values):
        wizard = (
            self.env["metered.simulation.start"]
            .with_user(user or self.user)
            .create(
                {
                    "deck_id": self.draft.id,
                    "date_from": date(2026, 10, 1),
                    "date_to": date(2026, 10, 31),
                    **values,
                }
            )
        )
        action = wizard.action_run()
        return wizard.env["metered.simulation"].browse(action["res_id"])

    def lines(self, run):
        return sorted(
            (
                x.partner_id.name,
                x.destination_id.name,
                x.calls,
                *(round(x[name], 6) for name in ("before", "after", "difference")),
            )
            for x in run.line_ids
        )

    def test_an_archived_deck_on_a_past_month(self):
        run = self.start()
        self.assertEqual((run.state, run.records, run.left_out), ("done", 3, 0))
        self.assertEqual(
            self.lines(run),
            [
                ("Acme", "United Kingdom", 1, 0.09, 0.03, -0.06),
                ("Acme", "United States", 1, 0.06, 0.09, 0.03),
                ("Best", "United States", 1, 0.06, 0.09, 0.03),
            ],
        )
        self.assertEqual(run.result, "0.21 → 0.21 USD")
        # Nothing is written where it is rated.
        self.assertEqual(sum(self.cdrs(self.batch).mapped("charge")), 0.27)
        self.assertFalse(self.draft.rate_ids.filtered("used"))

    def test_the_old_deck_is_the_answer_to_itself(self):
        run = self.start(deck_id=self.deck.id)
        self.assertEqual({line.difference for line in run.line_ids}, {0})

    def test_in_place_of_a_deck(self):
        own = self.make_deck("Own")
        self.make_rate(own, "1", price=0.5)
        self.acme.metered_deck_id = own
        run = self.start(replaces_id=own.id)
        self.assertEqual((run.records, run.left_out), (3, 1))
        self.assertEqual(set(run.line_ids.mapped("partner_id.name")), {"Acme"})
        self.assertEqual(sum(run.line_ids.mapped("after")), 0.12)

    def test_calls_without_a_rate(self):
        self.draft.rate_ids.filtered(lambda r: r.prefix == "44").unlink()
        self.company.metered_deck_id = False
        run = self.start()
        self.assertEqual(run.unrated, 1)
        line = run.line_ids.filtered("unrated")
        self.assertEqual((line.before, line.after), (0.09, 0))
        self.assertEqual(
            self.env["metered.cdr"].search_count(line.action_view_cdrs()["domain"]), 1
        )

    def test_filters_and_what_is_missing(self):
        run = self.start(partner_ids=[Command.set(self.best.ids)])
        self.assertEqual((run.records, run.line_ids.partner_id), (1, self.best))
        for values, said in (
            ({"date_from": date(2027, 1, 1), "date_to": date(2027, 2, 1)}, "no rated"),
            ({"date_to": date(2026, 9, 1)}, "is after"),
            ({"deck_id": False}, "Choose a rate deck"),
            ({"kind": "margin"}, "No cost deck is set"),
        ):
            with self.assertRaisesRegex(UserError, said):
                self.start(**values)

    def test_other_currency(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", euro.id)]).unlink()
        self.env["res.currency.rate"].create(
            {
                "currency_id": euro.id,
                "rate": 0.5,
                "name": "2026-01-01",
                "company_id": self.company.id,
            }
        )
        deck = self.make_deck("Euro", currency_id=euro.id)
        self.make_rate(deck, "", price=0.06)
        run = self.start(deck_id=deck.id)
        self.assertEqual(run.line_ids.currency_id, self.company.currency_id)
        self.assertEqual(sum(run.line_ids.mapped("after")), 0.42)

    def test_a_day_at_a_time(self):
        with patch(
            "odoo.addons.metered_billing.models.what_if.metered_what_if.AT_ONCE", 0
        ):
            run = self.start().sudo()
        self.assertEqual(run.state, "queued")
        days = 0
        while not run._process(seconds=0):
            days += 1
        self.assertEqual(days, 30)
        self.assertEqual(self.lines(run), self.lines(self.start()))

    def test_workbook(self):
        self.acme.name = "=1+1"
        self.best.name = "http://example.com/best"
        run = self.start()
        action = run.action_download()
        export = self.env["metered.deck.export"].search([], limit=1, order="id desc")
        self.assertIn(str(export.id), action["url"])
        book = openpyxl.load_workbook(io.BytesIO(base64.b64decode(export.file)))
        rows = list(book.active.values)
        self.assertEqual(rows[0][:3], ("Customer", "Call type", "Destination"))
        self.assertEqual(len(rows), 6)
        self.assertEqual(
            [cell.data_type for cell in book.active[2]], list("ssssnnnnnnn")
        )
        # The sums as they are on the screen; a formula, so that filters can be tried.
        [total] = self.env["metered.simulation.line"]._read_group(
            [("simulation_id", "=", run.id)],
            [],
            ["calls:sum", "before:sum", "after:sum", "difference:sum"],
        )
        values = openpyxl.load_workbook(
            io.BytesIO(base64.b64decode(export.file)), data_only=True
        )
        sums = list(values.active.values)[5]
        self.assertEqual((sums[0], sums[3]), ("Total", "USD"))
        self.assertEqual((sums[4], *sums[6:9]), total)
        self.assertEqual(book.active["G6"].value, '=SUMIF($D$2:$D$4,"USD",G$2:G$4)')
        # A name is a text, whatever it looks like.
        names = {
            (cell.value, cell.data_type, cell.hyperlink)
            for (cell,) in book.active.iter_rows(min_row=2, max_row=4, max_col=1)
        }
        self.assertEqual(
            names, {("=1+1", "s", None), ("http://example.com/best", "s", None)}
        )
        action = run.action_view_lines()
        self.assertEqual(
            self.env["metered.simulation.line"].search(action["domain"]), run.line_ids
        )

    # === COSTS === #

    def cost_deck(self):
        deck = self.make_deck("Carrier", purpose="cost")
        self.make_rate(deck, "1", price=0.01)
        self.make_rate(deck, "44", price=0.1)
        return deck

    def test_margins(self):
        self.company.metered_cost_deck_id = self.cost_deck()
        run = self.start(kind="margin", deck_id=False)
        self.assertEqual(
            self.lines(run),
            [
                ("Acme", "United Kingdom", 1, 0.09, 0.15, -0.06),
                ("Acme", "United States", 1, 0.06, 0.01, 0.05),
                ("Best", "United States", 1, 0.06, 0.01, 0.05),
            ],
        )
        self.assertEqual(run.below, 1)
        self.assertEqual(run.line_ids.filtered("below").lost, 0.06)
        self.assertEqual(run.result, "0.21 − 0.17 = 0.04 USD (19.0%)")
        # The worst come first: what was sold below cost is at the top.
        tables = html.fromstring(str(run.customers)).findall(".//table")
        rows = [
            [" ".join(row.text_content().split()) for row in table.findall(".//tr")[1:]]
            for table in tables
        ]
        self.assertEqual(
            rows,
            [
                [
                    "Acme 0.15 0.16 -0.01 USD -6.7%",
                    "Best 0.06 0.01 0.05 USD 83.3%",
                ],
                [
                    "United Kingdom 0.09 0.15 -0.06 USD -66.7%",
                    "United States 0.12 0.02 0.10 USD 83.3%",
                ],
            ],
        )

    def test_difference_in_percent(self):
        self.draft.rate_ids.filtered(lambda r: r.prefix == "44").price = 0.08
        run = self.start()
        self.assertEqual(run.result, "0.21 → 0.30 USD: +0.09 (+42.9%)")
        self.draft.rate_ids.price = 0
        run = self.start()
        self.assertEqual(run.result, "0.21 → 0.00 USD: -0.21 (-100.0%)")

    def test_cost_deck_of_a_source(self):
        self.source.cost_deck_id = self.cost_deck()
        other = self.make_source()
        self.import_calls(
            other, ("9", "2026-10-09 10:00:00", 60, PHONES[0], "+12125550199")
        )
        run = self.start(kind="margin", deck_id=False)
        self.assertEqual((run.records, run.left_out), (4, 1))

    def test_margin_of_a_call(self):
        self.company.metered_cost_deck_id = self.cost_deck()
        uk = self.cdrs(self.batch).filtered(lambda c: c.callee.startswith("+44"))
        said = " ".join(html.fromstring(str(uk.explanation)).text_content().split())
        self.assertIn("Cost Rate deck Carrier", said)
        self.assertIn("Margin Sold below cost -0.06 USD", said)
        biller = new_test_user(self.env, "bill", "account.group_account_invoice")
        self.assertNotIn("below cost", str(uk.with_user(biller).explanation))

    def test_who_may(self):
        run = self.start()
        with self.assertRaises(AccessError):
            run.write({"kind": "margin"})
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        with self.assertRaises(AccessError):
            run.with_user(stranger).action_download()
        for values in ({"company_id": self.company.id}, {"deck_id": self.draft.id}):
            with self.assertRaises(AccessError):
                self.start(stranger, **values)
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        with self.assertRaises(AccessError):
            self.start(outsider)
