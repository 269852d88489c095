# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rating of calls: a frame in, a frame with charges out."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .bands import SECOND_US
from .charges import (
    COVERED,
    DECK_FEE,
    FREE_ZERO,
    GRACE,
    SPLIT,
    TIERED,
    charge_at_one_rate,
    charge_exactly,
    charge_pieces,
)
from .increments import billed_seconds
from .rate_search import RateSearch
from .split import Part, split_calls

RATED = 0
NO_RATE = 1
"""No deck of the chain has a rate for the call."""
NO_DECK = 2
"""The chain is empty."""
TOO_LARGE = 3
"""The charge exceeds what 63 bits of micro-units hold (9.2 million million)."""

# Rows rated at a time: what belongs to them stays in the processor's cache.
BLOCK = 131_072


@dataclass
class RatedCalls:
    """What the engine returns.

    - `frame`: DataFrame in the order and with the index of the input; columns
      status (int8), rate_id, deck_id, band_id (int64; 0 = none), prefix_length
      (int8; -1 = none), billed_seconds, charge_micro (int64), reason (int8, bits).
      Of a call that was split, the rate is that of its start.
    - `parts`: position of the row in the frame (0..n-1) -> tuple of `Part`, only for
      calls that were charged at more than one rate
    """

    frame: pd.DataFrame
    parts: dict = field(default_factory=dict)


class RatingEngine(RateSearch):
    """Rates calls by chains of decks, any number of frames.

    The first deck of a call's chain that has a rate for it (see `rates`) prices it;
    a deck with a catch-all rate therefore ends the chain. A call of 0 seconds, or
    shorter than the rate's grace period, is rated, billed 0 seconds, and free.
    """

    def rate(self, calls, cover=None):
        """Rate calls.

        :param calls: DataFrame with the int64 columns `INPUT_COLUMNS`: key of the
            called number, start in microseconds UTC, duration (>= 0), call type,
            chain (position)
        :param cover: `charges.Cover` of the calls: what their calling plans took
        :return: `RatedCalls`
        :raise ValueError: when a column holds what cannot be a call; that is for the
            caller to sort out before
        """
        columns = self.prepared(calls)
        count = len(columns)
        output = {
            "status": np.full(count, NO_RATE, dtype=np.int8),
            "rate_id": np.zeros(count, dtype=np.int64),
            "deck_id": np.zeros(count, dtype=np.int64),
            "band_id": np.zeros(count, dtype=np.int64),
            "prefix_length": np.full(count, -1, dtype=np.int8),
            "billed_seconds": np.zeros(count, dtype=np.int64),
            "charge_micro": np.zeros(count, dtype=np.int64),
            "reason": np.zeros(count, dtype=np.int8),
        }
        parts = {}
        for start in range(0, count, BLOCK):
            block = slice(start, start + BLOCK)
            views = {name: column[block] for name, column in output.items()}
            of_block = None if cover is None else cover.take(block)
            found = self._rate_block(columns.take(block), views, of_block)
            for row, of_row in found.items():
                parts[start + row] = of_row
        return RatedCalls(pd.DataFrame(output, index=calls.index), parts)

    # ---- what it costs

    def _rate_block(self, calls, output, cover):
        """Fill the output of a block of calls; return the parts of split calls."""
        rate = self.find_rates(calls, calls.start_us)
        missing = rate < 0
        if missing.any():
            empty = (self.chains < 0).all(axis=1).take(calls.chain)
            output["status"][empty] = NO_DECK
            rows = np.flatnonzero(~missing)
            filled = {name: column[rows] for name, column in output.items()}
            cover = None if cover is None else cover.take(rows)
            parts = self._charge(calls.take(rows), rate[rows], filled, cover)
            for name, column in filled.items():
                output[name][rows] = column
            return {int(rows[row]): of_row for row, of_row in parts.items()}
        return self._charge(calls, rate, output, cover)

    def _charge(self, calls, rate, output, cover):
        table, seconds = self.table, calls.seconds
        special = table.tiers.begun(rate, seconds)
        if cover is not None:
            special |= cover.seconds > 0
        if not special.any():
            charge, reason, too_large, billed = self._charge_at_one_rate(rate, seconds)
        else:
            charge, billed = np.zeros((2, len(rate)), dtype=np.int64)
            reason = np.zeros(len(rate), dtype=np.int8)
            too_large = np.zeros(len(rate), dtype=bool)
            found = charge, reason, too_large, billed
            for rows, charge_some in (
                (np.flatnonzero(~special), self._charge_at_one_rate),
                (np.flatnonzero(special), self._charge_in_pieces),
            ):
                of_rows = None if cover is None else cover.take(rows)
                some = charge_some(rate.take(rows), seconds.take(rows), of_rows)
                for column, values in zip(found, some, strict=True):
                    column[rows] = values
        in_grace = (seconds < table.grace_seconds.take(rate)) & (seconds > 0)
        billed[in_grace] = 0
        free = billed == 0
        if free.any():
            charge[free], reason[free], too_large[free] = 0, 0, False
            reason[in_grace] = GRACE
            reason[seconds == 0] = FREE_ZERO
        parts = {}
        rows = self.crossing(calls, rate, billed)
        if len(rows):
            of_rows = None if cover is None else cover.take(rows)
            split = self._split(calls.take(rows), rate[rows], of_rows)
            charge[rows], reason[rows], too_large[rows], billed[rows] = split[:4]
            parts = {int(rows[row]): of_row for row, of_row in split[4].items()}
        output["status"][:] = np.where(too_large, TOO_LARGE, RATED)
        output["rate_id"][:] = table.rate_id.take(rate)
        output["deck_id"][:] = table.deck_id.take(rate)
        output["band_id"][:] = table.band_id.take(rate)
        output["prefix_length"][:] = table.prefix_length.take(rate)
        output["billed_seconds"][:] = billed
        output["charge_micro"][:] = charge
        output["reason"][:] = reason
        return parts

    def _charge_at_one_rate(self, rate, seconds, _cover=None):
        """Charge calls that stay in the first tier, of which no plan took anything."""
        table = self.table
        billed = billed_seconds(
            seconds, table.initial_increment.take(rate), table.increment.take(rate)
        )
        charge, reason, too_large = charge_at_one_rate(
            table.price_e8.take(rate),
            billed,
            table.per_seconds.take(rate),
            table.terms(rate),
        )
        return charge, reason, too_large, billed

    def charge_covered(self, calls, rows, rated, cover):
        """Charge calls again for what their calling plans left to their decks.

        :param calls: DataFrame as `rate` takes it
        :param rows: positions of those that are covered, in part at least, shape (n,)
        :param rated: frame that `rate` returned for the calls
        :param cover: `charges.Cover` of the calls in `rows`, none of which is too large
        :return: (charge_micro int64, reason int8, too_large bool), shape (n,)
        """
        charge = np.zeros(len(rows), dtype=np.int64)
        reason = np.full(len(rows), COVERED, dtype=np.int8)
        too_large = self.charge_left(
            self.prepared(calls),
            rows,
            rated["rate_id"].to_numpy()[rows],
            rated["billed_seconds"].to_numpy()[rows],
            cover,
            charge,
            reason,
        )
        return charge, reason, too_large

    def charge_left(self, calls, rows, rate_id, billed, cover, charge, reason):
        """Charge calls again for what their calling plans left to their decks.

        :param calls: as `prepared` returns them
        :param rows: of some of them, shape (n,), as all that follow
        :param rate_id: of their rates
        :param billed: seconds that `rate` billed
        :param cover: `charges.Cover`; the calls that have none are left alone
        :param charge: micro-units, changed in place
        :param reason: changed in place
        :return: bool array, whether the charge is too large
        """
        covered = cover.seconds > 0
        whole = covered & (cover.seconds >= billed)
        # charge[whole], reason[whole] = 0, COVERED; several times as fast
        charge *= ~whole
        reason *= ~whole
        reason |= whole * np.int8(COVERED)
        # what is covered to its end and costs nothing, is charged nothing
        costs = (cover.amount != 0).astype(bool) | (cover.fee > 0)
        if self.table.has_fees or (cover.fee < DECK_FEE).any():
            costs[:] = True
        too_large = np.zeros(len(rows), dtype=bool)
        for some, charge_some in (
            (np.flatnonzero(whole & costs), self._charge_what_is_whole),
            (np.flatnonzero(covered & ~whole), self._charge_the_rest),
        ):
            for start in range(0, len(some), BLOCK):
                block = some[start : start + BLOCK]
                rate = self.table.rows_of(rate_id.take(block))
                charge[block], reason[block], too_large[block] = charge_some(
                    calls, rows.take(block), rate, cover.take(block)
                )
        return too_large

    def _charge_what_is_whole(self, _calls, _rows, rate, cover):
        """Charge calls that are covered to their end: the fee, and the plan's price."""
        terms = cover.terms(self.table.terms(rate), np.zeros(len(rate), np.int64))
        extra = cover.amount, cover.denominator
        charge, reason, too_large = charge_pieces([], terms, extra)
        return charge, reason | COVERED, too_large

    def _charge_the_rest(self, calls, rows, rate, cover):
        charge, reason, too_large, billed = self._charge_in_pieces(
            rate, calls.seconds.take(rows), cover
        )
        if not self.table.split.take(rate).any():
            return charge, reason, too_large
        calls = calls.take(rows)
        rows = self.crossing(calls, rate, billed)
        if len(rows):
            split = self._split(calls.take(rows), rate[rows], cover.take(rows))
            charge[rows], reason[rows], too_large[rows] = split[:3]
        return charge, reason, too_large

    def pieces_of(self, rate, seconds):
        """Return what calls at one rate are made of: their tiers within the call.

        :return: list of (price in e8, per seconds, seconds billed), int64 (n,)
        """
        tiers = self.table.tiers
        billed = tiers.billed_by_level(self.table, rate, seconds)
        return [
            (tiers.price_e8[level].take(rate), tiers.per_seconds[level].take(rate), of)
            for level, of in enumerate(billed)
        ]

    def _charge_in_pieces(self, rate, seconds, cover):
        """Charge calls with tiers within the call, or taken by an allowance."""
        pieces, terms, extra = (
            self.pieces_of(rate, seconds),
            self.table.terms(rate),
            None,
        )
        billed = sum(of_piece for _price, _per, of_piece in pieces)
        levels = sum(of_piece > 0 for _price, _per, of_piece in pieces)
        if cover is not None:
            pieces = uncovered(pieces, cover)
            terms = cover.terms(terms, billed - cover.seconds)
            extra = cover.amount, cover.denominator
        charge, reason, too_large = charge_pieces(pieces, terms, extra)
        reason[levels > 1] |= TIERED
        if cover is not None:
            reason[cover.seconds > 0] |= COVERED
        return charge, reason, too_large, billed

    def crossing(self, calls, rate, billed):
        """Return the rows of the calls whose bands change before they are covered."""
        splits = self.table.split.take(rate)
        if not splits.any():
            return np.zeros(0, dtype=np.int64)
        change = self._next_change(calls.chain, calls.start_us)
        return np.flatnonzero(splits & (change < calls.start_us + billed * SECOND_US))

    def parts_of(self, calls, rate):
        """Return the `split.Parts` of `Calls`, given their rates at the start."""

        def find(rows, instants_us):
            return self.find_rates(calls.take(rows), instants_us)

        def next_change(rows, instants_us):
            return self._next_change(calls.chain[rows], instants_us)

        return split_calls(
            self.table, calls.start_us, calls.seconds, rate, find, next_change
        )

    def _split(self, calls, rate, cover):
        table = self.table
        parts = self.parts_of(calls, rate)
        usage, denominator = parts.usage(table, cover)
        terms, extra, billed = table.terms(rate), None, parts.billed_of_call()
        if cover is not None:
            terms = cover.terms(terms, billed - cover.seconds)
            # over one denominator, as the usage
            extra = cover.amount.astype(object) * denominator
            usage, terms_denominator = usage * cover.denominator, cover.denominator
            denominator = denominator * terms_denominator
        charge, reason, too_large = charge_exactly(usage, denominator, terms, extra)
        several = parts.differ(parts.rate)
        reason[several] |= SPLIT
        reason[parts.differ(parts.level)] |= TIERED
        if cover is not None:
            reason[cover.seconds > 0] |= COVERED
        described = {}
        for place in np.flatnonzero(several[parts.call]):
            call, row = int(parts.call[place]), int(parts.rate[place])
            start = int(calls.start_us[call]) + int(parts.from_second[place]) * (
                SECOND_US
            )
            part = Part(
                int(table.rate_id[row]),
                int(table.deck_id[row]),
                int(table.band_id[row]),
                start,
                int(parts.billed[place]),
                int(parts.level[place]),
            )
            described.setdefault(call, []).append(part)
        described = {call: tuple(of_call) for call, of_call in described.items()}
        return charge, reason, too_large, billed, described


def uncovered(pieces, cover):
    """Return the pieces of calls without the seconds that are covered."""
    start, left = 0, []
    for price, per_seconds, seconds in pieces:
        left.append((price, per_seconds, seconds - cover.of_piece(start, seconds)))
        start = start + seconds
    return left
