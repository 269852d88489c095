# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the format of a workbook's cell shows besides its number.

`0.00"¢"` shows 1.50¢ where the cell holds 1.5, `0%` shows 5% for 0.05, `0.000,` shows
0.015 for 15, and `"1"000` shows 1201 for 201: a person means what is seen. After
ECMA-376, part 1, 18.8.31.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

_TOKEN = re.compile(
    r'"(?P<text>[^"]*)"|\\(?P<sign>.)|_.|\*.'
    r"|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[[^\]]*\]"
    r"|(?P<digits>[0#?.,/]+|[eE][+-])|(?P<percent>%)|(?P<other>.)",
    re.DOTALL,
)
_LETTERS_OF_DATES = frozenset("dmyhsDMYHSbB@")


@dataclass(frozen=True)
class Shown:
    """What a format adds to a number.

    - `before`, `after`: texts beside it
    - `thousands`: how many times it is shown divided by 1,000
    - `is_percent`: whether it is shown times 100
    - `width`: digits that a whole number is filled up to with zeros
    """

    before: str = ""
    after: str = ""
    thousands: int = 0
    is_percent: bool = False
    width: int = 0

    def text(self, number):
        """What a person sees of a number, or that it is not what the cell holds.

        :param number: its text
        """
        if self.is_percent:
            percent = Decimal(number).scaleb(2).normalize()
            return f"{self.before}{percent:f}{self.after}%"
        if self.thousands:
            return f"{self.before}{number} ÷ {1000**self.thousands}{self.after}"
        if self.width and number.isdecimal():
            number = number.zfill(self.width)
        return f"{self.before}{number}{self.after}"


def shown_by(code):
    """What a format shows besides a number above 0.

    :param code: of the format, `0.00"¢"`
    :return: `Shown`; None where it is the number alone
    """
    section = _first_section(code)
    if "general" in section.lower():
        section = re.sub("general", "0", section, flags=re.IGNORECASE)
    texts, digits, inner, is_percent = ["", ""], "", "", False
    for token in _TOKEN.finditer(section):
        if token["digits"]:
            digits += token["digits"]
            # Signs within a number are for looks: (000) 000-0000.
            inner += texts[1]
            texts[1] = ""
        elif token["percent"]:
            is_percent = True
        elif (token["other"] or "") in _LETTERS_OF_DATES and token["other"]:
            return None
        else:
            literal = token["text"] or token["sign"] or token["currency"]
            texts[bool(digits)] += literal or token["other"] or ""
    if not digits:
        return None
    before, after = texts
    whole = digits.rstrip(",")
    thousands = len(digits) - len(whole)
    width = len(whole) if len(whole) > 1 and set(whole) == {"0"} else 0
    # Brackets and blanks are for looks.
    before, after = before.strip(" ()"), after.strip(" ()")
    if re.search(r"[0-9]", inner):
        after += inner
    found = Shown(before, after, thousands, is_percent, width)
    return None if found == Shown() else found


def _first_section(code):
    """The part of a format that is for numbers above 0."""
    for match in re.finditer(r'"[^"]*"|\\.|\[[^\]]*\]|;', code):
        if match[0] == ";":
            return code[: match.start()]
    return code
