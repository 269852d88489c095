# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Stretches of time to ask a switch for, and the times that it answers.

All windows are computed in UTC, where no hour is missing or comes twice. Where a switch
answers local times without saying their offset, windows are cut where clocks are
changed: of the two moments that 01:30 is in that night, it is the one that was asked
for.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import SourceSettingsError

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)


class Window(NamedTuple):
    """Half-open, aware, in UTC, whole seconds."""

    start: datetime
    end: datetime


def zone(name):
    """A time zone by its IANA name.

    :raise SourceSettingsError: there is none of that name
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SourceSettingsError(
            f"There is no time zone {name}.",
            remedy="Choose a time zone such as America/New_York.",
        ) from error


def cut(start, end, hours=24, local=None):
    """Windows of at most ``hours`` that together are [start, end).

    They end at multiples of ``hours`` since 1970, so that the same stretch is cut the
    same way whenever it is asked for.

    :param start, end: aware datetimes; made whole seconds, outwards
    :param local: ``ZoneInfo``; windows end where its clocks are changed, too
    :return: iterator of :class:`Window`
    """
    start = start.astimezone(UTC).replace(microsecond=0)
    end = end.astimezone(UTC)
    if end.microsecond:
        end = end.replace(microsecond=0) + SECOND
    length = timedelta(hours=hours)
    while start < end:
        stop = min(end, EPOCH + ((start - EPOCH) // length + 1) * length)
        if local is not None:
            stop = _next_change(start, stop, local)
        yield Window(start, stop)
        start = stop


def _next_change(start, stop, local):
    """When clocks are changed after ``start``; ``stop`` when not before that."""
    begun = start.astimezone(local).utcoffset()
    probe = start
    while probe < stop:
        after = min(probe + HOUR, stop)
        if after.astimezone(local).utcoffset() != begun:
            low, high = probe, after  # the change is in (low, high]
            while high - low > SECOND:
                middle = low + (high - low) // (2 * SECOND) * SECOND
                if middle.astimezone(local).utcoffset() == begun:
                    low = middle
                else:
                    high = middle
            return high if high < stop else stop
        probe = after
    return stop


def utc_text(value, local, window=None, layout=""):
    """A switch's local time as ISO 8601 in UTC.

    :param value: text; one with an offset is left to speak for itself
    :param local: ``ZoneInfo`` of times without offset
    :param window: :class:`Window` that was asked for; of the two moments that a time
        names when clocks are set back it tells which, otherwise it is the first
    :param layout: ``strptime`` format; empty: ISO 8601
    :return: text; ``value`` itself when it is no time, or one that clocks skip
    """
    if not value or (not layout and OFFSET.search(value)):
        return value
    try:
        naive = (
            datetime.strptime(value, layout)
            if layout
            else datetime.fromisoformat(value)
        )
        if naive.tzinfo is not None:
            moments = [naive.astimezone(UTC)]
        else:
            moments = [
                naive.replace(tzinfo=local, fold=fold).astimezone(UTC)
                for fold in (0, 1)
            ]
            if moments[0].astimezone(local).replace(tzinfo=None) != naive:
                return value
    except (ValueError, OverflowError):  # the first and last days there are
        return value
    chosen = moments[0]
    if window is not None:
        inside = [m for m in moments if window.start <= m < window.end]
        # Servers that count the end in answer it, too.
        inside += [m for m in moments if m == window.end]
        chosen = inside[0] if inside else chosen
    return chosen.replace(tzinfo=None).isoformat() + "Z"


def local_text(moment, local, layout, late=False):
    """A moment for a switch that takes local times without offset.

    When clocks are set back such a time names two moments, and the switch may take
    either: the text is moved by the hour in doubt, outwards, so that nothing is left
    out and some is answered twice.

    :param late: the moment is the end of what is asked for, not its beginning
    """
    here = moment.astimezone(local)
    naive = here.replace(tzinfo=None)
    first, second = (naive.replace(tzinfo=local, fold=f).utcoffset() for f in (0, 1))
    if first != second:
        naive += (first - second) if late else (second - first)
    return naive.strftime(layout)
