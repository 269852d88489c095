# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Numbers as files write them: which of `.` and `,` is the decimal sign.

A number fits one convention or both; the texts of a file that fit one only prove it.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

POINT, COMMA = "point", "comma"
CONVENTIONS = (POINT, COMMA)

#: what files have for a blank, a minus and an apostrophe -> these
PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006", " "),
        **dict.fromkeys("\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t\r\n", " "),
        **dict.fromkeys("\u200b\u2060\ufeff\u200e\u200f", None),
        **dict.fromkeys("\u2212\u2012\u2013\u2014\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2019\u2018\u02bc\u00b4", "'"),
    }
)


def _body(decimal, group):
    """A number's pattern; blanks and apostrophes group in every convention."""
    groups = "|".join(
        rf"[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{3}})+" for sign in (group, " ", "'")
    )
    # As in India: 1,23,456.
    lakhs = rf"[1-9][0-9]?(?:{group}[0-9]{{2}})+{group}[0-9]{{3}}"
    whole = rf"(?:[0-9]++|{groups}|{lakhs})"
    return re.compile(
        rf"(?:{whole}(?:{decimal}[0-9]+)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]{{1,9}})?"
        r"|[0-9]++[.,]"
    )


_BODIES = {POINT: (_body(r"\.", ","), ","), COMMA: (_body(",", r"\."), ".")}


def number_values(text):
    """Read a number without a sign, in every convention that it fits.

    :param text: without blanks around it, as `PLAIN` writes it
    :return: dict convention -> Decimal; empty for what is no number
    """
    found = {}
    for name, (body, group) in _BODIES.items():
        if body.fullmatch(text):
            plain = re.sub(rf"[ '{re.escape(group)}]", "", text)
            if text[-1] in ".,":
                plain = text[:-1]
            found[name] = Decimal(plain.replace(",", "."))
    return found


def is_open(values):
    """Whether a number is another one in the other convention.

    :param values: as `number_values` gives them
    """
    return len(set(values.values())) > 1


@dataclass
class Signs:
    """What the numbers of a file show of its decimal sign.

    - `shown`: dict convention -> number of cells that fit it only
    - `open`: number of cells that are another number in each
    - `examples`: dict convention, or empty for the open ones -> texts
    """

    shown: dict = field(default_factory=lambda: dict.fromkeys(CONVENTIONS, 0))
    open: int = 0
    examples: dict = field(default_factory=dict)

    def add(self, text, count, values):
        """Take in a text.

        :param count: number of cells with it
        :param values: as `number_values` gives them
        """
        if len(values) == 1:
            [convention] = values
            self.shown[convention] += count
            self.examples.setdefault(convention, []).append(text)
        elif is_open(values):
            self.open += count
            self.examples.setdefault("", []).append(text)

    @property
    def convention(self):
        """The convention that is proven; empty where a person has to say it."""
        sure = [name for name, count in self.shown.items() if count]
        if len(sure) == 1:
            return sure[0]
        return "" if sure or self.open else POINT

    @property
    def proposal(self):
        """What is more likely where nothing is proven."""
        if any(self.shown.values()):
            return max(CONVENTIONS, key=self.shown.get)
        # Numbers are small: the sign is a decimal one.
        commas = sum("," in text for text in self.examples.get("", ()))
        return COMMA if commas * 2 > len(self.examples.get("", ())) else POINT
