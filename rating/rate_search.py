# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which rate a call has: chains of decks, and the time bands of each."""

import datetime
from dataclasses import dataclass

import numpy as np

from .bands import EPOCH, NEVER_US, SECOND_US, Calendar
from .rates import RateTable

INPUT_COLUMNS = ("number_key", "start_us", "seconds", "meter_id", "chain")

_MICROSECOND = datetime.timedelta(microseconds=1)
EARLIEST_US, LATEST_US = (
    (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) - EPOCH) // _MICROSECOND
    for year in (1900, 3000)
)
LONGEST_SECONDS = 10**10


@dataclass
class Calls:
    """Columns of a block of calls, int64, shape (n,)."""

    number_key: np.ndarray
    start_us: np.ndarray
    seconds: np.ndarray
    meter_id: np.ndarray
    chain: np.ndarray

    def __len__(self):
        return len(self.start_us)

    def take(self, rows):
        """Return some of the calls."""
        return Calls(
            self.number_key[rows],
            self.start_us[rows],
            self.seconds[rows],
            self.meter_id[rows],
            self.chain[rows],
        )


class RateSearch:
    """Finds the rates of calls by chains of decks.

    It remembers the time bands of the dates that it has seen, so it is not for
    several threads at once.

    `chains` holds the ranks of the decks of each chain, filled up with -1.
    """

    def __init__(self, rates, decks, bands=(), chains=(), tiers=None):
        """
        :param rates: DataFrame, see `rates.RateTable`
        :param decks: the `Deck`s
        :param bands: the `TimeBand`s
        :param tiers: DataFrame of prices that change within a call, see
            `call_tiers.COLUMNS`
        :param chains: tuples of deck ids, the first deck to ask first; a call names
            its chain by position here
        :raise ValueError: naming the rate or deck that is wrong
        """
        self.table = RateTable(rates, decks, bands, tiers)
        self._set_chains(chains)

    def with_chains(self, chains):
        """Return an engine with the same rates, compiled once, and other chains."""
        engine = object.__new__(type(self))
        engine.table = self.table
        engine._set_chains(chains)
        return engine

    def _set_chains(self, chains):
        ranks = [[self.table.rank_of_deck(deck) for deck in chain] for chain in chains]
        depth = max(map(len, ranks), default=0)
        self.chains = np.full((len(ranks), depth), -1, dtype=np.int64)
        for row, chain in enumerate(ranks):
            self.chains[row, : len(chain)] = chain
        # the calendars that each chain has to watch; 0 never changes
        calendars = [
            sorted({int(self.table.calendar_of_deck[rank]) for rank in chain} - {0})
            for chain in ranks
        ]
        most = max(map(len, calendars), default=0)
        self._calendars = np.zeros((len(ranks), most), dtype=np.int16)
        for row, watched in enumerate(calendars):
            self._calendars[row, : len(watched)] = watched

    def columns_of(self, calls):
        """Return the `Calls` of a frame, checked as `rate` says."""
        columns = Calls(
            *(calls[name].to_numpy(dtype=np.int64) for name in INPUT_COLUMNS)
        )
        _require(columns.seconds, 0, LONGEST_SECONDS, "seconds")
        _require(columns.start_us, EARLIEST_US, LATEST_US, "start_us")
        _require(columns.chain, 0, len(self.chains) - 1, "chain")
        return columns

    def _cover(self, columns):
        """Lay out the time bands for the time of these calls."""
        if not len(columns):
            return
        ends = columns.start_us + columns.seconds * SECOND_US
        high = int(ends.max()) + self.table.longest_step * SECOND_US
        for calendar in self.table.calendars:
            calendar.cover(int(columns.start_us.min()), high)

    def prepared(self, calls):
        """Return the `Calls` of a frame, checked, with their time bands laid out."""
        columns = self.columns_of(calls)
        self._cover(columns)
        return columns

    def _band_class(self, deck, instants_us):
        """Return the class of the time bands of decks at instants."""
        calendar = self.table.calendar_of_deck.take(deck)
        return self._ask_calendars(calendar, instants_us, Calendar.class_at)

    def _next_change(self, chain, instants_us):
        """Return when the bands of any deck of a call's chain change next."""
        change = np.full(len(chain), NEVER_US, dtype=np.int64)
        for level in range(self._calendars.shape[1]):
            calendar = self._calendars[:, level].take(chain)
            change = np.minimum(
                change,
                self._ask_calendars(calendar, instants_us, Calendar.next_change),
            )
        return change

    def _ask_calendars(self, calendar, instants_us, question):
        """Put the question about each instant to its calendar."""
        calendars = self.table.calendars
        first = int(calendar[0]) if len(calendar) else 0
        if (calendar == first).all():
            return question(calendars[first], instants_us)
        order = np.argsort(calendar, kind="stable")
        bounds = np.searchsorted(
            calendar[order], np.arange(len(calendars) + 1, dtype=np.int16)
        )
        answers = np.empty(len(calendar), dtype=np.int64)
        for number in np.flatnonzero(np.diff(bounds)):
            rows = order[bounds[number] : bounds[number + 1]]
            answers[rows] = question(calendars[number], instants_us[rows])
        return answers

    def find_rates(self, calls, bands_at_us):
        """Return the rate of each call, from the first deck of its chain that has one.

        :param calls: `Calls`; the prices are those in force at their starts
        :param bands_at_us: instants at which the time bands count
        :return: row of the rate in the table, -1 for none; int64, shape (n,)
        """
        found = np.full(len(calls), -1, dtype=np.int64)
        for level in range(self.chains.shape[1]):
            deck = self.chains[:, level].take(calls.chain)
            if level == 0 and (deck >= 0).all():
                found = self._find_in(deck, calls, bands_at_us)
                continue
            rows = np.flatnonzero((found < 0) & (deck >= 0))
            if len(rows):
                found[rows] = self._find_in(
                    deck[rows], calls.take(rows), bands_at_us[rows]
                )
        return found

    def _find_in(self, deck, calls, bands_at_us):
        band_class = self._band_class(deck, bands_at_us)
        return self.table.find(
            deck, calls.meter_id, calls.number_key, calls.start_us, band_class
        )


def _require(values, lowest, highest, name):
    if not len(values) or (values.min() >= lowest and values.max() <= highest):
        return
    row = int(np.argmax((values < lowest) | (values > highest)))
    raise ValueError(
        f"{name} {values[row]} in row {row} is not between {lowest} and {highest}"
    )
