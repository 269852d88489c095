# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rates compiled for the search of the one that applies.

Of one deck applies, in this order of importance,

1. the longest prefix that has a rate in force for the call and its time band: a rate
   that has ended, or has yet to begin, hides no shorter prefix;
2. a rate of the call's own type over one for any type;
3. a rate for a time band over one for any time, bands in the deck's order;
4. the rate that came into force last;
5. the lowest rate id.

The search per call is four table look-ups: node, cell, group, class (`rate_cells`).
Where a cell has no winner the search goes on from the cell of the next shorter prefix,
which few calls need.
"""

import functools

import numpy as np

from . import bands as time_bands
from .call_tiers import CallTiers
from .charges import Terms
from .decks import SPLIT_AT_BOUNDARY
from .money import ROUNDINGS
from .rate_cells import RateCells
from .rate_columns import INTEGER_COLUMNS, integers

# Rate ids that lie closer together than this are looked up in a table.
DENSE_IDS = 10**6


class RateTable(RateCells):
    """All rates of some decks, ready to be searched.

    Attributes of shape (rates,) in the order of the input have the names of the
    columns; besides `deck` (rank of the deck), `prefix_length`, and what the rate
    takes over from its deck: `decimals`, `rounding` (code), `split` (bool).
    """

    def __init__(self, rates, decks, bands=(), tiers=None):
        """
        :param rates: DataFrame with `INTEGER_COLUMNS` and `prefix` (str)
        :param decks: the `Deck`s; one without rates is allowed
        :param bands: the `TimeBand`s that the decks name
        :param tiers: DataFrame of the tiers within a call, see `call_tiers.COLUMNS`
        :raise ValueError: naming the rate or deck that is wrong
        """
        self.decks = list(decks)
        self.deck_ids = np.array([deck.id for deck in self.decks], dtype=np.int64)
        self._deck_rank = {deck.id: rank for rank, deck in enumerate(self.decks)}
        if len(self._deck_rank) != len(self.decks):
            raise ValueError("A deck is given twice")
        self._read(rates)
        self._set_tiers(tiers)
        self._rank_bands()
        self._make_calendars({band.id: band.slots for band in bands})
        self._compile()

    def __len__(self):
        """Return the number of rates."""
        return len(self.rate_id)

    def rank_of_deck(self, deck_id):
        """Return the rank of a deck; ValueError when it is unknown."""
        try:
            return self._deck_rank[deck_id]
        except KeyError:
            raise ValueError(f"Deck {deck_id} is unknown") from None

    # ---- what the rates say

    def _read(self, rates):
        for name, (lowest, highest) in INTEGER_COLUMNS.items():
            values = integers(rates, name)
            wrong = (values < lowest) | (values > highest)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise ValueError(
                    f"Rate {rates['rate_id'].iloc[row]}: {name} {values[row]} is not"
                    f" between {lowest} and {highest}"
                )
            setattr(self, name, values)
        self.prefix = rates["prefix"].reset_index(drop=True)
        known = np.isin(self.deck_id, self.deck_ids)
        if not known.all():
            row = int(np.argmin(known))
            raise ValueError(
                f"Rate {self.rate_id[row]}: deck {self.deck_id[row]} is unknown"
            )
        order = np.argsort(self.deck_ids)
        self.deck = order[np.searchsorted(self.deck_ids, self.deck_id, sorter=order)]
        codes = [ROUNDINGS.index(deck.rounding) for deck in self.decks]
        splits = [deck.crossing == SPLIT_AT_BOUNDARY for deck in self.decks]
        decimals = [deck.decimals for deck in self.decks]
        self.decimals = np.array(decimals, dtype=np.int8)[self.deck]
        self.rounding = np.array(codes, dtype=np.int8)[self.deck]
        self.split = np.array(splits, dtype=bool)[self.deck]
        self.longest_step = int(
            max(self.initial_increment.max(initial=0), self.increment.max(initial=0))
        )

    def _set_tiers(self, tiers):
        self.tiers = CallTiers(self, tiers)
        self.longest_step = max(self.longest_step, self.tiers.longest_step)

    @functools.cached_property
    def has_fees(self):
        """Whether any rate has a connection fee."""
        return bool(self.connection_fee_e8.any())

    @functools.cached_property
    def _row_of_id(self):
        """(Lowest id, row of each id from it on), None where ids lie far apart."""
        low, high = self.rate_id.min(initial=0), self.rate_id.max(initial=0)
        if high - low >= 4 * len(self) + DENSE_IDS:
            return None
        row_of_id = np.zeros(high - low + 1, dtype=np.int64)
        row_of_id[self.rate_id - low] = np.arange(len(self))
        return low, row_of_id

    def rows_of(self, rate_id):
        """Return the rows of rates by their ids; ValueError when one is unknown."""
        if self._row_of_id is None:
            order = np.argsort(self.rate_id, kind="stable")
            place = np.searchsorted(self.rate_id, rate_id, sorter=order)
            rows = order.take(place, mode="clip")
        else:
            # one look-up in a table, instead of a search
            low, row_of_id = self._row_of_id
            rows = row_of_id.take(rate_id - low, mode="clip")
        wrong = self.rate_id[rows] != rate_id
        if wrong.any():
            raise ValueError(f"Rate {rate_id[np.argmax(wrong)]} is unknown")
        return rows

    def terms(self, rows):
        """Return the `Terms` of the rates in some rows."""
        return Terms(
            self.connection_fee_e8.take(rows),
            self.min_charge_e8.take(rows),
            self.max_charge_e8.take(rows),
            self.decimals.take(rows),
            self.rounding.take(rows),
        )

    # ---- time bands

    def _rank_bands(self):
        """Find, per deck, the bands in use, and each rate's place among them."""
        with_band = np.flatnonzero(self.band_id)
        ids, number = np.unique(self.band_id[with_band], return_inverse=True)
        pair = self.deck[with_band] * len(ids) + number
        pairs, pair_of_rate = np.unique(pair, return_inverse=True)
        used = [(pair // len(ids), int(ids[pair % len(ids)])) for pair in pairs]
        self.bands_in_use = [[] for _deck in self.decks]
        for rank, band_id in sorted(used, key=self._order_of_band):
            self.bands_in_use[rank].append(band_id)
        place = [self.bands_in_use[rank].index(band_id) for rank, band_id in used]
        self.band_place = np.zeros(len(self), dtype=np.int64)
        self.band_place[with_band] = np.array(place, dtype=np.int64)[pair_of_rate] + 1

    def _order_of_band(self, used):
        rank, band_id = used
        deck = self.decks[rank]
        if band_id not in deck.bands:
            raise ValueError(
                f"Deck {deck.id} has rates for a band not its own: {band_id}"
            )
        return rank, deck.bands.index(band_id)

    def _make_calendars(self, slots):
        """Make one calendar for all decks whose bands hold at the same times."""
        # number 0 is for the decks without time bands
        nothing = ("UTC", frozenset(), ())
        places = {nothing: 0}
        self.calendar_of_deck = []
        for deck, used in zip(self.decks, self.bands_in_use, strict=True):
            missing = [band_id for band_id in used if band_id not in slots]
            if missing:
                raise ValueError(f"Deck {deck.id}: time band {missing[0]} is unknown")
            time_bands.zone_of(deck.timezone)
            hours = tuple(tuple(slots[band_id]) for band_id in used)
            key = (deck.timezone, deck.holidays, hours) if used else nothing
            self.calendar_of_deck.append(places.setdefault(key, len(places)))
        self.calendars = [time_bands.Calendar(*key) for key in places]
        self.calendar_of_deck = np.array(self.calendar_of_deck, dtype=np.int16)
        counts = [len(calendar.active) for calendar in self.calendars]
        self.classes_of_deck = np.array(counts, dtype=np.int64)[self.calendar_of_deck]

    # ---- search

    def find(self, deck, meter_id, keys, version_us, band_class):
        """Return the row of the rate that applies to each call, -1 for none.

        :param deck: rank of the deck to search, int64, shape (n,)
        :param keys: number keys, int64, shape (n,)
        :param version_us: instant at which the rate must be in force, shape (n,)
        :param band_class: class of the deck's calendar, int64, shape (n,)
        """
        column = self.columns(deck, meter_id)
        nodes = self.index.lookup(deck, keys)
        cells = self.cell_of_entry.take(self.entry[nodes] + column)
        found = self._winner_in(cells, version_us, band_class)
        rows = np.flatnonzero((found < 0) & (cells != self.no_cell))
        while len(rows):
            nodes = self.index.parent(self.node_of_cell[cells[rows]])
            cells[rows] = self.cell_of_entry[self.entry[nodes] + column[rows]]
            found[rows] = self._winner_in(
                cells[rows], version_us[rows], band_class[rows]
            )
            rows = rows[(found[rows] < 0) & (cells[rows] != self.no_cell)]
        return found

    def candidates(self, deck, meter_id, key):
        """Return every rate of a deck for a number and call type, the first choice
        first, whether in force or not: rows of the table.

        :param deck: rank of the deck
        """
        rows = []
        nodes = self.index.lookup(deck, np.array([key], dtype=np.int64))
        while nodes[0] >= 0:
            start, end = self.index.payload_start[nodes[0] : nodes[0] + 2]
            at_node = self.index.payloads[start:end]
            at_node = at_node[np.isin(self.meter_id[at_node], (0, meter_id))]
            rows.extend(at_node[np.argsort(-self.strength[at_node])].tolist())
            nodes = self.index.parent(nodes)
        return rows

    def _winner_in(self, cells, version_us, band_class):
        groups = self.first_group.take(cells)
        if self.halvings:
            last = self.first_group.take(cells + 1) - 1
            for _step in range(self.halvings):
                middle = (groups + last + 1) >> 1
                reached = self.group_from_us.take(middle) <= version_us
                groups = np.where(reached, middle, groups)
                last = np.where(reached, last, middle - 1)
        found = self.winner.take(self.first_class.take(groups) + band_class)
        if not self.timeless:
            found[self.group_from_us.take(groups) > version_us] = -1
        return found
