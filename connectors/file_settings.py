# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a user, or another program, may say of how a file is written."""

import codecs
import re
from itertools import pairwise

from .baf import BAF
from .errors import SourceFileError
from .layouts import LAYOUTS

_MOST_SKIPPED = 1_000_000
_MOST_POSITIONS = 1000
_QUOTES = {'"': '"', "'": "'", "none": ""}
_WHOLE = re.compile(r"[0-9]{1,9}")
# One byte or character after the other is a character. Not those for names of servers
# (idna, punycode), for source code, and none with escapes that hide what is there.
_CHARACTER_SETS = re.compile(
    r"ascii|utf-(8(-sig)?|(16|32)(-[lb]e)?)|cp\d+|iso8859-\d+|koi8-[rtu]|mac-\w+|kz1048"
    r"|ptcp154|tis-620|hp-roman8|big5(hkscs)?|gb(k|2312|18030)|euc_\w+|shift_ji\w+|johab"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _:.-]{0,39}")
_USUAL = {"iso8859-1": "latin-1", "utf-8-sig": "utf-8"}


def checked_settings(said):
    """What is said instead of being detected, each of its kind.

    :param said: dict, any of `encoding`, `delimiter` (one character), `quote` (that, or
        `none`), `has_header`, `skip_lines` (before the header), `skip_records` (after
        it), `positions` (where columns begin, from 1 on, as a list or as a text with
        commas or blanks), `sheet` (title of a workbook's) and `layout`; or None
    :return: dict; what is None or an empty text is left out, it is to be detected
    :raise SourceFileError: something of it cannot be, and what it may be
    """
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise SourceFileError(
            "File settings must be given by name, for example the encoding or "
            "delimiter."
        )
    if unknown := [str(name)[:40] for name in said if name not in _CHECKS]:
        raise SourceFileError(
            f"{unknown[0]!r} is not a file setting. Available settings:"
            f" {', '.join(_CHECKS)}."
        )
    return {
        name: check(said[name])
        for name, check in _CHECKS.items()
        if not _is_left_open(name, said.get(name))
    }


def _is_left_open(name, value):
    # Odoo has False for an empty text.
    return value is None or (name in _TEXTS and (value is False or value == ""))


def _encoding(said):
    """The usual name of an encoding."""
    if said == BAF:
        return said
    name = ""
    if isinstance(said, str) and _NAME.fullmatch(said):
        try:
            name = codecs.lookup(said).name
        except (LookupError, ValueError):
            name = ""
    if not _CHARACTER_SETS.fullmatch(name):
        raise SourceFileError(
            f"The encoding {_shown(said)} is unknown. Choose, for example, utf-8 or"
            " cp1252."
        )
    return _USUAL.get(name, name)


def _delimiter(said):
    is_one = isinstance(said, str) and len(said) == 1 and said.isascii()
    if not is_one or said in '"\r\n\0':
        raise SourceFileError(
            f"{_shown(said)} cannot separate columns. Choose, for example, a comma, a"
            " semicolon or a tab."
        )
    return said


def _has_header(said):
    if said not in (True, False):  # 1 and 0, too
        raise SourceFileError(
            f"The header setting must be true or false, not {_shown(said)}."
        )
    return bool(said)


def _skip_records(said):
    is_whole = isinstance(said, int) and not isinstance(said, bool)
    if not is_whole or not 0 <= said <= _MOST_SKIPPED:
        raise SourceFileError(
            f"{_shown(said)} records cannot be skipped. Enter a whole number from 0 to"
            f" {_MOST_SKIPPED:,}."
        )
    return said


def _skip_lines(said):
    is_whole = isinstance(said, int) and not isinstance(said, bool)
    if not is_whole or not 0 <= said <= _MOST_SKIPPED:
        raise SourceFileError(
            f"{_shown(said)} lines cannot be skipped. Enter a whole number from 0 to"
            f" {_MOST_SKIPPED:,}."
        )
    return said


def _quote(said):
    if not isinstance(said, str) or said not in _QUOTES:
        raise SourceFileError(
            f"{_shown(said)} cannot enclose values. Choose a double or single quote,"
            " or none."
        )
    return _QUOTES[said]


def _positions(said):
    """Where columns begin, from 1 on, in order."""
    if isinstance(said, str):
        said = [int(word) if _WHOLE.fullmatch(word) else word for word in _words(said)]
    is_list = isinstance(said, list | tuple) and 0 < len(said) <= _MOST_POSITIONS
    if not is_list or not all(
        isinstance(one, int) and not isinstance(one, bool) for one in said
    ):
        raise SourceFileError(
            f"{_shown(said)} is not a list of column positions. Enter numbers such as"
            " 1, 10, 24. The first character of a line is 1."
        )
    rising = all(one < next_one for one, next_one in pairwise(said))
    if said[0] < 1 or said[-1] > _MOST_SKIPPED or not rising:
        raise SourceFileError(
            f"The positions {_shown(list(said))} are not in order. Enter where each"
            " column starts, from left to right. The first character of a line is 1."
        )
    return tuple(said)


def _words(text):
    return re.split(r"[\s,;]+", text.strip())


def _sheet(said):
    if not isinstance(said, str):
        raise SourceFileError(f"{_shown(said)} is not the name of a worksheet.")
    return said


def _layout(said):
    if not isinstance(said, str) or said not in LAYOUTS:
        raise SourceFileError(f"There is no file layout {_shown(said)}.")
    return said


def _shown(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


_CHECKS = {
    "encoding": _encoding,
    "delimiter": _delimiter,
    "quote": _quote,
    "has_header": _has_header,
    "skip_lines": _skip_lines,
    "skip_records": _skip_records,
    "positions": _positions,
    "sheet": _sheet,
    "layout": _layout,
}
_TEXTS = ("encoding", "delimiter", "quote", "positions", "sheet", "layout")
