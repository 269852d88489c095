# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What usage of meters comes to before it is invoiced."""

from decimal import Decimal

from odoo.tests import freeze_time, tagged

from .test_metered_invoice import MeteredInvoiceCase


@tagged("post_install", "-at_install")
@freeze_time("2026-10-20 12:00:00")
class TestUsageSoFar(MeteredInvoiceCase):
    """100 texts of a month are free, then each costs 0.05."""

    def rows(self, partner=None):
        """(name, records, quantity, amount) on the customer's tab."""
        blocks = (partner or self.customer).metered_usage_info["blocks"]
        return [
            (row["name"], row["records"], row["quantity"], row["amount"])
            for block in blocks
            for row in block["rows"]
        ]

    def texts(self, partner, day, count):
        return self.make_records(day, *[1] * count, partner=partner)

    def test_rows_of_a_period_share_its_price(self):
        plan = self.make_plan()
        first = self.texts(self.customer, "2026-10-05", 90)
        second = self.texts(self.customer, "2026-10-06", 30)
        # 20 texts above 100 at 0.05 = 1.00, by the number of texts: 3 to 1
        self.assertEqual(first.so_far, "$\xa00.75")
        self.assertEqual(second.so_far, "$\xa00.25")
        self.assertEqual(first.amount, 0, "looking writes nothing")
        # One row alone is priced within its period, too.
        found = second._price_so_far()
        self.assertEqual(found.amounts, {second.id: (Decimal("0.25"), self.usd)})
        invoice = self.renew(plan)
        self.assertEqual(first.invoice_id | second.invoice_id, invoice)
        self.assertEqual([first.amount, second.amount], [0.75, 0.25])
        first.invalidate_recordset()
        self.assertFalse(first.so_far)

    @property
    def usd(self):
        return self.company.currency_id

    def test_tab_shows_what_the_renewal_will_bill(self):
        plan = self.make_plan()
        self.texts(self.customer, "2026-10-05", 90)
        self.texts(self.customer, "2026-10-06", 30)
        self.assertEqual(self.rows(), [("Texts", "120", "120 texts", "$\xa01.00")])
        [block, *_rest] = self.customer.metered_usage_info["blocks"]
        self.assertTrue(block["so_far"])
        self.assertEqual(block["totals"], ["$\xa01.00"])
        invoice = self.renew(plan)
        self.assertEqual(invoice.amount_untaxed, 11, "and the fee of 10")

    def test_tab_shows_a_minimum_charge_without_usage(self):
        self.price.minimum = 4
        self.make_plan()
        self.assertEqual(self.rows(), [("Texts", "0", "0 texts", "$\xa04.00")])

    def test_tab_says_what_has_no_price(self):
        meter = self.make_meter("Gigabytes", unit="GB")
        self.make_records("2026-10-05", 3, meter=meter)
        [row] = self.rows()
        self.assertEqual(row, ("Gigabytes", "1", "", "no price"))
        usage = self.usage(self.customer)
        self.assertEqual(usage.so_far, "no price")

    def test_late_usage_counts_with_what_was_billed(self):
        plan = self.make_plan(due="2026-10-01")
        self.texts(self.customer, "2026-09-05", 100)
        self.renew(plan)
        late = self.texts(self.customer, "2026-09-06", 10)
        # The 100 free ones of September are used up: 10 at 0.05.
        self.assertEqual(late.so_far, "$\xa00.50")

    # === SUMS === #

    def sums(self, groupby, domain=(), name="amount_so_far"):
        """Sums of groups as a list or a pivot reads them."""
        groups = self.env["metered.usage"].formatted_read_group(
            list(domain),
            groupby,
            [f"{name}:sum", "so_far_currency_id:array_agg_distinct"],
        )
        return [group[f"{name}:sum"] for group in groups]

    def test_rows_have_amounts_and_sums_of_them_none(self):
        self.make_plan()
        first = self.texts(self.customer, "2026-10-05", 90)
        second = self.texts(self.customer, "2026-10-06", 30)
        rows = first | second
        self.assertEqual(rows.mapped("amount_so_far"), [0.75, 0.25])
        self.assertEqual(rows.mapped("amount_note"), ["so_far"] * 2)
        # Open, it would be 0, which is less than its rows.
        for name in ("amount_so_far", "amount"):
            self.assertEqual(self.sums([], name=name), [False])
            self.assertEqual(self.sums(["day:day"], name=name), [False] * 2)
        sets = self.env["metered.usage"].formatted_read_grouping_sets(
            [], [[], ["meter_id"]], ["amount_so_far:sum", "amount:sum"]
        )
        for [group] in sets:
            self.assertIs(group["amount_so_far:sum"], False)
            self.assertIs(group["amount:sum"], False)
        self.assertEqual(first.amount, 0, "looking writes nothing")

    def test_sums_of_calls_and_invoiced_usage(self):
        plan = self.make_plan(due="2026-10-01")
        self.texts(self.customer, "2026-09-05", 120)
        self.renew(plan)
        self.make_identifier(self.customer, "+14045550100")
        self.import_calls(
            self.make_source(),
            ("1", "2026-10-06 10:00:00", 60, "+14045550100", "+12125550199"),
        )
        # 1.00 of September, and a call.
        self.assertEqual(self.sums([]), [1.06])
        self.assertEqual(self.sums(["day:month"]), [1.0, 0.06])
        rows = self.env["metered.usage"].search([])
        self.assertEqual(round(sum(rows.mapped("amount_so_far")), 6), 1.06)
        # What has no amount yet takes the sum from its own group alone.
        self.texts(self.customer, "2026-10-05", 110)
        self.assertEqual(self.sums([]), [False])
        self.assertEqual(self.sums(["day:month"]), [1.0, False])
        self.assertEqual(self.sums(["day:day"]), [1.0, False, 0.06])
        self.assertEqual(self.sums([], [("meter_id.kind", "=", "call")]), [0.06])
        sets = self.env["metered.usage"].formatted_read_grouping_sets(
            [], [[], ["day:month"]], ["amount:sum"]
        )
        found = [[group["amount:sum"] for group in groups] for groups in sets]
        self.assertEqual(found, [[False], [1.0, False]])

    def test_no_price(self):
        meter = self.make_meter("Gigabytes", unit="GB")
        row = self.make_records("2026-10-05", 3, meter=meter)
        self.assertEqual(row.amount_note, "unpriced")
        self.assertEqual(self.sums([]), [False])

    def test_rows_in_the_currency_of_their_price(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        meter = self.make_meter("Gigabytes", unit="GB")
        price = self.make_price(meter, unit_price=2.0, currency_id=euro.id)
        meter.product_id = self.make_metered_product("GB", price)
        row = self.make_records("2026-10-05", 3, meter=meter)
        self.assertEqual((row.amount_so_far, row.so_far_currency_id), (6, euro))
        self.assertEqual(self.sums([]), [False])

    def test_no_sum_of_an_invoice_that_is_no_more(self):
        self.meter.presentation = "detail"
        plan = self.make_plan()
        self.texts(self.customer, "2026-10-05", 120)
        invoice = self.renew(plan)
        self.assertEqual(self.sums([]), [1.0])
        invoice.unlink()
        self.assertEqual(self.sums([]), [False])

    def test_dashboard_adds_it_to_calls(self):
        self.make_plan()
        self.texts(self.customer, "2026-10-05", 90)
        self.texts(self.customer, "2026-10-06", 30)
        data = self.env["metered.dashboard"].get_dashboard("this_month")
        [amount] = data["totals"]["amounts"]
        self.assertEqual((amount["value"], amount["so_far"]), (1.0, True))
        [open_] = data["totals"]["open"]
        self.assertEqual((open_["value"], open_["so_far"]), (1.0, True))
        self.assertEqual(data["totals"]["calls"]["value"], 0)
        self.assertEqual(data["totals"]["others"]["value"], 120)
        [meter] = data["meters"]
        self.assertEqual(meter["totals"]["amount"], 1.0)
        self.assertEqual(meter["amount"][4:6], [0.75, 0.25])
        [customer] = data["customers"]
        self.assertEqual((customer["amount"], customer["calls"]), (1.0, 120))

    def test_dashboard_forgets_an_invoice_that_is_no_more(self):
        """Freed usage is priced anew; rows of tiers are not counted besides."""
        self.meter.presentation = "detail"
        plan = self.make_plan()
        self.texts(self.customer, "2026-10-05", 120)
        invoice = self.renew(plan)
        self.assertEqual(invoice.amount_untaxed, 11)
        invoice.unlink()
        data = self.env["metered.dashboard"].get_dashboard("this_month")
        [open_] = data["totals"]["open"]
        self.assertEqual(open_["value"], 1.0)

    def test_dashboard_prices_the_busiest_only(self):
        other = self.make_customer("Busy")
        for partner in (self.customer, other):
            self.make_plan(partner=partner)
        self.texts(self.customer, "2026-10-05", 110)
        self.texts(other, "2026-10-05", 120)
        found = self.env["metered.usage"]._so_far_of([], 1)
        [(amount, _currency)] = found.amounts.values()
        self.assertEqual((amount, found.left_out), (1, 1))
        found = self.env["metered.usage"]._so_far_of([], 2)
        self.assertEqual((len(found.amounts), found.left_out), (2, 0))
