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

from ..notation.days import ORDERS, shown_order
from ..notation.numbers import COMMA, POINT, Signs
from . import mapping
from .directions import direction_words
from .durations import UNITS, doubted_with, parse_seconds
from .extract import column
from .id_clock import id_clock
from .id_survey import IdSurvey, id_survey
from .likely_units import likely_unit
from .numbers import read_bare, shown_form
from .quantities import quantities_in_both
from .times import needs_an_order, parse_times
from .two_times import durations_of_times

MOST_RECORDS = 200_000
"""Records that are looked at."""

#: key of a finding -> facts whose format it is about, the one that tells it first
STYLES = {
    "unit": ("seconds", "duration"),
    "time_format": mapping.TIMES,
    "date_order": mapping.TIMES,
    "decimal_sign": ("quantity",),
    "number_form": ("callee", "caller"),
}

MOST_EXAMPLES = 4
#: times that formats are tried on
MOST_TRIED = 1000
#: share of texts that do not fit what the source says from which on it is doubted
DOUBTFUL_SHARE = 0.1

#: formats with names of months or of half days, which are read in one way only
TIME_FORMATS = tuple(
    f"{day} {clock}"
    for clock in ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
    for day in (
        *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d/%b/%Y", "%d %B %Y"),
        *("%b %d %Y", "%b %d, %Y", "%B %d, %Y", "%Y-%m-%d", "%Y.%m.%d"),
    )
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
    """

    findings: list
    words: list
    ids: IdSurvey
    clock_us: int = 0

    @property
    def shown(self):
        """What the file shows by itself: dict key -> value."""
        return {f.key: f.value for f in self.findings if f.is_shown}

    @property
    def questions(self):
        """The findings that a person has to decide about."""
        return [finding for finding in self.findings if not finding.is_shown]


def survey(frame, columns, timezone, words, dialling=None):
    """Look at the records of a file.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`, with the formats that
        the source or a person has said
    :param timezone: IANA zone of times without offset
    :param words: the source's own direction words, see ``directions``
    :param dialling: :class:`~.dial_plans.DialPlan` of its country; None: not of calls
    :return: :class:`Survey`
    """
    frame = without_names(frame)
    found = [
        *_times(frame, columns),
        _durations(frame, columns, timezone),
        _quantities(frame, columns),
        _numbers(frame, columns, dialling),
    ]
    return Survey(
        [finding for finding in found if finding],
        direction_words(frame, columns, words),
        id_survey(frame, columns),
        _clock(frame, columns, timezone),
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
        finding = _order(texts, spec) or _format(texts, spec)
        if finding:
            return [finding]
    return []


def _order(texts, spec):
    """What shows the order of day and month, where it matters."""
    if spec.style in ("", "auto"):
        open_ = needs_an_order(texts)
    elif spec.style in ORDERS:
        open_ = ~parse_times(texts, spec.style, "UTC")[1] & needs_an_order(texts)
    else:
        return None
    count = int(np.count_nonzero(open_))
    if not count or spec.style and not _is_doubtful(count, texts):
        return None
    shown = {}
    for text, _count in _counted(texts.filter(pa.array(open_))):
        if order := shown_order(text):
            shown.setdefault(order, text)
    contradicts = spec.style if spec.style in ORDERS else ""
    if len(shown) == 1:
        [(order, text)] = shown.items()
        return Finding(
            "date_order", count, (text,), order, not contradicts, contradicts
        )
    examples = tuple(shown.values()) or _examples(texts, open_)
    return Finding(
        "date_order", count, examples, _likely_order(texts), contradicts=contradicts
    )


def _likely_order(texts):
    """The order in which the days of a file lie closer together."""
    spans = {}
    for order in ORDERS:
        times, valid = parse_times(texts, order, "UTC")
        if valid.any():
            spans[order] = np.ptp(times[valid])
    least = min(spans.values(), default=0)
    likely = [order for order, span in spans.items() if span == least]
    return likely[0] if len(likely) == 1 else ""


def _format(texts, spec):
    """A format for times that are not recognized, or do not fit the source's."""
    _times_us, valid = parse_times(texts, spec.style, "UTC")
    invalid = ~valid & ~pc.equal(texts, "").to_numpy(zero_copy_only=False)
    count = int(np.count_nonzero(invalid))
    if not count or not _is_doubtful(count, texts):
        return None
    odd = pc.unique(texts.filter(pa.array(invalid)))[:MOST_TRIED]
    found = [
        style
        for style in ("auto", *TIME_FORMATS)
        if style != (spec.style or "auto") and parse_times(odd, style, "UTC")[1].all()
    ]
    return Finding(
        "time_format",
        count,
        tuple(odd.to_pylist()[:MOST_EXAMPLES]),
        found[0] if found else "",
        contradicts=spec.style,
    )


# === DURATIONS === #


def _durations(frame, columns, timezone):
    texts, spec = mapping.read_target(frame, columns, "seconds")
    if texts is None:
        return None
    texts = pc.utf8_trim_whitespace(texts)
    _seconds, valid, unclear = parse_seconds(texts)
    if spec.style in UNITS:
        # What may be a duration, and is none in the unit of the source.
        unclear |= valid
        unclear &= ~parse_seconds(texts, unit=spec.style)[1]
        if not _is_doubtful(np.count_nonzero(unclear), texts):
            return None
    count = int(np.count_nonzero(unclear))
    if not count:
        return None
    value = _unit_of_others(frame, columns, timezone, texts)
    value = value or likely_unit(_counted(texts.filter(pa.array(unclear))))
    if not spec.style:
        count = int(np.count_nonzero(unclear | doubted_with(texts, unclear)))
    return Finding(
        "unit",
        count,
        _examples(texts, unclear),
        value if value != spec.style else "",
        contradicts=spec.style,
    )


def _unit_of_others(frame, columns, timezone, texts):
    """The unit in which durations fit the times of calls; empty where none does."""
    lasting = durations_of_times(frame, columns, timezone, "down")
    if not lasting or not lasting.valid.any():
        return ""
    fits = {}
    for unit in UNITS:
        seconds, valid, _unclear = parse_seconds(texts, "nearest", unit)
        both = valid & lasting.valid & (lasting.seconds > 0)
        # Clocks are cut to the second, durations of minutes to the minute.
        near = 60 if unit == "h:mm" else 1
        good = np.abs(seconds - lasting.seconds)[both] <= near
        fits[unit] = np.count_nonzero(good), -near
    best = max(fits, key=fits.get)
    is_most = 2 * fits[best][0] > np.count_nonzero(
        lasting.valid & (lasting.seconds > 0)
    )
    return best if is_most else ""


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
    most = [name for name in counts if counts[name] == max(counts.values())]
    likely = most[0] if len(most) == 1 else ""
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
    return Finding("decimal_sign", signs.open, tuple(examples), signs.proposal)
