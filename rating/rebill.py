# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Billing again: the difference to what is already billed, by stable keys.

Recomputing a period never deletes and inserts; it compares line by line, by the keys
of `charge_models.ChargeLine`, and bills what is new. Amounts that are the same after
rounding are the same: nothing is billed for a fraction that was rounded away before.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from .exact import exact, rounded


def difference(lines, billed, keep_zero=False):
    """Return the lines that bring what is billed to what is due.

    A line whose unit price has changed becomes two: the old one taken back (its key
    with `-credit`), and the new one in full.

    :param lines: `ChargeLine`s that are due, of a whole period
    :param billed: `ChargeLine`s billed before; several may have the same key
    :param keep_zero: whether to return also the lines that change nothing
    :return: list of `ChargeLine`, those due first
    """
    before = {}
    for line in billed:
        of_key = before.setdefault(line.key, {})
        earlier = of_key.get(line.unit_price)
        quantity = line.quantity + (earlier.quantity if earlier else 0)
        of_key[line.unit_price] = replace(line, quantity=quantity)
    found = []
    for line in lines:
        same = before.get(line.key, {}).pop(line.unit_price, None)
        quantity = line.quantity - (same.quantity if same else 0)
        if quantity or keep_zero:
            found.append(replace(line, quantity=quantity))
    for of_key in before.values():
        for line in of_key.values():
            if line.quantity:
                key = f"{line.key}-credit"
                found.append(replace(line, key=key, quantity=-line.quantity))
    return found


def amount_due(amount, billed, decimals, rounding="half_up"):
    """Return what is still to be billed of an exact amount, both rounded first."""
    return rounded(amount, decimals, rounding) - rounded(billed, decimals, rounding)


@dataclass(frozen=True)
class Progress:
    """What is billed while a period is still running.

    - `invoiced`: sum of the invoices made when thresholds were crossed
    - `crossed`: the thresholds crossed so far
    """

    invoiced: Fraction = Fraction(0)
    crossed: tuple = ()

    def usage(self, total, thresholds, recurring=None):
        """Return the progress after the usage of a period has grown to a total.

        When a threshold is reached, all usage that is not billed yet is invoiced at
        once; each threshold counts once in a period. The invoice at the end of the
        period has the whole usage and takes `invoiced` off again.

        :param total: exact amount of the period's usage so far
        :param thresholds: amounts
        :param recurring: a further threshold each time that this amount has come on
            top of the last of them; None for none
        """
        total = exact(total)
        amounts = sorted(map(exact, thresholds))
        reached = {value for value in amounts if value <= total}
        if recurring is not None:
            last, step = amounts[-1] if amounts else Fraction(0), exact(recurring)
            if step <= 0:
                raise ValueError("A recurring threshold is above 0")
            times = max(total - last, 0) // step
            reached |= {last + times * step} if times else set()
        if reached <= set(self.crossed):
            return self
        crossed = tuple(sorted(reached | set(self.crossed)))
        return Progress(max(total, self.invoiced), crossed)
