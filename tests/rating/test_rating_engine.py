# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which rate applies to a call."""

import ast
import csv
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from unittest import TestCase

import pandas as pd

from odoo.addons.metered_billing import rating
from odoo.addons.metered_billing.rating import (
    NO_DECK,
    NO_RATE,
    RATED,
    Deck,
    RatingEngine,
    Slot,
    TimeBand,
)
from odoo.addons.metered_billing.tests.support.reference_rating import (
    RATE,
    call_of,
    engine_of,
    frame_of,
    instant,
    rates_of,
)

PEAK = TimeBand(1, (Slot(range(5), 8 * 60, 18 * 60),))
MONDAY = TimeBand(2, (Slot({0}),))
PACKAGE = Path(rating.__file__).parent
DECK_FILE = PACKAGE.parent / "demo" / "az_36205.csv"


DECK = Deck(1, bands=(1, 2))


class TestChoice(TestCase):
    def chosen(self, rates, call, decks=(DECK,), chains=((1,),)):
        """Return the rate's id, whatever the order in which the rates are given."""
        found = set()
        for order in (rates, rates[::-1]):
            engine = engine_of(order, decks, [PEAK, MONDAY], chains)
            frame = engine.rate(frame_of([call])).frame
            found.add(int(frame["rate_id"].iloc[0]))
        self.assertEqual(len(found), 1)
        return found.pop()

    def test_longest_prefix_not_the_cheapest(self):
        # as ASTPP, whose query sorted by cost let a cheap "1" beat "1234"
        rates = rates_of({"prefix": "1", "price_e8": 1}, {"prefix": "1234"})
        self.assertEqual(self.chosen(rates, call_of("+12345")), 2)
        self.assertEqual(self.chosen(rates, call_of("+12355")), 1)

    def test_rate_that_ended_or_has_yet_to_begin_hides_nothing(self):
        day = instant("2026-03-02T00:00")
        rates = rates_of(
            {"prefix": "4"},
            {"prefix": "49", "valid_to_us": day},
            {"prefix": "4930", "valid_from_us": day + 1},
            {"prefix": "49301", "valid_from_us": day + 1, "valid_to_us": day},
        )
        number = "+4930123456"
        self.assertEqual(self.chosen(rates, call_of(number, day)), 1)
        self.assertEqual(self.chosen(rates, call_of(number, day - 1)), 2)
        self.assertEqual(self.chosen(rates, call_of(number, day + 1)), 3)

    def test_versions_are_half_open(self):
        day = instant("2026-03-02T00:00")
        rates = rates_of({"valid_to_us": day}, {"valid_from_us": day})
        self.assertEqual(self.chosen(rates, call_of(start=day - 1)), 1)
        self.assertEqual(self.chosen(rates, call_of(start=day)), 2)

    def test_latest_version_wins_and_a_promotion_ends(self):
        days = [instant(f"2026-03-0{day}T00:00") for day in range(1, 6)]
        rates = rates_of(
            {"valid_from_us": days[0]},
            {"valid_from_us": days[1], "valid_to_us": days[3]},
            {"valid_from_us": days[2], "valid_to_us": days[3]},
            {"valid_from_us": days[4]},
        )
        found = [self.chosen(rates, call_of(start=day)) for day in days]
        self.assertEqual(found, [1, 2, 3, 1, 4])
        before = engine_of(rates, [Deck(1)]).rate(
            frame_of([call_of(start=days[0] - 1)])
        )
        self.assertEqual(before.frame["status"].tolist(), [NO_RATE])

    def test_many_versions_that_are_never_closed(self):
        day = 86_400_000_000
        start = instant("2026-01-01T00:00")
        rates = rates_of(*({"valid_from_us": start + n * day} for n in range(100)))
        engine = engine_of(rates, [Deck(1)])
        calls = [call_of(start=start + n * day + 5) for n in range(100)]
        found = engine.rate(frame_of(calls)).frame["rate_id"].tolist()
        self.assertEqual(found, list(range(1, 101)))

    def test_own_call_type_beats_any_of_the_same_prefix_only(self):
        rates = rates_of(
            {"prefix": "49"}, {"prefix": "49", "meter_id": 1}, {"prefix": "4930"}
        )
        self.assertEqual(self.chosen(rates, call_of("+4940", meter_id=1)), 2)
        self.assertEqual(self.chosen(rates, call_of("+4940", meter_id=2)), 1)
        self.assertEqual(self.chosen(rates, call_of("+4930", meter_id=1)), 3)

    def test_other_call_types_do_not_hide_shorter_prefixes(self):
        rates = rates_of(
            {"prefix": "4"},
            {"prefix": "49", "meter_id": 2},
            {"prefix": "493", "meter_id": 3},
        )
        self.assertEqual(self.chosen(rates, call_of("+4930", meter_id=1)), 1)
        self.assertEqual(self.chosen(rates, call_of("+4930", meter_id=2)), 2)
        self.assertEqual(self.chosen(rates, call_of("+4930", meter_id=3)), 3)
        self.assertEqual(self.chosen(rates, call_of("+4940", meter_id=3)), 1)

    def test_catch_all_per_call_type(self):
        rates = rates_of({"meter_id": 1}, {"meter_id": 2}, {"prefix": "44"})
        self.assertEqual(self.chosen(rates, call_of("+1", meter_id=1)), 1)
        self.assertEqual(self.chosen(rates, call_of("+1", meter_id=2)), 2)
        self.assertEqual(self.chosen(rates, call_of("+44", meter_id=2)), 3)
        self.assertEqual(self.chosen(rates, call_of("+1", meter_id=3)), 0)

    def test_catch_all_takes_numbers_without_a_key(self):
        rates = rates_of({"meter_id": 1})
        for number in (None, "*97", "anonymous", "911", "+1"):
            self.assertEqual(self.chosen(rates, call_of(number)), 1)

    def test_short_codes(self):
        rates = rates_of({"prefix": "=911"}, {"prefix": "911"}, {"prefix": ""})
        self.assertEqual(self.chosen(rates, call_of("911")), 1)
        self.assertEqual(self.chosen(rates, call_of("+911")), 2)
        self.assertEqual(self.chosen(rates, call_of("9110")), 3)

    def test_band_beats_any_time_in_the_decks_order(self):
        rates = rates_of({}, {"band_id": 1}, {"band_id": 2})
        monday_noon, monday_night = "2026-03-02T12:00", "2026-03-02T23:00"
        tuesday_noon, tuesday_night = "2026-03-03T12:00", "2026-03-03T23:00"
        for order, at_noon in (((1, 2), 2), ((2, 1), 3)):
            decks = [Deck(1, bands=order)]
            found = [
                self.chosen(rates, call_of(start=start), decks)
                for start in (monday_noon, monday_night, tuesday_noon, tuesday_night)
            ]
            self.assertEqual(found, [at_noon, 3, 2, 1])

    def test_call_type_matters_more_than_band(self):
        rates = rates_of({"band_id": 1}, {"meter_id": 1})
        self.assertEqual(self.chosen(rates, call_of()), 2)

    def test_band_matters_more_than_date(self):
        rates = rates_of({"band_id": 1}, {"valid_from_us": instant("2026-03-01T00:00")})
        self.assertEqual(self.chosen(rates, call_of()), 1)

    def test_outside_its_band_a_longer_prefix_hides_nothing(self):
        rates = rates_of({"prefix": "49"}, {"prefix": "4930", "band_id": 1})
        self.assertEqual(self.chosen(rates, call_of(start="2026-03-02T12:00")), 2)
        self.assertEqual(self.chosen(rates, call_of(start="2026-03-02T20:00")), 1)

    def test_lowest_id_is_the_last_resort(self):
        rates = rates_of({"rate_id": 9}, {"rate_id": 4}, {"rate_id": 7})
        self.assertEqual(self.chosen(rates, call_of()), 4)

    def test_chain_of_decks(self):
        rates = rates_of(
            {"deck_id": 10, "prefix": "49"},
            {"deck_id": 20, "prefix": "4930"},
            {"deck_id": 20, "prefix": "44"},
            {"deck_id": 30},
        )
        decks = [Deck(10), Deck(20), Deck(30)]
        chains = [(10, 20, 30), (20, 10), (30, 10), (), (10,)]
        numbers = ["+4930", "+441", "+1"]
        calls = [call_of(n, chain=c) for c in range(5) for n in numbers]
        frame = engine_of(rates, decks, (), chains).rate(frame_of(calls)).frame
        self.assertEqual(
            frame["rate_id"].tolist(), [1, 3, 4, 2, 3, 0, 4, 4, 4, 0, 0, 0, 1, 0, 0]
        )
        self.assertEqual(
            frame["status"].tolist(),
            [RATED] * 5 + [NO_RATE] + [RATED] * 3 + [NO_DECK] * 3 + [RATED, 1, 1],
        )
        self.assertEqual(frame["deck_id"].tolist()[:3], [10, 20, 30])
        self.assertEqual(frame["prefix_length"].tolist()[:6], [2, 2, 0, 4, 2, -1])

    def test_decks_keep_to_themselves(self):
        # as ASTPP, where an overlapping import changed other rate groups
        rates = rates_of({"deck_id": 1}, {"deck_id": 2, "prefix": "49"})
        decks = [Deck(1, decimals=2), Deck(2, decimals=0)]
        calls = [call_of(chain=0), call_of(chain=1)]
        frame = engine_of(rates, decks, (), [(1,), (2,)]).rate(frame_of(calls)).frame
        self.assertEqual(frame["charge_micro"].tolist(), [60_000, 0])

    def test_decks_in_different_timezones(self):
        rates = rates_of({"deck_id": 1, "band_id": 1}, {"deck_id": 2, "band_id": 1})
        decks = [
            Deck(1, timezone="Asia/Tokyo", bands=(1,)),
            Deck(2, timezone="America/New_York", bands=(1,)),
            Deck(3),
        ]
        starts = [f"2026-03-02T{hour:02}:00" for hour in range(0, 24, 3)]
        calls = [call_of(start=start, chain=c) for start in starts for c in range(3)]
        chains = [(1,), (2,), (3, 1, 2)]
        engine = engine_of(rates, decks, [PEAK], chains)
        found = engine.rate(frame_of(calls)).frame["rate_id"].tolist()
        self.assertEqual(found[::3], [1, 1, 1, 0, 0, 0, 0, 0])
        self.assertEqual(found[1::3], [0, 0, 0, 0, 0, 2, 2, 2])
        self.assertEqual(found[2::3], [1, 1, 1, 0, 0, 2, 2, 2])


class TestFrames(TestCase):
    def test_index_and_order_are_kept(self):
        engine = engine_of(rates_of({}), [Deck(1)])
        calls = frame_of([call_of(seconds=seconds) for seconds in (3, 1, 2)])
        calls.index = [7, 7, "x"]
        frame = engine.rate(calls).frame
        self.assertEqual(frame.index.tolist(), [7, 7, "x"])
        self.assertEqual(frame["billed_seconds"].tolist(), [3, 1, 2])
        dtypes = {name: str(dtype) for name, dtype in frame.dtypes.items()}
        small = {"status", "prefix_length", "reason"}
        self.assertEqual({n for n, d in dtypes.items() if d == "int8"}, small)
        self.assertEqual(set(dtypes.values()), {"int8", "int64"})

    def test_nothing_to_rate_and_nothing_to_rate_by(self):
        engine = engine_of(rates_of({}), [Deck(1)])
        self.assertEqual(len(engine.rate(frame_of([])).frame), 0)
        nothing = engine_of([], [], (), ())
        self.assertEqual(len(nothing.rate(frame_of([])).frame), 0)
        no_rates = engine_of([], [Deck(1)])
        status = no_rates.rate(frame_of([call_of()])).frame["status"]
        self.assertEqual(status.tolist(), [NO_RATE])
        no_chain = engine_of([], [], (), [()])
        status = no_chain.rate(frame_of([call_of()])).frame["status"]
        self.assertEqual(status.tolist(), [NO_DECK])

    def test_other_chains_by_the_same_rates(self):
        engine = engine_of(rates_of({}, {"deck_id": 2}), [Deck(1), Deck(2)])
        other = engine.with_chains([(), (2,)])
        frame = other.rate(frame_of([call_of(chain=1)])).frame
        self.assertEqual(frame["deck_id"].tolist(), [2])
        self.assertEqual(engine.rate(frame_of([call_of()])).frame["deck_id"][0], 1)

    def test_arrow_columns(self):
        rates = pd.DataFrame(rates_of({"prefix": "49"}, {}))
        rates = rates.convert_dtypes(dtype_backend="pyarrow")
        engine = RatingEngine(rates, [Deck(1)], (), [(1,)])
        calls = frame_of([call_of()]).convert_dtypes(dtype_backend="pyarrow")
        self.assertEqual(engine.rate(calls).frame["rate_id"].tolist(), [1])

    def test_what_cannot_be_a_call_is_refused(self):
        engine = engine_of(rates_of({}), [Deck(1)])
        for change, message in (
            ({"seconds": -1}, "seconds -1 in row 1"),
            ({"seconds": 10**11}, "seconds"),
            ({"start_us": 2**62}, "start_us"),
            ({"chain": 1}, "chain 1"),
            ({"chain": -1}, "chain -1"),
        ):
            calls = frame_of([call_of(), call_of(**{"start": 0, **change})])
            for name, value in change.items():
                calls.loc[1, name] = value
            with self.subTest(message=message):
                self.assertRaisesRegex(ValueError, message, engine.rate, calls)

    def test_what_cannot_be_a_rate_is_refused(self):
        deck = Deck(1, bands=(1,))
        for change, message in (
            ({"prefix": "+49"}, "'\\+49' is not a prefix"),
            ({"prefix": None}, "'None' is not a prefix"),
            ({"deck_id": 5}, "Rate 2: deck 5"),
            ({"band_id": 2}, "Deck 1 has rates for a band not its own: 2"),
            ({"band_id": 1}, "time band 1 is unknown"),
            ({"increment": 0}, "Rate 2: increment 0"),
            ({"per_seconds": 0}, "per_seconds"),
            ({"grace_seconds": -1}, "grace_seconds"),
            ({"initial_increment": -1}, "initial_increment"),
            ({"min_charge_e8": -1}, "min_charge_e8"),
            ({"max_charge_e8": -2}, "max_charge_e8"),
            ({"price_e8": 0.5}, "price_e8 of the rates is float64, not integer"),
            ({"price_e8": None}, "price_e8 of the rates has empty values"),
        ):
            with self.subTest(message=message):
                with self.assertRaisesRegex(ValueError, message):
                    engine_of(rates_of({}, change), [deck])
        with self.assertRaisesRegex(ValueError, "Deck 9 is unknown"):
            engine_of([], [deck], (), [(9,)])
        with self.assertRaisesRegex(ValueError, "twice"):
            engine_of([], [deck, deck], (), ())
        with self.assertRaisesRegex(ValueError, "Timezone"):
            engine_of([], [Deck(1, timezone="Mars/Olympus")])


class TestRealDeck(TestCase):
    """An A-Z deck of 36,205 prefixes as an operator got it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with DECK_FILE.open(encoding="utf-8", newline="") as lines:
            cls.lines = list(csv.DictReader(lines))
        cls.rates = pd.DataFrame(
            [
                {
                    **RATE,
                    "rate_id": number,
                    "prefix": line["prefix"],
                    "price_e8": int(Decimal(line["cost_per_min"]) * 10**8),
                    "connection_fee_e8": int(Decimal(line["connect_cost"]) * 10**8),
                    "initial_increment": int(line["increment_seconds"]),
                    "increment": int(line["increment_seconds"]),
                }
                for number, line in enumerate(cls.lines, start=1)
            ]
        )
        cls.engine = RatingEngine(cls.rates, [Deck(1)], (), [(1,)])

    def test_every_line_is_there_and_finds_itself(self):
        self.assertEqual(len(self.lines), 36_205)
        calls = [call_of(f"+{line['prefix']}", seconds=61) for line in self.lines]
        frame = self.engine.rate(frame_of(calls)).frame
        # a prefix is itself a number, unless a longer one continues it with zeros
        by_number = {}
        for line in self.lines:
            key = line["prefix"].ljust(15, "0")
            by_number[key] = max(by_number.get(key, ""), line["prefix"], key=len)
        for line, row, billed, charge in zip(
            self.lines,
            frame["rate_id"].tolist(),
            frame["billed_seconds"].tolist(),
            frame["charge_micro"].tolist(),
            strict=True,
        ):
            found = self.lines[row - 1]
            self.assertEqual(found["prefix"], by_number[line["prefix"].ljust(15, "0")])
            step = int(found["increment_seconds"])
            self.assertEqual(billed, -(-61 // step) * step)
            exact = Decimal(found["cost_per_min"]) * billed / 60
            exact += Decimal(found["connect_cost"])
            self.assertEqual(
                Decimal(charge).scaleb(-6),
                exact.quantize(Decimal("0.000001"), "ROUND_HALF_UP"),
            )


class TestPurity(TestCase):
    def test_imports_without_odoo(self):
        code = (
            "import sys; sys.modules['odoo'] = None; import rating;"
            "assert not any(m.split('.')[0] == 'odoo' for m in sys.modules"
            " if sys.modules[m]); print(len(rating.__all__))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PACKAGE.parent,
            env={"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(int(done.stdout), len(rating.__all__))

    def test_no_file_names_odoo(self):
        allowed = {"numpy", "pandas", "pyarrow", *sys.stdlib_module_names}
        for path in PACKAGE.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module]
                for name in names:
                    self.assertIn(name.split(".")[0], allowed, path.name)
