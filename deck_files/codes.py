# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The codes in a cell of a deck: lists, ranges, codes in parts.

A code is what one part of the cell spells, and digits are never joined over what
separates two codes. What may be read in two ways is a `TwoWays`, until a person has
said for the file how it is meant:

- `blanks`: `1204 1226` is one code in groups (`group`), or two (`separate`)
- `country_blanks`: the same of `44 7400`, which begins with a country code
- `dashes`: `33-6` is one code in two parts (`join`), or the codes from 33 to 36
  (`range`)
- `lists`: `4420,21` are whole codes (`full`), or 4420 and 4421: other last digits
  (`ending`); `44/20` is a country code and what follows it (`country`)
"""

import re
from dataclasses import dataclass

from ..notation.numbers import PLAIN
from ..rating.errors import _lt
from .cells import MAX_DIGITS, PREFIXES, TwoWays, WrongCell
from .code_patterns import spelled_out
from .country_list import (
    AREA_CODES,
    COUNTRY_CODES,
    country_code_of,
    country_of,
    may_be_code,
    without_zero,
)

#: of one cell; a range that spans more is a slip of the pen
MAX_PREFIXES = 10_000
MAX_CELL = 50_000
# What a cell may be besides digits: all numbers, a short code.
_ANY = {"*", "any", "default"}
_OTHERS = frozenset(
    "all;all other;all others;all codes;other;others;rest;proper;resto;otros;todos;"
    "alle;alle anderen;andere;übrige;sonstige".split(";")
)
_PLAIN_CODE = re.compile(r"[1-9][0-9]{0,14}")
_SHORT_CODE = re.compile(r"=[0-9]{1,9}")
_SEPARATORS = re.compile(r"(\s*(?:[,;/|&]|\r\n|[\r\n\t\v\f\u2028\u2029])\s*|\s+and\s+)")
_RANGE = re.compile(r"([0-9 ]*[0-9])\s*(-|to\b|bis\b)\s*\+?([0-9]+)")
_GROUPS = re.compile(r"[0-9]+(?: +[0-9]+)*")
_DIGITS_ONLY = re.compile(r"[0-9]{1,14}")
_EXCEL_WHOLE = re.compile(r"([0-9]+)\.0")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_WHOLE_AREA = {"all", "any", "*"}
_EXCHANGES = re.compile(r"([2-9][0-9]{2}[0-9]?)(?:\.0)?(?:-([2-9][0-9]{2}[0-9]?))?")
_AREA = re.compile(r"[0-9]{3}(?:[2-9][0-9]{2}[0-9]?)?")

_EXCHANGE = re.compile(r"([2-9][0-9]{2})[ ./-]([2-9][0-9]{2})")

# Codes of three digits are as often a country and what follows.
_MANY_COUNTRIES = 3
_MANY_AREAS = 10

_NO_PREFIX = _lt("'%(text)s' is not a prefix: enter digits, ranges or a list of these.")
_BEGINS_LATE = _lt("'%(text)s' is not a range of prefixes: its start is after its end.")
_BEGINS_WITH_0 = _lt(
    "The prefix %(prefix)s starts with 0, but international numbers never do. Leave "
    "out the digits dialed before the country code or area code."
)
_EMPTY = _lt("The prefix is missing. Use * for the price of all numbers.")
_BLANKS = _lt(
    "'%(text)s' is ambiguous: one prefix in groups, or several prefixes. Choose how "
    "to read spaces in prefixes."
)
_COUNTRY_BLANKS = _lt(
    "'%(text)s' is ambiguous: one prefix starting with its country code, or several "
    "prefixes. Choose how to read spaces after country codes."
)
_DASHES = _lt(
    "'%(text)s' is ambiguous: one prefix in two parts, or a range. Choose how to read "
    "hyphens in prefixes."
)
_GROUPED_NUMBER = _lt(
    "'%(text)s' is ambiguous: several prefixes, or one number with thousands "
    "separators added by a spreadsheet. Choose how to read lists, or enter the number "
    "without commas."
)
_COUNTRY_LIST = _lt(
    "'%(text)s' is ambiguous: a country code and an area code, or several codes. "
    "Choose how to read lists."
)
_LISTS = _lt(
    "'%(text)s' is ambiguous: the shorter codes are whole prefixes, or different last "
    "digits of the prefix before them. Choose how to read lists."
)


@dataclass(frozen=True)
class CodeStyle:
    """How the codes of a file are meant; empty where nobody has said it.

    - `blanks`, `country_blanks`: `group` or `separate`; `dashes`: `join` or `range`;
      `lists`: `full` or `ending`
    - `national`: whether a country code belongs before them, which is not in the cell
    """

    blanks: str = ""
    country_blanks: str = ""
    dashes: str = ""
    lists: str = ""
    national: bool = False


def prefixes(text, style=CodeStyle(), budget=None):  # noqa: B008 - frozen
    """The prefixes of a cell.

    :param style: `CodeStyle`
    :param budget: `connectors.budget.Budget` that `PREFIXES` are spent of
    :raise WrongCell: it is none; `TwoWays` where it may be read in two ways
    """
    if _PLAIN_CODE.fullmatch(text):
        if budget is not None:
            budget.spend(PREFIXES)
        return [str(text)]
    if text.lower() in _ANY:
        return [""]
    if not text:
        raise missing()
    if len(text) > MAX_CELL:
        raise _no_prefix(text)
    return _Cell(text, style, budget).codes()


def are_all_others(text):
    """Whether a text beside a country code means all other codes of the country."""
    return text.strip().lower() in _OTHERS


def too_long(prefix):
    """The `WrongCell` of a prefix with more digits than a number has."""
    return WrongCell(
        _lt("The prefix %(prefix)s has more than 15 digits."), prefix=prefix
    )


def country_code(text):
    """A country code before prefixes, without its plus or 00; empty without one."""
    digits = country_code_of(text.translate(PLAIN))
    if text and not digits:
        raise WrongCell(_lt("'%(text)s' is not a country code."), text=text)
    return digits


def exchanges(text):
    """What follows the area code of a row in a column of its own: list of digits.

    `555-557` are three; `ALL` is the whole area code.
    """
    if text.strip().lower() in _WHOLE_AREA:
        return [""]
    found = []
    for part in re.split(r"[,;/|\s]+", re.sub(r"\s*-\s*", "-", text.strip())):
        span = _EXCHANGES.fullmatch(part)
        first, last = span.groups() if span else ("", "")
        last = last or first
        if not span or len(first) != len(last) or first > last:
            raise WrongCell(
                _lt(
                    "'%(text)s' is not an exchange: three digits following an area "
                    "code."
                ),
                text=text,
            )
        found += map(str, range(int(first), int(last) + 1))
    return found


def starts_with_access_code(text):
    """Whether a code of the cell begins with 00, which is left out."""
    return bool(re.search(r"(?:^|[^0-9])00[1-9]", text))


_WITH_1 = re.compile(r"(?:\+|00|011)? *1")


def bare_area_codes(codes):
    """Those of the codes that may be area codes of North America without their 1.

    :param codes: set
    :return: set; those that have it, and 1 alone, are left out
    """
    return {
        code
        for code in codes
        if not (code[:1] == "1" and (len(code) == 1 or code[1:4] in AREA_CODES))
    }


def is_north_american(cells, codes):
    """Whether codes look like area codes of North America, some without their 1.

    :param cells: texts of the cells of the whole file
    :param codes: set of the codes in them
    """
    codes = bare_area_codes(codes)
    if not codes or len({len(code) for code in codes}) > 1:
        return False
    if not all(_AREA.fullmatch(code) and code[:3] in AREA_CODES for code in codes):
        return False
    # A plus, a range or a country code apart from the rest tells that it is there.
    others = (text for text in cells if not _WITH_1.match(text))
    if any(re.search(r"[0-9] *[-+ ] *[0-9]|\+|(?<![0-9])00", text) for text in others):
        return False
    if len(next(iter(codes))) > 3:
        return True
    countries = {country_of(code) or code[:2] for code in codes}
    return len(countries) >= _MANY_COUNTRIES


def are_surely_north_american(codes):
    """Whether codes that look like area codes of North America can be nothing else.

    France's 337, Tunisia's 216 and Hungary's 361 are area codes, too: by chance, as
    ten of them are not.
    """
    areas = {code[:3] for code in codes} - {"1"}
    known = areas & COUNTRY_CODES
    return len(areas) >= _MANY_AREAS and len(known) * 2 < len(areas)


def are_exchanges(cells):
    """Whether all cells are an area code of North America and an exchange, 201-200.

    Some of them are no range, as they end before they begin or span hundreds of codes.
    """
    pairs = [_EXCHANGE.fullmatch(text) for text in cells if text]
    if not pairs or not all(pair and pair[1] in AREA_CODES for pair in pairs):
        return False
    spans = [int(pair[2]) - int(pair[1]) for pair in pairs]
    return any(not 0 <= span < 100 for span in spans)


def begins_with_0(prefix):
    """The `WrongCell` of a prefix with what is dialed within a country."""
    return WrongCell(_BEGINS_WITH_0, prefix=prefix)


def missing():
    """The `WrongCell` of a row without a prefix."""
    return WrongCell(_EMPTY)


def _no_prefix(text):
    return WrongCell(_NO_PREFIX, text=text)


class _Cell:
    """The codes of one cell, part by part."""

    def __init__(self, text, style, budget):
        self.text = text
        self.style = style
        self.budget = budget
        self.found = []
        #: digits that begin every code of the cell, as `61` in `61 38,39`
        self.head = ""
        self.last = ""

    def codes(self):
        plain = re.sub("[\u00a0\u2007\u2009\u202f]", " ", self.text)
        plain = re.sub("[\u2010-\u2015\u2212]", "-", plain)
        plain = spelled_out(plain, self.style.national)
        pieces = _SEPARATORS.split(plain.strip())
        parts = [
            (part.strip(), sep)
            for part, sep in zip(pieces[::2], ["", *pieces[1::2]], strict=True)
        ]
        parts = [(part, sep.strip()) for part, sep in parts if part]
        self.all_countries = all(
            part.lstrip("+") in COUNTRY_CODES for part, _sep in parts
        )
        self.parts = [part.lstrip("+") for part, _sep in parts]
        self.firsts = [part.split()[0] for part, _s in parts if " " in part]
        self._refuse_thousands(plain)
        if self._begins_with_country(parts):
            if not self.style.lists:
                raise self._two_ways("lists", _COUNTRY_LIST)
            if self.style.lists == "country":
                for part, _separator in parts[1:]:
                    self._join(parts[0][0], part)
                return self.found
        for part, separator in parts:
            if self.budget is not None:
                self.budget.spend(PREFIXES)
            self._read_part(part, separator)
        if not self.found:
            raise _no_prefix(self.text)
        return self.found

    def _refuse_thousands(self, plain):
        """`447,400` may be a number that a spreadsheet grouped, and `1/340` be 1340."""
        plain = plain.strip()
        if self.style.lists:
            return
        if self.parts[:1] == ["1"] and not AREA_CODES.isdisjoint(self.parts[1:]):
            areas = set(self.parts[1:]) - AREA_CODES
            if not areas and not self.style.national:
                raise self._two_ways("lists", _GROUPED_NUMBER)
        if not _THOUSANDS.fullmatch(plain):
            return
        first, *others = plain.split(",")
        country = "" if self.style.national else country_of(first)
        if not all(country and country_of(part) == country for part in others):
            raise self._two_ways("lists", _GROUPED_NUMBER)

    def _begins_with_country(self, parts):
        """Whether `49/30` may be a country code and what follows it.

        Several country codes are a list of them, and so are lines of a cell.
        """
        first, *others = self.parts or [""]
        if self.style.national or first not in COUNTRY_CODES or not others:
            return False
        if any(not sep or sep in "\r\n\t" or sep == "and" for _p, sep in parts[1:]):
            return False
        if self.all_countries and len(others) > 1:
            return False
        return all(map(_DIGITS_ONLY.fullmatch, others)) and not any(
            part.startswith((first, "00")) for part in others
        )

    def _two_ways(self, key, text):
        return TwoWays(key, text, text=self.text)

    def _read_part(self, part, separator):
        if _SHORT_CODE.fullmatch(part):
            self.found.append(part)
            return
        is_international = part.startswith("+")
        part = part.lstrip("+").strip()
        excel = _EXCEL_WHOLE.fullmatch(part)
        part = excel[1] if excel else part
        if not self.style.national:
            part = self._without_access_code(part)
        span = _RANGE.fullmatch(part)
        groups, end = (span[1], span[3]) if span else (part, "")
        if not _GROUPS.fullmatch(groups):
            raise _no_prefix(self.text)
        groups = groups.split()
        if len(groups) > 1:
            self._read_groups(groups, end, is_international)
        elif end:
            first = self._whole(groups[0], separator, is_international)
            if first != groups[0]:
                # 447400, 01-09: both are endings of the code before.
                if len(end) > len(groups[0]):
                    raise _no_prefix(self.text)
                self._range(first, end)
            elif is_international and first in COUNTRY_CODES:
                self._join(first, end)
            elif span[2] == "-":
                self._read_dash(first, end)
            else:
                self._range(first, end)
        else:
            self._add(self._whole(groups[0], separator, is_international))

    def _without_access_code(self, part):
        """A code without the 00 that is dialed before it."""
        if not part.startswith("00"):
            return part
        rest = part[2:].lstrip(" ")
        # No code of North America begins so: it is 0011 and a country code.
        if rest.startswith(("0", "10", "11")):
            raise begins_with_0(part)
        return rest

    def _read_groups(self, groups, end, is_international):
        """Digits with blanks between them: one code, or several."""
        first, *others = groups
        joined = "".join(groups)
        if len(joined) > MAX_DIGITS:
            is_group = False
        elif any(group.startswith("0") for group in others):
            is_group = True
        elif is_international and first in COUNTRY_CODES:
            is_group = True
        elif len(self.firsts) > 1 and set(self.firsts) == {first}:
            is_group = True  # 44 20, 44 161: nobody writes the same code twice
        elif not self.style.national and first in COUNTRY_CODES:
            is_group = self._goes_on(first, others)
        elif self.style.blanks:
            is_group = self.style.blanks == "group"
        else:
            raise self._two_ways("blanks", _BLANKS)
        if not is_group:
            for group in groups[:-1]:
                self._add(group)
            self._read_dash(groups[-1], end) if end else self._add(groups[-1])
            return
        self.head = "".join(groups[:-1])
        if end:
            # 44 7400-7409: the end goes on from the same country code.
            if len(end) > MAX_DIGITS:
                raise too_long(end)
            self._range(joined, end)
        else:
            self._add(joined)

    def _goes_on(self, first, others):
        """Whether digits behind a country code and a blank belong to it."""
        if answer := self.style.country_blanks or self.style.blanks:
            return answer == "group"
        if not all(map(may_be_code, others)):
            return True  # 44 2859: there is no country 2859
        if any(
            len(part) > len(first) and part.startswith(first)
            for part in [one for one in self.parts if " " not in one]
        ):
            return True  # 447400, 44 7500: the other codes of the cell are of it
        raise self._two_ways("country_blanks", _COUNTRY_BLANKS)

    def _read_dash(self, first, end):
        """Digits with a dash between them: a range, or one code in two parts."""
        for digits in (first, end):
            if len(digits) > MAX_DIGITS:
                raise too_long(digits)
        is_country = first in COUNTRY_CODES and not self.style.national
        if len(end) > len(first):
            if not is_country and self.style.dashes != "join":
                raise _no_prefix(self.text)
            self._join(first, end)
        elif not is_country:
            if self.style.dashes == "join" and int(end) < int(first[-len(end) :]):
                self._join(first, end)
            else:
                self._range(first, end)
        elif end[0] == "0":
            self._join(first, end)
        elif self.style.dashes == "range":
            self._range(first, end)
        elif self.style.dashes == "join":
            self._join(first, end)
        else:
            raise self._two_ways("dashes", _DASHES)

    def _join(self, first, end):
        self.head = first
        self._add(with_country_code(first, end))

    def _range(self, first, end):
        if len(end) < len(first):
            # 7400-09 is 7400-7409.
            end = first[: len(first) - len(end)] + end
        if len(first) != len(end) or int(first) > int(end):
            raise WrongCell(_BEGINS_LATE, text=self.text)
        if int(end) - int(first) >= MAX_PREFIXES:
            raise WrongCell(
                _lt("The range %(first)s-%(last)s has more than %(most)s prefixes."),
                first=first,
                last=end,
                most=MAX_PREFIXES,
            )
        if self.budget is not None:
            self.budget.spend(PREFIXES, int(end) - int(first))
        for number in range(int(first), int(end) + 1):
            self._add(str(number).zfill(len(first)))

    def _whole(self, part, separator, is_international):
        """A part of a list as a whole code.

        It may begin with what the code before it begins with, written only once.
        """
        last, head = self.last, self.head
        if not last or is_international:
            return part
        if part[0] == "0" and len(part) < len(last):
            return last[: -len(part)] + part
        if head:
            if part.startswith(head) and len(part) > len(head):
                return part
            if len(part) == len(last) - len(head) and separator in (",", "/"):
                return head + part
            if self.style.lists:
                return head + part if self.style.lists == "ending" else part
            raise self._two_ways("lists", _LISTS)
        if len(part) >= len(last) or self.all_countries:
            return part
        ending = last[: -len(part)] + part
        country = "" if self.style.national else country_of(last)
        is_same_country = len(country) > 1 and country_of(part) == country
        if is_same_country or self.style.lists in ("full", "country"):
            return part
        if self.style.lists == "ending":
            return ending
        raise self._two_ways("lists", _LISTS)

    def _add(self, code):
        if len(code) > MAX_DIGITS:
            raise too_long(code)
        if code[0] == "0" and not self.style.national:
            raise begins_with_0(code)
        self.found.append(code)
        self.last = code


def with_country_code(country, code):
    """A code of a country with its country code.

    :raise WrongCell: it begins with a 0 that may be dialed within the country
    """
    national = without_zero(country, code)
    if code and not national:
        raise begins_with_0(code)
    return country + national
