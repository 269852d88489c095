# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From the records of a period to one quantity.

Each record counts once, however often it is given (`id`), and the order of the frame
has no meaning: records are ordered by (`at_us`, `id`), which also decides what is
`last` where two are of the same instant.

=============  ================================================================
`sum`          of the values
`count`        of the records
`max` `min`    of the values; 0 without records
`average`      sum / count; 0 without records
`last`         value of the last record; 0 without records
`unique`       number of different values (of any type)
`weighted`     values as changes of a level (seats added and removed), the mean
               of the level over the period: each counts for the share of the period
               that remains after it (Lago's "weighted sum")
=============  ================================================================
"""

from dataclasses import dataclass
from fractions import Fraction

from .errors import TranslatableError, _lt
from .exact import exact

AGGREGATIONS = (
    "sum",
    "count",
    "max",
    "min",
    "average",
    "last",
    "unique",
    "weighted",
)

ADDITIVE = ("sum", "count")
"""Of parts of the period these may be added up."""


@dataclass(frozen=True)
class Aggregate:
    """What a period's records come to.

    - `quantity`: Fraction
    - `count`: number of different records
    - `events`: exact values in the order of their time, where they were asked for
    """

    quantity: Fraction
    count: int
    events: tuple = ()


def aggregate(records, how="sum", period_us=None, opening=0, with_events=False):
    """Aggregate records.

    :param records: DataFrame with the columns `id` (of any type that sorts), `at_us`
        (int64) and, unless it is counted, `value` (integers, Decimals or Fractions;
        of any type for `unique`)
    :param how: one of `AGGREGATIONS`
    :param period_us: (start, end) of a `weighted` mean
    :param opening: level at the start of the period, for `weighted`
    :param with_events: whether to return the values one by one
    :return: `Aggregate`
    :raise TypeError: when a value is a binary float
    :raise ValueError: when the aggregation is unknown, two different records have the
        same id, or a record is outside the period of a mean
    """
    if how not in AGGREGATIONS:
        raise TranslatableError(_lt("Aggregation '%(how)s' is unknown"), how=how)
    records = once(records)
    count = len(records)
    if how == "count":
        return Aggregate(Fraction(count), count, (Fraction(1),) * count * with_events)
    if how == "unique":
        return Aggregate(Fraction(records["value"].nunique(dropna=False)), count)
    values = exact_values(records["value"])
    if how == "weighted":
        return Aggregate(_mean_level(records, values, period_us, opening), count)
    quantity = _QUANTITY[how](values) if values else Fraction(0)
    return Aggregate(quantity, count, tuple(values) if with_events else ())


def once(records):
    """Return each record once, in the order of (`at_us`, `id`).

    :raise ValueError: when two different records have the same id
    """
    records = records.sort_values(["at_us", "id"], kind="stable")
    repeated = records.duplicated("id", keep=False)
    if not repeated.any():
        return records
    columns = [name for name in ("id", "at_us", "value") if name in records]
    several = records.loc[repeated, columns].drop_duplicates()
    if several["id"].duplicated().any():
        wrong = several.loc[several["id"].duplicated(), "id"].iloc[0]
        raise TranslatableError(
            _lt("Two different records have the id %(id)s"), id=str(wrong)
        )
    return records.drop_duplicates("id")


def exact_values(column):
    """Return the values of a column as a list of Fractions."""
    if column.dtype.kind in "iu":
        return [Fraction(value) for value in column.tolist()]
    return [exact(value) for value in column.tolist()]


_QUANTITY = {
    "sum": lambda values: sum(values, Fraction(0)),
    "max": max,
    "min": min,
    "average": lambda values: sum(values, Fraction(0)) / len(values),
    "last": lambda values: values[-1],
}


def _mean_level(records, values, period_us, opening):
    if period_us is None:
        raise TranslatableError(_lt("A weighted mean needs the period"))
    start, end = map(int, period_us)
    if end <= start:
        raise TranslatableError(_lt("The period ends before it begins"))
    level = exact(opening) * (end - start)
    for at_us, value in zip(records["at_us"].tolist(), values, strict=True):
        if not start <= at_us < end:
            raise TranslatableError(_lt("There are records outside of the period"))
        level += value * (end - at_us)
    return level / (end - start)
