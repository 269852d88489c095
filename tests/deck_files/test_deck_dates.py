# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Dates of decks that a spreadsheet may have exchanged."""

import datetime
import unittest

import pandas as pd

from odoo.addons.metered_billing.connectors.workbook_cells import DateText
from odoo.addons.metered_billing.deck_files import dates
from odoo.addons.metered_billing.deck_files.cells import WrongCell


class TestDeckDates(unittest.TestCase):
    def test_dates_beside_texts(self):
        made, late = DateText("2026-04-03 00:00:00"), DateText("2026-04-13 00:00:00")
        for cells, exchanged in (
            ([made, "15/04/2026"], True),
            ([made, "04/15/2026", ""], True),
            ([made, late, "15/04/2026"], False),
            ([made, "15/04/2026", "03/04/2026"], False),
            ([DateText("2026-04-04 00:00:00"), "15/04/2026"], False),
            ([made, "2026-04-15"], False),
            ([made], False),
            (["2026-04-03", "15/04/2026"], False),
        ):
            texts = pd.DataFrame({"valid_from": cells}, dtype=object)
            self.assertEqual(dates.are_exchanged(texts), exchanged, cells)
        for reader in (dates.date("dmy", True), dates.after_last_day("dmy", True)):
            with self.assertRaises(WrongCell):
                reader(made)
            self.assertTrue(reader("15/04/2026"))
        self.assertEqual(dates.date("dmy")(made), datetime.date(2026, 4, 3))

    def test_points_and_a_day_above_12(self):
        """A point does not make a month of 13."""
        for cells, order in (
            (["10.05.2026"], "dmy"),
            (["10.05.2026", "13.05.2026"], "dmy"),
            (["10.05.2026", "10.13.2026"], ""),
        ):
            texts = pd.DataFrame({"valid_from": cells}, dtype=object)
            self.assertEqual(dates.date_order(texts)[0], order, cells)
