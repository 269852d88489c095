# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From the records of a period to one quantity.

Each record counts once, however often it is given (`id`), and the order of the frame
has no meaning: records are ordered by (`at_us`, `id`), which also decides what is
`last` where two are of the same instant.

A row may stand for several records of the period (`records`), so that a database need
not hand over what cannot change the result. Cut into such rows in any way, a period
comes to the same:

===========  ===============================  ====================================
             the period is                    a row's value, of several records
===========  ===============================  ====================================
`sum`        the sum of the values            their sum
`count`      the number of records            of no meaning
`average`    sum / number; 0 without records  their sum
`max` `min`  highest, lowest value; 0         the highest, the lowest
             without records
`last`       value of the last record; 0      that of the last; so are its `id`
             without records                  and `at_us`
`unique`     number of different values (of   one of each that are different
             any type)
===========  ===============================  ====================================
"""

from dataclasses import dataclass
from fractions import Fraction

from .errors import TranslatableError, _lt
from .exact import exact

AGGREGATIONS = ("sum", "count", "max", "min", "average", "last", "unique")

ADDITIVE = ("sum", "count")
"""Of parts of the period these may be added up."""


@dataclass(frozen=True)
class Aggregate:
    """What a period's records come to.

    - `quantity`: Fraction
    - `count`: number of different records
    - `events`: what each row adds to the quantity, exactly and in the order of their
      time, where it was asked for and can be added up
    """

    quantity: Fraction
    count: int
    events: tuple = ()


def aggregate(records, how="sum", with_events=False):
    """Aggregate records.

    :param records: DataFrame with the columns `id` (of any type that sorts), `at_us`
        (int64), `value` (integers, Decimals or Fractions; of any type for `unique`; not
        needed to count) and, where rows stand for several records, `records` (their
        number)
    :param how: one of `AGGREGATIONS`
    :param with_events: whether to return the values one by one
    :return: `Aggregate`
    :raise TypeError: when a value is a binary float
    :raise ValueError: when the aggregation is unknown, or two different records have
        the same id
    """
    if how not in AGGREGATIONS:
        raise TranslatableError(_lt("Aggregation '%(how)s' is unknown"), how=how)
    records = once(records)
    numbers = (
        records["records"].tolist() if "records" in records else [1] * len(records)
    )
    count = sum(numbers)
    if how == "unique":
        return Aggregate(Fraction(records["value"].nunique(dropna=False)), count)
    if how == "count":
        values = [Fraction(number) for number in numbers]
    else:
        values = exact_values(records["value"])
    if how in ("max", "min", "last"):
        return Aggregate(_CHOICES[how](values) if values else Fraction(0), count)
    total = sum(values, Fraction(0))
    if how == "average":
        return Aggregate(total / count if count else Fraction(0), count)
    return Aggregate(total, count, tuple(values) if with_events else ())


_CHOICES = {"max": max, "min": min, "last": lambda values: values[-1]}


def once(records):
    """Return each record once, in the order of (`at_us`, `id`).

    :raise ValueError: when two different records have the same id
    """
    records = records.sort_values(["at_us", "id"], kind="stable")
    repeated = records.duplicated("id", keep=False)
    if not repeated.any():
        return records
    columns = [name for name in ("id", "at_us", "value", "records") if name in records]
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
