# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The parts of a workbook that say what its cells mean: sheets, texts, formats.

As the standard has them, ECMA-376; with its transitional and its strict names.
"""

import posixpath
import re
from array import array
from dataclasses import dataclass

from openpyxl.styles.numbers import (
    builtin_format_code,
    is_date_format,
    is_timedelta_format,
)
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from . import budget as budgets
from .workbook_formats import shown_by

_MAX_STRINGS_BYTES = 512 * 2**20
_MAX_STYLES_BYTES = 16 * 2**20
_MAX_OTHER_BYTES = 4 * 2**20
_PERCENT = (9, 10)  # formats that every workbook has
_MAX_CODE = 255  # characters of a format; Excel's limit
_FORMATS = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_MACRO = "application/vnd.ms-excel."
_BOOKS = (
    f"{_FORMATS}sheet.main+xml",
    f"{_FORMATS}template.main+xml",
    f"{_MACRO}sheet.macroEnabled.main+xml",
    f"{_MACRO}template.macroEnabled.main+xml",
)
_STRINGS = f"{_FORMATS}sharedStrings+xml"
# Neither NUL nor half a character.
_ESCAPED = re.compile(r"_x((?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})_")
_MAINS = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_RELATIONS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)


# A number, and a text behind it: 0" min", 0.0\ "s".
_WITH_TEXT = re.compile(
    r"[#0?,]+(?:\.[#0?]+)?((?:\s|_.|\\.|\"[^\"]*\")+)(?:;.*)?", re.DOTALL
)
# What a format has besides its signs: texts, colors and languages.
_TEXT = re.compile(r'"[^"]*"|\\.|\[[^\]hms][^\]]*\]', re.IGNORECASE)
_UNIT = re.compile(
    r"(?:hours?|hrs?|std|stunden|min|mins|minutes?|minuten|s|secs?|seconds?|sek|"
    r"sekunden|ms)",
    re.IGNORECASE,
)


def _shown_unit(code):
    """The unit of time that a cell's format shows behind a number; '' without one."""
    found = _WITH_TEXT.fullmatch(code)
    if not found:
        return ""
    text = re.sub(r"_.|[\\\"]", "", found[1]).strip().rstrip(".")
    return text if _UNIT.fullmatch(text) else ""


def unescaped(text):
    """A text of a workbook: characters that XML has not are written `_x000D_`."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def kinds(*names):
    """Full names of elements of a sheet's language -> the names."""
    return {f"{main}}}{name}": name for main in _MAINS for name in names}


@dataclass(frozen=True)
class Sheet:
    title: str
    part: str
    is_hidden: bool = False


class Contents:
    """Where the sheets, texts and formats of a workbook are.

    ``sheets``: list of :class:`Sheet`, in order; ``epoch``: datetime that its dates
    are counted from; ``strings``, ``styles``: parts, '' without one.

    :param archive: ``workbook_archive.Archive``
    """

    def __init__(self, archive):
        manifest = _Manifest()
        _read(archive, "[Content_Types].xml", manifest)
        book = manifest.part(_BOOKS) or (
            "xl/workbook.xml" if manifest.default in _BOOKS else ""
        )
        if not book:
            raise ValueError("no list of worksheets")
        folder, name = posixpath.split(book)
        relations = _Relations(folder)
        _read(archive, f"{folder}/_rels/{name}.rels", relations)
        outline = _Outline(archive.budget)
        _read(archive, book, outline)
        self.epoch = MAC_EPOCH if outline.is_mac else WINDOWS_EPOCH
        self.sheets = [
            Sheet(title, relations.parts[key], is_hidden)
            for title, key, is_hidden in outline.sheets
            if relations.parts[key] in archive.names
        ]
        self.strings = manifest.part([_STRINGS])
        self.styles = "xl/styles.xml" if "xl/styles.xml" in archive.names else ""


def _read(archive, part, reader, most_bytes=_MAX_OTHER_BYTES):
    for _block in archive.parse(part, reader, most_bytes):
        pass


class _Manifest:
    """Which part is of which kind."""

    parser = None

    def __init__(self):
        self.default = ""
        self._parts = {}

    def start(self, name, attributes):
        if name.endswith("}Override"):
            kind = attributes.get("ContentType", "")
            self._parts.setdefault(kind, attributes.get("PartName", "").lstrip("/"))
        elif name.endswith("}Default") and attributes.get("ContentType") in _BOOKS:
            self.default = attributes["ContentType"]

    def end(self, name):
        pass

    def part(self, wanted):
        return next((self._parts[kind] for kind in wanted if kind in self._parts), "")


class _Relations:
    """Which part each of a workbook's relations leads to; '' for charts and links."""

    parser = None

    def __init__(self, folder):
        self.parts = {}
        self._folder = folder

    def start(self, name, attributes):
        if not name.endswith("}Relationship"):
            return
        target = attributes.get("Target", "")
        is_sheet = attributes.get("Type", "").endswith("/worksheet")
        if not is_sheet or attributes.get("TargetMode") == "External":
            part = ""
        elif target.startswith("/"):
            part = target[1:]
        else:
            part = posixpath.normpath(posixpath.join(self._folder, target))
        self.parts[attributes.get("Id", "")] = part

    def end(self, name):
        pass


class _Outline:
    """The list of sheets."""

    parser = None
    _KINDS = kinds("sheet", "workbookPr")

    def __init__(self, budget):
        self.sheets = []
        self.is_mac = False
        self._budget = budget

    def start(self, name, attributes):
        kind = self._KINDS.get(name)
        if kind == "sheet":
            self._budget.spend(budgets.SHEETS)
            for relation in _RELATIONS:
                if key := attributes.get(f"{relation}}}id"):
                    title = attributes.get("name", "")[:31]
                    is_hidden = attributes.get("state", "visible") != "visible"
                    self.sheets.append((title, key, is_hidden))
        elif kind == "workbookPr":
            self.is_mac = attributes.get("date1904") in ("1", "true")

    def end(self, name):
        pass


class Styles:
    """Which cell formats show a number as a time: ``dates``, ``durations``.

    Both are sets of the numbers that cells have in ``s``; ``units`` is a dict of these
    to the unit of time that the format puts behind the number, ``without_seconds`` has
    those of times that are shown without seconds, and ``shown`` a dict of those that
    show more than a number to ``workbook_formats.Shown``.
    """

    parser = None
    _KINDS = kinds("numFmt", "cellXfs", "xf")

    def __init__(self, archive, part):
        self.dates = set()
        self.durations = set()
        self.units = {}
        self.without_seconds = set()
        self.shown = {}
        self._budget = archive.budget
        self._codes = {}
        self._in_cells = False
        self._known = {}
        self._count = 0
        if part:
            _read(archive, part, self, _MAX_STYLES_BYTES)

    def start(self, name, attributes):
        kind = self._KINDS.get(name)
        if kind is None:
            return
        self._budget.spend(budgets.CELL_FORMATS, kind != "cellXfs")
        if kind == "numFmt":
            key = int(attributes.get("numFmtId", 0))
            self._codes[key] = attributes.get("formatCode", "")[:_MAX_CODE]
        elif kind == "cellXfs":
            self._in_cells = True
        elif self._in_cells:
            key = int(attributes.get("numFmtId", 0))
            if key not in self._known:
                code = self._codes.get(key) or builtin_format_code(key)
                self._known[key] = (
                    is_date_format(code),
                    is_timedelta_format(code),
                    _shown_unit(code),
                    "s" not in _TEXT.sub("", code).lower(),
                    # Of the others each country has its own: its currency.
                    shown_by(code) if key in self._codes or key in _PERCENT else None,
                )
            is_date, is_duration, unit, is_short, shown = self._known[key]
            if shown:
                self.shown[self._count] = shown
            if is_date:
                self.dates.add(self._count)
            if is_duration:
                self.durations.add(self._count)
            if is_short:
                self.without_seconds.add(self._count)
            if unit:
                self.units[self._count] = unit
            self._count += 1

    def end(self, name):
        if self._KINDS.get(name) == "cellXfs":
            self._in_cells = False


class SharedTexts:
    """The texts that cells name by number, read as far as they are asked for.

    They are kept as one piece of UTF-8: a text of its own takes many times its length.

    :param archive: ``workbook_archive.Archive``
    :param part: '' without one
    """

    parser = None
    _KINDS = kinds("si", "t", "rPh")

    def __init__(self, archive, part):
        self._budget = archive.budget
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        self._found = []
        self._in_sound = 0  # how to pronounce a text, beside it
        self._blocks = archive.parse(part, self, _MAX_STRINGS_BYTES) if part else None

    def __getitem__(self, number):
        """The text.

        :raise IndexError: there is none
        """
        ends = self._ends
        while number + 1 >= len(ends):
            if self._blocks is None or next(self._blocks, self) is self:
                raise IndexError(number)
        if number < 0:
            raise IndexError(number)
        return self._bytes[ends[number] : ends[number + 1]].decode()

    def finish(self):
        """Read the rest, which may be damaged."""
        for _block in self._blocks or ():
            pass

    def start(self, name, attributes):
        kind = self._KINDS.get(name)
        if kind == "si":
            self._budget.spend(budgets.TEXTS)
        elif kind == "rPh":
            self._in_sound += 1
        elif kind == "t" and not self._in_sound:
            self.parser.CharacterDataHandler = self._found.append

    def end(self, name):
        kind = self._KINDS.get(name)
        if kind == "t":
            self.parser.CharacterDataHandler = None
        elif kind == "rPh":
            self._in_sound -= 1
        elif kind == "si":
            text = unescaped("".join(self._found))
            self._found.clear()
            self._bytes += text.encode()
            self._ends.append(len(self._bytes))
