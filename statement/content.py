# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a statement says, whatever it is written to; all texts are translated."""

from collections.abc import Iterable
from dataclasses import dataclass, field

#: what a column holds: `text`; `time`: datetime in the customer's zone; `day`: date;
#: `seconds`: int; `number`, `money`: Decimal, money with its decimals
KINDS = ("text", "time", "day", "seconds", "number", "money")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a section.

    - `title`: text; `kind`: one of `KINDS`
    - `width`: share of the width of a page
    - `decimals`: of `money`, at least
    """

    title: str
    kind: str = "text"
    width: float = 1
    decimals: int = 2

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is none of {', '.join(KINDS)}")

    @property
    def is_right(self):
        """Whether it is aligned to the right."""
        return self.kind in ("seconds", "number", "money")


@dataclass(frozen=True)
class Section:
    """Rows with a title, and what they come to.

    - `columns`: list of `Column`
    - `rows`: iterable of lists of values as their columns hold them, None without; a
      text may stand in any column
    - `count`: number of the rows: pages are numbered before the rows are read
    - `total`: list of values as a row, empty without one
    - `note`: sentence below the title
    """

    title: str
    columns: list
    rows: Iterable
    count: int
    total: list = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class Document:
    """A statement.

    - `title`: text; `sender`, `receiver`: lists of lines
    - `facts`: list of pairs: number, period, time zone, currency
    - `sections`: list of `Section`; the first is the summary
    - `closing`: list of sentences: how to object, what 60/6 means
    - `footer`: text at the bottom of each page
    - `page`: text with `%(page)s` and `%(pages)s`
    - `continued`: text with `%(title)s`, above rows that go on on another page
    - `logo`: bytes of a PNG or JPEG; `color`: `#RRGGBB` of titles and lines
    """

    title: str
    sender: list
    receiver: list
    facts: list
    sections: list
    closing: list = field(default_factory=list)
    footer: str = ""
    page: str = "%(page)s / %(pages)s"
    continued: str = "%(title)s"
    logo: bytes = b""
    color: str = "#374151"
