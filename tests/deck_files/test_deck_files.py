# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rate decks as files: read as carriers write them, compared with a deck, written."""

import datetime
import io
import tempfile
import unittest
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files import (
    DeckFileError,
    compare,
    parse_deck,
    read_rows,
    write_csv,
    write_xlsx,
)
from odoo.addons.metered_billing.deck_files.changes import ALWAYS, OPEN, TERMS
from odoo.addons.metered_billing.deck_files.write import HEADER

DATA = Path(__file__).resolve().parents[1] / "data" / "decks"
DAY = datetime.date(2026, 9, 16).toordinal()


def read(text, name="deck.csv", date_order=""):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse_deck(read_rows(path, name), date_order)


class TestDeckFile(unittest.TestCase):
    def test_a_carriers_notice(self):
        """As its author says that it is to be read."""
        rates, problems = parse_deck(read_rows(DATA / "carrier_notice.csv"))
        self.assertFalse(problems)
        expected, problems = parse_deck(
            read_rows(DATA / "carrier_notice_normalised.csv")
        )
        self.assertFalse(problems)
        # The answer leaves out what a date before the issue or at it means: at once.
        late = rates["valid_from"] > datetime.date(2026, 9, 16)
        rates.loc[~late, "valid_from"] = None
        kept = expected["prefix"].isin(rates["prefix"])
        self.assertTrue(kept.all())
        names = ["prefix", *TERMS, "valid_from"]
        mine = rates[rates["prefix"].isin(expected["prefix"])]
        pd.testing.assert_frame_equal(
            mine[names].sort_values("prefix", ignore_index=True),
            expected[names].sort_values("prefix", ignore_index=True),
        )
        closed = rates[rates["closed"]]
        self.assertEqual(closed["prefix"].tolist(), ["234805"])

    def test_notes_around_the_table(self):
        rows = read_rows(DATA / "carrier_notice.csv")
        self.assertEqual(rows.notes[0], (1, "Acme Voice Wholesale"))
        self.assertIn("without notice", rows.notes[-1][1])

    def test_prefixes_of_a_cell(self):
        cases = {
            "44": ["44"],
            "+44": ["44"],
            "44 2859": ["442859"],
            "44.0": ["44"],
            '"447400-447402, 4475; 44 76"': [
                "447400",
                "447401",
                "447402",
                "4475",
                "4476",
            ],
            "7400-02": ["7400", "7401", "7402"],
            "=911": ["=911"],
            "*": [""],
        }
        for text, expected in cases.items():
            with self.subTest(text=text):
                rates, problems = read(f"prefix,price\n{text},0.01\n")
                self.assertFalse(problems)
                self.assertEqual(rates["prefix"].tolist(), expected)

    def test_country_code_in_a_column_of_its_own(self):
        rates, _problems = read("country code,area code,rate\n44,7400,1\n44,20,1\n")
        self.assertEqual(rates["prefix"].tolist(), ["447400", "4420"])
        rates, _problems = read("country code,code,rate\n44,447400,1\n44,4420,1\n")
        self.assertEqual(rates["prefix"].tolist(), ["447400", "4420"])

    def test_prices(self):
        for text, expected in (
            ("0.0495", 4950000),
            ('"0,0495"', 4950000),
            ("$0.0495", 4950000),
            ("1.5E-3", 150000),
            ('"1,234.5"', 123450000000),
            ("0.00000001", 1),
        ):
            with self.subTest(text=text):
                rates, problems = read(f"prefix,price\n44,{text}\n")
                self.assertFalse(problems)
                self.assertEqual(rates["price_e8"].tolist(), [expected])

    def test_increments(self):
        for text, expected in (
            ("60/1", (60, 1)),
            ("1/1", (1, 1)),
            ("60", (60, 60)),
            ("1+1", (1, 1)),
            ("0/30/6", (30, 6)),
            ("", (1, 1)),
        ):
            with self.subTest(text=text):
                rates, problems = read(f"prefix,price,billing\n44,1,{text}\n")
                self.assertFalse(problems)
                self.assertEqual(
                    tuple(rates[["initial_increment", "increment"]].iloc[0]), expected
                )

    def test_order_of_day_and_month(self):
        text = "prefix,price,effective\n44,1,03/04/2026\n33,1,{}\n"
        rates, problems = read(text.format("25/12/2026"))
        self.assertFalse(problems)
        self.assertEqual(rates["valid_from"][0], datetime.date(2026, 4, 3))
        rates, problems = read(text.format("12/25/2026"))
        self.assertEqual(rates["valid_from"][0], datetime.date(2026, 3, 4))
        rates, problems = read(text.format("ASAP"))
        self.assertEqual([p.line for p in problems], [2])
        self.assertIn("ambiguous", problems[0].text)
        rates, problems = read(text.format("ASAP"), date_order="mdy")
        self.assertFalse(problems)
        self.assertEqual(
            rates["valid_from"].tolist(), [datetime.date(2026, 3, 4), None]
        )

    def test_wrong_rows_are_named_and_left_out(self):
        rates, problems = read(
            "prefix,price,billing\n"
            "44,0.01,60/1\n"
            "abc,0.01,60/1\n"
            "33,cheap,60/1\n"
            "34,-1,60/1\n"
            "35,0.01,sometimes\n"
            "44,0.02,60/1\n"
            "36,0.000000001,1/1\n"
            "39-31,0.1,1/1\n"
        )
        self.assertEqual([p.line for p in problems], [3, 4, 5, 6, 7, 8, 9])
        self.assertEqual(rates["prefix"].tolist(), ["44"])
        self.assertIn("already in line 2", problems[4].text)

    def test_a_price_that_we_cannot_charge(self):
        rates, problems = read("prefix,price 1,price n\n44,0.5,0.1\n")
        self.assertEqual(len(rates), 0)
        self.assertIn("different price", problems[0].text)

    def test_files_without_a_deck(self):
        for text, message in (
            ("a,b\n1,2\n", "contains the column names"),
            ("prefix,price\n", "no rates below"),
            ("", "empty"),
            (b"%PDF-1.4 \x00\x01", "PDF"),
        ):
            with (
                self.subTest(text=text),
                self.assertRaisesRegex(DeckFileError, message),
            ):
                read(text)

    def test_what_is_written_is_read_back(self):
        rows = [
            (
                "44",
                "United Kingdom",
                "",
                "",
                "0.01230000",
                "60",
                "60",
                "1",
                "0.05",
                "0",
                "",
                "0",
                "",
                "60: 0.01/60 6",
                "2026-09-01",
                "",
            ),
            (
                "=911",
                "Emergency, free",
                "",
                "",
                "0",
                "60",
                "1",
                "1",
                "0",
                "0",
                "0.5",
                "0",
                "",
                "",
                "",
                "2027-01-01",
            ),
        ]
        csv_rates, problems = read(write_csv(rows))
        self.assertFalse(problems)
        xlsx_rates, problems = read(write_xlsx(rows, "A/Z: deck"), "deck.xlsx")
        self.assertFalse(problems)
        pd.testing.assert_frame_equal(csv_rates, xlsx_rates)
        packed, _problems = read(write_csv(rows, packed=True), "deck.csv.gz")
        pd.testing.assert_frame_equal(csv_rates, packed)
        self.assertEqual(csv_rates["price_e8"].tolist(), [1230000, 0])
        self.assertEqual(csv_rates["tiers"].tolist(), ["60: 0.01/60 6", ""])
        self.assertEqual(csv_rates["max_charge_e8"].tolist(), [-1, 50000000])
        self.assertEqual(
            csv_rates["valid_until"].tolist()[1], datetime.date(2027, 1, 1)
        )

    def test_a_workbook_has_numbers_and_explains_its_columns(self):
        row = dict.fromkeys(HEADER, "") | {
            "prefix": "44",
            "price": "0.00000049",
            "per seconds": "60",
            "connection fee": "123456789.12345678",
            "grace seconds": "0",
        }
        content = write_xlsx([tuple(row.values())], "Deck")
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = dict(zip(HEADER, book["Deck"][2], strict=True))
        self.assertEqual(
            {name: cells[name].value for name in row if row[name]},
            {
                "prefix": "44",
                "price": 0.00000049,
                "per seconds": 60,
                # More digits than a number of a workbook has.
                "connection fee": "123456789.12345678",
                "grace seconds": 0,
            },
        )
        self.assertEqual(
            [row[0] for row in book["Columns"].iter_rows(min_row=2, values_only=True)],
            list(HEADER),
        )
        rates, problems = read(content, "deck.xlsx")
        self.assertFalse(problems)
        self.assertEqual(
            rates[["price_e8", "connection_fee_e8"]].values.tolist(),
            [[49, 12345678912345678]],
        )

    def test_free_below_and_free_up_to_and_including(self):
        rates, problems = read(
            b"prefix,price,free below,free up to and including\n"
            b"44,0.1,5,\n45,0.1,,5\n46,0.1,6,5\n47,0.1,5,5\n48,0.1,0,0\n"
        )
        self.assertEqual(rates["grace_seconds"].tolist(), [5, 6, 6, 0])
        self.assertEqual(rates["grace_including"].tolist(), [False, True, True, False])
        [problem] = problems
        self.assertEqual(problem.line, 5)
        self.assertIn("Leave one of them empty", problem.text)

    def test_the_last_day_and_the_first_day_without(self):
        """Carriers name the last day; our own files the first day without the rate."""
        for name, expected in (
            ("valid before", datetime.date(2026, 10, 31)),
            ("Valid Until", datetime.date(2026, 11, 1)),
            ("End Date", datetime.date(2026, 11, 1)),
            ("Effective Till", datetime.date(2026, 11, 1)),
        ):
            for text in ("31/10/2026", "2026-10-31", "2026-10-31 23:59:59"):
                rates, problems = read(f"prefix,price,{name}\n44,1,{text}\n45,1,\n")
                self.assertFalse(problems)
                self.assertEqual(rates["valid_until"].tolist(), [expected, None])

    def test_a_rate_of_one_day(self):
        text = "prefix,price,valid from,end date\n44,1,2026-10-01,{}\n"
        self.assertFalse(read(text.format("2026-10-01"))[1])
        [problem] = read(text.format("2026-09-30"))[1]
        self.assertEqual(
            problem.text, "The last day, 2026-09-30, is before the first day."
        )


# === CHANGES === #

EMPTY = {
    "tiers": "",
    "per_seconds": 60,
    "initial_increment": 1,
    "increment": 1,
    "connection_fee_e8": 0,
    "min_charge_e8": 0,
    "max_charge_e8": -1,
    "grace_seconds": 0,
}


def current_frame(rates):
    """(prefix, price, from, to, used) as the frame of a deck."""
    frame = pd.DataFrame(
        [
            {
                "rate_id": number,
                "prefix": prefix,
                "meter_id": 0,
                "band_id": 0,
                "name": "",
                "price_e8": price,
                "date_from": start,
                "date_to": end,
                "used": used,
                **EMPTY,
            }
            for number, (prefix, price, start, end, used) in enumerate(rates, start=1)
        ],
        columns=[
            "rate_id",
            "prefix",
            "meter_id",
            "band_id",
            "name",
            *TERMS,
            "tiers",
            "date_from",
            "date_to",
            "used",
        ],
    )
    return frame.astype(
        {
            n: np.int64
            for n in ("rate_id", "meter_id", "band_id", *TERMS, "date_from", "date_to")
        }
        | {"used": bool, "prefix": object}
    )


def new_frame(rates):
    """(prefix, price, from, closed) as the frame of a file."""
    frame = pd.DataFrame(
        [
            {
                "line": line,
                "prefix": prefix,
                "meter_id": 0,
                "band_id": 0,
                "name": "",
                "price_e8": price,
                "valid_from": start,
                "valid_until": OPEN,
                "closed": closed,
                **EMPTY,
            }
            for line, (prefix, price, start, closed) in enumerate(rates, start=2)
        ]
    )
    return frame


class TestDeckChanges(unittest.TestCase):
    def test_each_kind(self):
        current = current_frame(
            [(prefix, 100, ALWAYS, OPEN, True) for prefix in ("1", "2", "3", "4", "5")]
        )
        new = new_frame(
            [
                ("1", 100, 0, False),
                ("2", 120, 0, False),
                ("3", 90, 0, False),
                ("4", 100, 0, True),
                ("6", 50, 0, False),
            ]
        )
        changes = compare(current, new, DAY)
        self.assertEqual(
            dict(zip(changes.rows["prefix"], changes.rows["status"], strict=True)),
            {
                "1": "unchanged",
                "2": "dearer",
                "3": "cheaper",
                "4": "closed",
                "6": "new",
            },
        )
        self.assertEqual(sorted(changes.ends["rate_id"]), [2, 3, 4])
        self.assertEqual(sorted(changes.added["prefix"]), ["2", "3", "6"])
        whole = compare(current, new, DAY, whole=True)
        self.assertEqual(whole.counts["closed"], 2)
        self.assertEqual(sorted(whole.ends["rate_id"]), [2, 3, 4, 5])

    def test_prices_of_other_units(self):
        current = current_frame([("1", 60, ALWAYS, OPEN, False)])
        new = new_frame([("1", 1, 0, False)])
        new["per_seconds"] = 1
        changes = compare(current, new, DAY)
        self.assertEqual(changes.rows["status"].tolist(), ["terms"])

    def test_tiers_are_terms(self):
        current = current_frame(
            [(prefix, 100, ALWAYS, OPEN, True) for prefix in ("1", "2", "3", "4")]
        )
        current["tiers"] = ["", "60: 1/60 1", "60: 1/60 1", "60: 1/60 1"]
        new = new_frame([(prefix, 100, 0, False) for prefix in ("1", "2", "3", "5")])
        new["tiers"] = ["60: 1/60 1", "60: 1/60 1", "", "30: 2/60 1"]
        changes = compare(current, new, DAY, whole=True)
        rows = changes.rows.set_index("prefix")
        self.assertEqual(
            rows["status"].to_dict(),
            {"1": "terms", "2": "unchanged", "3": "terms", "5": "new", "4": "closed"},
        )
        self.assertEqual(
            rows["old_tiers"].to_dict(),
            {
                "1": "",
                "2": "60: 1/60 1",
                "3": "60: 1/60 1",
                "5": "",
                "4": "60: 1/60 1",
            },
        )
        self.assertEqual(
            changes.added.set_index("prefix")["tiers"].to_dict(),
            {"1": "60: 1/60 1", "3": "", "5": "30: 2/60 1"},
        )

    def test_a_rate_that_was_used_from_that_day(self):
        current = current_frame([("1", 100, DAY, OPEN, True)])
        changes = compare(current, new_frame([("1", 120, 0, False)]), DAY)
        self.assertEqual([p.line for p in changes.problems], [2])
        self.assertFalse(
            compare(current, new_frame([("1", 120, 0, False)]), DAY + 1).problems
        )

    def test_planned_rates_give_way(self):
        current = current_frame(
            [("1", 100, ALWAYS, DAY + 10, True), ("1", 150, DAY + 10, OPEN, False)]
        )
        changes = compare(current, new_frame([("1", 120, 0, False)]), DAY)
        self.assertEqual(changes.gone.tolist(), [2])
        self.assertEqual(changes.ends["rate_id"].tolist(), [1])

    @given(st.data())
    @settings(max_examples=150, deadline=None)
    def test_from_its_day_on_the_deck_is_the_file(self, data):
        """And before it, the deck is what it was, rate by rate."""
        prefixes = st.sampled_from(["1", "2", "3"])
        current = []
        for prefix in ("1", "2", "3"):
            cuts = sorted(
                data.draw(st.sets(st.integers(DAY - 20, DAY + 20), max_size=3))
            )
            edges = [ALWAYS, *cuts, OPEN]
            for start, end in zip(edges, edges[1:], strict=False):
                if data.draw(st.booleans()):
                    used = data.draw(st.booleans()) if start < DAY else False
                    current.append(
                        (prefix, data.draw(st.integers(1, 3)), start, end, used)
                    )
        rows = data.draw(
            st.lists(
                st.tuples(
                    prefixes,
                    st.integers(1, 3),
                    st.integers(DAY, DAY + 20),
                    st.booleans(),
                ),
                min_size=1,
                max_size=5,
                unique_by=lambda row: (row[0], row[2]),
            )
        )
        frame, new = current_frame(current), new_frame(rows)
        changes = compare(frame, new, DAY, whole=data.draw(st.booleans()))
        self.assertFalse(changes.problems)
        after = _applied(frame, changes)
        self.assertTrue((after["date_from"] < after["date_to"]).all())
        before, after = _rates(frame), _rates(after)
        for prefix in ("1", "2", "3"):
            mine = sorted((row[2], *row) for row in rows if row[0] == prefix)
            begins = mine[0][0] if mine else OPEN
            for day in range(DAY - 25, DAY + 25):
                prices = _prices(after, prefix, day)
                self.assertLessEqual(len(prices), 1)
                if day < DAY:
                    self.assertEqual(prices, _prices(before, prefix, day))
                elif day >= begins:
                    row = [row for row in mine if row[0] <= day][-1]
                    self.assertEqual(prices, [] if row[4] else [row[2]])


def _rates(frame):
    """A deck as tuples: a frame that is asked for each day takes long."""
    columns = ("prefix", "date_from", "date_to", "price_e8")
    return list(zip(*(frame[name].tolist() for name in columns), strict=True))


def _prices(rates, prefix, day):
    return [
        price
        for of_prefix, start, end, price in rates
        if of_prefix == prefix and start <= day < end
    ]


def _applied(frame, changes):
    """The deck after the changes, as the database does it."""
    after = frame[~frame["rate_id"].isin(changes.gone)].copy()
    ends = changes.ends.set_index("rate_id")["day"]
    end = ends.reindex(after["rate_id"]).to_numpy()
    after["date_to"] = np.where(np.isnan(end), after["date_to"], end).astype(np.int64)
    added = changes.added.rename(columns={"day": "date_from", "until": "date_to"})
    after = pd.concat([after, added[["prefix", "price_e8", "date_from", "date_to"]]])
    return after
