# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Arrow columns as PostgreSQL's COPY wants them."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

# libpq is handed pieces of this size; the default of 8 kB costs a call each.
COPY_BUFFER = 1 << 24


def ids_or_null(values):
    """Record ids as a column; 0 becomes null.

    :param values: int64 array
    """
    return pa.array(values, mask=values == 0)


def decimals(values, scale, mask=None):
    """Exact decimal numbers from scaled integers, without a detour through floats.

    :param values: int64 array, in units of ``10**-scale``
    :param scale: digits after the point
    :param mask: bool array, True where the value is null
    :return: pyarrow decimal128 array
    """
    wide = np.empty((len(values), 2), np.int64)
    # decimal128 is a little-endian integer of 128 bits: the sign fills the upper half.
    wide[:, 0] = values
    wide[:, 1] = values >> 63
    valid = None
    if mask is not None and mask.any():
        valid = pa.array(~mask).buffers()[1]
    return pa.Array.from_buffers(
        pa.decimal128(24, scale), len(values), [valid, pa.py_buffer(wide)]
    )


def copy_csv(table):
    """A table as CSV for ``COPY ... (FORMAT csv)``: nulls are empty and unquoted.

    :param table: pyarrow table
    :return: binary file at its start
    """
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table, buffer, pyarrow.csv.WriteOptions(include_header=False))
    buffer.seek(0)
    return buffer


def copy_out(cr, query, params, columns):
    """What a query finds, read by a COPY: several times faster than row by row.

    :param cr: cursor
    :param query: SELECT
    :param params: of the query
    :param columns: dict column name -> Arrow type, in the order of the query
    :return: pyarrow table; a null stays one, an empty text too
    """
    text = io.BytesIO()
    select = cr.mogrify(query, params).decode()
    cr.copy_expert(f"COPY ({select}) TO STDOUT (FORMAT csv)", text)
    if not text.tell():
        return pa.schema(columns).empty_table()
    text.seek(0)
    return pyarrow.csv.read_csv(
        text,
        pyarrow.csv.ReadOptions(column_names=list(columns)),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=columns,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).combine_chunks()


def frame_of(table):
    """A table as a DataFrame; texts stay in Arrow, which many of them are small in.

    :param table: pyarrow table of :func:`copy_out`
    """
    return table.to_pandas(types_mapper={pa.string(): pd.ArrowDtype(pa.string())}.get)
