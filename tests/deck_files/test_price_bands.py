# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Prices of several times of the day in columns beside each other."""

import unittest

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files.columns import understand_name
from odoo.addons.metered_billing.deck_files.price_bands import says_other_times

from .deck_texts import asked, reading

HALF = 50_000_000
CHOSEN = {"columns": {"prefix": 0, "price": 1}, "bands": {"1": "Day", "2": ""}}


def rates(found):
    """List of (line, prefix, band, price in halves)."""
    return [
        (row.line, row.prefix, row.band, row.price_e8 / HALF)
        for row in found.rates.itertuples()
    ]


class TestPriceBands(unittest.TestCase):
    def test_names(self):
        for name in (
            *("Peak", "Off-Peak", "offpeak rate", "Peak Rate (USD/min)", "Rate Peak"),
            *(
                "Weekend",
                "Week-end price",
                "Night rate per minute",
                "Evening",
                "Day rate",
            ),
            *("Hauptzeit", "Nebenzeit", "Preis Nebenzeit", "Wochenende (ct/min)"),
            *("Precio valle", "Tarifa nocturna", "Fin de semana"),
        ):
            with self.subTest(name):
                found = understand_name(name)
                self.assertTrue(found and found.of_band)
                self.assertEqual(found.meaning, "price")
        for name in (
            "Rate",
            "Price per minute",
            "Date",
            "Day",
            "Area",
            "Peak hours from",
        ):
            with self.subTest(name):
                found = understand_name(name)
                self.assertFalse(found and found.of_band)
        for name, other in (("Off-Peak", True), ("Nebenzeit", True), ("Peak", False)):
            self.assertEqual(says_other_times(name), other)

    def test_it_is_asked(self):
        for header, row in (
            ("Prefix,Peak Rate,Off-Peak Rate", "44,1,2"),
            ("Prefix,Rate,Weekend", "44,1,2"),
            ("Prefix,Peak,Off-Peak,Weekend", "44,1,2,2"),
            ("Prefix,Hauptzeit,Nebenzeit", "44,1,2"),
        ):
            with self.subTest(header):
                found = reading(f"{header}\n{row}\n")
                self.assertEqual((asked(found), rates(found)), (["bands"], []))
                self.assertEqual(
                    [found.rows.header[place] for place in found.rows.bands],
                    header.split(",")[1:],
                )

    def test_it_is_clear(self):
        for text in (
            "Prefix,Peak,Off-Peak\n44,1,1\n33,2,2\n",
            "Prefix,Peak,Off-Peak\n44,1,\n33,2,\n",
        ):
            found = reading(text)
            self.assertEqual(asked(found), [])
            self.assertEqual(rates(found), [(2, "44", "", 2), (3, "33", "", 4)])

    def test_two_plain_prices_beside_it(self):
        found = reading("Prefix,Rate,New Rate,Weekend\n44,1,2,3\n")
        self.assertEqual((asked(found), rates(found)), (["columns"], []))

    def test_a_rate_for_each(self):
        text = 'Prefix,Peak,Off-Peak\n"4471;3361",1,2\n49,3,\n34,,4\n'
        self.assertEqual(
            rates(reading(text, **CHOSEN)),
            [
                *((2, "4471", "Day", 2), (2, "3361", "Day", 2)),
                *((2, "4471", "", 4), (2, "3361", "", 4)),
                *((3, "49", "Day", 6), (4, "34", "", 8)),
            ],
        )

    def test_what_is_wrong_is_said_once(self):
        found = reading("Prefix,Peak,Off-Peak\n4?4,1,2\n33,,\n44,1,2\n", **CHOSEN)
        self.assertEqual([problem.line for problem in found.problems], [2, 3])
        self.assertEqual({line for line, *_rest in rates(found)}, {4})
        found = reading("Prefix,Peak,Off-Peak\n33-6,1,2\n", **CHOSEN)
        self.assertEqual([one.count for one in found.questions], [1])

    def test_other_units(self):
        found = reading("Prefix,Peak (ct/min),Off-Peak\n44,1,2\n", **CHOSEN)
        self.assertEqual([problem.line for problem in found.problems], [1])
        self.assertIn("in different units", found.problems[0].text)
        self.assertEqual(rates(found), [])
        found = reading(
            "Prefix,Peak (ct/min),Off-Peak (ct/min)\n44,100,200\n", **CHOSEN
        )
        self.assertEqual([price for *_rest, price in rates(found)], [2, 4])

    def test_rates_that_end(self):
        found = reading(
            "Prefix,Peak,Off-Peak,Status\n44,,,Deleted\n",
            columns={"prefix": 0, "price": 1, "change": 3},
            bands=CHOSEN["bands"],
        )
        self.assertEqual(found.problems, [])
        self.assertEqual(found.rates["closed"].tolist(), [True, True])
        self.assertEqual(found.rates["band"].tolist(), ["Day", ""])

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["", "1", "2.5"]), st.sampled_from(["", "1", "0.5"])
            ),
            min_size=1,
            max_size=6,
        )
    )
    @settings(deadline=None)
    def test_no_price_is_another_bands(self, pairs):
        text = "Prefix,Peak,Off-Peak\n" + "".join(
            f"{440 + rank},{day},{night}\n" for rank, (day, night) in enumerate(pairs)
        )
        expected = {
            (str(440 + rank), band): float(price) * 2
            for rank, pair in enumerate(pairs)
            for band, price in zip(("Day", ""), pair, strict=True)
            if price
        }
        found = reading(text, **CHOSEN)
        self.assertEqual({row[1:3]: row[3] for row in rates(found)}, expected)
