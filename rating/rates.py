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

The search per call is four table look-ups:

- *node*: a prefix of a deck (`prefixes.PrefixIndex`);
- *cell*: the rates of a node for one call type. Call types that a deck does not
  price apart share a cell, and a node without rates for a call type points to the
  cell of the next shorter prefix that has some;
- *group*: a period within a cell between two changes of what is in force;
- *class*: the combination of time bands at that moment (`bands.Calendar`).

Each (group, class) holds its winner, or none: then the search goes on from the cell
of the next shorter prefix, which few calls need.
"""

import copy
import functools

import numpy as np
import pandas as pd

from . import bands as time_bands
from .call_tiers import CallTiers
from .charges import Terms
from .decks import SPLIT_AT_BOUNDARY
from .money import ROUNDINGS
from .prefixes import PrefixIndex

MIN_US = -(2**62)
"""`valid_from_us` of a rate that has always been in force."""
MAX_US = 2**62
"""`valid_to_us` of a rate without an end."""

LONGEST_STEP = 10**9
# Rate ids that lie closer together than this are looked up in a table.
DENSE_IDS = 10**6
LARGEST_PRICE = 2**62

INTEGER_COLUMNS = {
    "rate_id": (-(2**62), 2**62),
    "deck_id": (-(2**62), 2**62),
    "meter_id": (0, 2**62),
    "band_id": (0, 2**62),
    "valid_from_us": (-(2**63), 2**63 - 1),
    "valid_to_us": (-(2**63), 2**63 - 1),
    "price_e8": (-LARGEST_PRICE, LARGEST_PRICE),
    "per_seconds": (1, LONGEST_STEP),
    "connection_fee_e8": (-LARGEST_PRICE, LARGEST_PRICE),
    "min_charge_e8": (0, LARGEST_PRICE),
    "max_charge_e8": (-1, LARGEST_PRICE),
    "initial_increment": (0, LONGEST_STEP),
    "increment": (1, LONGEST_STEP),
    "grace_seconds": (0, LONGEST_STEP),
}
"""Columns of the rates with the lowest and highest value that each may have."""


class RateTable:
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
            values = _integers(rates, name)
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

    def with_tiers(self, tiers):
        """Return the same rates with other tiers within the call."""
        table = copy.copy(self)
        table._set_tiers(tiers)
        return table

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

    # ---- compilation

    def _compile(self):
        live = np.flatnonzero(self.valid_from_us < self.valid_to_us)
        prefixes = self.prefix.iloc[live]
        self.index = PrefixIndex(self.deck[live], prefixes, live)
        self.node = np.full(len(self), -1, dtype=np.int64)
        self.node[live] = self.index.node_of_row
        self.prefix_length = np.zeros(len(self), dtype=np.int8)
        self.prefix_length[live] = self.index.length[self.index.node_of_row]
        self._number_meters()
        self._rank_strength()
        ends = self._ends_of_overruled(live)
        live = live[self.valid_from_us[live] < ends[live]]
        cell, member = self._cells(live)
        group, rate = self._groups(cell, member, ends)
        self._winners(group, rate)

    def _number_meters(self):
        """Give each call type that a deck prices apart a column of its own."""
        self.meters = np.unique(self.meter_id[self.meter_id > 0])
        own = np.flatnonzero(self.meter_id)
        meter = np.searchsorted(self.meters, self.meter_id[own])
        used = np.zeros((len(self.decks), len(self.meters) + 1), dtype=bool)
        used[self.deck[own], meter] = True
        self.column_of_meter = np.where(used, np.cumsum(used, axis=1), 0)
        self.columns_of_deck = used.sum(axis=1) + 1
        self.column = np.zeros(len(self), dtype=np.int64)
        self.column[own] = self.column_of_meter[self.deck[own], meter]

    def columns(self, deck, meter_id):
        """Return the columns of call types in decks (ranks); int64, shape (n,)."""
        if not len(self.meters):
            return np.zeros(len(meter_id), dtype=np.int64)
        meter = np.searchsorted(self.meters, meter_id)
        meter[self.meters.take(meter, mode="clip") != meter_id] = len(self.meters)
        return self.column_of_meter.ravel().take(
            deck * self.column_of_meter.shape[1] + meter
        )

    def _rank_strength(self):
        """Number the rates by rules 2 to 5; of one node the highest number wins."""
        band_rank = np.where(self.band_place > 0, -self.band_place, MIN_US)
        order = np.lexsort(
            (-self.rate_id, self.valid_from_us, band_rank, self.meter_id > 0)
        )
        self.strength = np.empty(len(self), dtype=np.int64)
        self.strength[order] = np.arange(len(self))

    def _ends_of_overruled(self, live):
        """Return the ends of validity, earlier where a newer rate takes over for good.

        A deck whose rates are never closed has as many rates in force as versions;
        without this, the groups would grow with the square of them.
        """
        ends = self.valid_to_us.copy()
        order = np.lexsort((self.strength, self.band_place, self.meter_id, self.node))
        order = order[np.isin(order, live)] if len(live) < len(self) else order
        this, following = order[:-1], order[1:]
        overruled = ends[following] >= ends[this]
        for column in (self.node, self.meter_id, self.band_place):
            overruled &= column[this] == column[following]
        this, following = this[overruled], following[overruled]
        ends[this] = np.minimum(ends[this], self.valid_from_us[following])
        return ends

    def _cells(self, live):
        """Number the cells, and point every (node, column) to its cell.

        :return: (cell, rate row) of all members, sorted by cell
        """
        nodes = len(self.index)
        column_count = self.columns_of_deck[self.index.table]
        # a node -1 finds the last element, whose entries say "no cell"
        self.entry = np.append(0, np.cumsum(column_count))
        spare = int(self.columns_of_deck.max(initial=1))
        self.cell_of_entry = np.full(self.entry[-1] + spare, -1, dtype=np.int64)

        entry = self.entry[self.node[live]] + self.column[live]
        own_entries, member_cell = np.unique(entry, return_inverse=True)
        own_node = np.searchsorted(self.entry, own_entries, side="right") - 1
        self.cell_of_entry[own_entries] = np.arange(len(own_entries))
        # besides its own, a call type's cell holds the node's rates for any type
        any_type = live[self.column[live] == 0]
        any_type = any_type[np.argsort(self.node[any_type], kind="stable")]
        first = np.searchsorted(self.node[any_type], np.arange(nodes + 1))
        special = np.flatnonzero(own_entries != self.entry[own_node])
        counts = np.diff(first)[own_node[special]]
        shared = any_type[_ranges(first[own_node[special]], counts)]
        cell = np.concatenate([member_cell, np.repeat(special, counts)])
        member = np.concatenate([live, shared])
        self._inherit_cells(column_count)

        self.no_cell = len(own_entries)
        self.cell_of_entry[self.cell_of_entry < 0] = self.no_cell
        self.node_of_cell = np.append(own_node, -1)
        order = np.lexsort((self.strength[member], cell))
        return cell[order], member[order]

    def _inherit_cells(self, column_count):
        """Fill entries without a cell: any type's of the node, then the parent's."""
        cells = self.cell_of_entry
        node = np.repeat(np.arange(len(self.index)), column_count)
        entries = np.arange(len(node))
        column = entries - self.entry[node]
        missing = cells[entries] < 0
        cells[entries[missing]] = cells[self.entry[node[missing]]]
        parent = self.index.parent_node
        depth = np.zeros(len(parent), dtype=np.int64)
        above = parent
        while (above >= 0).any():
            depth += above >= 0
            above = self.index.parent(above)
        for level in range(1, depth.max(initial=0) + 1):
            missing = entries[(depth[node] == level) & (cells[entries] < 0)]
            from_parent = self.entry[parent[node[missing]]] + column[missing]
            cells[missing] = cells[from_parent]

    def _groups(self, cell, member, ends):
        """Cut each cell's time where a rate begins or ends.

        :return: (group, rate row): which rates are in force in which group, the
            stronger ones later
        """
        start, end = self.valid_from_us[member], ends[member]
        bounded = np.flatnonzero(end < MAX_US)
        bound_cell = np.concatenate([cell, cell[bounded], [self.no_cell]])
        bound_us = np.concatenate([start, end[bounded], [MIN_US]])
        order = np.lexsort((bound_us, bound_cell))
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(bound_cell[order]) != 0) | (np.diff(bound_us[order]) != 0)
        group_of_bound = np.empty(len(order), dtype=np.int64)
        group_of_bound[order] = np.cumsum(new) - 1
        self.group_from_us = bound_us[order][new]
        self.cell_of_group = bound_cell[order][new]
        self.first_group = np.searchsorted(
            self.cell_of_group, np.arange(self.no_cell + 2)
        )
        most = int(np.diff(self.first_group).max())
        self.halvings = (most - 1).bit_length()
        self.timeless = most == 1 and (self.group_from_us <= MIN_US).all()

        begins = group_of_bound[: len(cell)]
        stops = self.first_group[cell + 1]
        stops[bounded] = group_of_bound[len(cell) : len(cell) + len(bounded)]
        counts = stops - begins
        return _ranges(begins, counts), np.repeat(member, counts)

    def _winners(self, group, rate):
        """Store the strongest rate of each group and class; -1 for none."""
        most = int(self.classes_of_deck.max(initial=1))
        # the last group stands for "no cell", in whatever class
        deck = self.index.table[self.node_of_cell[self.cell_of_group[:-1]]]
        classes = np.append(self.classes_of_deck[deck], most)
        self.first_class = np.append(0, np.cumsum(classes))[:-1]
        self.winner = np.full(int(classes.sum()), -1, dtype=np.int64)
        holds = [calendar.active for calendar in self.calendars]
        for number in range(most):
            applies = _column_or_false(holds, number)[
                self.calendar_of_deck[self.deck[rate]], self.band_place[rate]
            ]
            # of equal places the last one assigned stays: the strongest
            self.winner[self.first_class[group[applies]] + number] = rate[applies]

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


def _integers(rates, name):
    """Return a column as int64; ValueError when it holds anything else."""
    column = rates[name]
    if column.isna().any():
        raise ValueError(f"{name} of the rates has empty values")
    if not pd.api.types.is_integer_dtype(column.dtype) and len(column):
        raise ValueError(f"{name} of the rates is {column.dtype}, not integer")
    return column.to_numpy(dtype=np.int64)


def _ranges(starts, counts):
    """Return start, start + 1, .. for each (start, count), one after the other."""
    offsets = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) + np.repeat(starts - offsets, counts)


def _column_or_false(tables, number):
    """Stack row `number` of boolean tables; what a table does not have is False."""
    width = max((table.shape[1] for table in tables), default=1)
    stacked = np.zeros((len(tables), width), dtype=bool)
    for place, table in enumerate(tables):
        if number < len(table):
            stacked[place, : table.shape[1]] = table[number]
    return stacked
