# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a rate file leaves open: asked once, and remembered on the deck."""

import base64

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..deck_files.deck_texts import workbook
from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestDeckChoices(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.carrier = cls.make_deck("Carrier")

    def preview(self, content, name="rates.csv", **values):
        content = content if isinstance(content, bytes) else content.encode()
        wizard = self.env["metered.deck.import"].create(
            {
                "deck_id": self.carrier.id,
                "file": base64.b64encode(content),
                "file_name": name,
                **values,
            }
        )
        wizard.action_preview()
        return wizard

    def targets(self, wizard):
        return {
            column.name: column.target for column in wizard.column_ids if column.target
        }

    def prices(self):
        return {rate.prefix: rate.price for rate in self.carrier.rate_ids}

    def test_a_clear_file_asks_nothing(self):
        wizard = self.preview("prefix,price\n44,0.5\n")
        self.assertFalse(wizard.questions or wizard.assumptions)
        wizard.action_apply()
        self.assertFalse(self.carrier.file_choices)

    def test_a_decimal_sign_is_asked_once(self):
        text = "prefix;price\n44;1,234\n33;2,5\n"
        wizard = self.preview(text.replace("2,5", "2,500"))
        self.assertIn("1,234 is ambiguous", wizard.questions)
        self.assertIn("Rows: 2, starting at line 2.", wizard.questions)
        self.assertIn("Proposed answer: Comma", wizard.questions)
        self.assertEqual((wizard.number, wizard.count_wrong), ("comma", 0))
        with self.assertRaisesRegex(UserError, "ambiguous"):
            wizard.action_apply()
        with self.assertRaisesRegex(UserError, "wrong|clear"):
            wizard.action_check()
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(wizard.count_new, 2)
        wizard.action_apply()
        self.assertEqual(self.prices(), {"44": 1.234, "33": 2.5})

        again = self.preview("prefix;price\n44;1,235\n", date_from="2030-01-01")
        self.assertFalse(again.questions)
        self.assertIn("made for the last file with these columns", again.assumptions)
        self.assertEqual(again.number, "comma")
        other = self.preview("prefix;price;name\n44;1,235;UK\n")
        self.assertTrue(other.questions)
        # What was remembered can be said otherwise.
        again.number = "point"
        again.action_refresh()
        self.assertEqual((again.count_wrong, again.line_ids.price), (0, "1235"))
        again.number = False
        again.action_refresh()
        self.assertTrue(again.questions)

    def test_what_was_not_read_again_is_not_applied(self):
        wizard = self.preview("prefix;price\n44;1,234\n")
        wizard.action_refresh()
        wizard.number = "point"
        for action in (wizard.action_apply, wizard.action_check):
            with self.assertRaisesRegex(UserError, "Click Reload"):
                action()
        wizard.number = "comma"
        wizard.action_apply()
        self.assertEqual(self.prices(), {"44": 1.234})

    def test_remembered_is_no_licence(self):
        wizard = self.preview("prefix;price\n44;1,234\n")
        wizard.action_refresh()
        wizard.action_apply()
        again = self.preview("prefix;price\n44;1.5\n", date_from="2030-01-01")
        self.assertEqual((again.count_wrong, bool(again.questions)), (1, False))

    def test_columns_are_chosen_and_remembered(self):
        text = "a,b,c,d\n44,UK,0.5,0.6\n33,FR,0.25,0.3\n"
        wizard = self.preview(text)
        self.assertIn("could not be detected", wizard.questions)
        self.assertEqual(wizard.column_ids.mapped("name"), ["a", "b", "c", "d"])
        self.assertEqual(wizard.column_ids[0].samples, "44 · 33")
        for name, target in (("a", "prefix"), ("b", "name"), ("d", "price")):
            wizard.column_ids.filtered(lambda c, n=name: c.name == n).target = target
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(wizard.unread, "c")
        wizard.action_apply()
        self.assertEqual(self.prices(), {"44": 0.6, "33": 0.3})
        again = self.preview("Notice,,,\n" + text, date_from="2030-01-01")
        self.assertEqual(
            (again.questions, again.header_line, self.targets(again)),
            (False, 2, {"a": "prefix", "b": "name", "d": "price"}),
        )

    def test_two_columns(self):
        wizard = self.preview("prefix,rate,new rate\n44,0.5,0.6\n")
        self.assertIn("new rate, rate", wizard.questions)
        self.assertEqual(self.targets(wizard)["new rate"], "price")
        wizard.column_ids[1].target = "price"
        with self.assertRaisesRegex(UserError, "same time: rate, new rate"):
            wizard.action_refresh()
        wizard.column_ids[2].target = False
        wizard.action_refresh()
        self.assertEqual(wizard.line_ids.price, "0.5")

    def test_two_columns_of_one_name(self):
        wizard = self.preview("prefix,Rate,Rate\n44,1,2\n")
        self.assertIn("prices or prefixes: Rate, Rate", wizard.questions)
        first, second = wizard.column_ids[1:]
        self.assertFalse(first.target or second.target)
        wizard.action_refresh()
        self.assertTrue(wizard.questions)
        second = wizard.column_ids[2]
        second.target = "price"
        wizard.action_refresh()
        wizard.action_apply()
        self.assertEqual(self.prices(), {"44": 2.0})
        again = self.preview("prefix,Rate,Rate\n44,1,3\n")
        self.assertFalse(again.questions)

    def test_a_column_that_may_matter_is_left_out(self):
        """Agreeing to nothing is no answer: the column is named, or left out."""
        text = "prefix,cost,sell\n44,1,2\n"
        wizard = self.preview(text)
        self.assertIn("sell seems to contain other prices", wizard.questions)
        wizard.action_refresh()
        self.assertTrue(wizard.questions)
        with self.assertRaisesRegex(UserError, "other prices"):
            wizard.action_apply()
        wizard.column_ids[2].target = "left_out"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(wizard.column_ids[2].target, "left_out")
        wizard.action_apply()
        self.assertEqual(self.prices(), {"44": 1.0})
        again = self.preview(text.replace("1,2", "3,4"), date_from="2030-01-01")
        self.assertFalse(again.questions)

    def test_an_earlier_day_is_said(self):
        self.make_rate(self.carrier, "44", 1.0)
        text = "prefix,price,valid from\n44,0.5,2026-01-01\n33,0.5,2099-01-01\n"
        wizard = self.preview(text)
        self.assertIn("with an earlier start date", wizard.assumptions)
        self.assertIn("instead: 1.", wizard.assumptions)

    def test_blanks_after_country_codes(self):
        wizard = self.preview("prefix,price\n44 7400,1\n33,2\n")
        self.assertIn("44 7400' is ambiguous", wizard.questions)
        self.assertFalse(wizard.country_blanks)
        wizard.action_refresh()
        self.assertTrue(wizard.questions)
        wizard.country_blanks = "group"
        wizard.action_refresh()
        wizard.action_apply()
        self.assertEqual(self.prices(), {"447400": 1.0, "33": 2.0})

    def make_band(self, name, **values):
        slots = [(0, 0, {"hour_from": 8, "hour_to": 18})]
        return self.env["metered.time.band"].create(
            {"name": name, "slot_ids": slots, **values}
        )

    def banded(self):
        return {
            (rate.prefix, rate.band_id.name or ""): rate.price
            for rate in self.carrier.rate_ids
        }

    def test_prices_of_time_bands(self):
        self.make_band("Peak")
        self.make_band("Weekend")
        text = "prefix,Peak Rate,Off-Peak Rate,Weekend\n44,3,2,1\n"
        wizard = self.preview(text)
        self.assertIn("prices for different times", wizard.questions)
        self.assertEqual(
            [(c.target, c.band_id.name or "") for c in wizard.column_ids[1:]],
            [("price", "Peak"), ("price", ""), ("price", "Weekend")],
        )
        with self.assertRaisesRegex(UserError, "different times"):
            wizard.action_apply()
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(wizard.count_new, 3)
        wizard.action_apply()
        expected = {("44", "Peak"): 3.0, ("44", ""): 2.0, ("44", "Weekend"): 1.0}
        self.assertEqual(self.banded(), expected)
        again = self.preview(text.replace("3,2,1", "3,2,2"))
        self.assertFalse(again.questions)
        self.assertEqual(again.count_dearer, 1)

    def test_time_bands_that_there_are_not(self):
        wizard = self.preview("prefix,Peak,Off-Peak\n44,3,2\n")
        self.assertFalse(wizard.column_ids.band_id)
        with self.assertRaisesRegex(UserError, "same time: Peak, Off-Peak"):
            wizard.action_refresh()
        band = self.make_band("Business Hours", slot_ids=False)
        wizard.column_ids[1].band_id = band
        with self.assertRaisesRegex(UserError, "has no hours"):
            wizard.action_refresh()
        band.slot_ids = [(0, 0, {})]
        wizard.action_refresh()
        wizard.action_apply()
        expected = {("44", "Business Hours"): 3.0, ("44", ""): 2.0}
        self.assertEqual(self.banded(), expected)
        # The next file is read the same way, until the band is another one.
        self.assertFalse(self.preview("prefix,Peak,Off-Peak\n44,3,2\n").questions)
        band.name = "Day"
        wizard = self.preview("prefix,Peak,Off-Peak\n44,3,2\n")
        self.assertEqual(wizard.count_wrong, 1)

    def test_one_of_the_prices_for_all_times(self):
        wizard = self.preview("prefix,Peak,Off-Peak\n44,3,2\n")
        wizard.column_ids[2].target = False
        wizard.action_refresh()
        wizard.action_apply()
        self.assertEqual(self.banded(), {("44", ""): 3.0})

    def test_no_line_of_names(self):
        wizard = self.preview("44,UK,0.5\n33,FR,0.25\n")
        self.assertEqual(wizard.header_line, 0)
        for column, target in zip(
            wizard.column_ids, ("prefix", "name", "price"), strict=True
        ):
            column.target = target
        wizard.action_refresh()
        self.assertEqual(wizard.count_new, 2)
        wizard.action_apply()
        again = self.preview("44,UK,0.6\n", date_from="2030-01-01")
        self.assertEqual((again.questions, again.count_dearer), (False, 1))

    def test_another_line_of_names(self):
        wizard = self.preview("x,y\n1,2\nprefix,price\n44,0.5\n")
        self.assertEqual(wizard.header_line, 3)
        wizard.header_line = 1
        wizard.action_refresh()
        self.assertEqual(wizard.column_ids.mapped("name"), ["x", "y"])
        self.assertTrue(wizard.questions)
        wizard.header_line = 3
        wizard.action_refresh()
        self.assertEqual((wizard.questions, wizard.count_new), (False, 1))

    def test_sheets(self):
        rates = [["Prefix", "Rate"], [44, 0.5]]
        premium = [["Prefix", "Rate"], [33, 1]]
        content = workbook(("Old", rates, True), ("A-Z", rates), ("Premium", premium))
        wizard = self.preview(content, "rates.xlsx")
        self.assertIn("Several worksheets", wizard.questions)
        self.assertEqual(
            wizard.sheet_ids.mapped("display_name"),
            ["A-Z", "Premium", "Old (hidden worksheet)"],
        )
        self.assertFalse(wizard.sheet_id)
        wizard.action_refresh()
        self.assertIn("Several worksheets", wizard.questions)
        wizard.sheet_id = wizard.sheet_ids[1]
        wizard.action_refresh()
        self.assertEqual((wizard.questions, wizard.line_ids.prefix), (False, "33"))
        wizard.action_apply()
        again = self.preview(content, "rates.xlsx", date_from="2030-01-01")
        self.assertEqual((again.questions, again.sheet_id.name), (False, "Premium"))

    def test_words(self):
        text = "prefix,price,status\n44,0.5,Pausado\n33,0.5,Active\n45,1,Pausado\n"
        wizard = self.preview(text)
        word = wizard.word_ids
        self.assertEqual((word.name, word.count), ("Pausado", 2))
        wizard.action_refresh()
        self.assertTrue(wizard.questions)
        wizard.word_ids.meaning = "ends"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(wizard.count_new, 1)
        wizard.action_apply()
        self.assertEqual(self.prices(), {"33": 0.5})
        self.assertFalse(self.preview(text, date_from="2030-01-01").questions)

    def test_country_code_of_the_file(self):
        wizard = self.preview("prefix,price\n201200,0.5\n201201,0.5\n")
        self.assertIn("North American area codes", wizard.questions)
        self.assertFalse(wizard.country_code)
        wizard.country_code = "1"
        wizard.action_refresh()
        self.assertEqual(wizard.line_ids.mapped("prefix"), ["1201200", "1201201"])
        wizard.codes = "complete"
        wizard.action_refresh()
        self.assertEqual(wizard.line_ids.mapped("prefix"), ["201200", "201201"])

    def test_another_currency(self):
        wizard = self.preview("prefix,price\n44,€0.5\n")
        self.assertEqual(wizard.count_wrong, 1)
        detail = wizard.line_ids[0].detail
        self.assertIn("prices are in EUR, but the deck uses USD", detail)

    def test_what_is_assumed_is_said(self):
        wizard = self.preview(
            "Prefijo;Tarifa (ct/min)\n0044;2,5\n;\nPrefijo;Tarifa (ct/min)\n"
        )
        for text in (
            "decimal separator is a comma, as in 2,5",
            "is in cents",
            "leading 00 was removed: 1",
            "repeat the column names: 1",
        ):
            self.assertIn(text, wizard.assumptions)
        self.assertEqual(wizard.line_ids.price, "0.025")

    def test_checked_and_then_applied(self):
        """What was said holds for the check of the file, too."""
        wizard = self.preview("prefix;price\n44;1,234\n")
        wizard.action_refresh()
        context = wizard.action_check()["context"]
        start = self.env["metered.simulation.start"].with_context(**context)
        result = (
            self.env["metered.simulation"]
            .sudo()
            .create(
                {
                    **start.create({})._prepare_file(),
                    "company_id": self.company.id,
                    "kind": "what_if",
                    "deck_id": self.carrier.id,
                    "date_from": "2026-10-01",
                    "date_to": "2026-10-31",
                }
            )
        )
        self.assertEqual(
            [rate.price_e8 for rate in result._changes_of_file().added.itertuples()],
            [123400000],
        )
        applied = self.env["metered.deck.import"].browse(
            result.action_apply_file()["res_id"]
        )
        self.assertEqual((applied.questions, applied.number), (False, "comma"))

    def test_a_copy_of_a_deck_remembers_nothing(self):
        wizard = self.preview("prefix;price\n44;1,234\n")
        wizard.action_refresh()
        wizard.action_apply()
        self.assertTrue(self.carrier.file_choices)
        self.assertFalse(self.carrier.copy().file_choices)
