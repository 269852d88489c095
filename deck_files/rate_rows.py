# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rates of a deck's file from the values of its rows, each problem with its line."""

import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..rating.errors import _lt
from .cells import WrongCell
from .choices import Question
from .rows import DeckFileError

MAX_PROBLEMS = 10_000
#: what a rate says of the price; amounts are integers in 1e-8
TERMS = (
    "price_e8",
    "per_seconds",
    "initial_increment",
    "increment",
    "connection_fee_e8",
    "min_charge_e8",
    "max_charge_e8",
    "grace_seconds",
)
RATE_COLUMNS = (
    "line",
    "prefix",
    "name",
    "call_type",
    "band",
    *TERMS,
    "grace_including",
    "tiers",
    "valid_from",
    "valid_until",
    "closed",
)
#: how many times a low one of the file a price, or a fee, is that is pointed out
_FAR_PRICE, _FAR_FEE = 1000, 10_000
_OWN_FIRST_PRICE = _lt("The first interval has a different price.")
_SHORT_INCREMENT = _lt("The next increment must be at least 1 second.")
_INCLUDED_SECONDS = _lt(
    "Included seconds are not supported in rates. Use a calling plan."
)
_TWO_GRACES = _lt(
    "Free below %(below)s seconds and free up to and including %(including)s seconds "
    "contradict each other. Leave one of them empty."
)
_OVERLAP = _lt(
    "The prefix %(prefix)s already has a price on some of these days in line %(other)s."
)
_ENDS_EARLY = _lt("The last day, %(last)s, is before the first day.")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row: its line, and a sentence or the `WrongCell`.

    - `question`: the `choices.Question` that it is, None where nothing can be chosen
    """

    line: int
    error: WrongCell | str
    question: Question | None = None

    @property
    def text(self):
        """Return the sentence."""
        return str(self.error)


class Same(Sequence):
    """The same value for each row; takes no memory for them."""

    def __init__(self, value, length):
        self._value = value
        self._length = length

    def __len__(self):
        return self._length

    def __getitem__(self, place):
        if not 0 <= place < self._length:
            raise IndexError(place)
        return self._value


class Problems(list):
    """List of `Problem`, as long as a person could look through it."""

    def append(self, problem):
        if len(self) >= MAX_PROBLEMS:
            raise DeckFileError(
                _lt(
                    "More than %(most)s rows in the file are wrong. The first one is "
                    "line %(line)s: %(problem)s"
                ),
                most=MAX_PROBLEMS,
                line=self[0].line,
                problem=self[0].text,
            )
        return super().append(problem)


def merge_increments(values, increments, is_least=False):
    """The increments of each row from columns of one and of both.

    :param is_least: whether the first is named as a least duration, which says nothing
        of what follows it
    """
    for name in ("first_increment", "next_increment"):
        values[name] = list(values[name])
    first, following = values["first_increment"], values["next_increment"]
    for place, pair in enumerate(increments):
        if pair:
            first[place] = pair[0] if first[place] is None else first[place]
            following[place] = pair[1] if following[place] is None else following[place]
        # One of them alone is both; none of them is by the second.
        if following[place] is None:
            following[place] = not is_least and first[place] or 1
        if first[place] is None:
            first[place] = following[place]


def merge_grace(values, lines, problems):
    """Calls last whole seconds: the last free length is one below the first charged."""
    free = values["free_seconds"]
    values["grace_including"] = [seconds > 0 for seconds in free]
    grace = values["grace_seconds"] = list(values["grace_seconds"])
    for place, seconds in enumerate(free):
        if not seconds:
            continue
        if grace[place] not in (0, seconds + 1):
            error = WrongCell(_TWO_GRACES, below=grace[place], including=seconds)
            problems.append(Problem(int(lines[place]), error))
        grace[place] = seconds + 1


def check_unsupported(values, lines, problems):
    for place, line in enumerate(lines.tolist()):
        price, first = values["price"][place], values["first_price"][place]
        if first is not None and price is not None and first != price:
            problems.append(Problem(line, WrongCell(_OWN_FIRST_PRICE)))
        if values["next_increment"][place] < 1:
            problems.append(Problem(line, WrongCell(_SHORT_INCREMENT)))
        if values["included_seconds"][place]:
            problems.append(Problem(line, WrongCell(_INCLUDED_SECONDS)))
        start, end = values["valid_from"][place], values["valid_until"][place]
        if start and end and end <= start:
            last = end - datetime.timedelta(days=end > datetime.date.min)
            problems.append(Problem(line, WrongCell(_ENDS_EARLY, last=last)))


def rates_frame(values, lines, source, prefixes):
    """The rates as a DataFrame.

    :param source: array of the places of their rows
    :param prefixes: list, as long
    """

    def spread(name):
        column = values[name]
        return [column[place] for place in source]

    values["full_name"] = [
        f"{country} {name}".strip() if country and country not in name else name
        for country, name in zip(values["country"], values["name"], strict=True)
    ]
    return pd.DataFrame(
        {
            "line": lines[np.array(source, np.int64)],
            "prefix": pd.Series(prefixes, dtype=object),
            "name": spread("full_name"),
            "call_type": spread("call_type"),
            "band": spread("band"),
            "price_e8": np.array(spread("price"), np.int64),
            "per_seconds": np.array(spread("per_seconds"), np.int64),
            "initial_increment": np.array(spread("first_increment"), np.int64),
            "increment": np.array(spread("next_increment"), np.int64),
            "connection_fee_e8": np.array(spread("connection_fee"), np.int64),
            "min_charge_e8": np.array(spread("minimum"), np.int64),
            "max_charge_e8": np.array(spread("maximum"), np.int64),
            "grace_seconds": np.array(spread("grace_seconds"), np.int64),
            "grace_including": np.array(spread("grace_including"), bool),
            "tiers": pd.Series(spread("tiers"), dtype=object),
            "valid_from": pd.Series(spread("valid_from"), dtype=object),
            "valid_until": pd.Series(spread("valid_until"), dtype=object),
            "closed": np.array(spread("closed"), bool),
        },
        columns=RATE_COLUMNS,
    )


def empty_rates():
    """The frame of no rates at all."""
    return rates_frame(defaultdict(list), np.array([], np.int64), [], [])


def check_twice(frame, problems):
    """One price for a prefix at one time."""
    scope = ["prefix", "call_type", "band", "valid_from"]
    again = frame.duplicated(scope, keep="first").to_numpy()
    if not again.any():
        return
    first = frame.groupby(scope, dropna=False)["line"].transform("first")
    repeated = pd.DataFrame({"prefix": frame["prefix"], "line": first})[again]
    known = {}
    for line, prefix, other in zip(
        frame["line"][again], repeated["prefix"], repeated["line"], strict=True
    ):
        key = prefix, other
        if key not in known:
            known[key] = WrongCell(
                _lt("The prefix %(prefix)s is already in line %(line)s.")
                if prefix
                else _lt("The price for all numbers is already in line %(line)s."),
                prefix=prefix,
                line=str(other),
            )
        problems.append(Problem(int(line), known[key]))


def far_prices(frame):
    """What costs far more than the others: a decimal separator may have got lost.

    :return: (number of prices and fees, line of the first, its amount in 1e-8)
    """
    open_ = frame[~frame["closed"]]
    rate = open_["price_e8"] / open_["per_seconds"]
    usual = rate[rate > 0].quantile(0.25)
    if not usual > 0:
        return 0, 0, 0
    fee = open_["connection_fee_e8"]
    far = pd.concat(
        [
            open_["price_e8"][rate > _FAR_PRICE * usual],
            fee[fee > _FAR_FEE * usual * 60],
        ]
    )
    if far.empty:
        return 0, 0, 0
    return len(far), int(frame["line"][far.index[0]]), int(far.iloc[0])


def check_overlaps(frame, problems):
    """One price for a prefix at one time: not two rows that both hold on some days.

    A rate without a last day holds until the next one begins, and so does one whose
    last day is the first of the next.
    """
    dated = frame[frame["valid_from"].notna() & ~frame["closed"]]
    scope = ["prefix", "call_type", "band"]
    dated = dated[dated.duplicated(scope, keep=False)]
    for _key, rows in dated.groupby(scope, sort=False):
        rows = rows.sort_values("valid_from", kind="stable")
        before = None
        for row in rows.itertuples():
            ends = before and before.valid_until
            if ends and (ends - row.valid_from).days > 1:
                error = WrongCell(_OVERLAP, prefix=row.prefix, other=str(before.line))
                problems.append(Problem(int(row.line), error))
            before = row
