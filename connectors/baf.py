# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Billing AMA Format: binary records of exchanges, as lines of comma-separated values.

A record begins with its length (two bytes, of all of it) and two zeros; where records
are blocked, so does a block. Then come AA, or AB where the exchange doubts the record,
and fields of decimal digits, four bits each, that end with the sign C, or F where the
field is not used. The structure code says which fields these are.

Facts: Metaswitch's own viewer of its files, bafview 4.0, and bafprp
(charlessolar/bafprp), which both follow Telcordia GR-1100. What stands behind the
elapsed time, or the trunk group, is kept as hexadecimal digits, modules included.
"""

from collections.abc import Iterator
from datetime import date

from .errors import SourceFileError

BAF = "baf"
"""The 'encoding' of such files."""

_SURE, _DOUBTED = 0xAA, 0xAB
_PREFIX, _START = 4, 8
#: with what all structures begin with, a record is longer
_LEAST = 12
_UNUSED = "F"

#: field -> its digits; each has its sign besides
_DIGITS = {
    **dict.fromkeys(("answer", "observed", "operator", "overseas"), 1),
    **dict.fromkeys(("call_type", "sensor_type", "office_type", "feature"), 3),
    **dict.fromkeys(("originating_npa", "dialed_npa", "completion", "event"), 3),
    **dict.fromkeys(("date", "carrier_date", "timing", "terminating_npa"), 5),
    **dict.fromkeys(("carrier", "trunk_group"), 5),
    **dict.fromkeys(("sensor", "office", "study", "originating", "dialed"), 7),
    **dict.fromkeys(("terminating", "time", "carrier_time"), 7),
    **dict.fromkeys(("elapsed", "carrier_elapsed"), 9),
}
_HEAD = "call_type sensor_type sensor office_type office"
_CALL = "date timing study answer observed operator feature"
_FROM = "originating_npa originating"
_TO = "overseas terminating_npa terminating"
_LASTING = "time elapsed"
_CARRIER = "carrier carrier_date carrier_time carrier_elapsed event trunk_group"
_FIELDS = {
    code: " ".join(parts).split()
    for code, parts in {
        "0001": (_HEAD, _CALL, _FROM, _TO, _LASTING),
        "0020": (_HEAD, _CALL, _FROM, _TO, _LASTING),
        "0028": (_HEAD, _CALL, _FROM, "time"),
        "0076": (_HEAD, _CALL, _FROM, _LASTING),
        "0079": (_HEAD, _CALL, "terminating_npa terminating", _LASTING),
        "0220": (
            *(_HEAD, "date timing study completion operator feature"),
            *(_FROM, _TO, _LASTING),
        ),
        "0221": (
            *(_HEAD, "date timing study completion feature"),
            *("terminating_npa terminating", _LASTING),
        ),
        "0360": (*(_HEAD, _CALL, _FROM, "dialed_npa dialed", _TO, _LASTING, _CARRIER),),
        "0364": (_HEAD, _CALL, _FROM, "dialed_npa dialed", _TO, _LASTING),
        "0500": (_HEAD, "date answer feature", _FROM, _TO, _LASTING),
        "0625": (_HEAD, _CALL, _FROM, _TO, _LASTING, _CARRIER),
        "0653": (_HEAD, _CALL, _TO, _LASTING, _CARRIER),
    }.items()
}

COLUMNS = (
    *("record_status", "structure", "call_type", "sensor", "date", "time"),
    *("timing", "study", "answer", "completion", "operator", "feature"),
    *("originating_number", "dialed_number", "overseas", "terminating_number"),
    *("elapsed", "carrier", "carrier_elapsed", "trunk_group", "rest"),
)
"""Names of the columns: numbers are put together, times are `2026-10-01`, `09:00:05.1`
and seconds with a tenth; others are the digits of the field."""

MARKED, DAMAGED, UNKNOWN = "marked", "damaged", "unknown structure"
"""What `record_status` says of a record that the exchange doubts, that does not hold
what its structure says, and of whose structure nothing is known; empty for others."""


#: tracers of files, audits of sensors, changes of the clock: no calls
_AUDITS = ("9000", "9013", "9014", "9038", "9039", "9102")


class DamagedError(ValueError):
    """A record does not hold what its structure says."""


def _today():
    return date.today()


def is_baf(head: bytes) -> bool:
    """Whether a file that begins so holds such records."""
    return _begins(head, 0) or _begins(head, _PREFIX) and head[2:_PREFIX] == b"\0\0"


def _begins(data, at):
    start = data[at : at + _START]
    return (
        len(start) == _START
        and int.from_bytes(start[:2]) >= _LEAST
        and start[2:_PREFIX] == b"\0\0"
        and start[4] in (_SURE, _DOUBTED)
        and start[5] >> 4 in (0, 4)
        and start[7] & 0x0F == 0x0C
    )


def baf_lines(blocks: Iterator[bytes], today: date | None = None) -> Iterator[bytes]:
    """Blocks of text: the names of the columns, then a line for each record.

    The line of an audit record is empty.

    :param today: the years of dates, which have their last digit only, are the latest
        before its morrow
    :raise SourceFileError: what follows a record is none
    """
    today = today or _today()
    yield ",".join(COLUMNS).encode() + b"\n"
    data, done, count = b"", 0, 0
    for block in blocks:
        data += block
        at, lines = 0, []
        while len(data) - at >= _LEAST:
            if not _begins(data, at):
                if not _begins(data, at + _PREFIX):
                    raise SourceFileError(
                        f"Record {count + 1} (byte {done + at}) is not a BAF record, so"
                        " the file is damaged. Export it again."
                    )
                at += _PREFIX  # the length of a block
                continue
            end = at + int.from_bytes(data[at : at + 2])
            if end > len(data):
                break
            count += 1
            lines.append(_line(data[at + _PREFIX : end], today))
            at = end
        data, done = data[at:], done + at
        yield "".join(lines).encode()
    if data.strip(b"\0"):
        raise SourceFileError(
            f"Record {count + 1} (byte {done}) is incomplete. Copy the file again from"
            " its source."
        )


def _line(record, today):
    digits = record[1:].hex().upper()
    found = {"structure": digits[1:5]}
    if found["structure"] in _AUDITS:
        return "\n"
    if record[0] == _DOUBTED:
        found["record_status"] = MARKED
    fields = _FIELDS.get(found["structure"])
    if not fields:
        found["record_status"], fields = UNKNOWN, _HEAD.split()
    try:
        raw, rest = _fields(digits[6:], fields)
        found |= raw | _facts(raw, today) | {"rest": rest}
    except DamagedError:
        found = {"structure": digits[1:5], "record_status": DAMAGED, "rest": digits}
    return ",".join(found.get(name, "") for name in COLUMNS) + "\n"


def _fields(digits, fields):
    """The digits of fields, empty for those not used, and what stands behind them."""
    found, at = {}, 0
    for name in fields:
        end = at + _DIGITS[name]
        value, sign = digits[at:end], digits[end : end + 1]
        if sign == _UNUSED:
            value = ""
        elif sign != "C" or not value.isdecimal():
            raise DamagedError(name)
        found[name] = value
        at = end + 1
    return found, digits[at:]


def _facts(raw, today):
    return {
        "date": _date(raw.get("date"), today),
        "time": _time(raw.get("time")),
        "elapsed": _seconds(raw.get("elapsed")),
        "carrier_elapsed": _seconds(raw.get("carrier_elapsed")),
        "originating_number": raw.get("originating_npa", "")
        + raw.get("originating", ""),
        "dialed_number": raw.get("dialed_npa", "") + raw.get("dialed", ""),
        "terminating_number": _terminating(raw),
    }


def _date(digits, today):
    if not digits or digits == "00000":
        return ""
    year = today.year + 1
    year -= (year - int(digits[0])) % 10
    try:
        found = date(year, int(digits[1:3]), int(digits[3:]))
        if (found - today).days > 1:
            found = date(year - 10, int(digits[1:3]), int(digits[3:]))
    except ValueError as error:
        raise DamagedError(digits) from error
    return found.isoformat()


def _time(digits):
    if not digits:
        return ""
    return f"{digits[:2]}:{digits[2:4]}:{digits[4:6]}.{digits[6]}"


def _seconds(digits):
    """Five digits of minutes behind a 0, two of seconds, one of tenths."""
    if not digits:
        return ""
    if digits[0] != "0" or int(digits[6:8]) > 59:
        raise DamagedError(digits)
    return f"{int(digits[1:6]) * 60 + int(digits[6:8])}.{digits[8]}"


def _terminating(raw):
    """The called number; from its country code on, with a +, where it says so.

    The indicator tells the digits of an international number, 3 of them being 7; else
    the first two digits tell how many follow, 00 that it is one of North America.
    """
    digits = raw.get("terminating_npa", "") + raw.get("terminating", "")
    if len(digits) < _DIGITS["terminating_npa"] + _DIGITS["terminating"]:
        return ""
    kind = int(raw.get("overseas") or 0)
    if 3 <= kind <= 8:
        return "+" + digits[-(kind + 4) :]
    count = int(digits[:2]) or 10
    if count > 10:
        raise DamagedError(digits)
    return digits[-count:]
