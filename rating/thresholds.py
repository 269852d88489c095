# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which thresholds a growing figure has newly reached.

What was told stays told: a figure that falls and rises again reaches nothing anew. So
how the records behind it were split, and in which order they came, does not change
what has been told in the end.
"""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Threshold:
    """A figure at which somebody is told.

    - `key`: what identifies it
    - `value`: Fraction, above 0
    - `step`: Fraction; from the value on it is told at each further step, 0 for never
    """

    key: object
    value: Fraction
    step: Fraction = Fraction(0)

    def level(self, figure):
        """Return the highest level that a figure reaches, None below the value."""
        if figure < self.value:
            return None
        if not self.step:
            return self.value
        return self.value + (figure - self.value) // self.step * self.step


def newly_reached(thresholds, figure, told):
    """Return what a figure reaches that nobody was told of.

    :param thresholds: iterable of `Threshold`
    :param figure: Fraction, what it has come to
    :param told: list of (key, level) that were told in the period; the key is None
        where the threshold is no more
    :return: list of (`Threshold`, level), the lowest level first. Of a threshold with
        steps that several were reached of, the highest
    """
    levels = {level for _key, level in told}
    highest = {}
    for key, level in told:
        highest[key] = max(level, highest.get(key, level))
    found = []
    for threshold in thresholds:
        level = threshold.level(figure)
        if level is None or level <= highest.get(threshold.key, 0):
            continue
        # It may have been told as a level of another one, or before it was changed.
        if any(level <= one == threshold.level(one) for one in levels):
            continue
        found.append((threshold, level))
        # Two thresholds at one level are told as one.
        levels.add(level)
    return sorted(found, key=lambda one: one[1])
