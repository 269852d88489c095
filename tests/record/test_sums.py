# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

CDR = "odoo.addons.metered_billing.models.record.metered_cdr"


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

    def test_too_many_are_refused(self):
        Cdr = self.env["metered.cdr"]
        self.env.cr.execute("ANALYZE metered_cdr")
        with patch(CDR + ".MOST_GROUPED", 2):
            for ask in (
                lambda domain: self.groups("metered.cdr", "charge", ["partner_id"]),
                lambda domain: Cdr.web_read_group(domain, ["state"], ["__count"]),
                lambda domain: Cdr.formatted_read_grouping_sets(domain, [[]]),
            ):
                with self.assertRaisesRegex(UserError, "a period such as This Month"):
                    ask([])
            # A filter that leaves few of them helps; the list needs none.
            few = [("partner_id", "=", self.euros.id)]
            found = Cdr.web_read_group(few, ["state"], ["__count"])
            self.assertEqual(found["length"], 1)
            self.assertEqual(Cdr.web_search_read([], {})["length"], 3)

    def test_lists_are_told(self):
        for model, field, currency in (
            ("metered.usage", "amount_so_far", "so_far_currency_id"),
            ("metered.cdr", "charge", "currency_id"),
        ):
            views = self.env[model].get_views([(False, "list")])
            described = views["models"][model]["fields"][field]
            self.assertEqual(described["currency_field"], currency)
