# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Trying decks, files of rates and plans, in a real browser."""

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers

ACTION = "/odoo/action-metered_billing."


@tagged("post_install", "-at_install")
class TestWhatIfTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="Tour Switch")
        cls.customer = cls.make_customer("Tour Customer", "+14045550100")
        new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_administrator,"
            "account.group_account_invoice,sales_team.group_sale_salesman",
        )
        month = fields.Date.subtract(fields.Date.today().replace(day=1), months=1)
        cls.month = month
        cls.import_calls(
            cls.source,
            ("t1", f"{month} 11:00:00", 90, "+14045550100", "+442079460120"),
        )
        cls.golden = cls.env["metered.golden.call"].create(
            {
                "partner_id": cls.customer.id,
                "number": "+442079460120",
                "meter_id": cls.env.ref("metered_billing.meter_international").id,
                "seconds": 90,
                "expected": 0.09,
            }
        )

    def form(self, model, record):
        return f"{ACTION}action_metered_{model}/{record.id}"

    def test_check_a_deck(self):
        deck = self.make_deck("New")
        self.make_rate(deck, "44", price=0.12)
        self.start_tour(
            self.form("rate_deck", deck), "metered_billing_check_deck", login="operator"
        )
        run = self.env["metered.simulation"].search([])
        self.assertEqual((run.deck_id, run.state), (deck, "done"))

    def test_check_a_file(self):
        self.start_tour(
            self.form("rate_deck", self.deck),
            "metered_billing_check_file",
            login="operator",
        )
        run = self.env["metered.simulation"].search([])
        self.assertEqual((run.file_name, run.date_from), ("new.csv", self.month))
        self.assertEqual(len(self.deck.rate_ids), 1)

    def test_try_a_plan(self):
        due = fields.Date.add(self.month, months=1)
        self.make_subscription(self.customer, self.month, due)
        self.env["metered.calling.plan"].create(
            {
                "name": "Small",
                "allowance_ids": [
                    fields.Command.create({"name": "Minutes", "amount": 1})
                ],
            }
        )
        self.start_tour(
            ACTION + "action_metered_simulation_what_if",
            "metered_billing_try_a_plan",
            login="operator",
        )
        line = self.env["metered.simulation"].search([]).line_ids
        self.assertEqual((round(line.before, 6), round(line.after, 6)), (0.09, 0.03))

    def test_try_again(self):
        wizard = self.env["metered.simulation.start"].create({"deck_id": self.deck.id})
        run = self.env["metered.simulation"].browse(wizard.action_run()["res_id"])
        run.write({"state": "failed", "error": "The database went away."})
        self.start_tour(
            self.form("simulation_what_if", run),
            "metered_billing_try_again",
            login="operator",
        )
        self.assertEqual(run.state, "done")
