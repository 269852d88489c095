# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tiers within the call in a cell of a deck's file.

`60: 0.02/60 6; 600: 0.01/60 6` says that from second 60 on a call costs 0.02 per 60
seconds, counted in steps of 6, and from second 600 on 0.01. What is left out is per 60
seconds, in steps of 1: `60: 0.02`.
"""

import re
from decimal import Decimal

from ..notation.numbers import POINT
from ..rating.errors import _lt
from ..rating.exact import exact, exact_text
from .amounts import Money, decimal_signs
from .cells import MAX_SECONDS, PRICE_DECIMALS, WrongCell, whole

_OWN_PRICE = Money(POINT).reader()

_TIER = re.compile(
    r"(?P<start>[0-9]+)\s*:\s*(?P<price>[^/\s]+)\s*(?:/\s*(?P<per>[0-9]+))?"
    r"(?:\s+(?P<step>[0-9]+))?"
)


def read_tiers(text, read_price=None):
    """The tiers of a cell.

    :param read_price: reader of a price, see `amounts.Money.reader`; None: in the
        convention that the cell shows
    :return: their text as :func:`tiers_text` writes it; empty without tiers
    :raise WrongCell: saying what is wrong
    """
    if read_price is None:
        signs = decimal_signs((price, 1, True) for price in tier_prices(text))
        read_price = Money(signs.convention).reader()
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        match = _TIER.fullmatch(part)
        if not match:
            raise WrongCell(
                _lt(
                    "'%(tier)s' is not a tier: 60: 0.02/60 6 means 0.02 per 60 "
                    "seconds from second 60 on, in steps of 6 seconds."
                ),
                tier=part,
            )
        start, per, step = (
            whole(match[name] or default)
            for name, default in (("start", "0"), ("per", "60"), ("step", "1"))
        )
        if not start or not per or not step or max(start, per, step) > MAX_SECONDS:
            raise WrongCell(
                _lt("The seconds of the tier '%(tier)s' must be at least 1."), tier=part
            )
        if found and start <= found[-1][0]:
            raise WrongCell(
                _lt("The tier '%(tier)s' must start later than the one before it."),
                tier=part,
            )
        found.append((start, read_price(match["price"]), per, step))
    return tiers_text(found)


def tier_prices(text):
    """The texts of the prices of a cell."""
    parts = (part.strip() for part in text.split(";"))
    return [m["price"] for m in map(_TIER.fullmatch, parts) if m]


def tiers_text(tiers):
    """Tiers as one text, the same for the same tiers.

    :param tiers: list of (first second, price in 1e-8, seconds that it is for, step)
    """
    return "; ".join(
        f"{start}: {_plain(price_e8)}/{per} {step}"
        for start, price_e8, per, step in tiers
    )


def split_tiers(text):
    """The tiers of a text that :func:`tiers_text` wrote.

    :return: list of (first second, price in 1e-8, seconds that it is for, step)
    """
    found = []
    for part in filter(None, text.split("; ")):
        match = _TIER.fullmatch(part)
        found.append(
            (
                int(match["start"]),
                _OWN_PRICE(match["price"]),
                int(match["per"]),
                int(match["step"]),
            )
        )
    return found


def _plain(price_e8):
    amount = Decimal(price_e8).scaleb(-PRICE_DECIMALS)
    return exact_text(exact(amount))
