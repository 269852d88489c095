# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What each call costs, which are sold below cost, and that this stays true."""

from datetime import date
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged

from ..support.metered_case import MeteredCase

PHONES = ("+14045550100", "+14045550101")
US, UK, FRANCE = "+12125550199", "+442079460120", "+33142685300"


@tagged("post_install", "-at_install")
@freeze_time("2026-11-20 12:00:00")
class TestCallCosts(MeteredCase):
    """Calls cost 0.06 a minute; the carrier takes 0.02 for the US, 0.10 for the UK."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.acme = cls.make_customer("Acme", PHONES[0])
        cls.best = cls.make_customer("Best", PHONES[1])
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 60, PHONES[0], US),
            ("2", "2026-10-06 11:00:00", 60, PHONES[0], UK),
            ("3", "2026-10-07 10:00:00", 60, PHONES[1], UK),
            ("4", "2026-10-07 11:00:00", 60, PHONES[1], FRANCE),
        )
        cls.costs = cls.make_deck("Carrier", purpose="cost")
        cls.make_rate(cls.costs, "1", price=0.02)
        cls.uk = cls.make_rate(cls.costs, "44", price=0.10)
        cls.company.metered_cost_deck_id = cls.costs
        cls.operator = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )

    def look_up(self, begin=date(2026, 10, 1), end=date(2026, 11, 1)):
        done = self.env["metered.usage.cost"]._look_up(self.company, begin, end)
        self.assertTrue(done)

    def below(self, *domain, value=True):
        """Call ids of those that are found as sold below cost."""
        cdrs = self.env["metered.cdr"].with_user(self.operator)
        found = cdrs.search([("below_cost", "=", value), *domain])
        return sorted(found.mapped("call_id"))

    def test_each_source_is_asked_once(self):
        source = type(self.source)
        with patch.object(
            source, "_cost_deck", autospec=True, side_effect=source._cost_deck
        ) as asked:
            decks = self.env["metered.usage.cost"]._cost_decks(self.company)
        self.assertEqual(decks[self.source.id], self.costs.id)
        self.assertEqual(asked.call_count, len(decks))

    def test_found_by_the_filter(self):
        self.assertEqual(self.below(), [], "nothing was looked up yet")
        self.look_up()
        self.assertEqual(self.below(), ["2", "3"])
        self.assertEqual(self.below(("partner_id", "=", self.acme.id)), ["2"])
        self.assertEqual(self.below(value=False), ["1", "4"])

    def test_cost_and_margin_in_the_list(self):
        self.look_up()
        cdrs = self.cdrs(self.batch).sorted("call_id").with_user(self.operator)
        self.assertEqual(
            [
                (cdr.has_cost, cdr.cost, round(cdr.margin, 6), cdr.below_cost)
                for cdr in cdrs.with_prefetch(cdrs.ids)
            ],
            [
                (True, 0.02, 0.04, False),
                (True, 0.10, -0.04, True),
                (True, 0.10, -0.04, True),
                # The carrier has no rate for France.
                (False, 0.0, 0.0, False),
            ],
        )

    def test_a_single_call_is_as_of_now(self):
        call = self.cdrs(self.batch).filtered(lambda cdr: cdr.call_id == "2")
        call = call.with_user(self.operator).with_prefetch()
        self.assertEqual((call.cost, round(call.margin, 6)), (0.10, -0.04))
        self.assertTrue(call.below_cost)

    def test_a_changed_cost_deck_is_followed(self):
        self.look_up()
        self.uk.price = 0.01
        self.look_up()
        self.assertEqual(self.below(), [])
        self.env["metered.rate"].create(
            {"deck_id": self.costs.id, "prefix": "33", "price": 0.5, "increment": 60}
        )
        self.look_up()
        self.assertEqual(self.below(), ["4"])
        self.source.cost_deck_id = self.make_deck("Free carrier", purpose="cost")
        self.look_up()
        self.assertEqual(self.below(), [])

    def test_calls_that_are_rated_again(self):
        self.look_up()
        self.make_rate(self.deck, "44", price=0.20)
        usage = self.usage(self.acme)
        run = self.env["metered.rerate.start"].create(
            {
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                "partner_ids": [Command.set(self.acme.ids)],
            }
        )
        run = self.env["metered.rerate"].browse(run.action_preview()["res_id"])
        run.action_apply()
        self.assertTrue(usage)
        self.assertEqual(self.below(), ["3"], "what is out of date counts no more")
        self.look_up()
        self.assertEqual(self.below(), ["3"])
        self.env.cr.execute(
            "SELECT count(*), sum(margin)::text FROM metered_cdr_cost cost"
            " JOIN metered_cdr cdr ON cdr.id = cost.id AND cdr.charge = cost.charge"
        )
        # 0.06 - 0.02, 0.20 - 0.10, 0.06 - 0.10
        self.assertEqual(self.env.cr.fetchone(), (3, "0.100000"))

    def test_only_what_changed_is_looked_up(self):
        self.look_up()
        self.env.cr.execute("UPDATE metered_cdr_cost SET cost = 7")
        self.import_calls(self.source, ("5", "2026-10-07 12:00:00", 60, PHONES[1], UK))
        self.look_up()
        self.env.cr.execute(
            "SELECT cdr.call_id FROM metered_cdr_cost cost"
            " JOIN metered_cdr cdr ON cdr.id = cost.id WHERE cost.cost < 7 ORDER BY 1"
        )
        # The usage of Best on 7 October to the UK: its calls are read again.
        self.assertEqual([row[0] for row in self.env.cr.fetchall()], ["3", "5"])

    def test_in_the_currency_of_the_charge(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2026-10-01", "rate": 0.5}
        )
        deck = self.make_deck("Euro carrier", purpose="cost", currency_id=euro.id)
        self.make_rate(deck, "44", price=0.04)
        self.company.metered_cost_deck_id = deck
        self.look_up()
        # 0.04 EUR = 0.08 USD, sold at 0.06
        self.assertEqual(self.below(), ["2", "3"])
        cdrs = self.cdrs(self.batch).with_user(self.operator)
        for cdrs_ in (cdrs, cdrs.filtered(lambda cdr: cdr.call_id == "2")):
            cdrs_.invalidate_recordset()
            call = cdrs_.filtered(lambda cdr: cdr.call_id == "2")
            self.assertEqual(call.cost_currency_id, euro)
            self.assertEqual((call.cost, round(call.margin, 6)), (0.04, -0.02))

    def test_the_job_keeps_recent_days(self):
        with self.enter_registry_test_mode():
            self.env.ref("metered_billing.ir_cron_costs").method_direct_trigger()
        self.assertEqual(self.below(), ["2", "3"])

    def test_margins_look_up_any_days(self):
        wizard = self.env["metered.simulation.start"].create(
            {
                "kind": "margin",
                "date_from": date(2026, 10, 1),
                "date_to": date(2026, 10, 31),
            }
        )
        run = self.env["metered.simulation"].browse(wizard.action_run()["res_id"])
        self.assertEqual(run.below, 2)
        self.assertIn(" − ", run.result)
        action = run.action_view_below()
        view = self.env["ir.ui.view"].browse(action["views"][0][0])
        self.assertEqual(view.name, "metered.cdr.list.cost")
        found = self.env["metered.cdr"].search(
            [*action["domain"], ("below_cost", "=", True)]
        )
        self.assertEqual(sorted(found.mapped("call_id")), ["2", "3"])

    def test_costs_of_removed_calls_are_forgotten(self):
        self.look_up()
        self.cdrs(self.batch).filtered(lambda c: c.call_id == "2").sudo().unlink()
        self.env["metered.cdr.cost"]._gc_costs()
        self.env.cr.execute("SELECT count(*) FROM metered_cdr_cost")
        self.assertEqual(self.env.cr.fetchone()[0], 2)

    def test_costs_are_not_for_everybody(self):
        biller = new_test_user(self.env, "biller", "account.group_account_invoice")
        call = self.cdrs(self.batch)[:1].with_user(biller)
        with self.assertRaises(AccessError):
            call.read(["cost"])
        with self.assertRaises(AccessError):
            call.search([("below_cost", "=", True)])

    # === CHOOSING A DECK === #

    def test_a_cost_deck_charges_nobody(self):
        group = self.env["metered.customer.group"].create({"name": "Group"})
        for record, name in (
            (self.acme, "metered_deck_id"),
            (group, "deck_id"),
            (self.company, "metered_deck_id"),
        ):
            with self.assertRaisesRegex(
                ValidationError, "cannot be used to charge customers"
            ):
                record[name] = self.costs
        for record, name in (
            (self.source, "cost_deck_id"),
            (self.company, "metered_cost_deck_id"),
        ):
            with self.assertRaisesRegex(ValidationError, "contains customer prices"):
                record[name] = self.deck

    def test_a_deck_in_use_keeps_its_purpose(self):
        other = self.make_deck("Other")
        with self.assertRaisesRegex(ValidationError, "cost deck of"):
            self.costs.purpose = "sale"
        self.acme.metered_deck_id = other
        with self.assertRaisesRegex(ValidationError, "the deck of Acme"):
            other.purpose = "cost"
        self.acme.metered_deck_id = False
        other.purpose = "cost"
        self.assertEqual(other.purpose, "cost")
