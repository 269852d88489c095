# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rates that are tried: another deck in a chain, or other rates in a deck.

Who hands a :class:`TriedRates` to ``load_rates`` gets decks and rates as if they were
in force. Nothing is written for it.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from ..deck_files.changes import ALWAYS, OPEN, TERMS
from ..rating import MAX_US, MIN_US
from ..rating.bands import EPOCH

#: ids of rates that there are not yet begin above this; no stored one has such an id
NEW_RATES = 2**40
_SAME = ("prefix", "meter_id", "band_id", *TERMS)


class TriedRates:
    """A deck that is tried, and in whose place.

    :param deck_id: the deck
    :param timezone: its time zone, in which days begin
    :param replaced_id: only in chains with this deck, which may be the same; 0: it is
        asked first in all
    :param day: date; its rates that hold then are taken for any time; None: each rate
        for its own days
    :param changes: ``deck_files.changes.Changes``: what a file would change in it
    """

    def __init__(self, deck_id, timezone, replaced_id=0, day=None, changes=None):
        self.deck_id, self.replaced_id = deck_id, replaced_id
        self.zone = ZoneInfo(timezone)
        self.day, self.changes = day, changes

    def is_about(self, chain):
        """Whether customers with these decks are concerned."""
        return not self.replaced_id or self.replaced_id in chain

    def chain(self, chain):
        """A customer's decks with the one that is tried.

        :param chain: tuple of deck ids
        """
        if not self.is_about(chain):
            return chain
        if self.replaced_id:
            chain = (self.deck_id if d == self.replaced_id else d for d in chain)
        else:
            chain = (self.deck_id, *chain)
        return tuple(dict.fromkeys(chain))

    def rates(self, rates, starts=None):
        """The rates of decks, those of the deck that is tried as they are tried.

        :param rates: DataFrame with ``load_rates.RATE_COLUMNS``
        :param starts: prefixes that are asked for; None: all
        """
        if self.changes is not None:
            rates = self._with_changes(rates, starts)
        if self.day is None:
            return rates
        at_us = self._us(self.day)
        mine = rates["deck_id"] == self.deck_id
        holds = (rates["valid_from_us"] <= at_us) & (at_us < rates["valid_to_us"])
        rates = rates[~mine | holds].reset_index(drop=True)
        mine = rates["deck_id"] == self.deck_id
        rates.loc[mine, "valid_from_us"] = MIN_US
        rates.loc[mine, "valid_to_us"] = MAX_US
        return rates

    def _with_changes(self, rates, starts):
        changes = self.changes
        rates = rates[~rates["rate_id"].isin(changes.gone)].reset_index(drop=True)
        ends = dict(
            zip(changes.ends["rate_id"].tolist(), changes.ends["day"], strict=True)
        )
        rows = np.flatnonzero(rates["rate_id"].isin(list(ends)))
        for row in rows:
            day = ends[int(rates.at[row, "rate_id"])]
            rates.at[row, "valid_to_us"] = self._ordinal_us(day)
        added = changes.added
        new = added[list(_SAME)].copy()
        new["rate_id"] = NEW_RATES + np.arange(len(added))
        new["deck_id"] = self.deck_id
        new["valid_from_us"] = [self._ordinal_us(day) for day in added["day"]]
        new["valid_to_us"] = [self._ordinal_us(day) for day in added["until"]]
        if starts is not None:
            new = new[new["prefix"].isin(starts)]
        if not len(new):
            return rates
        new = new[list(rates.columns)].astype(rates.dtypes.to_dict())
        return pd.concat([rates, new], ignore_index=True)

    def _ordinal_us(self, ordinal):
        ordinal = int(ordinal)
        if ordinal == ALWAYS:
            return MIN_US
        if ordinal == OPEN:
            return MAX_US
        return self._us(date.fromordinal(ordinal))

    def _us(self, day):
        """When a day of the deck begins, in microseconds."""
        begin = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return round((begin - EPOCH).total_seconds()) * 10**6


def last_day(changes):
    """The day from which all that a file changes holds, None where it always did.

    :param changes: ``deck_files.changes.Changes``
    """
    days = [
        int(day)
        for day in (*changes.added["day"], *changes.ends["day"])
        if day not in (ALWAYS, OPEN)
    ]
    return date.fromordinal(max(days)) if days else None
