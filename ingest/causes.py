# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What would cure a rejected record, as a key: records of one cause share it.

=================  ==========================================================
reason             key
=================  ==========================================================
unknown_customer   kind and identifier, as it would have to be a customer's
no_destination     first digits of the called number, or what was dialled
no_rate            call type and destination, as ids
too_large          call type and destination, as ids
declared           source and charging rule, as ids
unknown_meter      source, and the code of the meter
unknown_direction  source, and the word
other_reading,     the register
negative_...
invalid_..., and   source, and the text's shape: digits as 0, letters as a
unclear_...
others             source
=================  ==========================================================
"""

import re

from ..rating.prefixes import prefix_range
from .directions import word_key

#: digits of an international number without + that tell who has to be added
CODE_DIGITS, CODE_DIGITS_NANP = 3, 4
MOST_CHARACTERS = 64

#: what stands for the key where a record tells nothing
NO_KEY = "-"

SHAPED = (
    "invalid_time",
    "invalid_duration",
    "invalid_quantity",
    "unclear_time",
    "repeated_hour",
    "unclear_duration",
    "unclear_quantity",
    "invalid_reading",
    "wrong_type",
    "column_count",
    "unparsable",
    "unstorable",
)
RATED = ("no_rate", "too_large")
#: of a register: what its readings contradict
READINGS = ("other_reading", "negative_increase", "no_reading")


def cause_key(reason, source_id, detail, tried, callee, meter_id, destination_id, rule):
    """The key of one record's cause.

    :param reason: why the record was rejected
    :param source_id: id of its source
    :param detail: text that the reason is about, or None
    :param tried: list of "kind value" texts that were looked for
    :param callee: normalised called number, or None
    :param meter_id, destination_id, rule: ids, 0 for none
    :return: str
    """
    if reason == "unknown_customer" or reason in READINGS:
        key = tried[0] if tried else ""
    elif reason == "no_destination":
        key = number_group(callee) if callee else (detail or "")
    elif reason in RATED:
        key = f"{meter_id}:{destination_id}"
    elif reason == "declared":
        key = f"{source_id}:{rule}"
    elif reason == "unknown_meter":
        key = f"{source_id}:{detail or ''}"
    elif reason == "unknown_direction":
        key = f"{source_id}:{word_key(detail or '')}"
    elif reason in SHAPED:
        key = f"{source_id}:{text_shape(detail or '')}"
    else:
        key = f"{source_id}:"
    return key[:MOST_CHARACTERS] or NO_KEY


def text_shape(text):
    """A text's shape: 5/Oct/26 and 17/Nov/26 have the same one."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d", "0", text))


def number_group(number):
    """First digits of an international number; a short code as it is."""
    if not number.startswith("+"):
        return number
    digits = CODE_DIGITS_NANP if number.startswith("+1") else CODE_DIGITS
    return number[: digits + 1]


def destination_prefix(key):
    """The prefix of a destination that calls with a cause's key would fit.

    :param key: key of the reason ``no_destination``
    :return: as destinations write it: 383, or =1234 for a short code; "" where what
        was called is no number
    """
    prefix = key[1:] if key.startswith("+") else f"={key}"
    try:
        prefix_range(prefix)
    except ValueError:
        return ""
    return prefix
