# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From the texts of a deck's file to rates: prefixes, prices, increments, dates.

A cell may hold several prefixes (`44 7400-7409; 447500`); every one is a rate. What
cannot be read is a `Problem` with its line, and never a guess.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..connectors.budget import Budget
from ..rating.errors import _lt
from . import cells, dates
from .cells import WrongCell
from .rows import MAX_RATES, DeckFileError
from .tiers import read_tiers

#: rates that ranges of prefixes may become beside those that are written out
MAX_OF_RANGES = 50_000
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
_OWN_FIRST_PRICE = _lt("The first interval has a price of its own.")
_SHORT_INCREMENT = _lt("The next increment is at least 1 second.")
_INCLUDED_SECONDS = _lt("Included seconds belong into a calling plan.")
_TWO_GRACES = _lt(
    "Free below %(below)s seconds, and free up to and including %(including)s seconds, "
    "are not the same. Leave one of them empty."
)
_ENDS_EARLY = _lt("Its last day, %(last)s, is before it begins.")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row: its line, and a sentence or the `WrongCell`."""

    line: int
    error: WrongCell | str

    @property
    def text(self):
        """Return the sentence."""
        return str(self.error)


def parse_deck(deck_rows, date_order=""):
    """Make rates of a deck's rows.

    :param deck_rows: `rows.DeckRows`
    :param date_order: `dmy` or `mdy`, how 03/04/2026 is meant; empty: as the other
        dates of the file show
    :return: (DataFrame with `RATE_COLUMNS`, a row per prefix; list of `Problem`).
        Prices are integers in 1e-8, `max_charge_e8` -1 without one, `tiers` a text of
        `tiers.tiers_text`, dates are `datetime.date` or None; `valid_until` is the
        first day without the rate.
    :raise DeckFileError: the file asks for more rates than are imported at once, or
        far too many of its rows are wrong
    """
    columns = deck_rows.columns
    texts = pd.DataFrame(
        [texts for _line, texts in deck_rows.rows], dtype=object
    ).rename(columns={place: meaning for meaning, place in columns.items()})
    texts = texts[[name for name in columns if name in texts]]
    lines = np.array([line for line, _texts in deck_rows.rows], np.int64)
    order = date_order or dates.date_order(texts)
    budget = _rates_budget(deck_rows, texts["prefix"])
    readers = _readers(order, budget)
    problems = _Problems()
    values = {}
    for name, (reader, default) in readers.items():
        values[name] = _read_column(texts, name, reader, default, lines, problems)
    increments = _read_column(
        texts, "increments", cells.increments, None, lines, problems
    )
    _merge_increments(values, increments)
    _merge_grace(values, lines, problems)
    values["valid_until"] = [
        before or after
        for before, after in zip(
            values.pop("valid_before"), values.pop("last_day"), strict=True
        )
    ]
    _check_unsupported(values, lines, problems)
    bad = {problem.line for problem in problems}
    frame = _expanded(
        values, lines, bad, _rates_budget(deck_rows, texts["prefix"]), problems
    )
    _check_twice(frame, problems)
    bad = {problem.line for problem in problems}
    frame = frame[~frame["line"].isin(bad)].reset_index(drop=True)
    return frame, sorted(problems, key=lambda problem: problem.line)


class _Same(Sequence):
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


class _Problems(list):
    """List of `Problem`, as long as a person could look through it."""

    def append(self, problem):
        if len(self) >= MAX_PROBLEMS:
            raise DeckFileError(
                _lt(
                    "More than %(most)s rows of the file are wrong. The first is "
                    "line %(line)s: %(problem)s"
                ),
                most=MAX_PROBLEMS,
                line=self[0].line,
                problem=self[0].text,
            )
        return super().append(problem)


def _rates_budget(deck_rows, texts):
    """How many rates a file may become.

    As many as are imported at once; of ranges, which take little room, fewer: each
    prefix that is written out is a character at least.
    """
    written = min(deck_rows.most, sum(map(len, texts)))
    return Budget(
        {cells.PREFIXES: min(MAX_RATES, MAX_OF_RANGES + written)},
        lambda _what, most: DeckFileError(
            _lt(
                "The prefixes of the file stand for more than %(most)s rates, which is "
                "more than are imported at once. Write shorter prefixes instead of "
                "ranges, or split the file."
            ),
            most=most,
        ),
    )


def _readers(order, budget):
    return {
        "prefix": (lambda text: cells.prefixes(text, budget), None),
        "country_code": (cells.country_code, ""),
        "name": (str, ""),
        "country": (str, ""),
        "call_type": (str, ""),
        "band": (str, ""),
        "price": (cells.price, None),
        "first_price": (cells.optional(cells.price), None),
        "per_seconds": (cells.seconds(60, 1), 60),
        "first_increment": (cells.seconds(None), None),
        "next_increment": (cells.seconds(None), None),
        "connection_fee": (cells.optional(cells.price), 0),
        "minimum": (cells.optional(cells.price), 0),
        "maximum": (cells.optional(cells.price), -1),
        "grace_seconds": (cells.seconds(0), 0),
        "free_seconds": (cells.seconds(0), 0),
        "tiers": (read_tiers, ""),
        "included_seconds": (cells.seconds(0), 0),
        "valid_from": (dates.date(order), None),
        "valid_before": (dates.date(order), None),
        "last_day": (dates.after_last_day(order), None),
        "change": (cells.closing, False),
        "discontinued": (cells.flag, False),
        "forbidden": (cells.flag, False),
    }


def _read_column(texts, name, reader, default, lines, problems):
    """Read each different text of a column once; a list as long as the column."""
    if name not in texts:
        return _Same(default, len(lines))
    codes, unique = pd.factorize(texts[name])
    read, wrong = [], {}
    for code, text in enumerate(unique):
        try:
            value = reader(text)
        except WrongCell as error:
            wrong[code] = error
            value = None
        read.append(default if value is None else value)
    if wrong:
        for place in np.flatnonzero(np.isin(codes, list(wrong))):
            problems.append(Problem(int(lines[place]), wrong[codes[place]]))
    return [read[code] for code in codes]


def _merge_increments(values, increments):
    for name in ("first_increment", "next_increment"):
        values[name] = list(values[name])
    first, following = values["first_increment"], values["next_increment"]
    for place, pair in enumerate(increments):
        if pair:
            first[place] = pair[0] if first[place] is None else first[place]
            following[place] = pair[1] if following[place] is None else following[place]
        # One of them alone is both; none of them is by the second.
        if following[place] is None:
            following[place] = first[place] or 1
        if first[place] is None:
            first[place] = following[place]


def _merge_grace(values, lines, problems):
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


def _check_unsupported(values, lines, problems):
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


def _expanded(values, lines, bad, budget, problems):
    """One row for each prefix of a row without problems."""
    good = [place for place, line in enumerate(lines.tolist()) if line not in bad]
    counts = [len(values["prefix"][place]) for place in good]
    budget.spend(cells.PREFIXES, sum(counts))
    source = np.repeat(np.array(good, np.int64), counts)
    prefixes = _with_country_codes(values, good)
    for place, prefix in zip(source, prefixes, strict=True):
        if len(prefix) > cells.MAX_DIGITS:
            problems.append(Problem(int(lines[place]), cells.too_long(prefix)))

    def spread(name):
        column = values[name]
        return [column[place] for place in source]

    names = [
        f"{country} {name}".strip() if country and country not in name else name
        for country, name in zip(values["country"], values["name"], strict=True)
    ]
    values["full_name"] = names
    closed = [
        a or b or c
        for a, b, c in zip(
            values["change"], values["discontinued"], values["forbidden"], strict=True
        )
    ]
    values["closed"] = closed
    return pd.DataFrame(
        {
            "line": lines[source],
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


def _with_country_codes(values, good):
    """The prefixes of the rows; a column of country codes belongs before them.

    Where every prefix begins with its country code already, nothing is added.
    """
    pairs = [
        (values["country_code"][place], prefix)
        for place in good
        for prefix in values["prefix"][place]
    ]
    if all(prefix.startswith(code) for code, prefix in pairs):
        return [prefix for _code, prefix in pairs]
    return [
        prefix if prefix.startswith("=") or not prefix else code + prefix
        for code, prefix in pairs
    ]


def _check_twice(frame, problems):
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
                _lt("The prefix %(prefix)s is in line %(line)s already.")
                if prefix
                else _lt("The price of all numbers is in line %(line)s already."),
                prefix=prefix,
                line=str(other),
            )
        problems.append(Problem(int(line), known[key]))
