# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import tagged

from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestSums(MeteredCase):
    """Amounts of different currencies are never added up."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.env.ref("base.EUR")
        cls.euro.active = True
        cls.dollars = cls.make_customer("Dollars", "+14045550100")
        cls.euros = cls.make_customer("Euros", "+14045550200")
        deck = cls.make_deck("Euro deck", currency_id=cls.euro.id)
        cls.make_rate(deck, "", price=0.6)
        cls.euros.metered_deck_id = deck
        cls.import_calls(
            cls.make_source(),
            ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"),
            ("2", "2026-10-05 11:00:00", 60, "+14045550100", "+442079460120"),
            ("3", "2026-10-05 12:00:00", 60, "+14045550200", "+12125550199"),
        )

    def groups(self, model, field, groupby):
        return self.env[model].formatted_read_group(
            [], groupby, [f"{field}:sum", f"{field}:sum_currency"]
        )

    def test_mixed(self):
        for model, field in (("metered.usage", "amount"), ("metered.cdr", "charge")):
            [group] = self.groups(model, field, [])
            self.assertFalse(group[f"{field}:sum"])
            self.assertFalse(group[f"{field}:sum_currency"])

    def test_one_currency(self):
        for model, field in (("metered.usage", "amount"), ("metered.cdr", "charge")):
            groups = self.groups(model, field, ["partner_id"])
            sums = [round(group[f"{field}:sum"], 6) for group in groups]
            self.assertEqual(sums, [0.12, 0.6])

    def test_lists_are_told(self):
        for model, field, currency in (
            ("metered.usage", "amount_so_far", "so_far_currency_id"),
            ("metered.cdr", "charge", "currency_id"),
        ):
            views = self.env[model].get_views([(False, "list")])
            described = views["models"][model]["fields"][field]
            self.assertEqual(described["currency_field"], currency)
