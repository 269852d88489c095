# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Where in a JSON answer something is: ``data.calls``, ``legs[0].to``, ``a["b c"]``.

The part of RFC 9535 that names one place; a leading ``$`` may be there or not.
"""

import re

from .errors import SourceSettingsError

_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]"'\s][^.\[\]]*)
    |\[(?P<index>-?[0-9]{1,9})\]
    |\[(?P<quote>["'])(?P<quoted>.*?)(?P=quote)\]""",
    re.VERBOSE,
)
# Deeper objects are kept as JSON in one column.
MOST_LEVELS = 8
# So do those below a place of a longer name, which stands in each column's.
MOST_NAME = 250


def parse_path(path):
    """The steps to a place.

    :param path: text; empty: the whole
    :return: tuple of names (str) and positions (int)
    :raise SourceSettingsError: it cannot be read
    """
    rest = (path or "").strip().removeprefix("$")
    steps = []
    while rest:
        match = _STEP.match(rest)
        if match is None or (steps and match["name"] and rest[0] != "."):
            raise SourceSettingsError(
                f"{path} is not a valid JSON path.",
                remedy="Enter a path such as data.calls, legs[0].number or "
                'data["call id"].',
            )
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(match["name"] or match["quoted"])
        rest = rest[match.end() :]
    return tuple(steps)


def follow(data, steps):
    """What is at a place, None when there is nothing."""
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def flatten(record):
    """An object as one level of names: ``{"a": {"b": 1}}`` is ``{"a.b": 1}``.

    Lists stay as they are, and so does what lies deeper than :data:`MOST_LEVELS` or
    under a longer name than :data:`MOST_NAME`.
    """
    flat = {}
    waiting = [("", record, 0)]
    while waiting:
        prefix, value, level = waiting.pop()
        for name, inner in value.items():
            deeper = level < MOST_LEVELS and len(prefix) + len(name) < MOST_NAME
            if isinstance(inner, dict) and inner and deeper:
                waiting.append((f"{prefix}{name}.", inner, level + 1))
            else:
                flat[f"{prefix}{name}"] = inner
    return flat
