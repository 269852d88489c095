# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Start times as switches write them, as microseconds since the epoch, in UTC."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

SECOND_US = 1_000_000
#: a record may begin this long before its channel, by the rounding of the clocks
HINT_TOLERANCE_US = 2 * SECOND_US

# Shape of a text -> how to write it as YYYY-MM-DD HH:MM:SS. Dates whose day and month
# could be taken for each other are not among them: these need a format.
_SHAPES = (
    (r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})$", r"\1 \2"),
    (r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})$", r"\1 \2:00"),
    (r"^(\d{4})(\d{2})(\d{2})[-T ]?(\d{2})(\d{2})(\d{2})$", r"\1-\2-\3 \4:\5:\6"),
    (r"^(\d{4})/(\d{1,2})/(\d{1,2}) (\d{1,2}:\d{2}:\d{2})$", r"\1-\2-\3 \4"),
    (r"^(\d{4})/(\d{1,2})/(\d{1,2}) (\d{1,2}:\d{2})$", r"\1-\2-\3 \4:00"),
)
_ISO = "%Y-%m-%d %H:%M:%S"
_OFFSET = r"^(?P<rest>.*\d{2}:?\d{2}.*?) ?(?P<offset>Z|[+-]\d{2}:?\d{2})$"
_FRACTION = r"^(?P<rest>[^.]*)\.(?P<fraction>\d+)$"
# Digits of an epoch time -> microseconds that one unit of it is.
_EPOCH_UNITS = {9: SECOND_US, 10: SECOND_US, 13: 1000, 16: 1}


def parse_times(values, style, tz, hint_epoch=None):
    """Read times.

    :param values: pyarrow string array, shape (n,), without nulls
    :param style: ``auto``: ISO 8601 with or without offset and fraction,
        ``YYYYMMDD-HHMMSS``, ``YYYYMMDDHHMMSS``, ``YYYY/M/D H:MM[:SS]``, or epoch
        numbers; ``epoch``: seconds, milliseconds or microseconds since 1970, told by
        their number of digits; otherwise a ``strptime`` format
    :param tz: IANA zone of times that carry no offset
    :param hint_epoch: texts or numbers, shape (n,), or None: epoch seconds shortly
        before each record, such as Asterisk's uniqueid. They tell the two hours apart
        that have the same name when clocks are set back; without one the first counts.
    :return: (int64 array of microseconds, bool array: whether the text was a time).
        A local time that the clocks skip is none.
    """
    count = len(values)
    times = np.zeros(count, np.int64)
    valid = np.zeros(count, bool)
    if style == "epoch":
        _read_epochs(values, np.arange(count), times, valid)
        return times, valid
    if style not in ("", "auto"):
        local = _strptime(values, style)
        return _from_local(*local, tz, hint_epoch)
    try:
        # Nearly every file has ISO times throughout: one strict, exact cast.
        local = pc.cast(values, pa.timestamp("us")).cast(pa.int64()).to_numpy()
        if _all_have_times(values):
            return _from_local(local, np.ones(count, bool), tz, hint_epoch)
    except pa.ArrowInvalid:
        pass  # pylint: disable=except-pass
    return _read_mixed(values, tz, hint_epoch, times, valid)


def _all_have_times(values):
    """Whether no text is a bare date, which the cast takes for midnight."""
    shortest = pc.min(pc.utf8_length(values)).as_py()
    return shortest is None or shortest >= len("2026-10-01 00:00")


def _read_mixed(values, tz, hint_epoch, times, valid):
    """Read texts of different shapes, each shape at once."""
    values = pc.utf8_trim_whitespace(values)
    rows = np.arange(len(values))
    numeric = _mask(pc.match_substring_regex(values, r"^\d{9,16}(\.\d*)?$"))
    # Fourteen digits are a date and a time, not an epoch.
    numeric &= ~_mask(pc.match_substring_regex(values, r"^\d{14}(\.\d*)?$"))
    _read_epochs(values.filter(pa.array(numeric)), rows[numeric], times, valid)
    rest = rows[~numeric]
    texts = values.take(pa.array(rest))
    texts, offsets = _split_offsets(texts)
    texts, fractions = _split_fractions(texts)
    local, good = _read_shapes(texts)
    local += fractions
    aware = offsets != _NO_OFFSET
    times[rest[aware]] = (local - offsets)[aware]
    valid[rest[aware]] = good[aware]
    naive = rest[~aware]
    hint = None if hint_epoch is None else _take(hint_epoch, naive)
    times[naive], valid[naive] = _from_local(local[~aware], good[~aware], tz, hint)
    times[~valid] = 0
    return times, valid


_NO_OFFSET = np.iinfo(np.int64).min


def _split_offsets(texts):
    """Cut off Z or +hh:mm; microseconds east of Greenwich, or _NO_OFFSET."""
    offsets = np.full(len(texts), _NO_OFFSET, np.int64)
    has_time = pc.match_substring_regex(texts, r"\d{2}:\d{2}|\d{6}")
    parts = pc.extract_regex(texts, _OFFSET)
    found = _mask(pc.and_(parts.is_valid(), has_time))
    # The end of a date is no offset: 2026-10-05.
    found &= ~_mask(pc.match_substring_regex(texts, r"^\d{4}-\d{2}-\d{2}$"))
    if not found.any():
        return texts, offsets
    rows = np.flatnonzero(found)
    chosen = parts.take(pa.array(rows))
    for row, text in zip(rows, chosen.field("offset").to_pylist(), strict=True):
        if text == "Z":
            offsets[row] = 0
        else:
            sign = -1 if text[0] == "-" else 1
            digits = text[1:].replace(":", "")
            minutes = int(digits[:2]) * 60 + int(digits[2:])
            offsets[row] = sign * minutes * 60 * SECOND_US
    return pc.replace_with_mask(texts, pa.array(found), chosen.field("rest")), offsets


def _split_fractions(texts):
    """Cut off a fraction of a second; exact microseconds, further digits dropped."""
    fractions = np.zeros(len(texts), np.int64)
    parts = pc.extract_regex(texts, _FRACTION)
    found = _mask(parts.is_valid())
    if not found.any():
        return texts, fractions
    chosen = parts.take(pa.array(np.flatnonzero(found)))
    fractions[found] = _microseconds(chosen.field("fraction"))
    return pc.replace_with_mask(texts, pa.array(found), chosen.field("rest")), fractions


def _microseconds(digits):
    """Digits after the point as microseconds."""
    six = pc.utf8_slice_codeunits(pc.utf8_rpad(digits, 6, "0"), 0, 6)
    return six.cast(pa.int64()).to_numpy()


def _read_shapes(texts):
    local = np.zeros(len(texts), np.int64)
    good = np.zeros(len(texts), bool)
    for shape, iso in _SHAPES:
        rows = np.flatnonzero(_mask(pc.match_substring_regex(texts, shape)) & ~good)
        if not len(rows):
            continue
        chosen = pc.replace_substring_regex(texts.take(pa.array(rows)), shape, iso)
        local[rows], good[rows] = _strptime(chosen, _ISO)
    return local, good


def _strptime(texts, style):
    """Read texts by a format; 30 February and 25:00 are refused, not carried over."""
    try:
        parsed = pd.to_datetime(
            pd.Series(texts.to_pylist(), dtype=object), format=style, errors="coerce"
        )
    except ValueError:
        # A format that cannot be used reads nothing: every record says so.
        return np.zeros(len(texts), np.int64), np.zeros(len(texts), bool)
    if getattr(parsed.dt, "tz", None) is not None:
        parsed = parsed.dt.tz_convert("UTC").dt.tz_localize(None)
    good = parsed.notna().to_numpy()
    moments = parsed.to_numpy().astype("datetime64[us]").astype(np.int64)
    return np.where(good, moments, 0), good


def _read_epochs(texts, rows, times, valid):
    """Read epoch numbers into ``times[rows]``."""
    if not len(rows):
        return
    parts = pc.extract_regex(texts, r"^(?P<whole>\d{1,16})(?:\.(?P<fraction>\d*))?$")
    good = _mask(parts.is_valid())
    chosen = parts.take(pa.array(np.flatnonzero(good)))
    whole = chosen.field("whole")
    lengths = pc.utf8_length(whole).to_numpy()
    units = np.zeros(len(lengths), np.int64)
    for digits, unit in _EPOCH_UNITS.items():
        units[lengths == digits] = unit
    moments = whole.cast(pa.int64()).to_numpy() * units
    fraction = pc.fill_null(chosen.field("fraction"), "")
    moments += np.where(units == SECOND_US, _microseconds(fraction), 0)
    good_rows = np.asarray(rows)[good]
    times[good_rows] = moments
    # 0 stands for "never" in the files of switches, and other lengths for no time.
    valid[good_rows] = units > 0


def _from_local(local, good, tz, hint_epoch):
    """Local times as UTC.

    :param local: int64 microseconds of the local clock
    :param good: bool array: whether there is a time
    """
    if tz == "UTC":
        return local, good
    index = pd.DatetimeIndex(local.view("datetime64[us]"))
    zoned = index.tz_localize(tz, ambiguous="NaT", nonexistent="NaT")
    times = zoned.tz_convert("UTC").tz_localize(None).to_numpy().view(np.int64).copy()
    odd = np.flatnonzero(zoned.isna() & good)
    valid = good.copy()
    if len(odd):
        times[odd], valid[odd] = _twice_or_never(index[odd], odd, tz, hint_epoch)
    times[~valid] = 0
    return times, valid


def _twice_or_never(index, rows, tz, hint_epoch):
    """Local times that the clock shows twice, or skips."""
    first, second = (
        index.tz_localize(tz, ambiguous=np.full(len(index), summer), nonexistent="NaT")
        for summer in (True, False)
    )
    valid = ~first.isna()
    early, late = (
        zoned.tz_convert("UTC").tz_localize(None).to_numpy().view(np.int64)
        for zoned in (first, second)
    )
    if hint_epoch is None:
        return early, valid
    hint = np.zeros(len(rows), np.int64)
    known = np.zeros(len(rows), bool)
    texts = pc.fill_null(pa.array(_take(hint_epoch, rows)).cast(pa.string()), "")
    _read_epochs(texts, np.arange(len(rows)), hint, known)
    after = known & (early < hint - HINT_TOLERANCE_US)
    return np.where(after, late, early), valid


def _take(values, rows):
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.take(pa.array(rows))
    return np.asarray(values, object)[rows]


def _mask(values):
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)
