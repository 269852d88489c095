# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A price for each time band, in columns beside each other: peak, off-peak, weekend.

Each column is a rate of its own. One of them may be of no time band: its price holds
whenever none of the others does.
"""

import re

import pandas as pd

from ..rating.errors import _lt
from .cells import WrongCell
from .choices import Question
from .columns import plain, understand_money

_SEVERAL = _lt(
    "These columns contain prices for different times: %(columns)s. Choose the time "
    "band of each. A price without a time band applies at all other times."
)
_OTHER_UNITS = _lt(
    "The columns %(columns)s have prices in other units. Import them one by one."
)
#: words of a heading that mean the hours outside of the others
_OTHERWISE = re.compile(
    r"\b(off ?peak|economy|standard|valle|reducid[oa]|nebenzeit|normal)\b"
)


def says_other_times(heading):
    """Whether a column's name means the hours in which no other price holds."""
    return bool(_OTHERWISE.search(re.sub(r"[^a-z]+", " ", plain(heading))))


def question(header, places, headings, line, rows):
    """What is open where prices of several times of the day are in the table.

    :param places: of the columns with prices that differ
    :param headings: list of `columns.Heading` or None
    :return: `choices.Question`; None where these are no prices of times
    """
    others = [place for place in places if not headings[place].of_band]
    if len(others) > 1 or len(others) == len(places):
        return None
    names = ", ".join(header[place] for place in places)
    return Question("bands", WrongCell(_SEVERAL, columns=names), line, rows, (names,))


def spread(texts, columns, bands):
    """A row for each price of a row.

    :param texts: DataFrame, a column per position in the file
    :param columns: dict meaning -> position
    :param bands: dict position of a price -> name of its time band
    :return: (DataFrame with a column per meaning, array of the places of its rows);
        where a row has any price, its empty ones are no rates
    """
    kept = {m: place for m, place in columns.items() if m not in ("price", "band")}
    common = texts[list(kept.values())].set_axis(list(kept), axis=1)
    any_price = (texts[list(bands)] != "").any(axis=1)
    parts = [
        common.assign(price=texts[place], band=name)[~any_price | (texts[place] != "")]
        for place, name in bands.items()
    ]
    found = pd.concat(parts).sort_index(kind="stable")
    return found.reset_index(drop=True), found.index.to_numpy()


def other_units(header, bands):
    """The `WrongCell` of columns whose prices are not in one unit; None."""
    money = [understand_money(header[place]) for place in bands]
    units = {(one.seconds, one.hundredths, one.currencies) for one in money}
    if len(units) < 2:
        return None
    names = ", ".join(header[place] for place in bands)
    return WrongCell(_OTHER_UNITS, columns=names)
