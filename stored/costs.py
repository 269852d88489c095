# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What each stored call costs at the supplier's, and what is left of its charge.

The costs are kept in a table of their own, so that the calls are not written again: an
update of a million calls would take longer than storing them did.
"""

from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa

from ..ingest.frames import COPY_BUFFER, copy_csv, copy_out, decimals, frame_of
from ..ingest.usage_calls import USAGE_CDRS
from ..rating import RATED
from ..rating.prefixes import number_keys

_COLUMNS = {
    "callee": pa.string(),
    **dict.fromkeys(
        (
            *("id", "start_us", "seconds", "meter_id", "source_id", "currency_id"),
            *("charge_micro", "day"),
        ),
        pa.int64(),
    ),
}
_READ = f"""
    SELECT coalesce(cdr.callee, ''), cdr.id,
           (extract(epoch FROM cdr.start_time) * 1000000)::bigint,
           cdr.quantity::bigint, cdr.meter_id, cdr.source_id, cdr.currency_id,
           (cdr.charge * 1000000)::bigint, usage.day - date '0001-01-01' + 1
      FROM {USAGE_CDRS}
      JOIN metered_usage usage ON usage.id = cdr.usage_id
     WHERE cdr.state = 'rated' AND cdr.callee IS NOT NULL
       AND cdr.source_id IS NOT NULL
"""
STORED = ("id", "company_id", "currency_id", "charge", "cost", "margin", "below")


def read_costed(cr, usage_ids):
    """Read the rated calls of usage.

    :return: DataFrame with the columns of `_COLUMNS`; `day` is an ordinal
    """
    return frame_of(copy_out(cr, _READ, {"usage": list(usage_ids)}, _COLUMNS))


def cost_calls(calls, engine, chain_of, currency_of_deck, worth):
    """Rate calls with cost decks.

    :param calls: DataFrame of `read_costed`
    :param engine: ``RatingEngine`` with the cost decks
    :param chain_of: dict source id -> position in the engine's chains
    :param currency_of_deck: dict deck id -> currency id
    :param worth: function (currency id, other currency id, day as ordinal) -> Decimal:
        how much of the other one unit is
    :return: DataFrame of the calls that have a cost: id, currency_id (of the cost),
        charge_micro, cost_micro, margin_micro (in the currency of the charge), below
    """
    sources = calls["source_id"].to_numpy()
    who, of_call = np.unique(sources, return_inverse=True)
    chains = np.array([chain_of.get(int(source), -1) for source in who], np.int64)
    chain = chains[of_call] if len(who) else np.zeros(0, np.int64)
    kept = np.flatnonzero(chain >= 0)
    calls, chain = calls.iloc[kept], chain[kept]
    rated = engine.rate(
        pd.DataFrame(
            {
                "number_key": number_keys(calls["callee"]),
                "start_us": calls["start_us"].to_numpy(),
                "seconds": calls["seconds"].to_numpy(),
                "meter_id": calls["meter_id"].to_numpy(),
                "chain": chain,
            }
        )
    ).frame
    has = np.flatnonzero(rated["status"].to_numpy() == RATED)
    calls, rated = calls.iloc[has], rated.iloc[has]
    decks, of_deck = np.unique(rated["deck_id"].to_numpy(), return_inverse=True)
    currency = np.array([currency_of_deck[int(deck)] for deck in decks], np.int64)
    currency = currency[of_deck] if len(decks) else np.zeros(0, np.int64)
    charge = calls["charge_micro"].to_numpy()
    cost = rated["charge_micro"].to_numpy()
    own_cost = _converted(
        cost, currency, calls["currency_id"].to_numpy(), calls["day"].to_numpy(), worth
    )
    return pd.DataFrame(
        {
            "id": calls["id"].to_numpy(),
            "currency_id": currency,
            "charge_micro": charge,
            "cost_micro": cost,
            "margin_micro": charge - own_cost,
            "below": own_cost > charge,
        }
    )


def _converted(cost, currency, own, days, worth):
    """Costs in the currencies of the charges, rounded half up to micro-units."""
    own_cost = cost.copy()
    foreign = np.flatnonzero(currency != own)
    if not len(foreign):
        return own_cost
    keys = np.stack([currency[foreign], own[foreign], days[foreign]], axis=1)
    pairs, of_pair = np.unique(keys, axis=0, return_inverse=True)
    factors = [Fraction(worth(*map(int, pair))) for pair in pairs]
    own_cost[foreign] = [
        (2 * int(amount) * factor.numerator + factor.denominator)
        // (2 * factor.denominator)
        for amount, factor in zip(
            cost[foreign],
            (factors[place] for place in of_pair.ravel()),
            strict=True,
        )
    ]
    return own_cost


def store_costs(cr, call_ids, costs, company_id):
    """Replace the stored costs of calls.

    :param call_ids: int64 array of all calls that were looked at
    :param costs: DataFrame of `cost_calls`: those of them that have a cost
    """
    cr.execute("DELETE FROM metered_cdr_cost WHERE id = ANY(%s)", (call_ids.tolist(),))
    if not len(costs):
        return
    table = pa.table(
        {
            "id": costs["id"].to_numpy(),
            "company_id": np.full(len(costs), company_id),
            "currency_id": costs["currency_id"].to_numpy(),
            "charge": decimals(costs["charge_micro"].to_numpy(), 6),
            "cost": decimals(costs["cost_micro"].to_numpy(), 6),
            "margin": decimals(costs["margin_micro"].to_numpy(), 6),
            "below": costs["below"].to_numpy(),
        }
    )
    cr.copy_expert(
        f"COPY metered_cdr_cost ({', '.join(STORED)}) FROM STDIN (FORMAT csv)",
        copy_csv(table),
        COPY_BUFFER,
    )
