# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From the texts of a deck's file to rates: prefixes, prices, increments, dates.

A cell may hold several prefixes (`44 7400-7409; 447500`); every one is a rate. What
cannot be read is a `Problem` with its line, and never a guess.
"""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np
import pandas as pd

PRICE_DECIMALS = 8
MAX_PRICE = Decimal(10) ** 9
#: of one cell; a range that spans more is a slip of the pen
MAX_PREFIXES = 10_000

RATE_COLUMNS = (
    "line",
    "prefix",
    "name",
    "call_type",
    "band",
    "price_e8",
    "per_seconds",
    "initial_increment",
    "increment",
    "connection_fee_e8",
    "min_charge_e8",
    "max_charge_e8",
    "grace_seconds",
    "valid_from",
    "valid_until",
    "closed",
)
#: what `change` says of a rate that ends; the first letters count
CLOSING = ("clos", "delet", "discont", "withdr", "remov", "block")
#: no date: from the day that the deck is applied
AT_ONCE = {"", "asap", "immediate", "immediately", "now"}
YES = {"1", "y", "yes", "true", "x", "t"}
ORDERS = {"dmy": ("day", "month", "year"), "mdy": ("month", "day", "year")}
# What `prefix` may be besides digits: nothing (all numbers), a short code.
_ANY = {"", "*", "any", "default"}
_SHORT_CODE = re.compile(r"=\d{1,9}")
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row: its line and a sentence."""

    line: int
    text: str


class _Wrong(ValueError):
    pass


def parse_deck(deck_rows, date_order=""):
    """Make rates of a deck's rows.

    :param deck_rows: `rows.DeckRows`
    :param date_order: `dmy` or `mdy`, how 03/04/2026 is meant; empty: as the other
        dates of the file show
    :return: (DataFrame with `RATE_COLUMNS`, a row per prefix; list of `Problem`).
        Prices are integers in 1e-8, `max_charge_e8` -1 without one, dates are
        `datetime.date` or None.
    """
    columns = deck_rows.columns
    texts = pd.DataFrame(
        [texts for _line, texts in deck_rows.rows], dtype=object
    ).rename(columns={place: meaning for meaning, place in columns.items()})
    texts = texts[[name for name in columns if name in texts]]
    lines = np.array([line for line, _texts in deck_rows.rows], np.int64)
    order = date_order or _date_order(texts)
    readers = _readers(order)
    problems = []
    values = {}
    for name, (reader, default) in readers.items():
        values[name] = _read_column(texts, name, reader, default, lines, problems)
    increments = _read_column(texts, "increments", _increments, None, lines, problems)
    _merge_increments(values, increments)
    _check_unsupported(values, lines, problems)
    bad = {problem.line for problem in problems}
    frame = _expanded(values, lines, bad)
    _check_twice(frame, problems)
    bad = {problem.line for problem in problems}
    frame = frame[~frame["line"].isin(bad)].reset_index(drop=True)
    return frame, sorted(problems, key=lambda problem: problem.line)


def _readers(order):
    return {
        "prefix": (_prefixes, None),
        "country_code": (_country_code, ""),
        "name": (str, ""),
        "country": (str, ""),
        "call_type": (str, ""),
        "band": (str, ""),
        "price": (_price, None),
        "first_price": (_optional(_price), None),
        "per_seconds": (_seconds(60, 1), 60),
        "first_increment": (_seconds(None), None),
        "next_increment": (_seconds(None), None),
        "connection_fee": (_optional(_price), 0),
        "minimum": (_optional(_price), 0),
        "maximum": (_optional(_price), -1),
        "grace_seconds": (_seconds(0), 0),
        "included_seconds": (_seconds(0), 0),
        "valid_from": (_date(order), None),
        "valid_until": (_date(order), None),
        "change": (_closing, False),
        "discontinued": (_flag, False),
        "forbidden": (_flag, False),
    }


def _read_column(texts, name, reader, default, lines, problems):
    """Read each different text of a column once; a list as long as the column."""
    if name not in texts:
        return [default] * len(lines)
    codes, unique = pd.factorize(texts[name])
    read, wrong = [], {}
    for code, text in enumerate(unique):
        try:
            value = reader(text)
        except _Wrong as error:
            wrong[code] = str(error)
            value = None
        read.append(default if value is None else value)
    if wrong:
        for place in np.flatnonzero(np.isin(codes, list(wrong))):
            problems.append(Problem(int(lines[place]), wrong[codes[place]]))
    return [read[code] for code in codes]


# === CELLS === #


def _prefixes(text):
    """The prefixes of a cell."""
    if text.lower() in _ANY:
        return [""]
    found = []
    for part in re.split(r"[,;]", text):
        part = part.strip().lstrip("+").strip()
        if not part:
            continue
        if _SHORT_CODE.fullmatch(part):
            found.append(part)
            continue
        # Blanks group digits: "336 07". Excel makes 44.0 of a number.
        part = re.sub(r"\.0$", "", re.sub(r"(?<=\d)\s+(?=\d)", "", part))
        span = _RANGE.fullmatch(part)
        if span:
            found += _range(*span.groups(), text)
            continue
        if not part.isdigit() or not part.isascii():
            raise _Wrong(f"{text!r} is no prefix: digits, ranges or a list of these.")
        if len(part) > 15:
            raise _Wrong(f"The prefix {part} has more than 15 digits.")
        found.append(part)
    if not found:
        raise _Wrong(f"{text!r} is no prefix: digits, ranges or a list of these.")
    return found


def _range(first, last, text):
    if len(last) < len(first):
        # 7400-09 is 7400-7409.
        last = first[: len(first) - len(last)] + last
    if len(first) != len(last) or int(first) > int(last):
        raise _Wrong(f"{text!r} is no range of prefixes: it begins after its end.")
    if int(last) - int(first) >= MAX_PREFIXES:
        raise _Wrong(f"The range {first}-{last} has more than {MAX_PREFIXES} prefixes.")
    return [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]


def _country_code(text):
    digits = re.sub(r"\.0$", "", text).lstrip("+").replace(" ", "")
    if digits and not digits.isdigit():
        raise _Wrong(f"{text!r} is no country code.")
    return digits


def _price(text):
    """A price in 1e-8; a comma is a decimal sign where there is no dot."""
    plain = re.sub(r"[^\d.,eE+-]", "", text)
    if "," in plain:
        plain = plain.replace(",", "") if "." in plain else plain.replace(",", ".", 1)
    try:
        price = Decimal(plain)
    except InvalidOperation as error:
        raise _Wrong(f"{text!r} is no price.") from error
    if not price.is_finite() or price < 0 or price > MAX_PRICE:
        raise _Wrong(f"The price {text} is below 0 or beyond all measure.")
    units = price.scaleb(PRICE_DECIMALS)
    if units != units.to_integral_value():
        raise _Wrong(f"The price {text} has more than {PRICE_DECIMALS} decimals.")
    return int(units)


def _optional(reader):
    def read(text):
        return reader(text) if text else None

    return read


def _seconds(default, least=0):
    def read(text):
        if not text:
            return default
        number = re.sub(r"\.0$", "", text)
        if not number.isdigit() or not least <= int(number) < 2**31:
            raise _Wrong(f"{text!r} is no number of seconds.")
        return int(number)

    return read


def _increments(text):
    """`60/1`, `1/1/1` or `60`: (first, next)."""
    if not text:
        return None
    parts = [part.strip() for part in re.split(r"[/+:\-]", text)]
    if len(parts) == 3 and parts[0] in ("0", parts[1]):
        # Minimum, first, next: the minimum adds nothing.
        parts = parts[1:]
    if not 1 <= len(parts) <= 2 or not all(part.isdigit() for part in parts):
        raise _Wrong(f"{text!r} are no increments: 60/6 means 60 s, then steps of 6 s.")
    numbers = [int(part) for part in parts]
    return numbers[0], numbers[-1]


def _flag(text):
    return text.lower() in YES


def _closing(text):
    return text.lower().startswith(CLOSING)


# === DATES === #

_NUMERIC_DATE = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")
_ISO_DATE = re.compile(r"(\d{4})[/.\-](\d{1,2})[/.\-](\d{1,2})")
_NAMED_DATE = re.compile(r"(\d{1,2})[ \-]?([A-Za-z]{3,9})[ \-,]*(\d{4})")
_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1
    )
}


def _date_order(texts):
    """Whether 03/04/2026 is in April or March, as the dates of the file show.

    Empty where none of them tells.
    """
    orders = set()
    for name in ("valid_from", "valid_until"):
        for text in texts[name].unique() if name in texts else ():
            found = _NUMERIC_DATE.match(text)
            if found:
                first, second = int(found[1]), int(found[2])
                if first > 12 >= second or "." in text:
                    orders.add("dmy")
                elif second > 12 >= first:
                    orders.add("mdy")
    return orders.pop() if len(orders) == 1 else ""


def _date(order):
    def read(text):
        if text.lower() in AT_ONCE:
            return None
        try:
            return _read_date(text, order)
        except ValueError as error:
            if isinstance(error, _Wrong):
                raise
            raise _Wrong(f"{text!r} is no date.") from error

    return read


def _read_date(text, order):
    iso = _ISO_DATE.match(text)
    if iso:
        return datetime.date(int(iso[1]), int(iso[2]), int(iso[3]))
    named = _NAMED_DATE.match(text)
    if named and named[2][:3].lower() in _MONTHS:
        month = _MONTHS[named[2][:3].lower()]
        return datetime.date(int(named[3]), month, int(named[1]))
    numeric = _NUMERIC_DATE.match(text)
    if not numeric:
        raise _Wrong(f"{text!r} is no date.")
    first, second, year = (int(part) for part in numeric.groups())
    if first == second:
        return datetime.date(year, second, first)
    if not order:
        raise _Wrong(
            f"{text} may be read in two ways. Say whether the day or the month comes "
            "first."
        )
    parts = dict(zip(ORDERS[order], (first, second, year), strict=True))
    return datetime.date(parts["year"], parts["month"], parts["day"])


# === ROWS === #


def _merge_increments(values, increments):
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


def _check_unsupported(values, lines, problems):
    for place, line in enumerate(lines.tolist()):
        price, first = values["price"][place], values["first_price"][place]
        if first is not None and price is not None and first != price:
            problems.append(Problem(line, "The first interval has a price of its own."))
        if values["next_increment"][place] < 1:
            problems.append(Problem(line, "The next increment is at least 1 second."))
        if values["included_seconds"][place]:
            problems.append(
                Problem(line, "Included seconds belong into a calling plan.")
            )
        start, end = values["valid_from"][place], values["valid_until"][place]
        if start and end and end <= start:
            problems.append(Problem(line, f"It ends on {end} before it begins."))


def _expanded(values, lines, bad):
    """One row for each prefix of a row without problems."""
    good = [place for place, line in enumerate(lines.tolist()) if line not in bad]
    counts = [len(values["prefix"][place]) for place in good]
    source = np.repeat(np.array(good, np.int64), counts)
    prefixes = _with_country_codes(values, good)

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
    first = frame.drop_duplicates(scope).set_index(
        pd.MultiIndex.from_frame(frame.drop_duplicates(scope)[scope])
    )["line"]
    for place in np.flatnonzero(again):
        row = frame.iloc[place]
        other = first.loc[tuple(row[scope])]
        other = int(other if np.isscalar(other) else other.iloc[0])
        problems.append(
            Problem(
                int(row["line"]),
                f"The prefix {row['prefix'] or '(all)'} is in line {other} already.",
            )
        )
