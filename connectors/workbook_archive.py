# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The zip archive that a workbook is, and its parts as streams of XML.

Only the parts that lead to the cells are read, each as a stream. Nothing becomes a tree
in memory: pictures, comments, names, merged cells, charts cost nothing.
"""

import os
import struct
import zipfile
from xml.parsers import expat

from . import budget as budgets
from .errors import SourceFileError

SAVE = "Open it in a spreadsheet program and save it as XLSX or CSV."
_MAX_PARTS = 10_000
_MAX_DIRECTORY_BYTES = 4 * 2**20
_END_BYTES = 2**16 + 22  # the end of the directory with the longest comment
_BLOCK_BYTES = 64 * 2**10
# Far more than an element of a spreadsheet has; what is longer is looked at again with
# each block by old versions of expat.
_MAX_TOKEN_BYTES = 2**20
_MAX_LEVELS = 100
# How far a document type declaration could be from the beginning of a part.
_HEAD_BYTES = 64 * 2**10
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """The archive of a workbook, and what it may cost.

    :param file: opened for reading
    :param budget: ``budget.FileBudget``
    :param name: of the file, for messages, with a space before it
    :raise SourceFileError: it is no workbook, or one that asks for too much
    :raise Exception: whatever zipfile meets in a damaged archive
    """

    def __init__(self, file, budget, name=""):
        self.budget = budget
        _refuse_many_parts(file)
        self._zip = zipfile.ZipFile(file)
        infos = self._zip.infolist()
        _check_parts(len(infos))
        self.names = {info.filename for info in infos}
        self._refuse_other_archives(name)
        self.unpacked_bytes = sum(info.file_size for info in infos)
        parts = [i for i in infos if i.filename.lower().endswith((".xml", ".rels"))]
        # What they say of themselves; what is read is counted as well.
        size = sum(info.file_size for info in parts)
        if size > budget.most[budgets.BYTES]:
            budget.spend(budgets.BYTES, size)
        for info in parts:
            self._refuse_declaration(info)

    def close(self):
        self._zip.close()

    def parse(self, part, reader, most_bytes=None):
        """Read a part to its end; yields after each block, for the reader's finds.

        :param part: its name
        :param reader: object with ``start(name, attributes)``, ``end(name)``; its
            ``parser`` is set, whose ``CharacterDataHandler`` it may set
        :param most_bytes: that the part may have
        :raise SourceFileError: it has more, or asks for too much
        :raise Exception: whatever zipfile, expat and the reader meet
        """
        info = self._zip.getinfo(part)
        if most_bytes and info.file_size > most_bytes:
            raise SourceFileError(
                f"The workbook contains too much data outside its worksheets "
                f"({_short(part)},"
                f" {info.file_size:,} bytes). Save the worksheet as CSV."
            )
        parser = _parser(part)
        reader.parser = parser
        depth = 0

        def start(name, attributes):
            nonlocal depth
            depth += 1
            if depth > _MAX_LEVELS:
                raise ValueError("nested too deep")
            reader.start(name, attributes)

        def end(name):
            nonlocal depth
            depth -= 1
            reader.end(name)

        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.buffer_text = True
        total = 0
        budget = self.budget
        with self._open(info) as file:
            while data := file.read(_BLOCK_BYTES):
                budget.spend(budgets.BYTES, len(data))
                total += len(data)
                with budget.clocked():
                    parser.Parse(data)
                if total - max(parser.CurrentByteIndex, 0) > _MAX_TOKEN_BYTES:
                    raise ValueError("an element without an end")
                yield
        parser.Parse(b"", True)
        yield

    def _open(self, info):
        # The others may ask for any amount of memory, and no workbook has them.
        if info.compress_type not in _METHODS:
            raise zipfile.BadZipFile("an unsupported compression method")
        return self._zip.open(info)

    def _refuse_other_archives(self, name):
        names = self.names
        what = ""
        if "xl/workbook.bin" in names:
            what = f"a binary Excel workbook (.xlsb). {SAVE}"
        elif any(item.startswith("word/") for item in names):
            what = "a Word document. Export the call records as CSV or XLSX."
        elif any(item.startswith("ppt/") for item in names):
            what = "a PowerPoint presentation. Export the call records as CSV or XLSX."
        elif "mimetype" in names and self._head("mimetype", 99).startswith(_ODS):
            what = f"an OpenDocument spreadsheet (.ods). {SAVE}"
        elif not any(item.startswith("xl/") for item in names):
            what = "a zip archive. Unpack it and upload the file inside, or pack it"
            what += " with gzip."
        if what:
            raise SourceFileError(f"The file{name} is {what}")

    def _head(self, part, size):
        with self._open(self._zip.getinfo(part)) as file:
            return file.read(size)

    def _refuse_declaration(self, info):
        """Entities of a document type expand without end; no program writes one."""
        parser = _parser(info.filename)

        def reached(*_element):
            raise _RootReached

        parser.StartElementHandler = reached
        try:
            parser.Parse(self._head(info.filename, _HEAD_BYTES))
        except (_RootReached, expat.ExpatError):
            return  # what is no XML fails when it is read


class _RootReached(Exception):
    """The XML is past the place where a declaration could stand."""


def _parser(part):
    def refuse(*_declaration):
        raise SourceFileError(
            f"The workbook contains a document type declaration ({_short(part)}), which"
            f" spreadsheet programs do not write. {SAVE}"
        )

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _short(name):
    return name if len(name) <= 80 else name[:80] + "…"


def _refuse_many_parts(file):
    """Look at the end of the archive: zipfile reads its whole directory at once."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - _END_BYTES))
    tail = file.read(_END_BYTES)
    parts = size = 0
    for magic, layout, offset in ((b"PK\5\6", "<HI", 10), (b"PK\6\6", "<QQ", 32)):
        place = tail.rfind(magic)
        if place >= 0 and len(tail) >= place + offset + struct.calcsize(layout):
            found = struct.unpack_from(layout, tail, place + offset)
            # All bits set: it stands in the other one, for large archives.
            parts = max(parts, found[0] if found[0] != 0xFFFF else 0)
            size = max(size, found[1] if found[1] != 0xFFFFFFFF else 0)
    if size > _MAX_DIRECTORY_BYTES:
        parts = _MAX_PARTS + 1
    _check_parts(parts)


def _check_parts(parts):
    if parts > _MAX_PARTS:
        raise SourceFileError(
            f"The workbook has more than {_MAX_PARTS:,} parts, which spreadsheet"
            f" programs do not write. {SAVE}"
        )
