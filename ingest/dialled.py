# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether numbers were read in the right country: what was dialled tells it."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .numbers import exist, normalise_numbers

#: fewer different numbers say nothing
LEAST_NUMBERS = 20
#: share of numbers that cannot exist, above which they were read wrongly
MOST_MISSING = 0.1
#: share that a stricter country's plan has to explain, to be the one that was dialled
LEAST_EXPLAINED = 0.95


@dataclass(frozen=True)
class Dialled:
    """What the different numbers of some calls say about how they were read.

    - `count`: of different international numbers
    - `missing`: set of those that cannot be anybody's
    - `suspect`: set of those that were probably dialled as in another country
    - `country`: that country's code, or the empty text
    - `explained`: how many of the suspects that country explains
    """

    count: int
    missing: frozenset
    suspect: frozenset = frozenset()
    country: str = ""
    explained: int = 0

    @property
    def is_wrong(self):
        """Return whether they were not dialled as they were read."""
        return bool(self.suspect)


def judge(numbers, dialling, others=(), is_told=True):
    """Compare numbers that were called with the plan they were read with.

    :param numbers: iterable of normalised numbers, with repetitions
    :param dialling: `DialPlan` they were read with
    :param others: iterable of `DialPlan`s that they may have been dialled with; it is
        not begun where they cannot matter
    :param is_told: whether somebody or an address says that it is this one; where
        not, numbers that all fit a stricter one are suspect, too
    :return: `Dialled`
    """
    unique = sorted({number for number in numbers if (number or "").startswith("+")})
    texts = pa.array(unique, pa.string())
    there = exist(texts)
    missing = frozenset(pd.Series(unique, dtype=object)[~there])
    if len(unique) < LEAST_NUMBERS:
        return Dialled(len(unique), missing)
    national = frozenset(
        number for number in unique if number.startswith(f"+{dialling.country_code}")
    )
    if len(missing) > MOST_MISSING * len(unique):
        suspect, least = missing, 1
    elif (
        not is_told
        and len(national) >= LEAST_NUMBERS
        and len(dialling.national_lengths) > 1
    ):
        # None is stricter than a plan with numbers of one length.
        suspect, least = national, LEAST_EXPLAINED * len(national)
        others = [
            other
            for other in others
            if len(other.national_lengths) < len(dialling.national_lengths)
        ]
    else:
        return Dialled(len(unique), missing)
    explained, country = _best(suspect, dialling, others)
    if explained < least:
        explained, country = 0, ""
    if suspect is not missing and not country:
        return Dialled(len(unique), missing)
    return Dialled(len(unique), missing, suspect, country, explained)


def _best(numbers, dialling, others):
    """(how many, country code) of the plan that explains most; of equals the strictest.

    A country whose numbers have any length explains whatever was dialled.
    """
    found = [(_explained(numbers, dialling, other), other) for other in others]
    most = max((count for count, _other in found), default=0)
    if not most:
        return 0, ""
    count, other = min(
        (pair for pair in found if pair[0] >= LEAST_EXPLAINED * most),
        key=lambda pair: (len(pair[1].national_lengths), -pair[0]),
    )
    return count, other.country


def _explained(numbers, dialling, other):
    """How many numbers would be another country's own, dialled there, or go abroad.

    What began with 0 lost it where that is dialled before national numbers: of 011 44
    20 7946 0120 on a German switch +49 11 44 20 7946 0120 is left.
    """
    if other.country_code == dialling.country_code:
        return 0
    code = f"+{dialling.country_code}"
    texts = [n[len(code) :] if n.startswith(code) else n[1:] for n in sorted(numbers)]
    read = normalise_numbers(pa.array(texts, pa.string()), other)
    own = pc.starts_with(read, f"+{other.country_code}").fill_null(False)
    explained = exist(read) & own.to_numpy(zero_copy_only=False)
    abroad = [
        f"{dialling.national_prefix}{text}"
        if f"{dialling.national_prefix}{text}".startswith(other.idd_prefixes)
        else None
        for text in texts
    ]
    read = normalise_numbers(pa.array(abroad, pa.string()), other)
    return int((explained | exist(read)).sum())
