# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rate that would apply, and what calls would cost, or what is in the way."""

from lxml import html

from odoo.exceptions import AccessError
from odoo.fields import Datetime
from odoo.tests import Form, new_test_user, tagged

from ..support.metered_case import MeteredCase

MONDAY = Datetime.to_datetime("2026-10-05 10:00:00")


@tagged("post_install", "-at_install")
class TestRateFinder(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.make_rate(cls.deck, "44", price=0.12, initial_increment=60, increment=60)

    def find(self, number, **values):
        finder = self.env["metered.rate.finder"].create(
            {"number": number, "moment": MONDAY, "source_id": self.source.id, **values}
        )
        return html.fromstring(str(finder.result))

    def said(self, *args, **values):
        return " ".join(self.find(*args, **values).text_content().split())

    def prices(self, *args, **values):
        return {
            "".join(cell[0].itertext()): "".join(cell[1].itertext())
            for cell in self.find(*args, **values).xpath(
                "//div[@class='o_metered_price']"
            )
        }

    def test_prices_of_several_lengths(self):
        self.assertEqual(
            self.prices("011 44 20 7946 0120", seconds=61),
            {
                "30 s": "0.12 USD",
                "1 min": "0.12 USD",
                "1:01 min": "0.24 USD",
                "3 min": "0.36 USD",
                "5 min": "0.6 USD",
                "10 min": "1.2 USD",
            },
        )

    def test_the_way_to_the_rate(self):
        said = self.said("011 44 20 7946 0120")
        self.assertIn("Number +442079460120", said)
        self.assertIn("International calls: United Kingdom", said)
        self.assertIn("Prefix 44: 0.12 USD per minute", said)
        self.assertIn("A call of 1 min", said)

    def test_same_as_an_imported_call(self):
        batch = self.import_calls(
            self.source, ("1", MONDAY, 61, "+14045550100", "+442079460120")
        )
        self.assertEqual(self.cdrs(batch).charge, 0.24)
        self.assertIn("0.24 USD", self.said("+442079460120", seconds=61))

    def test_customers_deck_comes_first(self):
        own = self.make_deck("Own")
        self.make_rate(own, "1", price=0.01)
        self.customer.metered_deck_id = own
        self.assertIn("0.01 USD", self.said("2125550199", partner_id=self.customer.id))
        self.assertIn("0.06 USD", self.said("2125550199"))
        self.assertIn(
            "Own was checked first but has no rate",
            self.said("+442079460120", partner_id=self.customer.id),
        )
        own.active = False
        self.assertIn("0.01 USD", self.said("2125550199", deck_id=own.id))
        self.assertIn(
            "None of the decks has a rate for +442079460120",
            self.said("+442079460120", deck_id=own.id),
        )

    def test_what_is_in_the_way(self):
        self.assertIn("12ab is not a number", self.said("12ab"))
        self.assertIn("No destination matches +999123456", self.said("+999123456"))
        self.company.metered_deck_id = False
        self.assertIn(
            "No rate deck applies to Acme",
            self.said("2125550199", partner_id=self.customer.id),
        )
        self.source.active = False
        self.company.country_id = False
        self.assertIn(
            "The dialing country is unknown",
            self.said("2125550199", source_id=False),
        )

    def test_form_answers_at_once(self):
        with Form(self.env["metered.rate.finder"]) as form:
            self.assertFalse(form.result)
            form.number = "+442079460120"
            self.assertIn("0.12 USD", str(form.result))
            form.seconds = 90
            self.assertIn("A call of 1:30 min", str(form.result))
        self.assertEqual(form.record.action_find()["res_id"], form.record.id)

    def test_who_may_ask(self):
        user = new_test_user(self.env, "op", "metered_billing.group_metered_user")
        form = Form(self.env(user=user)["metered.rate.finder"])
        form.number = "+442079460120"
        self.assertIn("0.12 USD", str(form.result))
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        with self.assertRaises(AccessError):
            self.env(user=outsider)["metered.rate.finder"].create({})
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        finders = self.env(user=stranger)["metered.rate.finder"]
        for values in ({"company_id": self.company.id}, {"deck_id": self.deck.id}):
            with self.assertRaises(AccessError):
                finders.create(
                    {"number": "+442079460120", "source_id": False, **values}
                )
