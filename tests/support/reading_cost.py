# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading files as imports do, and what that takes of the machine."""

import re
import signal
from contextlib import contextmanager
from pathlib import Path

from odoo.addons.metered_billing.connectors.files import (
    SourceFileError,
    check_file,
    detect_format,
    preview,
    raw_record,
    read_chunks,
)
from odoo.addons.metered_billing.deck_files import (
    DeckFileError,
    parse_deck,
    read_rows,
)

PROCESS = Path("/proc/self")
#: what one input may cost, MiB
MOST_MIB = 64
#: seconds of the processor after which something is taken for endless
MOST_SECONDS = 20
REFUSED = (SourceFileError, DeckFileError)


class TooMuch(Exception):
    """An input that costs more than it may."""


def calls(path, override=None, chunk_records=100_000):
    """As an import does: looked at, shown, checked, read; one record looked up.

    :return: number of records, good and bad
    """
    fmt = detect_format(path, "calls.csv", override=override)
    preview(path, fmt)
    check_file(path, fmt)
    lines, records = [], 0
    for chunk in read_chunks(path, fmt, chunk_records):
        records += chunk.records
        lines += chunk.line[-1:].tolist() + [bad.line for bad in chunk.bad[-1:]]
        for bad in chunk.bad[:1]:
            assert_readable(bad.message)
    if lines:
        raw_record(path, fmt, max(lines))
    return records


def deck(path):
    """As the import of a deck does.

    :return: number of rates
    """
    rates, problems = parse_deck(read_rows(path))
    for problem in problems[:100]:
        assert_readable(problem.text)
    return len(rates)


@contextmanager
def bounded(most_mib=MOST_MIB):
    """End what takes too much time of the processor, or has taken too much memory.

    :raise TooMuch: it did
    """

    def end(*_signal):
        raise TooMuch(f"more than {MOST_SECONDS} s of the processor")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    (PROCESS / "clear_refs").write_text("5")  # the peak begins anew
    begun = _mib("VmRSS")
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    taken = _mib("VmHWM") - begun
    if taken > most_mib:
        raise TooMuch(f"{taken:.0f} MiB")


def _mib(name):
    found = re.search(rf"{name}:\s+(\d+) kB", (PROCESS / "status").read_text())
    return int(found[1]) / 1024


def assert_readable(message):
    """A sentence for people: short, of whole characters, and nothing of Python's."""
    message.encode()
    if not 10 < len(message) < 2000 or re.search(
        r"Traceback|object at 0x|<class|codec can't", message
    ):
        raise AssertionError(f"no sentence for people: {message[:300]!r}")
