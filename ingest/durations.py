# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Durations as switches write them, as whole seconds.

`0:04` is four seconds or four minutes, `1.5` a second and a half or a minute and a
half: they are read in a unit that is chosen. Without one, only what is clear is read.
What names its units (`1m5s`) is clear at any rate, see ``duration_words``.
"""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .digit_shapes import MOST_DIGITS, DigitShapes
from .duration_words import worded_seconds
from .text_columns import as_text

ROUNDINGS = ("down", "up", "nearest")
_DECIMAL_ROUNDING = {
    "down": ROUND_FLOOR,
    "up": ROUND_CEILING,
    "nearest": ROUND_HALF_UP,
}
UNITS = (
    *("s", "ms", "min", "mm:ss", "h:mm", "h:mm:ss", "day"),
    *("h", "6s", "hhmmss", "mmss", "hhmm", "thousands"),
)
"""What a duration may be written in; `min`, `6s`, `h` and `day` are decimal numbers of
them, `hhmmss` and the like clocks without signs, `thousands` seconds as in 1,234."""

#: a decimal among more whole numbers than that is a slip, and casts no doubt on them
MOST_DOUBTED = 2
#: and so it is among more numbers that would be usual as minutes
MOST_DOUBTED_SMALL = 20
FEW_MINUTES = 20
MS_DIGITS = 3
MS = 10**MS_DIGITS
DECIMAL_UNITS = ("6s", "min", "h", "day")
_SECONDS = {"6s": 6, "min": 60, "h": 3600, "day": 86_400, "thousands": 1}
#: unit -> seconds of its last two digits, and of those before: of two, then of all
_PACKED = {"hhmmss": (1, 60, 3600), "mmss": (1, 60, 6000), "hhmm": (60, 3600, 360_000)}
#: that half of several calls are longer is not likely; of milliseconds it is
LONG_SECONDS = 6 * 3600
#: so many different ones tell; of fewer the longest or the shortest has to, too
LEAST_LONG, LEAST_LONG_AT_ALL = 5, 3
DAY_SECONDS = 86_400
_HALF = Decimal("0.5")
_NOISE = Decimal("1e-6")  # seconds; a spreadsheet's binary numbers are beside decimals

# A comma before three digits may group thousands.
_NUMBER = re.compile(r"(?P<whole>0{1,15})(?:(?:\.|,(?!000$))(?P<f>0*))?")
_WHOLE = re.compile(r"(?P<whole>0{1,15})")
_DECIMAL = re.compile(r"0{1,15}[.,]0*")
#: signs between thousands -> what they surely part, and what they are there
_SURE_THOUSANDS = (
    (
        "' \u2019\u00a0\u202f",
        r"^[1-9][0-9]{0,2}(['\x{2019} \x{a0}\x{202f}][0-9]{3})+$",
        "[^0-9]",
    ),
    (",", r"^[1-9][0-9]{0,2}((,[0-9]{3}){2,}|(,[0-9]{3})+\.[0-9]*)$", ","),
    (".", r"^[1-9][0-9]{0,2}((\.[0-9]{3}){2,}|(\.[0-9]{3})+,[0-9]*)$", r"\."),
)
# Panasonic parts minutes and seconds by the sign of minutes: 00:01'05.
_CLOCK = re.compile(r"(?P<H>0{1,6}):(?P<M>0{1,2})[:'](?P<S>00)(?:[.,](?P<f>0+))?")
_MINUTES_CLOCK = re.compile(r"(?P<M>0{1,6}):(?P<S>00)(?:[.,](?P<f>0+))?")
_HOURS_CLOCK = re.compile(r"(?P<H>0{1,6}):(?P<M>00)")
_DIGITS = re.compile("0+")
_LARGE = re.compile(r"([0-9]{1,9})(?:(?:\.|,(?![0-9]{3}$))([0-9]{0,30}))?", re.ASCII)
#: 60; 1,234 or 1.234; 1234.5, which was 1,234.5
_GROUPED = re.compile(
    r"[0-9]{1,9}|([1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?:\.[0-9]{3})+))"
    r"|[0-9]{4,9}[.,][0-9]{0,30}",
    re.ASCII,
)
_WITH_EXPONENT = re.compile(r"[0-9](?:\.[0-9]{1,20})?[eE]-[0-9]{1,2}", re.ASCII)

#: unit -> what its shapes are read as, besides a clock of three parts
_SHAPES = {
    "": (_WHOLE,),
    "s": (_NUMBER,),
    "ms": (_NUMBER,),
    "mm:ss": (_MINUTES_CLOCK,),
    "h:mm": (_HOURS_CLOCK,),
    "h:mm:ss": (),
    **dict.fromkeys(("hhmmss", "mmss", "hhmm"), (_WHOLE,)),
}


def parse_seconds(values, rounding="down", unit=""):
    """Read durations.

    A negative or empty text is no duration, nor is one of which a part is too large
    (`1:75`). Fractions are judged by their decimal digits, never as binary floats. A
    whole second that is written so in minutes (`0.33` is 20 s) or days is that second.

    :param values: Series, pyarrow array or list of texts, shape (n,)
    :param rounding: what becomes of a fraction of a second: `down`, `up` or `nearest`
        (half up)
    :param unit: one of `UNITS`: `s`, `ms`, `min`, `day` read numbers, `mm:ss` and
        `h:mm` clocks of two parts; all read `h:mm:ss` and `1m5s`. Empty where nobody
        has chosen: whole numbers are seconds, and a clock of two parts or a decimal is
        unclear.
    :return: (int64 array of seconds, bool array: whether the text was a duration, bool
        array: whether it may be one in several units); what is none has 0 seconds
    :raise ValueError: for an unknown rounding or unit
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f"{rounding!r} is not one of {', '.join(ROUNDINGS)}")
    if unit and unit not in UNITS:
        raise ValueError(f"{unit!r} is not a unit of durations: {', '.join(UNITS)}")
    texts = _plain(values)
    seconds = np.zeros(len(texts), dtype=np.int64)
    valid = np.zeros(len(texts), dtype=bool)
    unclear = np.zeros(len(texts), dtype=bool)
    if unit in _SECONDS:
        _read_decimals(texts, unit, rounding, seconds, valid)
    columns = DigitShapes(texts)
    for rows, match in columns.groups(lambda shape: _read(shape, unit)):
        if match.re in (_CLOCK, _MINUTES_CLOCK, _HOURS_CLOCK):
            whole, good = _clock(columns, rows, match.groupdict(), match)
        else:
            whole, good = columns.number(rows, *match.span("whole")), True
        if unit in _PACKED and match.re is _WHOLE:
            whole, good = _unpacked(whole, *_PACKED[unit])
        if unit == "ms" and match.re is _NUMBER:
            whole, carry = _from_ms(columns, rows, match, whole, rounding)
        else:
            carry = 0
            if "f" in match.groupdict():
                carry = _carry(columns, rows, *match.span("f"), rounding)
        seconds[rows] = np.where(good, whole + carry, 0)
        valid[rows] = good
    if not valid.all():
        _read_odd(columns, unit, valid, unclear)
        _read_worded(texts, rounding, seconds, valid, unclear)
    return seconds, valid, unclear


def parse_named(values, rounding, unit, named):
    """Read durations of a column whose heading may name their unit.

    What the named unit does not read, and another may, is unclear.

    :param values, rounding, unit: see :func:`parse_seconds`; a unit that was chosen is
        not asked about
    :param named: what ``duration_words.named_unit`` says of the heading
    :return: as :func:`parse_seconds`
    """
    seconds, valid, unclear = parse_seconds(values, rounding, unit)
    if unit or not named:
        return seconds, valid, unclear
    texts = _plain(values)
    sure = ~unclear & valid
    if sure.any():
        # A clock of three parts, and what names its units, means the same at any rate.
        # So does 0.
        sure &= ~doubted_with(texts, unclear, True)
    if named in UNITS:
        seconds, valid, _unclear = parse_seconds(texts, rounding, named)
        sure |= valid
    seconds = np.where(sure, seconds, 0)
    in_some = parse_seconds(texts)
    return seconds, sure, (in_some[1] | in_some[2]) & ~sure


def doubted_with(values, unclear, doubted=False):
    """Find whole numbers that may mean something else than seconds.

    Where nobody has chosen a unit, they may be:

    - minutes, where a third of the numbers has decimals, but not one alone, which may
      be a slip; or where some have, and half of the whole ones are no more than
      `FEW_MINUTES`: beside 1.5, 2 is 2 seconds or 2.0 minutes
    - clocks, where some are padded with zeros (`000105`), and the last two digits of
      all that are as long are below 60
    - milliseconds, where half of them are longer than `LONG_SECONDS`

    :param values: as :func:`parse_seconds` takes them
    :param unclear: as it returns them without a unit
    :param doubted: whether they are known to have stood among such
    :return: bool array, shape (n,)
    """
    columns = DigitShapes(_plain(values))
    found = np.zeros(len(unclear), bool)
    packed = np.zeros(len(unclear), bool)
    decimals, numbers = 0, []
    for rows, match in columns.groups(_in_some_unit):
        if match.re is _DECIMAL:
            decimals += np.count_nonzero(unclear[rows])
        elif match.re is _WHOLE:
            number = columns.number(rows, *match.span("whole"))
            found[rows] = number > 0
            packed[rows] = (number > 0) & _may_be_packed(number, match.end())
            numbers.append(number[number > 0])
    numbers = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
    is_minutes = decimals > 1 and decimals * MOST_DOUBTED >= len(numbers)
    if decimals * MOST_DOUBTED_SMALL >= len(numbers) > 0 and decimals:
        is_minutes |= np.median(numbers) <= FEW_MINUTES
    if doubted or is_minutes or are_long(numbers):
        return found
    return packed


def may_be_doubted(texts, seconds):
    """Whether :func:`doubted_with` has to be asked, quickly.

    :param seconds: as :func:`parse_seconds` returns them without a unit
    """
    texts = _plain(texts)
    padded = pc.and_(pc.starts_with(texts, "0"), pc.greater(pc.utf8_length(texts), 3))
    return are_long(seconds[seconds > 0]) or bool(pc.any(padded).as_py())


def are_long(seconds):
    """Whether so many calls are so long that these may be no seconds.

    :param seconds: int64 array, none of them 0
    """
    if len(seconds) < LEAST_LONG_AT_ALL:
        return False
    middle = (len(seconds) - 1) // 2
    if np.partition(seconds, middle)[middle] < LONG_SECONDS:
        return False
    different = len(np.unique(seconds))
    is_absurd = seconds.max() > DAY_SECONDS or seconds.min() >= LONG_SECONDS // 2
    return different >= LEAST_LONG or different >= LEAST_LONG_AT_ALL and is_absurd


def _may_be_packed(numbers, digits):
    """Whether numbers of so many digits may all be clocks without signs.

    A column of seconds has 60 to 99 at some ends. Below 60 it means the same as a clock
    of minutes and seconds.
    """
    is_padded = (numbers > 0) & (numbers < 10 ** (digits - 1))
    least = 60 if digits > 4 else 1
    differs = numbers >= least
    return (
        digits > 3
        and bool((is_padded & differs).any())
        and bool((numbers % 100 < 60).all())
    )


def _read(shape, unit):
    clock = _CLOCK.fullmatch(shape)
    if clock or unit in _SECONDS:
        return clock
    for pattern in _SHAPES[unit]:
        if match := pattern.fullmatch(shape):
            return match
    return None


def _plain(values):
    """Texts without nulls and blanks around them, and without a plus before digits.

    Nor have they signs between thousands, where these can be nothing else: 1 234,
    1'234, 1,234,567, 1.234,5. In 1,234 they can.
    """
    texts = as_text(values).fill_null("")
    if pc.any(pc.starts_with(texts, "+")).as_py():
        texts = pc.replace_substring_regex(texts, r"^\+([0-9])", r"\1")
    data = bytes(texts.buffers()[2] or b"")
    for signs, pattern, sign in _SURE_THOUSANDS:
        if not any(one.encode() in data for one in signs):
            continue
        grouped = pc.match_substring_regex(texts, pattern)
        if pc.any(grouped).as_py():
            bare = pc.replace_substring_regex(texts, sign, "")
            texts = pc.if_else(grouped, bare, texts)
    return texts


def _read_worded(texts, rounding, seconds, valid, unclear):
    """Read what names its units, each distinct text once.

    :param seconds, valid, unclear: arrays, shape (n,), that are changed
    """
    rows = np.flatnonzero(~valid & ~unclear)
    if not len(rows):
        return
    encoded = texts.take(pa.array(rows)).dictionary_encode()
    read = [worded_seconds(text) for text in encoded.dictionary.to_pylist()]
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    whole = [
        0
        if value is None
        else int(value.quantize(Decimal(1), _DECIMAL_ROUNDING[rounding]))
        for value in read
    ]
    seconds[rows] = np.array(whole, np.int64)[codes]
    valid[rows] = np.array([value is not None for value in read], bool)[codes]


def _unpacked(numbers, last, middle, first):
    """Seconds of clocks without signs, and which of them are clocks."""
    good = numbers % 100 < 60
    if first == 60 * middle:
        good &= numbers // 100 % 100 < 60
    seconds = numbers % 100 * last + numbers // 100 % 100 * middle
    return seconds + numbers // 10_000 * first, good


def _read_odd(columns, unit, valid, unclear):
    """Find what is 0 in every unit, and what nobody has chosen a unit for.

    :param valid, unclear: bool arrays, shape (n,), that are changed
    """
    for rows, match in columns.groups(_in_some_unit):
        rows = rows[~valid[rows]]
        is_zero = np.ones(len(rows), bool)
        for digits in _DIGITS.finditer(match.string):
            is_zero &= ~_has_digits(columns, rows, *digits.span())
        valid[rows[is_zero]] = True
        if unit:
            continue
        if match.re is _MINUTES_CLOCK:
            # Of minutes or of seconds: neither has more than 59.
            is_zero |= columns.number(rows, *match.span("S")) > 59
        unclear[rows[~is_zero]] = True


def _in_some_unit(shape):
    for pattern in (_MINUTES_CLOCK, _DECIMAL, _WHOLE):
        if match := pattern.fullmatch(shape):
            return match
    return None


def _clock(columns, rows, parts, match):
    """Return the whole seconds of hours, minutes and seconds, and where they fit."""
    total, good = 0, True
    for name, factor in (("H", 3600), ("M", 60), ("S", 1)):
        if parts.get(name) is None:
            continue
        value = columns.number(rows, *match.span(name))
        if match.start(name):
            # Only the first part goes on beyond its measure.
            good &= value <= 59
        total = total + value * factor
    return total, good


def _read_decimals(texts, unit, rounding, seconds, valid):
    """Read decimal numbers of minutes or days, each distinct text once.

    :param unit: a key of `_SECONDS`
    :param seconds, valid: arrays, shape (n,), that are changed
    """
    encoded = texts.dictionary_encode()
    plain = _without_thousands if unit == "thousands" else str
    read = [
        _decimal_seconds(plain(text), _SECONDS[unit], rounding)
        for text in encoded.dictionary.to_pylist()
    ]
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    seconds[:] = np.array([value or 0 for value in read], np.int64)[codes]
    valid[:] = np.array([value is not None for value in read], bool)[codes]


def _without_thousands(text):
    """A number without the signs between its thousands; empty for another text."""
    match = _GROUPED.fullmatch(text)
    if not match:
        return ""
    return re.sub("[.,]", "", text) if match[1] else text.replace(",", ".")


def _decimal_seconds(text, per_unit, rounding):
    """The whole seconds of a decimal number of minutes or days; None for no number."""
    if not _LARGE.fullmatch(text) and not (
        per_unit > 60 and _WITH_EXPONENT.fullmatch(text)
    ):
        return None
    value = Decimal(text.replace(",", ".").rstrip("."))
    exact = value * per_unit
    nearest = exact.quantize(Decimal(1), ROUND_HALF_UP)
    # What the writer's own rounding may have taken away or added.
    written = max(_HALF.scaleb(value.as_tuple().exponent) * per_unit, _NOISE)
    if written < _HALF and abs(exact - nearest) <= written:
        return int(nearest)
    return int(exact.quantize(Decimal(1), _DECIMAL_ROUNDING[rounding]))


def _from_ms(columns, rows, match, whole, rounding):
    """Return the whole seconds of milliseconds, and what the rest of them adds."""
    rest = whole % MS
    if rounding == "up":
        carry = (rest > 0) | _has_digits(columns, rows, *match.span("f"))
    else:
        carry = (rest >= MS // 2) & (rounding == "nearest")
    return whole // MS, carry


def _carry(columns, rows, begin, end, rounding):
    """Return the second, 0 or 1, that the digits after the point add."""
    if rounding == "down" or end <= begin:
        return 0
    if rounding == "nearest":
        return columns.number(rows, begin, begin + 1) >= 5
    return _has_digits(columns, rows, begin, end)


def _has_digits(columns, rows, begin, end):
    """Return where a digit other than 0 stands at [begin, end)."""
    found = np.zeros(len(rows), dtype=bool)
    for start in range(begin, end, MOST_DIGITS):
        found |= columns.number(rows, start, min(end, start + MOST_DIGITS)) > 0
    return found
