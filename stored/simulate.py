# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rating stored calls with other decks, in memory: nothing of it is written.

For questions such as what last month would have brought with the new deck, or what it
cost at the supplier's. Calls are read a stretch of time at a time by COPY, rated by the
engine, and summed up by customer, call type, destination and currencies.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ..ingest.frames import copy_out, frame_of
from ..rating import RATED, RatingEngine
from ..rating.prefixes import number_keys

#: what the sums are kept by; `to_currency_id` is the currency of the new charge
KEYS = ("partner_id", "meter_id", "destination_id", "currency_id", "to_currency_id")
SUMS = ("calls", "seconds", "before_micro", "after_micro", "unrated", "below", "lost")
_COLUMNS = {
    "callee": pa.string(),
    **dict.fromkeys(
        (
            *("start_us", "seconds", "meter_id", "partner_id", "destination_id"),
            *("currency_id", "charge_micro", "source_id"),
        ),
        pa.int64(),
    ),
}
_READ = """
    SELECT coalesce(cdr.callee, ''),
           (extract(epoch FROM cdr.start_time) * 1000000)::bigint,
           cdr.quantity::bigint, cdr.meter_id, cdr.partner_id,
           coalesce(cdr.destination_id, 0), cdr.currency_id,
           (cdr.charge * 1000000)::bigint, cdr.source_id
      FROM metered_cdr cdr
     WHERE cdr.start_time >= %(first)s AND cdr.start_time < %(last)s
       AND cdr.company_id = %(company)s AND cdr.state = 'rated'
       AND cdr.meter_id = ANY(%(meters)s)
       AND (%(partners)s::int[] IS NULL OR cdr.partner_id = ANY(%(partners)s::int[]))
       AND NOT cdr.partner_id = ANY(%(without)s::int[])
"""


@dataclass
class Simulation:
    """Decks to try, and whose calls they are tried on.

    :ivar engine: with the chains to try
    :ivar currency_of_deck: dict deck id -> currency id
    :ivar chain_of: dict customer or source id -> position in the engine's chains; who
        is not in it is left out
    :ivar by: the column that `chain_of` is about: ``partner_id`` or ``source_id``
    """

    engine: RatingEngine
    currency_of_deck: dict
    chain_of: dict
    by: str = "partner_id"

    def chains(self, calls):
        """Position in the engine's chains of each call, -1 where it is left out.

        :param calls: DataFrame with the column `by`
        """
        return _looked_up(calls[self.by], self.chain_of, -1)

    def rate(self, calls, worth):
        """Rate calls, and sum up what they cost and would cost.

        :param calls: DataFrame as `read_calls` returns it
        :param worth: function (currency id, other currency id) -> how much of the other
            one unit is, to compare single calls
        :return: DataFrame with :data:`KEYS` and :data:`SUMS`
        """
        chain = self.chains(calls)
        kept = np.flatnonzero(chain >= 0)
        calls, chain = calls.iloc[kept], chain[kept]
        if not len(calls):
            return sum_up(calls, *[np.zeros(0, np.int64)] * 3, worth)
        calls = calls.assign(number_key=number_keys(calls["callee"]), chain=chain)
        result = self.engine.rate(calls).frame
        rated = result["status"].to_numpy() == RATED
        after = np.where(rated, result["charge_micro"].to_numpy(), 0)
        return sum_up(calls, after, rated, self.currencies(result), worth)

    def currencies(self, rated):
        """Currency of each charge, 0 for none.

        :param rated: frame of `RatedCalls`
        """
        return _looked_up(rated["deck_id"], self.currency_of_deck, 0)


def _looked_up(column, value_of, default):
    """Of each value of a column what a dict says, int64, shape (n,)."""
    place, values = pd.factorize(column.to_numpy())
    found = [value_of.get(value, default) for value in values.tolist()]
    return np.array(found, np.int64)[place]


def sum_up(calls, after, rated, currencies, worth):
    """Sum up what calls cost and would cost.

    :param calls: DataFrame: the first four of :data:`KEYS`, seconds, charge_micro
    :param after: what each would cost, micro-units, int64, shape (n,)
    :param rated: whether it would have a price, bool, shape (n,)
    :param currencies: of `after`, int64, shape (n,)
    :param worth: see :meth:`Simulation.rate`
    :return: DataFrame with :data:`KEYS` and :data:`SUMS`
    """
    if not len(calls):
        return pd.DataFrame(columns=[*KEYS, *SUMS])
    before = calls["charge_micro"].to_numpy()
    own = calls["currency_id"].to_numpy()
    currencies = np.where(rated, currencies, own)
    factor = np.ones(len(calls))
    foreign = np.flatnonzero(currencies != own)
    if len(foreign):
        pairs = np.stack([currencies[foreign], own[foreign]], axis=1)
        for pair in map(tuple, np.unique(pairs, axis=0).tolist()):
            factor[foreign[(pairs == pair).all(axis=1)]] = worth(*pair)
    # Only to tell which calls were sold below cost: the sums stay exact.
    short = np.where(rated, after * factor - before, 0)
    below = short > 0.5
    frame = pd.DataFrame(
        {
            **{name: calls[name].to_numpy() for name in KEYS[:-1]},
            "to_currency_id": currencies,
            "calls": 1,
            "seconds": calls["seconds"].to_numpy(),
            "before_micro": before,
            "after_micro": after,
            "unrated": (~rated).astype(np.int64),
            "below": below.astype(np.int64),
            "lost": np.where(below, np.rint(short), 0).astype(np.int64),
        }
    )
    return frame.groupby(list(KEYS), as_index=False)[list(SUMS)].sum()


def read_calls(
    cr, company_id, first, last, meter_ids, partner_ids=None, without_ids=()
):
    """Read the rated calls of a stretch of time.

    :param first, last: naive UTC datetimes, half-open
    :param partner_ids: None: of all customers
    :param without_ids: but not of these
    :return: DataFrame with the columns of `_COLUMNS`
    """
    params = {
        "first": first,
        "last": last,
        "company": company_id,
        "meters": list(meter_ids),
        "partners": partner_ids,
        "without": list(without_ids),
    }
    return frame_of(copy_out(cr, _READ, params, _COLUMNS))


def add_up(parts):
    """Add the sums of several stretches of time.

    :param parts: list of DataFrames of :meth:`Simulation.rate`
    """
    frame = pd.concat(parts)
    return frame.groupby(list(KEYS), as_index=False)[list(SUMS)].sum()
