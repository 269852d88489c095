# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Texts of others in files that people open in a spreadsheet program.

A spreadsheet takes a text in a CSV file for a formula when it begins like one, and a
formula may send the sheet away or start a program. An apostrophe before it makes it a
text; reading the file again takes it away.
"""

import re

# What begins a formula; the last ones are those of East Asian keyboards. It begins a
# cell, also one that a spreadsheet with other separators sees.
_BEGINS = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"
# What may stand between, all of it at once: looked at from each of its characters, a
# text of nothing else would take the square of its length.
_DANGEROUS = re.compile(rf"(?<![\s\";])([\s\";]*+)('*+)(?={_BEGINS})")
_SEPARATORS = frozenset(";\t\r\n")
_FIRST = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\";'")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]{1,3})?")

_MOST_TITLE = 31
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_RESERVED = "history"
#: what a workbook's cell holds
MOST_CHARACTERS = 32_767


def safe_text(text):
    """A text for a CSV file; a number stays one.

    :return: what :func:`plain_text` makes the text of again
    """
    if text.isalnum() or _is_harmless(text) or _NUMBER.fullmatch(text):
        return text
    return _DANGEROUS.sub(lambda found: _quoted(found, "'" + found[2]), text)


def _is_harmless(text):
    """Whether neither the text nor a cell in it can begin with anything of these.

    Most texts are none, and a statement has millions of them.
    """
    first = text[:1]
    return first not in _FIRST and not first.isspace() and _SEPARATORS.isdisjoint(text)


def plain_text(text):
    """What :func:`safe_text` was given."""
    return _DANGEROUS.sub(lambda found: _quoted(found, found[2][1:]), text)


def _quoted(found, quotes):
    """What was found, with other apostrophes where it begins a cell."""
    begins = found.start() == 0 or not _SEPARATORS.isdisjoint(found[1])
    return found[1] + (quotes if begins else found[2])


def sheet_title(wanted, default, taken=()):
    """A name for a sheet that every spreadsheet program takes.

    :param wanted: text
    :param default: name of a sheet without one
    :param taken: names of the other sheets
    """
    known = {_RESERVED, *(title.lower() for title in taken)}
    plain = _cut(_NOT_IN_TITLES.sub("", wanted), _MOST_TITLE) or default
    title = plain
    number = 1
    while title.lower() in known:
        number += 1
        end = f" ({number})"
        title = _cut(plain, _MOST_TITLE - len(end)) + end
    return title


def _cut(text, most):
    """A text with at most so many UTF-16 characters and no apostrophe at its ends."""
    text = text.strip().strip("'").strip()
    while len(text.encode("utf-16-le")) > 2 * most:
        text = text[:-1].rstrip().rstrip("'")
    return text
