# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In which of several columns of one name a fact likely is, to be proposed."""

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc

from . import mapping
from .duration_words import named_unit
from .durations import parse_named
from .quantities import quantities_in_both
from .times import needs_an_order, parse_times
from .two_times import durations_of_times


def likely_column(frame, columns, spec, several, timezone):
    """The column whose texts are the most what a fact is made of.

    :param frame: DataFrame of text columns
    :param columns: sequence of :class:`~.mapping.ColumnSpec`, of the other facts
    :param spec: that of the fact
    :param several: names of the columns that it may be
    :param timezone: IANA zone of times without offset
    :return: one of them; the first of those that are equally likely
    """
    return max(
        several,
        key=lambda name: _fitting(
            frame, columns, replace(spec, columns=name), timezone
        ),
    )


def _fitting(frame, columns, spec, timezone):
    """(records that fit best, records that have anything) as counts."""
    texts, _spec = mapping.read_target(frame, [spec], spec.target)
    filled = pc.not_equal(pc.utf8_trim_whitespace(texts), "")
    filled = filled.to_numpy(zero_copy_only=False)
    fits = filled
    if spec.target in mapping.TIMES:
        fits = parse_times(texts, spec.style, timezone)[1] | needs_an_order(texts)
    elif spec.target in ("seconds", "duration"):
        named = named_unit(mapping.heading(frame, spec))
        seconds, valid, unclear = parse_named(texts, "nearest", spec.style, named)
        fits = valid | unclear
        lasting = durations_of_times(frame, columns, timezone, "nearest")
        if lasting and any(one.target == "answer_time" for one in columns):
            fits = valid & lasting.valid & (np.abs(seconds - lasting.seconds) <= 1)
    elif spec.target == "quantity":
        fits = np.any([*quantities_in_both(texts)[1].values()], axis=0)
    elif spec.target == "call_id":
        return pc.count_distinct(texts).as_py(), 0
    return int(np.count_nonzero(fits)), int(np.count_nonzero(filled))
