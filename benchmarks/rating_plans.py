# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What calling plans and tiers add to rating, as a ratio of the same calls without.

Every customer has included minutes, some texts' worth of money, and tiers of the month
for what is above; every rate has a second tier from the 61st second of the call.
"""

import copy
import io
import statistics
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from odoo.addons.metered_billing.rating import number_keys
from odoo.addons.metered_billing.rating.allowances import (
    Allowance,
    balances,
    grant,
)
from odoo.addons.metered_billing.rating.calling_plans import apply_plans

ROUNDS = 5
POOL = "partner_id"


def measure(env, source):
    """Time of rating with plans and tiers, in times of plain rating.

    The calls are those that an import stored, by their start, as plans are given them.
    """
    return compare(source._load_settings().engine, stored_calls(env))


def compare(engine, calls, rounds=ROUNDS):
    """Rate calls with plans and tiers, and without, by turns; pure.

    :param engine: `RatingEngine` without tiers
    :param calls: DataFrame as `apply_plans` takes it, with the column `POOL`
    :return: ratio of the medians
    """
    tiered = with_second_tiers(engine)
    plans = plans_for(calls["meter_id"].max())
    opening = balances(
        grant(plan, key) for plan in plans for key in calls[POOL].unique().tolist()
    )
    plain, planned = [], []
    for _round in range(rounds):
        begun = time.perf_counter()
        engine.rate(calls)
        plain.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        rated = tiered.rate(calls).frame
        apply_plans(tiered, calls, rated, plans, opening)
        planned.append(time.perf_counter() - begun)
    return statistics.median(planned) / statistics.median(plain)


def with_second_tiers(engine):
    """The same rates, each with a tier at half its price from the 61st second."""
    tiered, table = copy.copy(engine), copy.copy(engine.table)
    tiers = pd.DataFrame(
        {
            "rate_id": table.rate_id,
            "from_second": 60,
            "price_e8": table.price_e8 // 2,
            "per_seconds": table.per_seconds,
            "increment": table.increment,
        }
    )
    table._set_tiers(tiers)
    tiered.table = table
    return tiered


def plans_for(last_meter):
    """Minutes for some call types, tiers of the month for others, money for the rest.

    :param last_meter: the highest call type
    """
    included = Allowance(1, amount=1_000 * 60, pool=POOL, meter_ids=[1, 2])
    money = Allowance(2, "money", 5_000_000, pool=POOL)
    others = range(3, int(last_meter) + 1)
    tiers = [
        Allowance(
            10 + place,
            amount=amount,
            pool=POOL,
            priority=1 + place,
            price_e8=price,
            per_units=60,
            meter_ids=others,
            free_calls=True,
        )
        for place, (amount, price) in enumerate(((6_000, 2_000_000), (None, 1_500_000)))
    ]
    return [included, money, *tiers]


def stored_calls(env):
    """The rated calls as `apply_plans` takes them."""
    text = io.BytesIO()
    env.cr.copy_expert(
        """
        COPY (SELECT callee, (extract(epoch FROM start_time) * 1000000)::bigint,
                     quantity::bigint, meter_id, partner_id, call_id
                FROM metered_cdr WHERE state = 'rated' ORDER BY start_time, id)
        TO STDOUT (FORMAT csv)
        """,
        text,
    )
    text.seek(0)
    names = ["callee", "start_us", "seconds", "meter_id", POOL, "id"]
    table = pyarrow.csv.read_csv(
        text,
        pyarrow.csv.ReadOptions(column_names=names),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"callee": pa.string(), "id": pa.string()}
        ),
    ).combine_chunks()
    frame = pd.DataFrame(
        {name: table[name].to_numpy().astype(np.int64) for name in names[1:-1]}
    )
    frame["number_key"] = number_keys(table["callee"])
    frame["id"] = table["id"].to_pandas()
    # The last chain is the company's deck; the first is the empty one.
    frame["chain"] = 1
    return frame
