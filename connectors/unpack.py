# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From a file on the disk to its bytes, unpacked, and to its text as UTF-8.

Everything streams: memory is a few blocks, whatever the size of the file.
"""

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Iterator

from .baf import BAF, baf_lines
from .budget import BYTES, FileBudget
from .errors import SourceFileError
from .formats import FileLimits
from .harmless import REPLACEMENT

_NUL_RUN = re.compile(rb"\0{16,}")
#: NUL characters in a row beyond these are not what a crash leaves
MOST_OF_RUN = 2**18
#: a line of its own, which cannot be read: what follows is a whole line again
BROKEN_LINE = b"\n" + REPLACEMENT.encode() + b"\n"
BLOCK_BYTES = 4 * 2**20
#: share of NUL characters from which on a block is no text
MOST_NULS = 0.1

# Encodings where a byte below 128 is that ASCII character, whatever stands before it.
ASCII_BASED = {"utf-8", "cp1252", "latin-1", "iso8859-15", "ascii"}


class Unpacked:
    """A file opened for reading its unpacked bytes, with an eye on the limits.

    :param digest: a hashlib object that gets to see the bytes on the disk
    :raise SourceFileError: the file cannot be opened; while reading: a damaged or
        truncated gzip file, or one that grows beyond the limits
    """

    def __init__(self, path, compression="", limits=None, digest=None):
        self.total = 0  # unpacked bytes so far
        self._digest = digest
        try:
            self._file = open(path, "rb")  # noqa: SIM115 (closed in __exit__)
        except OSError as error:
            raise SourceFileError(_open_problem(error)) from error
        self.size = os.fstat(self._file.fileno()).st_size  # on the disk
        self._budget = FileBudget(
            self.size,
            limits or FileLimits(),
            packed=bool(compression),
        )
        self._reader = None
        if compression:
            self._reader = gzip.GzipFile(fileobj=_Packed(self._read_packed), mode="rb")

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._file.close()

    def _read_packed(self, size: int) -> bytes:
        data = self._file.read(size)
        if self._digest is not None:
            self._digest.update(data)
        return data

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; empty at the end."""
        if self._reader is None:
            data = self._read_packed(size)
        else:
            data = self._read_gzip(size)
        self.total += len(data)
        self._budget.spend(BYTES, len(data))
        return data

    def _read_gzip(self, size):
        try:
            return self._reader.read(size)
        except EOFError as error:
            raise SourceFileError(
                "The gzip file is incomplete. Copy it again from its source."
            ) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise SourceFileError(
                f"The gzip file is damaged after {self.total:,} unpacked bytes. Copy it"
                " again from its source."
            ) from error

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[bytes]:
        while data := self.read(size):
            yield data


class _Packed:
    """The least of a file that GzipFile reads from."""

    def __init__(self, read):
        self._read = read

    def read(self, size=-1):
        # GzipFile asks for 8 KiB at a time, and may ask for less.
        return self._read(size)


def _open_problem(error):
    if isinstance(error, IsADirectoryError):
        return "This is a folder, not a file. Choose a file of call records."
    if isinstance(error, FileNotFoundError):
        return "The file no longer exists. Upload it again."
    return f"The file cannot be opened: {error.strerror or error}."


class LineCounter:
    """Counts line ends (LF, CR, CRLF) over blocks, wherever the blocks are cut."""

    def __init__(self):
        self.ended = 0
        self._after_cr = False

    def add(self, block: bytes):
        self.ended += count_line_ends(block, 0, len(block))
        if self._after_cr and block.startswith(b"\n"):
            self.ended -= 1
        self._after_cr = block.endswith(b"\r")


def count_line_ends(data: bytes, start: int, end: int) -> int:
    count = data.count(b"\n", start, end)
    if data.find(b"\r", start, end) >= 0:
        count += data.count(b"\r", start, end) - data.count(b"\r\n", start, end)
    return count


def utf8_blocks(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The text of a file as blocks of valid UTF-8, cut anywhere between characters.

    A byte order mark at the beginning is left out. NUL characters, which a switch may
    write into a value, are replaced; many in a row are a line that cannot be read.

    :raise SourceFileError: bytes that are not of this encoding, or mostly NUL
        characters, with the line where they are
    """
    lines, begun = LineCounter(), False
    for block in _without_mark(_decoded(blocks, encoding, lines)):
        nul = block.find(b"\0")
        if nul >= 0:
            block = without_nul_runs(block, BROKEN_LINE if begun else b"")
            if block.count(b"\0") > MOST_NULS * len(block):
                line = lines.ended + 1 + count_line_ends(block, 0, nul)
                raise SourceFileError(
                    f"Line {line} and the text after it contain many NUL characters, so"
                    " the file is damaged or not a text file. Export it again."
                )
            block = block.replace(b"\0", REPLACEMENT.encode())
        if block:
            begun = True
            lines.add(block)
            yield block


def without_nul_runs(data, instead=b""):
    """Text without the NUL characters in a row that are no value.

    A crash leaves them in a file that was being written, and a switch that goes on
    writing where the file had ended before it was truncated.

    :param instead: stands in their place
    """
    if b"\0" not in data:
        return data
    return _NUL_RUN.sub(
        lambda run: instead if len(run[0]) <= MOST_OF_RUN else run[0], data
    )


def _without_mark(blocks):
    first = next(blocks, b"")
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from blocks


def _decoded(blocks, encoding, lines):
    if encoding == BAF:
        yield from baf_lines(blocks)
        return
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    simple = encoding in ASCII_BASED
    is_utf8 = encoding == "utf-8"
    try:
        for block in blocks:
            if simple and block.isascii() and not decoder.getstate()[0]:
                yield block
                continue
            before = decoder.getstate()[0]
            text = decoder.decode(block)
            if is_utf8:
                # What was decoded, without encoding it again.
                data = before + block
                yield data[: len(data) - len(decoder.getstate()[0])]
            else:
                yield text.encode()
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise SourceFileError(_decode_problem(error, encoding, lines)) from error


def _decode_problem(error, encoding, lines):
    line = lines.ended + 1
    byte = ""
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start].decode(encoding, "ignore").encode()
        line += count_line_ends(before, 0, len(before))
        byte = f" (byte 0x{error.object[error.start]:02X})"
    advice = "latin-1" if encoding == "cp1252" else "cp1252 (Windows) or latin-1"
    return (
        f"Line {line} cannot be read as {encoding}{byte}. If the rest of the file looks"
        f" right, choose another encoding, for example {advice}."
    )
