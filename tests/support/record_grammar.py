# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files of calls and usage by a grammar, beside what their records truly are.

The facts are drawn first, calls as there are: within a month, of a second to two hours.
Then it is drawn how a switch, a carrier or a spreadsheet writes them.
"""

import csv
import io
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OWN = ("+14045550100", "+14045550101", "+14045550102")
OTHERS = ("+12125550199", "+13105550123", "+442079460120", "+447700900123")


@dataclass(frozen=True)
class Call:
    """What a call truly was: a moment in UTC, whole seconds."""

    start: datetime
    seconds: int
    direction: str
    own: str
    other: str
    answered: bool = True

    @property
    def ends(self):
        """(calling number, called number)"""
        is_in = self.direction == "inbound"
        return (self.other, self.own) if is_in else (self.own, self.other)


@dataclass
class File:
    """A file and its facts.

    :ivar names: dict fact -> names of its columns
    :ivar truth: list of :class:`Call`, or of Decimal quantities, in the order of rows
    :ivar zone: IANA zone of the source
    :ivar notes: what was drawn, for messages
    """

    text: str
    names: dict
    truth: list
    zone: str
    notes: dict = field(default_factory=dict)


# === TIMES === #


def _local(pattern):
    return lambda at, zone: at.astimezone(ZoneInfo(zone)).strftime(pattern)


def _offset(at, zone):
    local = at.astimezone(ZoneInfo(zone))
    return local.isoformat(sep="T")


def _serial(at, zone):
    naive = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    days = (naive - datetime(1899, 12, 30)) / timedelta(days=1)
    return f"{days:.8f}"


def _seconds(at):
    return int((at - EPOCH).total_seconds())


PLAIN_TIMES = {
    "iso": _local("%Y-%m-%d %H:%M:%S"),
    "T": _local("%Y-%m-%dT%H:%M:%S"),
    "offset": _offset,
    "Z": lambda at, _zone: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "epoch": lambda at, _zone: str(_seconds(at)),
    "month": _local("%d-%b-%Y %H:%M:%S"),
}
TIMES = {
    **PLAIN_TIMES,
    "ms": lambda at, _zone: str(_seconds(at) * 1000),
    "points": _local("%d.%m.%Y %H:%M:%S"),
    "dmy": _local("%d/%m/%Y %H:%M:%S"),
    "mdy": _local("%m/%d/%Y %H:%M:%S"),
    "mdy12": _local("%m/%d/%Y %I:%M:%S %p"),
    "dmy2": _local("%d/%m/%y %H:%M:%S"),
    "mdy2": _local("%m/%d/%y %H:%M:%S"),
    "ymd2": _local("%y/%m/%d %H:%M:%S"),
    "dashes": _local("%d-%m-%Y %H:%M:%S"),
    "weekday": _local("%a %m/%d/%Y %I:%M:%S %p"),
    "rfc": _local("%a, %d %b %Y %H:%M:%S %z"),
    "digits": _local("%Y%m%d%H%M%S"),
    "dmy digits": _local("%d%m%Y%H%M%S"),
    "mdy digits": _local("%m%d%Y %H%M%S"),
    "dmy2 digits": _local("%d%m%y %H%M%S"),
    "mdy2 digits": _local("%m%d%y%H%M%S"),
    "ymd2 digits": _local("%y%m%d%H%M%S"),
    "serial": _serial,
}
#: those that tell the moment, whatever the zone
_ABSOLUTE = ("offset", "Z", "epoch", "ms", "rfc")

# === DURATIONS === #


def _clock(pattern):
    def write(seconds):
        minutes, s = divmod(seconds, 60)
        h, m = divmod(minutes, 60)
        return pattern.format(h=h, m=m, s=s, minutes=minutes)

    return write


def _decimal(per_unit, digits, sign="."):
    def write(seconds):
        text = f"{Decimal(seconds) / per_unit:.{digits}f}"
        return text.replace(".", sign)

    return write


def _worded(seconds):
    minutes, s = divmod(seconds, 60)
    return f"{minutes}m{s}s" if minutes else f"{s}s"


PLAIN_DURATIONS = {
    "s": (str, 1),
    "h:mm:ss": (_clock("{h}:{m:02d}:{s:02d}"), 1),
    "hh:mm:ss": (_clock("{h:02d}:{m:02d}:{s:02d}"), 1),
    "worded": (_worded, 1),
    "iso": (_clock("PT{h}H{m}M{s}S"), 1),
}
#: style -> (function of seconds, seconds of which durations are a multiple)
DURATIONS = {
    **PLAIN_DURATIONS,
    "s.0": (_decimal(1, 1), 1),
    "s.00": (_decimal(1, 2), 1),
    "s.37": (lambda seconds: f"{seconds}.{seconds * 37 % 100:02d}", 1),
    "padded": (lambda seconds: f"{seconds:06d}", 1),
    "s,000": (_decimal(1, 3, ","), 1),
    "thousands": (lambda seconds: f"{seconds:,}", 1),
    "ms": (lambda seconds: str(seconds * 1000), 1),
    "min": (_decimal(60, 2), 1),
    "min,": (_decimal(60, 1, ","), 6),
    "minutes": (lambda seconds: str(seconds // 60), 60),
    "h": (_decimal(3600, 5), 1),
    "day": (_decimal(86_400, 8), 1),
    "m:ss": (_clock("{minutes}:{s:02d}"), 1),
    "mm:ss": (_clock("{minutes:02d}:{s:02d}"), 1),
    "h:mm": (_clock("{h}:{m:02d}"), 60),
    "hhmmss": (_clock("{h:02d}{m:02d}{s:02d}"), 1),
    "mmss": (_clock("{minutes:03d}{s:02d}"), 1),
}
#: what a heading may say of these
HEADINGS = {
    "ms": ("Duration (ms)", "duration_ms", "durationMillis"),
    "min": ("Duration (min)", "Minutes", "Dauer (Min.)"),
    "minutes": ("Duration (min)", "Minutes"),
    "h": ("Duration (h)", "Hours"),
    "m:ss": ("Duration (mm:ss)",),
    "h:mm": ("Duration (h:mm)", "Dauer (hh:mm)"),
    "s": ("Duration (s)", "seconds", "Dauer (Sek.)"),
    "hhmmss": ("Duration HHMMSS",),
}
#: without these nobody can tell what is meant
_NEEDS_HEADING = ("minutes",)

# === NUMBERS, WORDS === #


def _national(number):
    return number[2:] if number.startswith("+1") else f"011{number[1:]}"


NUMBERS = {
    "e164": str,
    "no plus": lambda number: number[1:],
    "national": _national,
    "prefixed": lambda n: f"1{n[2:]}" if n.startswith("+1") else f"011{n[1:]}",
    "brackets": lambda n: (
        f"({n[2:5]}) {n[5:8]}-{n[8:]}" if n.startswith("+1") else f"+{n[1:3]} {n[3:]}"
    ),
    "00": lambda number: f"011 {number[1:]}",
    "sip": lambda number: f"sip:{number}@pbx.example.com",
}
PLAIN_WORDS = (
    ("outbound", "inbound"),
    ("Outgoing", "Incoming"),
    ("OUT", "IN"),
)
WORDS = (
    *PLAIN_WORDS,
    ("ausgehend", "eingehend"),
    ("sortant", "entrant"),
    ("o", "i"),
    ("Local", "Incoming"),
    ("A", "B"),
    ("outbound", ""),
)
IDS = {
    "none": None,
    "count": lambda rank: str(1000 + rank),
    "padded": lambda rank: f"{rank:08d}",
    "uuid": lambda rank: f"5f1c0000-0000-4000-8000-{rank:012x}",
}
STATUSES = (
    ("ANSWERED", "NO ANSWER"),
    ("answered", "BUSY"),
    ("Answered", "Missed"),
    ("completed", "no-answer"),
    ("NORMAL_CLEARING", "USER_BUSY"),
    ("angenommen", "verpasst"),
    ("yes", "no"),
)
NAMES = {
    "call_id": ("call_id", "Call ID", "UniqueID"),
    "start_time": ("start_time", "Start Time", "Datum", "Time"),
    "seconds": ("duration", "Duration", "Dauer", "Length"),
    "caller": ("caller", "From", "Von"),
    "callee": ("callee", "To", "Nach"),
    "direction": ("direction", "Call Type", "Richtung"),
    "status": ("status", "Disposition", "Result"),
}


LENGTHS = (
    st.integers(1, 59),
    st.integers(60, 900),
    st.integers(15, 240),
    st.integers(600, 7200),
)


def calls(least=1):
    """Lists of calls, as there are within a month."""
    month = st.sampled_from([(2026, m) for m in range(1, 11)] + [(2025, 12)])

    @st.composite
    def draw_calls(draw):
        year, number = draw(month)
        count = draw(st.integers(least, 24))
        first = draw(st.integers(0, len(LENGTHS) - 1))
        found = []
        for rank in range(count):
            start = datetime(year, number, 1, tzinfo=UTC) + timedelta(
                days=draw(st.integers(0, 26)),
                seconds=draw(st.integers(6 * 3600, 23 * 3600)),
            )
            # Of several calls some are short, and some are not.
            length = draw(LENGTHS[(first + rank) % len(LENGTHS)])
            direction = draw(st.sampled_from(["outbound", "outbound", "inbound"]))
            own, other = draw(st.sampled_from(OWN)), draw(st.sampled_from(OTHERS))
            found.append(Call(start, length, direction, own, other))
        return found

    return draw_calls()


@st.composite
def call_files(draw, plain=False):
    """Files of calls.

    :param plain: whether they are written so that nothing has to be asked
    """
    truth = draw(calls())
    zone = draw(st.sampled_from(["UTC", "America/New_York", "Europe/Berlin"]))
    pick = {
        "time": st.sampled_from(sorted(PLAIN_TIMES if plain else TIMES)),
        "duration": st.sampled_from(sorted(PLAIN_DURATIONS if plain else DURATIONS)),
        "number": st.sampled_from(["e164"] if plain else sorted(NUMBERS)),
        "id": st.sampled_from(sorted(IDS)),
        "words": st.sampled_from(PLAIN_WORDS if plain else WORDS),
        "direction": st.sampled_from(["read"] if plain else ["read", "unread"]),
        "heading": st.booleans(),
        "status": st.sampled_from([None] if plain else [None, None, *STATUSES]),
        "zone": st.sampled_from([""] if plain else ["", "", "heading", "column"]),
        "billsec": st.booleans() if not plain else st.just(False),
        "end": st.sampled_from([False, False, True]),
        "apart": st.sampled_from([False, False, True]),
        "repeated": st.booleans(),
        "delimiter": st.sampled_from(",;\t"),
    }
    notes = {name: draw(strategy) for name, strategy in pick.items()}
    write_time = TIMES[notes["time"]]
    write_length, unit = DURATIONS[notes["duration"]]
    truth = [_as_written(call, notes, unit) for call in truth]
    file_zone = zone
    if notes["zone"] and notes["time"] not in _ABSOLUTE:
        file_zone = draw(st.sampled_from(["UTC", "America/New_York", "Europe/Berlin"]))
        if notes["zone"] == "heading":
            file_zone = "UTC"
    columns = _columns(draw, notes, truth, write_time, write_length, file_zone)
    order = draw(st.permutations(sorted(columns)))
    head, cells, names = [], [], {}
    for fact in order:
        for name, texts, target in columns[fact]:
            head.append(name)
            cells.append(texts)
            if target:
                names.setdefault(target, []).append(name)
    rows = list(zip(*cells, strict=True))
    if notes["repeated"]:
        rows, truth = [*rows, *rows[:2]], [*truth, *truth[:2]]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=notes["delimiter"], lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return File(out.getvalue(), names, truth, zone, notes)


def _as_written(call, notes, unit):
    """A call as far as a file of this style can tell it."""
    seconds = max(call.seconds // unit, 1) * unit
    is_said = notes["status"] and call.seconds % 3 == 0
    return replace(call, seconds=seconds, answered=not is_said)


def _columns(draw, notes, truth, write_time, write_length, zone):
    """dict fact -> list of (heading, texts, what it is chosen as)."""

    def name(fact):
        return draw(st.sampled_from(NAMES[fact]))

    starts = [write_time(call.start, zone) for call in truth]
    # What was not answered rang as long as others talked.
    lengths = [write_length(call.seconds) for call in truth]
    start_name, length_name = name("start_time"), name("seconds")
    if notes["zone"] == "heading" and notes["time"] not in _ABSOLUTE:
        start_name += " (UTC)"
    if notes["duration"] in _NEEDS_HEADING or notes["heading"]:
        length_name = draw(
            st.sampled_from(HEADINGS.get(notes["duration"], (length_name,)))
        )
    write_number = NUMBERS[notes["number"]]
    columns = {
        "start": [(start_name, starts, "start_time")],
        "seconds": [(length_name, lengths, "seconds")],
        "caller": [
            (name("caller"), [write_number(c.ends[0]) for c in truth], "caller")
        ],
        "callee": [
            (name("callee"), [write_number(c.ends[1]) for c in truth], "callee")
        ],
    }
    if notes["apart"] and all(text.count(" ") == 1 for text in starts):
        day, clock = zip(*(text.split(" ") for text in starts), strict=True)
        columns["start"] = [
            (start_name, day, "start_time"),
            ("clock", clock, "start_time"),
        ]
    if write_id := IDS[notes["id"]]:
        texts = [write_id(rank) for rank in range(len(truth))]
        columns["id"] = [(name("call_id"), texts, "call_id")]
    out, inward = notes["words"]
    texts = [out if call.direction == "outbound" else inward for call in truth]
    chosen = "direction" if notes["direction"] == "read" else ""
    columns["direction"] = [(name("direction"), texts, chosen)]
    if notes["status"]:
        good, bad = notes["status"]
        texts = [good if call.answered else bad for call in truth]
        heading = "answered" if good == "yes" else name("status")
        columns["status"] = [(heading, texts, "")]
    if notes["zone"] == "column" and notes["time"] not in _ABSOLUTE:
        columns["zone"] = [("timezone", [zone] * len(truth), "")]
    if notes["billsec"]:
        # The column that is chosen has the time that it rang, too.
        rung = [write_length(c.seconds + 60 * (1 + c.seconds % 3)) for c in truth]
        columns["seconds"] = [(length_name, rung, "seconds")]
        columns["billsec"] = [("billsec", [str(c.seconds) for c in truth], "")]
    elif notes["end"]:
        ends = [
            write_time(call.start + timedelta(seconds=call.seconds), zone)
            for call in truth
        ]
        columns["end"] = [("end", ends, "end_time")]
    return columns


# === USAGE === #

QUANTITIES = {
    "plain": lambda value: f"{value:f}",
    "comma": lambda value: f"{value:f}".replace(".", ","),
    "point thousands": lambda value: f"{value:,f}",
    "comma thousands": lambda value: f"{value:,f}".translate(
        str.maketrans({",": ".", ".": ","})
    ),
    "spaces": lambda value: f"{value:,f}".replace(",", " "),
    "swiss": lambda value: f"{value:,f}".replace(",", "'"),
}
#: (heading's unit, the meter's): how many of the meter's one of the heading's is
UNITS = {
    ("", "kWh"): 1,
    ("kWh", "kWh"): 1,
    ("MWh", "kWh"): 1000,
    ("Wh", "kWh"): Decimal("0.001"),
    ("m3", "m³"): 1,
    ("liters", "m³"): Decimal("0.001"),
    ("MB", "gigabyte"): None,
}


@st.composite
def usage_files(draw, plain=False):
    """Files of usage, each record of +14045550100; facts are quantities."""
    digits = draw(st.integers(0, 3))
    values = draw(
        st.lists(
            st.integers(0, 3_000_000).map(lambda n: Decimal(n).scaleb(-digits)),
            min_size=1,
            max_size=8,
        )
    )
    units = ("", "kWh") if plain else draw(st.sampled_from(sorted(UNITS)))
    style = "plain" if plain else draw(st.sampled_from(sorted(QUANTITIES)))
    if plain and digits == 3:
        values = [value.scaleb(1) for value in values]
    is_read = plain or draw(st.sampled_from([True, True, False]))
    heading = "quantity" if is_read else "volume"
    if units[0]:
        heading += draw(st.sampled_from([" ({})", " [{}]", "_{}"])).format(units[0])
    notes = {"style": style, "units": units, "is_read": is_read}
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(["id", "time", "identifier", heading])
    for rank, value in enumerate(values):
        start = f"2026-10-05 10:{rank:02d}:00"
        writer.writerow([rank, start, OWN[0], QUANTITIES[style](value)])
    factor = UNITS[units]
    truth = [None if factor is None else value * factor for value in values]
    names = {"call_id": ["id"], "start_time": ["time"]}
    if is_read:
        names["quantity"] = [heading]
    return File(out.getvalue(), names, truth, "UTC", notes)
