# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether a small amount is invoiced now, or waits for more."""

from dataclasses import dataclass
from datetime import date

from .exact import exact


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long small amounts may wait.

    - `months`: a usage is invoiced no later than so many months after its first day;
      0 is without limit
    - `year_end`: no usage waits beyond the end of its calendar year
    """

    months: int = 12
    year_end: bool = True

    def is_over(self, since, day):
        """Whether usage from `since` on is to be invoiced on `day`, both dates."""
        if self.year_end and since.year < day.year:
            return True
        return bool(self.months) and add_months(since, self.months) <= day


def add_months(day, months):
    """Return the same day so many months later, or the last one of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(day.year + years, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise ValueError(f"No day {months} months after {day}")


def decide(total, floor, since, day, waiting, has_other=False):
    """Return why an amount is invoiced now; empty where it waits.

    An amount below zero waits, whatever its age: an invoice cannot be posted with it.

    :param total: all that is due, without taxes, as an invoice has it: Decimal, exact
    :param floor: the smallest amount that is invoiced, Decimal; 0 for any
    :param since: first day of the oldest of it
    :param day: on which it is decided
    :param waiting: :class:`Waiting`
    :param has_other: an invoice is made anyway
    :return: "fees", "reached", "age" or ""
    """
    total, floor = exact(total), exact(floor)
    if has_other:
        return "fees"
    if total < 0:
        return ""
    if total >= floor:
        return "reached"
    if total and waiting.is_over(since, day):
        return "age"
    return ""
