# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading JSON that strangers send: answers of servers, records that switches post.

What cannot be kept as text becomes U+FFFD, the replacement character: bytes that are no
UTF-8, halves of surrogate pairs, NUL. One such name must not stop the records around
it. What takes far more memory than it has letters is refused.
"""

import json
import re

from .budget import Budget

_MOST_VALUES = 2 * 10**6
_MOST_CONTAINERS = 250_000
_MOST_LEVELS = 100
_CONTAINERS = (dict, list)
# More digits than any number has that means something: it stays the text that it is.
_MOST_DIGITS = 30
_MOST_DIGITS_OF_TEXT = 32_767
# Escapes that may be none of a character; whole pairs and all other escapes are passed
# over, so that a backslash is never taken for the beginning of one.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(u[dD][89a-fA-F][0-9a-fA-F]{2}|u0000)|.)",
    re.DOTALL,
)
_ODD = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")


def read_json(body):
    """What a text of JSON says.

    Decimal fractions are the text they were sent as, so that no number passes through
    a float; so are integers of many digits.

    :param body: bytes, UTF-8 (or 16, 32)
    :return: dict, list, text, int, bool or None
    :raise ValueError: it is no JSON, or asks for too much; says why
    """
    text = body.decode(json.detect_encoding(body), "replace")
    budget = Budget({"objects": _MOST_CONTAINERS, "values": _MOST_VALUES}, _refusal)
    # Before it is made; what stands in texts is counted, too, and is few.
    containers = text.count("{") + text.count("[")
    budget.spend("objects", containers)
    budget.spend("values", containers + text.count(","))
    if _ODD.search(text):
        text = _ESCAPE.sub(_replaced, text)
    try:
        data = json.loads(text, parse_float=str, parse_constant=str, parse_int=_integer)
    except RecursionError:
        raise _too_deep() from None
    _check_levels(data)
    return data


def _refusal(what, most):
    return ValueError(f"it contains more than {most:,} {what}")


def _too_deep():
    return ValueError(f"it is nested deeper than {_MOST_LEVELS} levels")


def _replaced(match):
    return "\ufffd" if match[1] else match[0]


def _integer(digits):
    if len(digits) <= _MOST_DIGITS:
        return int(digits)
    if len(digits) <= _MOST_DIGITS_OF_TEXT:
        return digits
    raise ValueError(
        f"it contains a number with more than {_MOST_DIGITS_OF_TEXT:,} digits"
    )


def _check_levels(data):
    """Writing and flattening it call themselves for each level."""
    level = [(data,)]
    for _level in range(_MOST_LEVELS + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ in _CONTAINERS
        ]
        if not level:
            return
    raise _too_deep()
