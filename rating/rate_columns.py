# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The columns that rates are given in."""

import numpy as np
import pandas as pd

MIN_US = -(2**62)
"""`valid_from_us` of a rate that has always been in force."""
MAX_US = 2**62
"""`valid_to_us` of a rate without an end."""

LONGEST_STEP = 10**9
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


def integers(rates, name):
    """Return a column as int64; ValueError when it holds anything else."""
    column = rates[name]
    if column.isna().any():
        raise ValueError(f"{name} of the rates has empty values")
    if not pd.api.types.is_integer_dtype(column.dtype) and len(column):
        raise ValueError(f"{name} of the rates is {column.dtype}, not integer")
    return column.to_numpy(dtype=np.int64)
