# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rates compiled: which of them wins where, told in advance.

- *node*: a prefix of a deck (`prefixes.PrefixIndex`);
- *cell*: the rates of a node for one call type. Call types that a deck does not
  price apart share a cell, and a node without rates for a call type points to the
  cell of the next shorter prefix that has some;
- *group*: a period within a cell between two changes of what is in force;
- *class*: the combination of time bands at that moment (`bands.Calendar`).

Each (group, class) holds its winner, or none.
"""

import numpy as np

from .prefixes import PrefixIndex
from .rate_columns import MAX_US, MIN_US


class RateCells:
    """The part of a `rates.RateTable` that compiles what it has read."""

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
