# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which stored numbers a person means who types one, as people write numbers."""

import re

from .numbers import normalise_numbers

#: what people write between the digits of a number, and before it
WRITTEN = re.compile(r"(?:tel:)?[+0-9 ().\-/\u00a0\u2010-\u2015]+", re.IGNORECASE)
LEAST_DIGITS = 3


def number_starts(text, dialling):
    """The beginnings of the stored numbers that a typed text stands for.

    Stored are numbers as :func:`~.numbers.normalise_numbers` writes them: `+` and
    digits, or a short code. A text may be a whole number or its first digits, in
    international form or as it is dialed in a country.

    :param str text: `(212) 555-0142`, `+44 20`, `911`
    :param dialling: iterable of ``DialPlan``, of the countries that numbers may be
        dialed in
    :return: sorted list of texts; empty where the text is no number, such as a name
    """
    text = str(text).strip()
    digits = re.sub(r"[^0-9]", "", text)
    if not digits or not WRITTEN.fullmatch(text):
        return []
    if re.sub(r"(?i)^tel:", "", text).lstrip("(").startswith("+"):
        return [f"+{digits}"]
    if len(digits) < LEAST_DIGITS:
        return []
    starts = {digits, f"+{digits}"}
    for plan in dialling:
        [number] = normalise_numbers([text], plan).to_pylist()
        if number and number.startswith("+"):
            starts.add(number)
            continue
        for prefix in sorted((*plan.idd_prefixes, *plan.foreign_idd_prefixes)):
            if digits.startswith(prefix) and len(digits) > len(prefix):
                starts.add(f"+{digits.removeprefix(prefix)}")
        national = digits
        if not plan.keep_national_prefix:
            national = digits.removeprefix(plan.national_prefix) or digits
        starts.add(f"+{plan.country_code}{national}")
    # What begins with one of the others is found by that one.
    return sorted(
        start
        for start in starts
        if not any(start != other and start.startswith(other) for other in starts)
    )
