# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rating engine alone: calls and prices in memory, charges out."""

import io
import statistics
import time

import imports
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from odoo.addons.metered_billing.rating import number_keys

ROUNDS = 5


def measure(env, source, records):
    """Calls rated in a second, the median of some rounds.

    :param records: how many calls to rate: those that an import stored, some again
        where they are too few
    :raises imports.Disagreement: when the sum of the charges is another than stored
    """
    engine = source._load_settings().engine
    calls, charge = _stored_calls(env)
    rated = len(calls)
    frame = calls.take(np.arange(records) % rated)
    seconds = []
    for _round in range(ROUNDS):
        begun = time.perf_counter()
        result = engine.rate(frame).frame
        seconds.append(time.perf_counter() - begun)
    total = int(result["charge_micro"].to_numpy()[:rated].sum())
    imports.compare([("sum of the charges rated again", total, charge)])
    return records / statistics.median(seconds)


def _stored_calls(env):
    """The rated calls as the engine's input, and the sum of their charges in micro."""
    text = io.BytesIO()
    env.cr.copy_expert(
        """
        COPY (SELECT callee, (extract(epoch FROM start_time) * 1000000)::bigint,
                     quantity::bigint, meter_id, (charge * 1000000)::bigint
                FROM metered_cdr WHERE state = 'rated' ORDER BY id)
        TO STDOUT (FORMAT csv)
        """,
        text,
    )
    text.seek(0)
    names = ["callee", "start_us", "seconds", "meter_id", "charge_micro"]
    table = pyarrow.csv.read_csv(
        text,
        pyarrow.csv.ReadOptions(column_names=names),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"callee": pa.string()}
        ),
    ).combine_chunks()
    frame = pd.DataFrame(
        {name: table[name].to_numpy().astype(np.int64) for name in names[1:]}
    )
    charge = int(frame.pop("charge_micro").sum())
    frame["number_key"] = number_keys(table["callee"])
    # The last chain is the company's deck; the first is the empty one.
    frame["chain"] = 1
    return frame, charge
