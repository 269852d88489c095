# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tiers within the call in a cell of a deck's file.

`60: 0.02/60 6; 600: 0.01/60 6` says that from second 60 on a call costs 0.02 per 60
seconds, counted in steps of 6, and from second 600 on 0.01. What is left out is per 60
seconds, in steps of 1: `60: 0.02`.
"""

import re
from decimal import Decimal

from ..rating.errors import _lt
from ..rating.exact import exact, exact_text
from .cells import PRICE_DECIMALS, WrongCell, price

_TIER = re.compile(
    r"(?P<start>\d+)\s*:\s*(?P<price>[^/\s]+)\s*(?:/\s*(?P<per>\d+))?"
    r"(?:\s+(?P<step>\d+))?"
)
_LARGEST = 2**31


def read_tiers(text):
    """The tiers of a cell.

    :return: their text as :func:`tiers_text` writes it; empty without tiers
    :raise WrongCell: saying what is wrong
    """
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        match = _TIER.fullmatch(part)
        if not match:
            raise WrongCell(
                _lt(
                    "'%(tier)s' is no tier: 60: 0.02/60 6 means that from second 60 on "
                    "it costs 0.02 per 60 seconds, in steps of 6."
                ),
                tier=part,
            )
        start, per, step = (
            int(match[name] or default)
            for name, default in (("start", 0), ("per", 60), ("step", 1))
        )
        if not start or not per or not step or max(start, per, step) >= _LARGEST:
            raise WrongCell(
                _lt("The seconds of the tier '%(tier)s' are at least 1."), tier=part
            )
        if found and start <= found[-1][0]:
            raise WrongCell(
                _lt("The tier '%(tier)s' begins no later than the one before it."),
                tier=part,
            )
        found.append((start, price(match["price"]), per, step))
    return tiers_text(found)


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
                price(match["price"]),
                int(match["per"]),
                int(match["step"]),
            )
        )
    return found


def _plain(price_e8):
    amount = Decimal(price_e8).scaleb(-PRICE_DECIMALS)
    return exact_text(exact(amount))
