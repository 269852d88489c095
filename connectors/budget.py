# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What reading something may cost, whatever stands in it.

A few bytes can ask for very much: packed ones unpack, a cell at the end of a row fills
up all before it, one text is shown in every row, `1-9999` is ten thousand prefixes.
Whatever makes more out of less counts what it makes here, before it makes it, and what
stands in a file can ask for is in proportion to its size on the disk.
"""

import time
from collections import Counter
from contextlib import contextmanager

from .errors import SourceFileError

BYTES = "bytes"
CELLS = "cells"
CHARACTERS = "characters in cells"
CELL_FORMATS = "cell formats"
TEXTS = "shared texts"
SHEETS = "sheets"
SECONDS = "seconds"

# Excel's own limit; the others are beyond what it can hold, too.
_MOST_CELL_FORMATS = 65_490
_MOST_TEXTS = 10**7
_MOST_SHEETS = 1000
_MOST_CELLS = 10**9
# Of a processor. Files take a fraction of it on the slowest machine.
_FREE_SECONDS = 10
_SECONDS_PER_MIB = 60


class Budget:
    """Counts what is made, and ends it when it is too much.

    :param most: dict, what -> how much of it there may be
    :param refuse: function of what and how much, gives the error to raise

    ``spent``: dict, what -> how much of it there was.
    """

    def __init__(self, most, refuse):
        self.most = most
        self.spent = Counter()
        self._refuse = refuse

    def spend(self, what, amount=1):
        """Count before it is made.

        :param amount: int or float
        :raise Exception: what ``refuse`` gives: there is more than there may be
        """
        self.spent[what] += amount
        if self.spent[what] > self.most[what]:
            raise self._refuse(what, self.most[what])

    @contextmanager
    def clocked(self):
        """Count the time of the processor within, and none of others."""
        begun = time.thread_time()
        yield
        self.spend(SECONDS, time.thread_time() - begun)


class FileBudget(Budget):
    """What a file of so many bytes on the disk may ask for.

    :param size: bytes
    :param limits: ``formats.FileLimits``
    :param subject: *file* or *workbook*, as messages call it
    :param packed: whether it is unpacked while it is read
    """

    def __init__(self, size, limits, subject="file", packed=True):
        self._limits = limits
        self._subject = subject
        self._packed = packed
        fair = max(limits.ratio_from_bytes, limits.max_ratio * size)
        super().__init__(
            {
                BYTES: min(limits.max_bytes, fair),
                CELLS: min(_MOST_CELLS, fair),
                CHARACTERS: min(limits.max_bytes, fair),
                CELL_FORMATS: _MOST_CELL_FORMATS,
                TEXTS: _MOST_TEXTS,
                SHEETS: _MOST_SHEETS,
                SECONDS: _FREE_SECONDS + _SECONDS_PER_MIB * size / 2**20,
            },
            self._refusal,
        )

    def _refusal(self, what, most):
        limits, subject = self._limits, self._subject
        is_book = subject == "workbook"
        if what == BYTES and most == limits.max_bytes:
            split = "Save the worksheet as CSV and split it" if is_book else "Split it"
            return SourceFileError(
                f"The {subject} is larger than {most:,} bytes"
                f"{' when unpacked' if self._packed else ''}. {split} into smaller"
                " files."
            )
        remedy = "save the worksheet as CSV" if is_book else "unpack it first"
        if what == BYTES:
            return SourceFileError(
                f"The {subject} unpacks to more than {limits.max_ratio} times its size,"
                f" which is not plausible for call records. If it is genuine, {remedy}."
            )
        return SourceFileError(
            f"The {subject} has more than {most:,.0f} {what}, which is not plausible"
            f" for call records. If it is genuine, {remedy}."
        )
