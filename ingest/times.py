# TEMPORARY stub until the owner writes the real one: overwrite this file.
import numpy as np
import pyarrow.compute as pc
import pyarrow as pa
import pandas as pd


def parse_times(values, style, tz, hint_epoch=None):
    if style == "epoch":
        f = pd.to_numeric(pd.Series(values.to_pylist()), errors="coerce")
        ok = f.notna().to_numpy()
        return (f.fillna(0) * 1_000_000).astype(np.int64).to_numpy(), ok
    t = pc.strptime(values, format="%Y-%m-%d %H:%M:%S", unit="us", error_is_null=True)
    ok = t.is_valid().to_numpy(zero_copy_only=False)
    return pc.fill_null(t.cast(pa.int64()), 0).to_numpy(), ok
