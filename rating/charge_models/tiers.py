# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tiers: quantities from 0 upwards, each range with its price.

A tier ends at `up_to`, which still belongs to it, and begins where the one before
ends; a quantity of 10.5 between "0 to 10" and "11 to 20" is therefore in the second.
The last tier may go to infinity (`up_to` None).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ..errors import TranslatableError, _lt
from ..exact import exact


@dataclass(frozen=True)
class Tier:
    """One range of quantities.

    - `up_to`: its last quantity, None for no end
    - `unit_price`: price of a unit, or of a block where there are blocks
    - `flat_fee`: charged when the tier is entered (graduated) or reached (volume)
    - `block`: units that are sold together, a started block being a whole one; None
      for exact units
    - `first`: where the tier begins, as the operator wrote it, only to be checked:
      the end of the tier before, or the next whole number
    """

    up_to: Fraction | None
    unit_price: Fraction = Fraction(0)
    flat_fee: Fraction = Fraction(0)
    block: Fraction | None = None
    first: Fraction | None = None

    def __post_init__(self):
        for name in ("up_to", "block", "first"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else exact(value))
        for name in ("unit_price", "flat_fee"):
            object.__setattr__(self, name, exact(getattr(self, name) or 0))

    def sold(self, quantity):
        """Return how many units, or started blocks, a quantity is."""
        if self.block is None:
            return quantity
        return Fraction(-(-quantity // self.block))


class Tiers:
    """Tiers that follow each other without gap or overlap.

    :param rows: `Tier`s, or mappings with their fields
    :param beyond: what a quantity above a last tier with an end is: `refuse`, or
        `last` for the price of the last tier
    :raise ValueError: naming the tier that is wrong
    """

    def __init__(self, rows, beyond="refuse"):
        self.rows = tuple(
            Tier(**row) if isinstance(row, Mapping) else row for row in rows
        )
        self.beyond = beyond
        if beyond not in ("refuse", "last"):
            raise TranslatableError(
                _lt("Beyond the last tier: '%(beyond)s' is unknown"), beyond=beyond
            )
        if not self.rows:
            raise TranslatableError(_lt("Add at least one tier, starting at 0"))
        end = Fraction(0)
        for number, tier in enumerate(self.rows, start=1):
            self._check(number, tier, end)
            end = tier.up_to

    def _check(self, number, tier, end):
        if end is None:
            raise TranslatableError(
                _lt(
                    "Tier %(number)s: it can never be reached because tier %(before)s "
                    "has no end"
                ),
                number=number,
                before=number - 1,
            )
        if tier.first is not None:
            self._check_first(number, tier.first, end)
        if tier.up_to is not None and tier.up_to <= end:
            raise TranslatableError(
                _lt(
                    "Tier %(number)s: its end %(end)s must be greater than its start "
                    "%(begin)s"
                ),
                number=number,
                end=tier.up_to,
                begin=end,
            )
        if tier.block is not None and tier.block <= 0:
            raise TranslatableError(
                _lt(
                    "Tier %(number)s: the block size must be greater than 0, "
                    "not %(block)s"
                ),
                number=number,
                block=tier.block,
            )

    @staticmethod
    def _check_first(number, first, end):
        whole = first.denominator == end.denominator == 1
        if first == end or (number > 1 and whole and first == end + 1):
            return
        if number == 1:
            raise TranslatableError(
                _lt("Tier 1: it must start at 0, not at %(begin)s"), begin=first
            )
        raise TranslatableError(
            _lt(
                "Tier %(number)s: it starts at %(begin)s, but tier %(before)s ends at "
                "%(end)s, which leaves a gap"
            )
            if first > end
            else _lt(
                "Tier %(number)s: it starts at %(begin)s, but tier %(before)s ends at "
                "%(end)s, so they overlap"
            ),
            number=number,
            begin=first,
            before=number - 1,
            end=end,
        )

    def __iter__(self):
        """Yield (number from 1, where it begins, `Tier`)."""
        begin = Fraction(0)
        for number, tier in enumerate(self.rows, start=1):
            yield number, begin, tier
            begin = tier.up_to

    def entered(self, quantity):
        """Yield (number, `Tier`, quantity within it) of the tiers that a quantity
        enters; the first one also for 0.

        :raise ValueError: when it goes beyond the last tier and that is refused
        """
        last = len(self.rows)
        for number, begin, tier in self:
            if number > 1 and quantity <= begin:
                return
            end = tier.up_to
            if number == last and end is not None and quantity > end:
                self._allow_beyond(quantity, tier)
                end = None
            within = quantity if end is None else min(quantity, end)
            yield number, tier, within - begin

    def reached(self, quantity):
        """Return (number, `Tier`) of the tier that a quantity falls in."""
        for number, _begin, tier in self:
            if tier.up_to is None or quantity <= tier.up_to:
                return number, tier
        self._allow_beyond(quantity, tier)
        return number, tier

    def _allow_beyond(self, quantity, tier):
        if self.beyond == "refuse":
            raise TranslatableError(
                _lt(
                    "The quantity %(quantity)s is above %(end)s, where the last tier "
                    "ends"
                ),
                quantity=quantity,
                end=tier.up_to,
            )
