# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Arrow tables as frames."""

import pandas as pd


def arrow_frame(table):
    """A table as a frame of the same arrays, as `to_pandas` gives it.

    That takes 64 KiB for each column, however few rows there are.

    :param table: ``pyarrow.Table`` with a column at least
    """
    arrays = {
        name: pd.arrays.ArrowExtensionArray(column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pd.DataFrame(arrays, copy=False)
