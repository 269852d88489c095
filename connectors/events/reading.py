# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A text of JSON as documents: one, a list, or one a line.

Numbers stay the digits that were sent, so that none passes through a float. A document
that cannot be taken is a :class:`Refused` in its place; only what keeps all others from
being read as well is a fault of the request. An object that says one name twice can be
read in two ways, and is refused.
"""

import json
import re
from decimal import Decimal

from ..budget import Budget
from .body import RequestFault

MOST_EVENTS = 10_000
#: of one event
MOST_EVENT_BYTES = 64 * 2**10
MOST_LEVELS = 32
_MOST_VALUES = 2 * 10**6
_MOST_CONTAINERS = 250_000
_BLANK = re.compile(r"[ \t\r\n]*")
_CONTAINERS = (dict, list)
#: characters of a number that is written out, and the zeros that may be added
_MOST_NUMBER = 64
_NO_JSON = "It is not valid JSON."
_BYTES_OF_CHARACTER = 4  # at most, in UTF-8


class Refused:
    """A document that is no event.

    :ivar reason: a sentence
    """

    __slots__ = ("reason",)

    def __init__(self, reason):
        self.reason = reason


class _Reader:
    """Reads documents, and knows whether the last one said a name twice."""

    def __init__(self):
        self.is_twice = False
        self.read = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=exact_number,
            parse_int=str,
            parse_constant=_no_number,
        ).raw_decode

    def _object(self, pairs):
        made = dict(pairs)
        if len(made) != len(pairs):
            self.is_twice = True
        return made

    def document(self, text, at=0):
        """The document that begins at a place, and the place after it.

        :raise ValueError: it is no JSON
        """
        self.is_twice = False
        try:
            value, end = self.read(text, at)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        return self._refusal(text, at, end, value) or value, end

    def _refusal(self, text, at, end, value):
        """Why a document is not taken, or None."""
        size = end - at
        if _BYTES_OF_CHARACTER * size > MOST_EVENT_BYTES:
            if size <= MOST_EVENT_BYTES and not text.isascii():
                size = len(text[at:end].encode("utf-8", "surrogateescape"))
            if size > MOST_EVENT_BYTES:
                return Refused(f"It is larger than {MOST_EVENT_BYTES // 2**10} KiB.")
        if self.is_twice:
            return Refused("An object contains the same name twice.")
        openings = text.count("{", at, end) + text.count("[", at, end)
        if openings > MOST_LEVELS and _is_deep(value):
            return Refused(f"It is nested deeper than {MOST_LEVELS} levels.")
        return None


def exact_number(digits):
    """A number of JSON as decimal digits: ``1.50`` and ``15e-1`` are ``1.5``.

    :param str digits: as JSON has them
    :return: text; the same where it would take more than 64 characters
    """
    if "e" in digits or "E" in digits:
        if len(digits) > _MOST_NUMBER:
            return digits
        number = Decimal(digits)
        if not number:
            return "0"
        if not -_MOST_NUMBER < number.adjusted() < _MOST_NUMBER:
            return digits
        digits = format(number, "f")
        if "." not in digits:
            return digits
    return digits.rstrip("0").rstrip(".")


def documents(body, is_lines=False):
    """The documents of a body, in order.

    :param bytes body: UTF-8; what is none stands in the documents as halves of
        surrogate pairs
    :param bool is_lines: each line is a document
    :return: list of values as ``json.loads`` has them, numbers as text, or
        :class:`Refused`
    :raise RequestFault: 400 or 413
    """
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    budget = Budget(
        {"objects": _MOST_CONTAINERS, "values": _MOST_VALUES}, _costs_too_much
    )
    # Before anything is made; what stands in texts is counted, too, and is little.
    containers = text.count("{") + text.count("[")
    budget.spend("objects", containers)
    budget.spend("values", containers + text.count(","))
    if is_lines:
        return _lines(text)
    try:
        return _documents(text)
    except ValueError as error:
        raise RequestFault(
            400, f"The body is not valid JSON: {_short(error)}."
        ) from error


def _documents(text):
    reader, found = _Reader(), []
    at = _blank(text, 0)
    if text[at : at + 1] != "[":
        value, end = reader.document(text, at)
        _check_end(text, end)
        return [value]
    at = _blank(text, at + 1)
    if text[at : at + 1] == "]":
        _check_end(text, at + 1)
        return found
    while True:
        value, end = reader.document(text, at)
        found.append(value)
        _check_count(found)
        at = _blank(text, end)
        sign = text[at : at + 1]
        if sign == "]":
            _check_end(text, at + 1)
            return found
        if sign != ",":
            raise ValueError(f"a comma is missing after event {len(found) - 1}")
        at = _blank(text, at + 1)


def _lines(text):
    reader, found = _Reader(), []
    for line in text.split("\n"):
        at = _blank(line, 0)
        if at == len(line):
            continue
        try:
            value, end = reader.document(line, at)
            _check_end(line, end)
        except ValueError:
            value = Refused(_NO_JSON)
        found.append(value)
        _check_count(found)
    return found


def _blank(text, at):
    return _BLANK.match(text, at).end()


def _check_end(text, at):
    if _blank(text, at) != len(text):
        raise ValueError("something follows after its end")


def _check_count(found):
    if len(found) > MOST_EVENTS:
        raise RequestFault(
            413,
            f"A request can contain at most {MOST_EVENTS:,} events. Send the others in "
            "another request.",
        )


def _is_deep(value):
    level = [value]
    for _level in range(MOST_LEVELS + 1):
        level = [
            inner
            for outer in level
            if outer.__class__ in _CONTAINERS
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ in _CONTAINERS
        ]
        if not level:
            return False
    return True


def _no_number(name):
    raise ValueError(f"{name} is not a number")


def _costs_too_much(what, most):
    return RequestFault(
        413, f"The body contains more than {most:,} {what}. Send several requests."
    )


def _short(error):
    """What is wrong, without the text that is."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos:,}"
    return str(error)
