# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Where the lines of a text begin and end: LF, CR or CRLF."""

import re

import numpy as np

LINE = re.compile(rb"([^\r\n]*+)(?:\r\n|\n|\r|\Z)")
LINE_END = re.compile(rb"\r\n|\n|\r")
# A block with trouble is read again in pieces of about this size.
_SMALL_BLOCK_BYTES = 64 * 2**10


def last_line_end(data, start, end):
    """After the last line end, or start; a CR at the end may be half of a CRLF."""
    after = max(data.rfind(b"\n", start, end) + 1, start)
    return max(data.rfind(b"\r", after, end - 1) + 1, after)


def small_stop(data, pos, end):
    """A line end some way after pos."""
    if end - pos <= _SMALL_BLOCK_BYTES:
        return end
    stop = last_line_end(data, pos, pos + _SMALL_BLOCK_BYTES)
    if stop > pos:
        return stop
    match = LINE_END.search(data, pos + _SMALL_BLOCK_BYTES - 1, end)
    return match.end() if match else end


def find_long_line(data, max_line):
    """Where the first line begins that is longer than allowed, or None."""
    pos = 0
    while len(data) - pos > max_line:
        window = pos + max_line + 1
        last = data.rfind(b"\n", pos, window)
        if last < 0:
            last = data.rfind(b"\r", pos, window)
        if last < 0:
            return pos
        pos = last + 1
    return None


def filled_lines(data, start, end):
    """0-based numbers of the lines between start and end that are not blank."""
    text = np.frombuffer(data, np.uint8)[start:end]
    is_lf, is_cr = text == 10, text == 13
    ends = is_lf | is_cr
    ends[:-1] &= ~(is_cr[:-1] & is_lf[1:])  # a CRLF ends at its LF
    ends = np.flatnonzero(ends)
    starts = np.concatenate(([0], ends + 1))
    after_cr = (text[ends] == 10) & (ends > 0) & (text[ends - 1] == 13)
    lengths = np.append(ends - after_cr, len(text)) - starts
    return np.flatnonzero(lengths > 0)
