# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Import settings without a database, for pure tests of the pipeline."""

import numpy as np
import pandas as pd
import pyarrow as pa

from odoo.addons.metered_billing.ingest.classify import Classifier, Destination
from odoo.addons.metered_billing.ingest.dial_plans import dial_plan
from odoo.addons.metered_billing.ingest.identify import IdentifierIndex
from odoo.addons.metered_billing.ingest.presets import PRESETS
from odoo.addons.metered_billing.ingest.rules import Rule
from odoo.addons.metered_billing.ingest.settings import (
    ColumnSpec,
    ImportSettings,
    Limits,
    Payers,
)
from odoo.addons.metered_billing.rating import MAX_US, MIN_US, Deck, RatingEngine

UNITED_STATES, UNITED_KINGDOM = 1, 2
METERS = {
    name: number
    for number, name in enumerate(
        (
            "local",
            "national",
            "mobile",
            "international",
            "toll_free",
            "premium",
            "inbound",
            "internal",
        ),
        1,
    )
}
DESTINATIONS = (
    Destination(1, UNITED_STATES, "fixed", ("1",)),
    Destination(2, UNITED_STATES, "toll_free", ("1800", "1888")),
    Destination(3, UNITED_STATES, "premium", ("1900",)),
    Destination(4, UNITED_STATES, "emergency", ("=911",)),
    Destination(5, UNITED_KINGDOM, "fixed", ("44",)),
    Destination(6, UNITED_KINGDOM, "mobile", ("447",)),
)
RATE = {
    "rate_id": 1,
    "deck_id": 1,
    "meter_id": 0,
    "prefix": "",
    "band_id": 0,
    "valid_from_us": MIN_US,
    "valid_to_us": MAX_US,
    "price_e8": 6_000_000,
    "per_seconds": 60,
    "connection_fee_e8": 0,
    "min_charge_e8": 0,
    "max_charge_e8": -1,
    "initial_increment": 1,
    "increment": 1,
    "grace_seconds": 0,
}


def make_settings(numbers, rates=(RATE,), preset="generic", **changes):
    """Settings of a source in the United States whose customers have one number each.

    :param numbers: E.164 numbers; the n-th is the n-th customer's (partner id n + 1)
    :param rates: dicts that :data:`RATE` is filled up from
    :param changes: other values of :class:`ImportSettings`
    """
    preset = PRESETS[preset]
    count = len(numbers)
    dialling = dial_plan("US")
    values = {
        "source_id": 1,
        "company_id": 1,
        "timezone": "UTC",
        "duration_rounding": "down",
        "columns": tuple(
            ColumnSpec(c.target, c.columns, c.style, c.pattern) for c in preset.columns
        ),
        "rules": tuple(
            Rule(
                number,
                rule.outcome,
                rule.direction,
                rule.conditions,
            )
            for number, rule in enumerate(preset.rules, 1)
        ),
        "steps": preset.payers,
        "default_outcome": preset.default_outcome,
        "default_direction": preset.default_direction,
        "words": dict(preset.words),
        "limits": Limits(86_400, MAX_US, MIN_US),
        "dial_plans": ((dialling, Classifier(DESTINATIONS, METERS, UNITED_STATES)),),
        "zones": ("UTC",),
        "payers": Payers(
            index=IdentifierIndex(
                ["number"] * count, numbers, [MIN_US] * count, [MAX_US] * count
            ),
            identifier_id=np.arange(1, count + 1),
            partner_id=np.arange(1, count + 1),
            subscription_id=np.zeros(count, np.int64),
            dial_plan=np.zeros(count, np.int64),
            zone=np.zeros(count, np.int64),
            chain=np.zeros(count, np.int64),
        ),
        "engine": RatingEngine(
            rates=pd.DataFrame([{**RATE, **rate} for rate in rates]),
            decks=[Deck(id=1)],
            chains=[(1,)],
        ),
        "currency_of_deck": {1: 1},
    }
    return ImportSettings(**(values | changes))


def make_frame(calls):
    """A frame of the generic layout.

    :param calls: tuples (call id, start, seconds, caller, callee), all texts
    """
    names = ("call_id", "start_time", "duration", "caller", "callee")
    columns = list(zip(*calls, strict=True)) or [()] * len(names)
    dtype = pd.ArrowDtype(pa.string())
    return pd.DataFrame(
        {
            name: pd.array(list(values), dtype=dtype)
            for name, values in zip(names, columns, strict=True)
        }
    )
