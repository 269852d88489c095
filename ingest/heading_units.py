# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the name of a column says of the unit of its durations: `Duration (min)`."""

import re

#: name -> unit; the first that fits
_UNITS = (
    (r"hh?:mm:ss", "h:mm:ss"),
    (r"hh?:mm", "h:mm"),
    (r"mm:ss", "mm:ss"),
    (r"hh?mmss", "hhmmss"),
    (r"\d+ ?(?:s|sec|secs|seconds|sek)\b ?(?:units?|steps?|pulses?|takte?)", "?"),
    (r"(?:tenths?|1/10|deci) ?(?:of )?(?:a )?sec\w*", "?"),
    (r"\b(?:ms|msec|msecs|millis|milliseconds?|millisekunden|milisegundos)\b", "ms"),
    (r"\b(?:s|sec|secs|seconds?|sek|sekunden|seg|segundos|secondes?)\b", "s"),
    (r"\b(?:min|mins|minutes?|minuten|minutos|mn)\b", "min"),
    (r"\b(?:h|hr|hrs|hours?|std|stunden|horas|heures)\b", "?"),
)
#: those in which a whole number is no number of seconds
_SECONDS = ("", "s", "h:mm:ss")


def heading_unit(names):
    """The unit that the name of a column of durations says.

    :param names: of the columns that the fact is in
    :return: a unit of ``durations.UNITS``; empty where it says none; `?` where it says
        one that there is not
    """
    text = " ".join(names).replace("_", " ")
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    for pattern, unit in _UNITS:
        if re.search(pattern, text):
            return unit
    return ""


def is_of_seconds(names):
    """Whether a whole number under such a name may be one of seconds."""
    return heading_unit(names) in _SECONDS
