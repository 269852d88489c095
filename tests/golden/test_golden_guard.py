# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A change by hand that alters a golden call is refused until it is confirmed."""

import json
from contextlib import contextmanager
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..plan.test_calling_plans import PlanCase
from ..support.metered_case import MeteredCase, MeteredMakers

UK = "+442079460120"
CONFIRMED = {"metered_golden_reason": "The contract ended"}


class GoldenMakers(MeteredMakers):
    """Makers of golden calls."""

    @classmethod
    def keep(cls, expected, partner=None, **values):
        """A golden call of 90 seconds, on a Monday, at any date."""
        return cls.env["metered.golden.call"].create(
            {
                "partner_id": partner.id if partner else False,
                "number": UK,
                "meter_id": cls.env.ref("metered_billing.meter_international").id,
                "moment": "2026-10-05 10:00:00",
                "seconds": 90,
                "expected": expected,
                **values,
            }
        )


class GoldenCase(GoldenMakers, MeteredCase):
    """A golden call of a customer, at 0.06 a minute: 0.09."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Acme")
        cls.golden = cls.keep(0.09, cls.customer)
        cls.rate = cls.deck.rate_ids

    @contextmanager
    def assert_refused(self, text="expected 0.09 USD"):
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            yield

    def assert_refused_unless_confirmed(self, record, values, text="expected 0.09 USD"):
        """The change is refused, and is there when somebody confirms it."""
        with self.assert_refused(text):
            record.write(values)
        # Nothing of it stays: looking again finds the price as it was.
        self.golden.invalidate_recordset()
        self.assertEqual(self.golden.verdict, "same")
        record.with_context(**CONFIRMED).write(values)
        self.golden.invalidate_recordset()
        self.assertEqual(self.golden.verdict, "differs")
        self.assertIn("The contract ended", self.golden.message_ids[0].body)


@tagged("post_install", "-at_install")
class TestGoldenGuard(GoldenCase):
    # === RATES === #

    def test_price_of_a_rate(self):
        self.assertEqual(self.golden.verdict, "same")
        self.assert_refused_unless_confirmed(self.rate, {"price": 0.5})
        said = " ".join(self.deck.message_ids.mapped("body"))
        self.assertIn("The contract ended", said)

    def test_message(self):
        with self.assert_refused(
            "Acme .*expected 0.09 USD, 0.09 USD before, 0.15 USD after"
        ):
            self.rate.price = 0.1

    def test_what_is_not_of_the_price(self):
        self.rate.name = "World"
        self.rate.write({"price": 0.06})
        # Not for 90 seconds.
        self.rate.grace_seconds = 5

    def test_new_rates(self):
        self.make_rate(self.deck, "49", price=0.5)
        self.make_rate(self.make_deck("Nobody's"), "44", price=0.5)
        self.make_rate(self.deck, "44", price=0.06)
        with self.assert_refused():
            self.make_rate(self.deck, "4420", price=0.5)
        self.env["metered.rate"].with_context(**CONFIRMED).create(
            {"deck_id": self.deck.id, "prefix": "4420", "price": 0.5}
        )
        self.assertEqual(self.golden.verdict, "differs")

    def test_new_rate_of_a_destination(self):
        uk = self.env["metered.destination"].create(
            {"name": "UK London", "prefixes": "4420"}
        )
        with self.assert_refused():
            self.make_rate(self.deck, "", price=0.5, destination_id=uk.id)
        self.make_rate(self.deck, "", price=0.06, destination_id=uk.id)
        rate = self.deck.rate_ids - self.rate
        rate.with_context(**CONFIRMED).price = 0.07
        # Its rate does not fit any more: back to the other one, as expected.
        uk.prefixes = "49"
        with self.assert_refused():
            uk.prefixes = "4420 49"

    def test_from_a_later_day(self):
        """What begins or ends later is looked at from then on."""
        later = fields.Date.context_today(self.env.user) + timedelta(days=40)
        with self.assert_refused("no price after"):
            self.rate.date_to = later
        with self.assert_refused("0.75 USD after"):
            self.make_rate(self.deck, "44", price=0.5, date_from=later)
        self.rate.with_context(**CONFIRMED).date_to = later
        # As it was: from then on at the same price.
        follower = self.make_rate(self.deck, "", price=0.06, date_from=later)
        with self.assert_refused("no price after"):
            follower.unlink()
        with self.assert_refused("0.15 USD after"):
            follower.price = 0.1

    def test_in_the_time_zone_of_the_deck(self):
        """A day begins in the deck's time zone, which may be late in UTC."""
        self.deck.timezone = "Pacific/Honolulu"
        self.golden.moment = "2026-10-05 02:00:00"
        for days in range(1, 8):
            day = fields.Date.context_today(self.env.user) + timedelta(days=days)
            with self.assert_refused():
                self.make_rate(self.deck, "44", price=0.5, date_from=day)

    def test_deleted_rate(self):
        rate = self.make_rate(self.deck, "44", price=0.06)
        rate.unlink()
        own = self.make_deck("Own")
        rate = self.make_rate(own, "44", price=0.12)
        self.golden.expected = 0.18
        self.customer.metered_deck_id = own
        with self.assert_refused("expected 0.18 USD, 0.18 USD before, 0.09 USD after"):
            rate.unlink()

    def test_tiers_of_a_rate(self):
        tiers = self.env["metered.rate.tier"]
        values = {"rate_id": self.rate.id, "from_second": 60, "price": 0.6}
        with self.assert_refused("0.36 USD after"):
            tiers.create(values)
        tier = tiers.with_context(**CONFIRMED).create(values)
        self.golden.expected = 0.36
        tier = tier.with_context(metered_golden_reason=False)
        with self.assert_refused("expected 0.36 USD"):
            tier.price = 0.7
        with self.assert_refused("expected 0.36 USD"):
            tier.unlink()
        self.env["metered.rate.tier"].create(
            {"rate_id": self.rate.id, "from_second": 90, "price": 9}
        )

    # === DECKS === #

    def test_deck(self):
        self.golden.seconds = 91
        self.golden.expected = 0.091
        for values in (
            {"decimals": 1},
            {"rounding": "up", "decimals": 2},
            {"active": False},
            {"currency_id": self.env.ref("base.EUR").id},
            {"rate_ids": [Command.update(self.rate.id, {"price": 0.5})]},
            {"rate_ids": [Command.create({"prefix": "44", "price": 0.5})]},
            {"rate_ids": [Command.delete(self.rate.id)]},
        ):
            with self.subTest(values), self.assert_refused("expected 0.091 USD"):
                self.deck.write(values)
        self.deck.write({"name": "House rates", "rounding": "down"})

    def test_deck_with_rates_of_a_later_day(self):
        later = fields.Date.context_today(self.env.user) + timedelta(days=40)
        command = Command.create({"prefix": "44", "price": 0.5, "date_from": later})
        with self.assert_refused("0.75 USD after"):
            self.deck.rate_ids = [command]

    def test_bands_and_holidays(self):
        band = self.env["metered.time.band"].create(
            {
                "name": "Peak",
                "slot_ids": [Command.create({"hour_from": 8, "hour_to": 18})],
            }
        )
        with self.assert_refused():
            self.make_rate(self.deck, "44", price=0.5, band_id=band.id)
        self.make_rate(self.deck, "44", price=0.06, band_id=band.id)
        night = self.env["metered.time.band"].create(
            {
                "name": "Night",
                "slot_ids": [Command.create({"hour_from": 20, "hour_to": 24})],
            }
        )
        self.make_rate(self.deck, "44", price=0.5, band_id=night.id)
        with self.assert_refused():
            night.slot_ids.hour_from = 7
            night.sequence = 1
        with self.assert_refused():
            night.write({"sequence": 1, "slot_ids": [Command.create({"hour_from": 9})]})
        with self.assert_refused():
            self.deck.timezone = "Asia/Vladivostok"

    # === WHOSE DECK === #

    def test_choice_of_deck(self):
        dear = self.make_deck("Dear")
        self.make_rate(dear, "", price=0.5)
        same = self.make_deck("Same")
        self.make_rate(same, "", price=0.06)
        self.customer.metered_deck_id = same
        self.assert_refused_unless_confirmed(
            self.customer, {"metered_deck_id": dear.id}
        )
        # Back to what is expected: nobody is asked.
        self.customer.metered_deck_id = False
        group = self.env["metered.customer.group"].create(
            {"name": "Gold", "deck_id": dear.id}
        )
        with self.assert_refused():
            self.customer.metered_group_id = group
        with self.assert_refused():
            group.partner_ids = [Command.link(self.customer.id)]
        group.deck_id = same
        self.customer.metered_group_id = group
        with self.assert_refused():
            group.deck_id = dear
        # Somebody else's choice.
        self.make_customer("Best").metered_deck_id = dear

    def test_parent_company(self):
        dear = self.make_deck("Dear")
        self.make_rate(dear, "", price=0.5)
        parent = self.make_customer("Holding", is_company=True, metered_deck_id=dear.id)
        with self.assert_refused():
            self.customer.parent_id = parent

    def test_company(self):
        dear = self.make_deck("Dear")
        self.make_rate(dear, "", price=0.5)
        with self.assert_refused():
            self.company.metered_deck_id = dear
        with self.assert_refused():
            self.env["res.config.settings"].create(
                {"metered_deck_id": dear.id}
            ).execute()

    # === WHO CONFIRMS === #

    def test_only_an_administrator_confirms(self):
        dear = self.make_deck("Dear")
        self.make_rate(dear, "", price=0.5)
        seller = new_test_user(
            self.env,
            "seller",
            "base.group_user,base.group_partner_manager,"
            "metered_billing.group_metered_user",
        )
        customer = self.customer.with_user(seller).with_context(**CONFIRMED)
        with self.assert_refused("An administrator of Metered Billing can apply"):
            customer.metered_deck_id = dear
        chief = new_test_user(
            self.env,
            "chief",
            "base.group_partner_manager,metered_billing.group_metered_administrator",
        )
        with self.assert_refused("metered_golden_reason"):
            self.customer.with_user(chief).metered_deck_id = dear
        customer.with_user(chief).metered_deck_id = dear
        self.assertIn(chief.name, self.golden.message_ids[0].body)

    def test_customer_of_a_golden_call_stays(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            self.customer.unlink()

    def test_archived_golden_calls(self):
        self.golden.active = False
        self.rate.price = 0.5

    def test_without_golden_calls(self):
        """One look tells that there are none."""
        self.golden.unlink()
        self.rate.price = 0.05
        self.env.flush_all()
        watched = []
        execute = type(self.env.cr).execute

        def listen(cursor, query, *args, **kwargs):
            watched.append(str(query))
            return execute(cursor, query, *args, **kwargs)

        self.patch(type(self.env.cr), "execute", listen)
        self.rate.price = 0.5
        self.env.flush_all()
        looks = [query for query in watched if "metered_golden" in query]
        self.assertEqual(len(looks), 1)

    def test_list_of_those_not_as_expected(self):
        other = self.keep(0.5, number="+12125550199")
        found = self.env["metered.golden.call"].search([("verdict", "!=", "same")])
        self.assertEqual(found & (other | self.golden), other)


@tagged("post_install", "-at_install")
class TestGoldenPlans(GoldenMakers, PlanCase):
    """A call's price with the calling plan of its customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.allowance = cls.sell_minutes(1)
        cls.plan = cls.allowance.plan_id
        cls.deck_price = cls.keep(0.09, cls.customer)
        cls.left = cls.keep(0.03, cls.customer, plan="left")
        cls.used = cls.keep(0.09, cls.customer, plan="used")
        cls.all = cls.deck_price | cls.left | cls.used

    def test_prices(self):
        self.assertEqual(self.all.mapped("verdict"), ["same"] * 3)
        self.assertEqual(self.left.charge, "0.03 USD")
        # What is really left makes no difference.
        self.call("2026-10-02", 1)
        self.all.invalidate_recordset()
        self.assertEqual(self.all.mapped("verdict"), ["same"] * 3)

    def test_a_planned_call_is_kept_at_the_price_of_the_deck(self):
        batch = self.call("2026-10-02", 1)
        context = self.cdrs(batch).action_keep_golden()["context"]
        self.assertEqual(context["default_expected"], 0.06)

    def test_change_of_a_plan(self):
        text = "expected 0.03 USD, 0.03 USD before, 0 USD after"
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            self.allowance.amount = 10
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            self.plan.allowance_ids = [Command.update(self.allowance.id, {"amount": 2})]
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.allowance.unlink()
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.env["product.template"].search(
                [("metered_plan_id", "=", self.plan.id)]
            ).metered_plan_id = False
        text = "expected 0.09 USD, 0.09 USD before, 0.015 USD after"
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            self.allowance.write({"overage": "own", "overage_price": 0.01})
        # Nothing that a call of 90 seconds has a share in.
        self.allowance.write({"rollover_periods": 2, "name": "Included"})
        self.plan.description = "For everybody"

    def test_confirmed(self):
        self.allowance.with_context(**CONFIRMED).amount = 10
        self.assertEqual(self.all.mapped("verdict"), ["same", "differs", "same"])
        self.assertIn("The contract ended", self.left.message_ids[0].body)

    def test_destinations_of_an_allowance(self):
        france = self.env["metered.destination"].create(
            {"name": "France so far", "prefixes": "3399"}
        )
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.allowance.destination_ids = france
        france.prefixes = "4420"
        self.allowance.destination_ids = france
        self.assertEqual(self.left.verdict, "same")


@tagged("post_install", "-at_install")
class TestGoldenOnScreen(GoldenMakers, HttpCase):
    """What the web client is told, and what it can do about it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.golden = cls.keep(0.09)
        cls.chief = new_test_user(
            cls.env, "chief", "metered_billing.group_metered_administrator"
        )

    def call(self, model, method, *args):
        response = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            data=json.dumps(
                {
                    "jsonrpc": "2.0",
                    "method": "call",
                    "params": {
                        "model": model,
                        "method": method,
                        "args": args,
                        "kwargs": {},
                    },
                }
            ),
            headers={"Content-Type": "application/json"},
        )
        return response.json()

    def confirm(self, context, reason="Agreed by mail"):
        values = {
            name.removeprefix("default_"): value for name, value in context.items()
        }
        return (
            self.env["metered.golden.confirm"]
            .with_user(self.chief)
            .create({**values, "reason": reason})
        )

    def refused(self, model, method, *args):
        """The context of the screen that confirms."""
        self.authenticate("chief", "chief")
        error = self.call(model, method, *args)["error"]["data"]
        self.assertEqual(error["name"], "odoo.exceptions.RedirectWarning")
        message, action, _button, context = error["arguments"]
        self.assertIn("expected 0.09 USD", message)
        action = self.env["ir.actions.act_window"].browse(action)
        self.assertEqual(action.res_model, "metered.golden.confirm")
        return context

    def test_write(self):
        rate = self.deck.rate_ids
        context = self.refused("metered.rate", "write", rate.ids, {"price": 0.5})
        self.assertEqual(rate.price, 0.06)
        wizard = self.confirm(context)
        self.assertEqual(wizard.what, "Rate: all numbers")
        self.assertIn("0.75 USD after", wizard.altered)
        action = wizard.action_apply()
        self.assertEqual((action["res_model"], action["res_id"]), (rate._name, rate.id))
        self.assertEqual(rate.price, 0.5)
        self.assertIn("Agreed by mail", self.golden.message_ids[0].body)

    def test_create(self):
        context = self.refused(
            "metered.rate",
            "web_save",
            [],
            {"deck_id": self.deck.id, "prefix": "44", "price": 0.5},
            {},
        )
        action = self.confirm(context).action_apply()
        rate = self.env["metered.rate"].browse(action["res_id"])
        self.assertEqual((rate.prefix, rate.price), ("44", 0.5))

    def test_go_back(self):
        rate = self.deck.rate_ids
        context = self.refused("metered.rate", "write", rate.ids, {"price": 0.5})
        action = self.confirm(context, False).action_back()
        self.assertEqual((action["res_model"], action["res_id"]), (rate._name, rate.id))
        context = self.refused(
            "metered.rate",
            "create",
            [{"deck_id": self.deck.id, "prefix": "4", "price": 1}],
        )
        action = self.confirm(context, False).action_back()
        self.assertEqual(action["views"][0][1], "list")
        self.assertEqual(self.deck.rate_ids, rate)

    def test_unlink(self):
        self.make_rate(self.deck, "44", price=0.06)
        self.make_rate(self.deck, "4420", price=0.06)
        rate = self.deck.rate_ids.filtered(lambda rate: not rate.prefix)
        self.golden.copy({"number": "+12125550199", "expected": 0.09})
        context = self.refused("metered.rate", "unlink", rate.ids)
        action = self.confirm(context).action_apply()
        self.assertFalse(rate.exists())
        self.assertEqual(
            (action["res_model"], action["res_id"]), (self.deck._name, self.deck.id)
        )

    def test_not_for_other_models_or_methods(self):
        context = {
            "default_model": "res.users",
            "default_method": "write",
            "default_record_ids": "[2]",
            "default_vals_list": '[{"name": "X"}]',
        }
        with self.assertRaisesRegex(UserError, "does not affect golden calls"):
            self.confirm(context).action_apply()
        context["default_model"] = "metered.rate"
        context["default_method"] = "copy"
        with self.assertRaisesRegex(UserError, "does not affect golden calls"):
            self.confirm(context).action_apply()
        with self.assertRaisesRegex(UserError, "Enter why"):
            self.confirm(context, " ").action_apply()

    def test_only_for_administrators(self):
        user = new_test_user(self.env, "op", "metered_billing.group_metered_user")
        with self.assertRaises(AccessError):
            self.env["metered.golden.confirm"].with_user(user).create({})
