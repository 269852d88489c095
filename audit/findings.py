# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What an audit found: what is equal, what differs, what it does not know."""

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

#: differences of one kind that are kept with their steps
MOST_KEPT = 100


@dataclass
class Difference:
    """One of them.

    :ivar what: for people: a record, usage of a day, an invoice line
    :ivar size: how far apart they are, in money
    """

    what: str
    stored: str
    found: str
    size: Fraction = Fraction(0)
    steps: list = field(default_factory=list)


@dataclass
class Tally:
    """Of one company, subject and meter.

    :ivar changed: equal with the rate that is stored with the record; today another
        one applies, and a setting was changed since
    :ivar left_out: how many for which reason
    """

    equal: int = 0
    changed: int = 0
    different: int = 0
    worst: list = field(default_factory=list)
    left_out: Counter = field(default_factory=Counter)

    @property
    def compared(self):
        """How many were compared."""
        return self.equal + self.changed + self.different

    def differ(self, difference):
        """Note a difference."""
        self.different += 1
        self.worst.append(difference)
        self.worst.sort(key=lambda one: -abs(one.size))
        del self.worst[MOST_KEPT:]


class Findings:
    """All tallies, by (company, subject, meter), which are names."""

    def __init__(self):
        self.tallies = {}

    def of(self, company, subject, meter):
        """The tally of one, made where there is none."""
        return self.tallies.setdefault((company, subject, meter), Tally())

    @property
    def different(self):
        """How many differences there are in all."""
        return sum(tally.different for tally in self.tallies.values())

    @property
    def compared(self):
        """How many were compared in all."""
        return self.count()

    def count(self, subject=None):
        """How many were compared, of a subject or in all."""
        return sum(
            tally.compared
            for (_company, of, _meter), tally in self.tallies.items()
            if subject in (None, of)
        )

    def lines(self, examples=3):
        """A report for people.

        :param examples: of each meter's differences, the worst first
        :return: list of lines
        """
        lines = []
        for (company, subject, meter), tally in sorted(self.tallies.items()):
            lines.append(
                f"{company}, {subject} of {meter}: {tally.compared:,} compared,"
                f" {tally.equal:,} equal, {tally.different:,} different"
            )
            if tally.changed:
                lines.append(
                    f"  {tally.changed:,} equal with the rate they have, in place of"
                    " which another one applies since a setting was changed"
                )
            for reason, count in sorted(tally.left_out.items()):
                lines.append(f"  left out: {count:,}: {reason}")
            for one in tally.worst[:examples]:
                lines.append(f"  DIFFERS {one.what}: {one.stored}, found {one.found}")
                lines += [f"    {step}" for step in one.steps]
        total = sum(sum(tally.left_out.values()) for tally in self.tallies.values())
        lines.append(
            f"In all: {self.compared:,} compared, {self.different:,} different,"
            f" {total:,} left out"
        )
        return lines
