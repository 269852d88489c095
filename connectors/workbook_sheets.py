# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which sheet of a workbook has the records, and whether that is clear.

A cover, a summary or a hidden sheet may come first. The sheet is the visible one whose
columns are those of the source; without any, the one that is a table at all; without
any, the one with anything in it. Where several are, and where only a hidden one is, a
person says which.
"""

from dataclasses import dataclass, replace
from itertools import islice

from .errors import SourceFileError
from .formats import FileFormat

SAMPLE_ROWS = 200


@dataclass(frozen=True)
class SheetLook:
    """What the first rows of a sheet are taken for.

    :ivar kind: 0: nothing in it, 1: something, 2: a table, 3: the source's columns
    :ivar error: why it cannot be read; None
    :ivar is_damaged: whether that is because of the sheet, not of what was said of it
    """

    title: str
    is_hidden: bool
    kind: int
    fmt: FileFormat | None = None
    error: SourceFileError | None = None
    is_damaged: bool = False


def look_at_sheets(workbook, describe, fits):
    """Look at all sheets of a workbook.

    :param describe: function of the first rows of a sheet: its FileFormat
    :param fits: function of the names of columns: whether they are the source's
    :return: list of :class:`SheetLook`
    """
    looks = []
    for sheet in workbook.sheets:
        kind, fmt, error, rows = 0, None, None, None
        try:
            rows = list(islice(workbook.sheet_rows(sheet), SAMPLE_ROWS))
            if rows:
                fmt = describe(rows)
                kind = _kind(fmt, rows, fits)
        except SourceFileError as problem:
            # Its traceback would keep all that was read.
            error = SourceFileError(str(problem))
        damaged = rows is None
        looks.append(SheetLook(sheet.title, sheet.is_hidden, kind, fmt, error, damaged))
    return looks


def _kind(fmt, rows, fits):
    names = {*fmt.columns, *(name for name, _columns in fmt.repeated)}
    data = sum(number > fmt.skip_lines for number, _values, _width in rows)
    if data <= fmt.has_header + fmt.skip_records or len(fmt.columns) < 2:
        return 1
    if fits(names) or fmt.layout:
        return 3
    return 2 if fmt.has_header else 1


def choose_sheet(looks, said, name):
    """The format of the sheet with the records.

    :param looks: list of :class:`SheetLook`
    :param said: title that a person chose; a workbook without it is as if none was
    :param name: of the file, for messages, with a space before it
    :return: FileFormat with the sheets that are not empty, and those that it may be,
        where that is not clear
    :raise SourceFileError: there is nothing in the workbook, or it is damaged
    """
    sheets = tuple(
        (look.title, look.is_hidden) for look in looks if look.fmt or look.error
    )
    for look in looks:
        if said and look.title == said and (look.fmt or look.error):
            if look.error:
                raise look.error
            return replace(look.fmt, sheet=look.title, sheets=sheets)
    found = _likeliest(looks)
    is_sure = found and found[0].kind == 3 and not found[0].is_hidden
    for look in looks:
        # The records may be there.
        if look.error and (not found or look.is_damaged and not is_sure):
            raise look.error
    if not found:
        raise SourceFileError(f"The file{name} contains empty worksheets only.")
    is_clear = len(found) == 1 and (not found[0].is_hidden or len(looks) == 1)
    return replace(
        found[0].fmt,
        sheet=found[0].title,
        sheets=sheets,
        unclear_sheets=() if is_clear else tuple(look.title for look in found),
    )


def _likeliest(looks):
    """The sheets that may be it, equally likely."""
    for kind in (3, 2, 1):
        for is_hidden in (False, True):
            # A hidden sheet is rather it than a visible one that is no table.
            found = [
                look
                for look in looks
                if look.kind == kind and look.is_hidden == is_hidden
            ]
            if found:
                return found
    return []
