# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Days as files write them in digits: whether 03/04/2026 is in April or in March."""

import re

#: order -> what the three numbers of a day are
ORDERS = {"dmy": ("day", "month", "year"), "mdy": ("month", "day", "year")}
#: of two digits; others are more likely a day or a slip
FIRST_YEAR, LAST_YEAR = 2020, 2059

TIME = (
    r"(?:(?:,? +|T)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?: ?[ap]\.?m\.?)?(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
"""What may stand behind a day."""

NUMERIC_DAY = re.compile(
    rf"([0-9]{{1,2}})([/.\-])([0-9]{{1,2}})\2([0-9]{{4}}|[0-9]{{2}}){TIME}",
    re.IGNORECASE,
)
_LONGEST = 60


def shown_order(text):
    """Say which of day and month comes first, as a day shows it.

    :return: a key of `ORDERS`; empty where it fits both, or neither; None for what is
        no such day, or may begin with the year
    """
    found = NUMERIC_DAY.fullmatch(text[:_LONGEST])
    if not found:
        return None
    first, second = int(found[1]), int(found[3])
    separator, has_long_year = found[2], len(found[4]) == 4
    if separator == "-" and not has_long_year and 2000 + first >= FIRST_YEAR:
        return None  # 26-02-27
    if second > 12 >= first:
        return "mdy"
    return "dmy" if first > 12 >= second or separator == "." else ""
