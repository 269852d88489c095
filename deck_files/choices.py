# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a person says about a deck's file, where the file does not tell itself."""

from dataclasses import asdict, dataclass, field, fields

from ..notation.days import ORDERS
from ..notation.numbers import CONVENTIONS
from .codes import CodeStyle
from .columns import COLUMNS
from .words import MEANINGS

#: choice -> what it may be besides empty: as the file tells
OPTIONS = {
    "number": CONVENTIONS,
    "date_order": tuple(ORDERS),
    "codes": ("complete", "national"),
    "country_fill": ("down", "none"),
    "area_codes": ("add", "complete"),
    "blanks": ("group", "separate"),
    "country_blanks": ("group", "separate"),
    "dashes": ("join", "range"),
    "lists": ("full", "ending", "country"),
    "remarks": ("read",),
}
#: what is kept of a file for the next one with the same names of columns
_MAX_WORDS = 1000


@dataclass(frozen=True)
class Choices:
    """How a deck's file is meant; what is empty or 0 is as the file tells.

    - `sheet`: title of the workbook's sheet
    - `header_line`: line with the names of columns, 0 where no line has them; None: as
      the file tells
    - `columns`: dict meaning -> position; None: as their names tell
    - `left_out`: positions of columns that are not read, though they may matter
    - `number`: decimal sign, `date_order`: see `days.ORDERS`
    - `codes`: `complete`, or `national` where a country code belongs before them
    - `country_code`: that of the whole file
    - `country_fill`: `down` where a country code holds for the rows below it
    - `area_codes`: `add` where 1 belongs before codes that are named as North America's
    - `blanks`, `country_blanks`, `dashes`, `lists`: see `codes.CodeStyle`
    - `divisor`: what amounts are divided by, 100 for cents
    - `per_seconds`: what prices are for
    - `words`: dict word -> `words.MEANINGS`
    - `remarks`: `read` where texts around the table were looked at; of this file alone
    - `bands`: dict position of a column of prices -> name of its time band, empty for
      the price at other times; the positions are texts, as JSON has them
    """

    sheet: str = ""
    header_line: int | None = None
    columns: dict | None = None
    left_out: tuple = ()
    number: str = ""
    date_order: str = ""
    codes: str = ""
    country_code: str = ""
    country_fill: str = ""
    area_codes: str = ""
    blanks: str = ""
    country_blanks: str = ""
    dashes: str = ""
    lists: str = ""
    divisor: int = 0
    per_seconds: int = 0
    words: dict = field(default_factory=dict)
    remarks: str = ""
    bands: dict = field(default_factory=dict)

    @classmethod
    def from_json(cls, values):
        """Read what `as_json` gave; what is none is left out."""
        values = values if isinstance(values, dict) else {}
        found = {}
        for one in fields(cls):
            value = values.get(one.name)
            if one.name in OPTIONS:
                is_right = value in OPTIONS[one.name]
            elif one.name == "columns":
                is_right = isinstance(value, dict)
                value = is_right and {
                    meaning: place
                    for meaning, place in value.items()
                    if meaning in COLUMNS and isinstance(place, int) and place >= 0
                }
            elif one.name == "words":
                is_right = isinstance(value, dict)
                value = is_right and {
                    word: meaning
                    for word, meaning in list(value.items())[:_MAX_WORDS]
                    if meaning in MEANINGS
                }
            elif one.name == "bands":
                is_right = isinstance(value, dict) and all(
                    place.isdecimal() and isinstance(name, str)
                    for place, name in value.items()
                )
            elif one.name == "left_out":
                is_right = isinstance(value, list | tuple) and all(
                    isinstance(place, int) and place >= 0 for place in value
                )
                value = is_right and tuple(value)
            elif one.name in ("sheet", "country_code"):
                is_right = isinstance(value, str)
            else:
                is_right = isinstance(value, int) and value >= 0
            if is_right:
                found[one.name] = value
        return cls(**found)

    def as_json(self):
        """Return the choices that were made, as JSON has them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value or name in ("header_line", "columns") and value is not None
        }

    def code_style(self, national):
        """How the codes are meant: `codes.CodeStyle`."""
        return CodeStyle(
            self.blanks, self.country_blanks, self.dashes, self.lists, national
        )


@dataclass(frozen=True)
class Question:
    """What a file leaves open, for a person to say.

    - `key`: the field of `Choices`
    - `error`: `cells.WrongCell` that says what may be read in two ways
    - `line`: of the first cell
    - `count`: number of cells or rows
    - `examples`: texts
    - `proposal`: a value of the field
    - `places`: positions of the columns that it is about
    """

    key: str
    error: Exception
    line: int
    count: int = 1
    examples: tuple = ()
    proposal: object = ""
    places: tuple = ()
