# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the records of a whole file leave open, before any of them is imported.

Which unit, which order of day and month, which decimal sign: what the file shows is an
assumption, what it does not show is a question for a person.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..notation.numbers import COMMA, POINT, Signs
from . import mapping
from .day_order import closest, shown_order
from .directions import direction_words
from .duration_words import named_unit
from .durations import (
    DECIMAL_UNITS,
    UNITS,
    doubted_with,
    parse_named,
    parse_seconds,
)
from .extract import column
from .id_clock import id_clock
from .id_survey import IdSurvey, id_survey
from .likely_units import likely_unit
from .numbers import read_bare, shown_form
from .quantities import quantities_in_both
from .quantity_unit import factor, other_unit
from .shorter_column import shorter_column
from .time_layouts import DAY_ORDERS
from .times import needs_an_order, parse_times
from .told_zone import told_zone
from .unit_of_times import minutes_beside, unit_of_times

MOST_RECORDS = 200_000
"""Records that are looked at."""

#: key of a finding -> facts whose format it is about, the one that tells it first; the
#: factor of quantities is no format
STYLES = {
    "unit": ("seconds", "duration"),
    "time_format": mapping.TIMES,
    "date_order": mapping.TIMES,
    "decimal_sign": ("quantity",),
    "factor": (),
    "number_form": ("callee", "caller"),
}

MOST_EXAMPLES = 4
#: 2020 and 2060; a format that reads other years is not likely
EARLIEST_US, LATEST_US = 1_577_836_800_000_000, 2_840_140_800_000_000
#: times that formats are tried on
MOST_TRIED = 1000
#: that half of the calls are longer is not likely; of seconds taken for minutes it is
LONG_MINUTES = 60
#: share of texts that do not fit what the source says from which on it is doubted
DOUBTFUL_SHARE = 0.1
#: of two forms one is proposed that is so many times as frequent
RARE = 10

#: formats that are read in several ways, or that lack the time of day
TIME_FORMATS = (
    *("%d%m%Y%H%M%S", "%m%d%Y%H%M%S", "%d%m%Y %H%M%S", "%m%d%Y %H%M%S"),
    *("%y%m%d%H%M%S", "%d%m%y%H%M%S", "%m%d%y%H%M%S"),
    *("%y%m%d %H%M%S", "%d%m%y %H%M%S", "%m%d%y %H%M%S"),
    *("%Y%m%d%H%M", "%Y%m%d %H%M", "%y%m%d%H%M", "%d%m%y%H%M", "%m%d%y%H%M"),
    *("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"),
    "serial",
)


@dataclass(frozen=True)
class Finding:
    """What is open about a kind of texts, or what the file shows of it.

    :ivar key: a key of :data:`STYLES`
    :ivar records: how many it is about; they are exceptions until it is said
    :ivar examples: texts, as a tuple
    :ivar value: what is proposed or shown; empty where nothing is likelier
    :ivar is_shown: whether the file proves it, so that nobody has to be asked
    :ivar contradicts: what the source says instead; empty where it says nothing
    """

    key: str
    records: int
    examples: tuple[str, ...]
    value: str = ""
    is_shown: bool = False
    contradicts: str = ""


@dataclass(frozen=True)
class Survey:
    """What was found out about a file.

    :ivar findings: list of :class:`Finding`, each key once
    :ivar words: list of ``directions.UnknownWord``
    :ivar ids: :class:`~.id_survey.IdSurvey`
    :ivar clock_us: how much later records begin than their ids say, see ``id_clock``
    :ivar zone: what names another time zone, see ``told_zone``
    :ivar shorter: (another column of durations, the one that is read, records), see
        ``shorter_column``; None without one
    """

    findings: list
    words: list
    ids: IdSurvey
    clock_us: int = 0
    zone: str = ""
    shorter: tuple[str, str, int] | None = None

    @property
    def shown(self):
        """What the file shows by itself: dict key -> value."""
        return {f.key: f.value for f in self.findings if f.is_shown}

    @property
    def questions(self):
        """The findings that a person has to decide about."""
        return [finding for finding in self.findings if not finding.is_shown]


def survey(frame, columns, timezone, words, dialling=None, unit="", read=(), titles=""):
    """Look at the records of a file.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`, with the formats that
        the source or a person has said
    :param timezone: IANA zone of times without offset
    :param words: the source's own direction words, see ``directions``
    :param dialling: :class:`~.dial_plans.DialPlan` of its country; None: not of calls
    :param unit: what the meter of usage counts: `kWh`
    :param read: names of other columns that the source's settings speak of
    :param titles: what stands above the names of the columns
    :return: :class:`Survey`
    """
    frame = without_names(frame)
    found = [
        *_times(frame, columns),
        _durations(frame, columns, timezone, read),
        _quantities(frame, columns),
        _factor(frame, columns, unit),
        _numbers(frame, columns, dialling),
    ]
    shorter = shorter_column(frame, columns, read)
    if shorter:
        name, chosen, rows = shorter
        shorter = name, chosen, int(np.count_nonzero(rows))
    return Survey(
        [finding for finding in found if finding],
        direction_words(frame, columns, words),
        id_survey(frame, columns),
        _clock(frame, columns, timezone),
        told_zone(frame, columns, timezone, read, titles),
        shorter,
    )


def without_names(frame):
    """The records without lines that only repeat the names of the columns.

    :param frame: DataFrame, text columns under the source's own names
    """
    is_name = np.ones(len(frame), bool)
    for name in frame.columns:
        if not is_name.any():
            return frame
        texts = pc.utf8_trim_whitespace(column(frame, name))
        is_name &= pc.equal(texts, name).to_numpy(zero_copy_only=False)
    return frame[~is_name] if is_name.any() else frame


def _clock(frame, columns, timezone):
    ids, _spec = mapping.read_target(frame, columns, "call_id")
    texts, spec = mapping.read_target(frame, columns, "start_time")
    if ids is None or texts is None:
        return 0
    return id_clock(ids, *parse_times(texts, spec.style, timezone))


def _examples(texts, mask):
    return tuple(pc.unique(texts.filter(pa.array(mask))).to_pylist()[:MOST_EXAMPLES])


def _counted(texts):
    """(text without blanks around it, number of records), each text once."""
    counts = pc.value_counts(pc.utf8_trim_whitespace(texts))
    return [
        (entry["values"], entry["counts"])
        for entry in counts.to_pylist()
        if entry["values"]
    ]


def _is_doubtful(count, texts):
    filled = len(texts) - pc.sum(pc.equal(texts, "")).as_py()
    return count > DOUBTFUL_SHARE * filled


# === TIMES === #


def _times(frame, columns):
    """What is open about the first fact of them that leaves anything open."""
    for target in mapping.TIMES:
        texts, spec = mapping.read_target(frame, columns, target)
        if texts is None or not len(texts):
            continue
        texts = pc.utf8_trim_whitespace(texts)
        heading = mapping.heading(frame, spec)
        finding = _order(texts, spec, heading) or _format(texts, spec)
        if finding:
            return [finding]
    return []


def _order(texts, spec, heading):
    """What shows the order of day and month, where it matters."""
    is_open = spec.style in ("", "auto", *DAY_ORDERS)
    shown = shown_order(texts, heading) if is_open else None
    if not shown:
        return None
    if spec.style in DAY_ORDERS:
        open_ = ~parse_times(texts, spec.style, "UTC")[1] & needs_an_order(texts)
        if not _is_doubtful(np.count_nonzero(open_), texts):
            return None
        return Finding(
            "date_order",
            int(np.count_nonzero(open_)),
            _examples(texts, open_),
            shown.order if shown.order != spec.style else "",
            contradicts=spec.style,
        )
    open_ = shown.open if shown.swapped is None else shown.open | shown.swapped
    count = int(np.count_nonzero(open_))
    return Finding("date_order", count, shown.examples, shown.order, shown.is_sure)


def _format(texts, spec):
    """A format for times that are not recognized, or do not fit the source's."""
    _times_us, valid = parse_times(texts, spec.style, "UTC")
    invalid = ~valid & ~pc.equal(texts, "").to_numpy(zero_copy_only=False)
    count = int(np.count_nonzero(invalid))
    if not count or not _is_doubtful(count, texts):
        return None
    odd = pc.unique(texts.filter(pa.array(invalid)))[:MOST_TRIED]
    return Finding(
        "time_format",
        count,
        tuple(odd.to_pylist()[:MOST_EXAMPLES]),
        _likely_format(odd, spec.style or "auto"),
        contradicts=spec.style,
    )


def _likely_format(texts, said):
    """The format that reads all texts, by which alone the days lie close together."""
    spans = {}
    for style in ("auto", *TIME_FORMATS):
        if style == said:
            continue
        times, valid = parse_times(texts, style, "UTC")
        if valid.all() and EARLIEST_US <= times.min() and times.max() < LATEST_US:
            spans[style] = int(np.ptp(times))
    return "auto" if "auto" in spans else closest(spans)


# === DURATIONS === #


def _durations(frame, columns, timezone, read):
    texts, spec = mapping.read_target(frame, columns, "seconds")
    if texts is None:
        return None
    texts = pc.utf8_trim_whitespace(texts)
    if not spec.style and (named := named_unit(mapping.heading(frame, spec))):
        return _named_durations(frame, columns, timezone, texts, named)
    others = unit_of_times(frame, columns, timezone, texts)
    others = others or minutes_beside(frame, columns, texts, read)
    if spec.style in UNITS:
        return _said_durations(texts, spec.style, others)
    _seconds, valid, unclear = parse_seconds(texts)
    whole = doubted_with(texts, unclear, True)
    doubted = unclear | doubted_with(texts, unclear)
    if others not in ("", "s"):
        doubted |= whole
    if not doubted.any():
        return None
    value = others or likely_unit(
        _counted(texts.filter(pa.array(doubted))),
        _counted(texts.filter(pa.array(whole))),
    )
    value = _reading_most(texts, value, doubted)
    # Whatever is answered holds for the whole numbers, too.
    is_clock = any(":" in text for text in _examples(texts, unclear))
    changed = doubted if value == "s" or is_clock else doubted | whole
    examples = _examples(texts, unclear if unclear.any() else doubted)
    if (changed & ~unclear).any() and unclear.any():
        examples = (*examples[: MOST_EXAMPLES - 1], *_examples(texts, whole)[:1])
    return Finding("unit", int(np.count_nonzero(changed)), examples, value)


def _said_durations(texts, unit, others):
    """What does not fit the unit that the source says."""
    _seconds, valid, unclear = parse_seconds(texts)
    seconds, fits, _unclear = parse_seconds(texts, unit=unit)
    misfits = (valid | unclear) & ~fits
    if _is_doubtful(np.count_nonzero(misfits), texts):
        value = others or likely_unit(_counted(texts.filter(pa.array(misfits))))
        value = _reading_most(texts, value, misfits)
        if (fits & ~parse_seconds(texts, unit=value)[1]).any():
            value = ""
    else:
        # Whole numbers only, where the answer was about decimals.
        misfits = doubted_with(texts, unclear, True)
        is_whole = unit in DECIMAL_UNITS and not unclear.any() and misfits.any()
        usual = is_whole and np.median(seconds[misfits]) < LONG_MINUTES * 60
        if not is_whole or usual or others == unit:
            return None
        value = "s"
    return Finding(
        "unit",
        int(np.count_nonzero(misfits)),
        _examples(texts, misfits),
        value if value != unit else "",
        contradicts=unit,
    )


def _reading_most(texts, unit, open_):
    """A unit, if it reads most of what is open; or else none."""
    if not unit:
        return ""
    reads = parse_seconds(texts, unit=unit)[1] & open_
    return unit if 2 * np.count_nonzero(reads) > np.count_nonzero(open_) else ""


def _named_durations(frame, columns, timezone, texts, named):
    """What the heading of a column of durations leaves open, or shows."""
    seconds, valid, unclear = parse_named(texts, "down", "", named)
    value = unit_of_times(frame, columns, timezone, texts)
    if unclear.any():
        open_, is_shown = unclear, False
        if value in ("", named):
            value = likely_unit(_counted(texts.filter(pa.array(unclear))))
    else:
        # Where the heading makes no difference, there is nothing to be said.
        plain, _valid, open_ = parse_seconds(texts)
        open_ = valid & (open_ | (plain != seconds))
        is_shown = value in ("", named)
        value = value or named
    if not open_.any():
        return None
    count = int(np.count_nonzero(open_))
    return Finding("unit", count, _examples(texts, open_), value, is_shown)


# === NUMBERS === #


def _numbers(frame, columns, dialling):
    """Whether called numbers without prefix are national or international."""
    texts, spec = mapping.read_target(frame, columns, "callee")
    if texts is None or dialling is None or spec.style:
        return None
    _numbers, is_open, shown = read_bare(texts, dialling)
    count = int(np.count_nonzero(is_open))
    if not count:
        return None
    callers, _spec = mapping.read_target(frame, columns, "caller")
    also = {} if callers is None else read_bare(callers, dialling)[2]
    form = shown_form([shown, also])
    if form:
        return Finding("number_form", count, _examples(texts, is_open), form, True)
    counts = {name: shown[name] + also.get(name, 0) for name in shown}
    # Where the others are of both forms, one has to be rare.
    rare, most = sorted(counts, key=counts.get)
    likely = most if counts[most] > RARE * counts[rare] else ""
    return Finding("number_form", count, _examples(texts, is_open), likely)


# === QUANTITIES === #


def _quantities(frame, columns):
    texts, spec = mapping.read_target(frame, columns, "quantity")
    if texts is None:
        return None
    values, fits = quantities_in_both(texts)
    is_open = fits[POINT] & fits[COMMA] & (values[POINT] != values[COMMA])
    only = {POINT: fits[POINT] & ~fits[COMMA], COMMA: fits[COMMA] & ~fits[POINT]}
    opened = list(_examples(texts, is_open))
    signs = Signs(
        {name: int(np.count_nonzero(mask)) for name, mask in only.items()},
        int(np.count_nonzero(is_open)),
        {"": opened, **{n: list(_examples(texts, mask)) for n, mask in only.items()}},
    )
    shown = [name for name, count in signs.shown.items() if count]
    if spec.style:
        other = COMMA if spec.style == POINT else POINT
        count = signs.shown[other]
        if not count or not _is_doubtful(count, texts):
            return None
        examples = tuple(signs.examples[other][:MOST_EXAMPLES])
        return Finding("decimal_sign", count, examples, other, contradicts=spec.style)
    if len(shown) == 1:
        if shown == [POINT] and not opened:
            return None
        examples = tuple(signs.examples[shown[0]][:MOST_EXAMPLES])
        return Finding(
            "decimal_sign",
            signs.open or signs.shown[shown[0]],
            examples,
            shown[0],
            True,
        )
    # Texts of both conventions, and none that fits both: each is read as it stands.
    if not opened:
        return None
    examples = [text for name in shown for text in signs.examples[name][:1]]
    examples = (examples + opened)[:MOST_EXAMPLES]
    # Nothing is proposed: a thousand of one sign is a thousandth of it in the other.
    return Finding("decimal_sign", signs.open, tuple(examples))


def _factor(frame, columns, unit):
    """What quantities are multiplied by, where their column names another unit."""
    texts, spec = mapping.read_target(frame, columns, "quantity")
    found = other_unit(frame, columns, unit)
    if not found or spec.factor:
        return None
    filled = pc.not_equal(pc.utf8_trim_whitespace(texts), "")
    filled = filled.to_numpy(zero_copy_only=False)
    examples = tuple(f"{text} {found[1]}" for text in _examples(texts, filled))
    count = int(np.count_nonzero(filled))
    return Finding("factor", count, examples, factor(found[1], unit))
