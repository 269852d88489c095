# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files that are not what they claim: one clear sentence each."""

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from unittest import TestCase

from odoo.addons.metered_billing.connectors.files import (
    FileLimits,
    SourceFileError,
    check_file,
    detect_format,
    preview,
    raw_record,
    read_chunks,
)

GOOD = b"id,start,seconds\n" + b"7,2026-10-01 09:00:00,61\n" * 50
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return out.getvalue()


def tarred():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("calls.csv")
        info.size = len(GOOD)
        archive.addfile(info, io.BytesIO(GOOD))
    return out.getvalue()


class TestRefused(TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "upload")

    def assert_refused(
        self, content, message, limits=None, name="calls.csv", **override
    ):
        """Refused before anything can be stored, by exactly this sentence."""
        self.path.write_bytes(content)
        limits = limits or FileLimits()
        with self.assertRaises(SourceFileError) as caught:
            fmt = detect_format(self.path, name, limits, override)
            check_file(self.path, fmt, limits)
        self.assertIn(message, str(caught.exception))
        self.assertNotIn(str(self.path), str(caught.exception))

    def test_not_a_file(self):
        folder = str(self.path.parent)
        with self.assertRaisesRegex(SourceFileError, "This is a folder, not a file"):
            detect_format(folder)
        with self.assertRaisesRegex(SourceFileError, "no longer exists"):
            detect_format(self.path)

    def test_empty(self):
        for content in (b"", b"\n\r\n \n", b"\xef\xbb\xbf", b"\xff\xfe"):
            self.assert_refused(content, "The file 'calls.csv' is empty.")
            self.assert_refused(
                gzip.compress(content), "The file 'calls.csv' is empty."
            )

    def test_header_only(self):
        message = "The file has a header but no call records."
        for content in (b"id,start,seconds", b"id,start,seconds\n\n \n"):
            self.assert_refused(content, message)
        self.assert_refused(b"id,start,end\nINTEGER,INTEGER,INTEGER\n", message)
        self.assert_refused(b"1,2\n", "has no call records", skip_records=1)

    def test_other_kinds(self):
        for content, what in (
            (PNG, "is a PNG image. Export the call records as CSV or XLSX."),
            (b"GIF89a\0", "is a GIF image"),
            (b"\xff\xd8\xff\xe0", "is a JPEG image"),
            (b"%PDF-1.7\n", "is a PDF document"),
            (b"{\\rtf1", "is an RTF document"),
            (b"SQLite format 3\0", "is an SQLite database"),
            (b"PAR1\x15\x04", "is a Parquet file"),
            (b"\x7fELF\x02", "is a program"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel workbook (.xls)"),
            (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive"),
            (bz2.compress(GOOD), "is a bzip2 archive. Unpack it"),
            (lzma.compress(GOOD), "is an xz archive"),
            (tarred(), "is a tar archive"),
            (gzip.compress(tarred()), "is a tar archive"),
            (gzip.compress(gzip.compress(GOOD)), "is a gzip file inside a gzip file"),
            (zipped(calls=GOOD), "is a zip archive. Unpack it"),
            (zipped(word__document="x"), "is a Word document"),
            (zipped(ppt__slides="x"), "is a PowerPoint presentation"),
            (zipped(xl__workbook_dot_bin="x"), "is a binary Excel workbook (.xlsb)"),
            (
                zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
                "is an OpenDocument spreadsheet (.ods)",
            ),
            (b'{"calls": []}', "is a JSON document"),
            (b'\n[{"id": 1}]', "is a JSON document"),
            (b"<!DOCTYPE html><html>", "is a web page"),
            (b'<?xml version="1.0"?><calls/>', "is an XML document"),
            (b"\x01\x02\x03\x04" * 100 + b"a,b\n" * 9, "is binary, not text"),
            (b"abc\0def\1" * 100, "is binary, not text"),
            (b"Dear Ann\nthis is a letter\n", "No columns were detected"),
        ):
            with self.subTest(what):
                self.assert_refused(content, what)

    def test_like_other_kinds_but_calls(self):
        for first in (b"<unknown>", b"[fe80::1]", b"PAR1", b"GIF8", b"BZh", b"{x}"):
            self.path.write_bytes(b"\n".join([first + b",1,2"] * 3))
            self.assertEqual(len(detect_format(self.path).columns), 3)

    def test_gzip_cut_off(self):
        packed = gzip.compress(GOOD)
        for size in (len(packed) - 1, len(packed) - 9, 30):
            self.assert_refused(packed[:size], "The gzip file is incomplete")

    def test_gzip_damaged(self):
        packed = bytearray(gzip.compress(GOOD))
        packed[-6] ^= 1  # of the checksum
        self.assert_refused(bytes(packed), "The gzip file is damaged")
        packed = gzip.compress(GOOD) + b"something else"
        self.assert_refused(packed, "The gzip file is damaged")

    def test_gzip_in_parts_is_fine(self):
        self.path.write_bytes(gzip.compress(GOOD) + gzip.compress(GOOD[17:]))
        fmt = detect_format(self.path)
        facts = check_file(self.path, fmt)
        self.assertEqual(facts.records, 100)
        self.assertEqual(sum(c.records for c in read_chunks(self.path, fmt)), 100)

    def test_gzip_bomb(self):
        bomb = gzip.compress(GOOD + b"7,2026-10-01 09:00:00,61\n" * 400_000)
        message = "The file unpacks to more than 50 times its size"
        limits = FileLimits(max_ratio=50, ratio_from_bytes=2**21)
        self.assert_refused(bomb, message, limits)
        fmt = detect_format(self.path, limits=FileLimits(max_ratio=1000))
        with self.assertRaisesRegex(SourceFileError, message):
            list(read_chunks(self.path, fmt, limits=limits))

    def test_too_large(self):
        limits = FileLimits(max_bytes=1000)
        message = "The file is larger than 1,000 bytes. Split it into smaller files."
        self.assert_refused(GOOD, message, limits)
        message = "The file is larger than 1,000 bytes when unpacked."
        self.assert_refused(gzip.compress(GOOD), message, limits)

    def test_nul(self):
        # Late enough that looking at the beginning does not show it.
        content = GOOD * 10_000 + b"\0" * len(GOOD) * 2_000 + b"\n" + GOOD
        self.assert_refused(
            content, "Line 510001 and the text after it contain many NUL"
        )
        fmt = detect_format(self.path)
        with self.assertRaisesRegex(
            SourceFileError, "Line 510001 and the text after it contain"
        ):
            list(read_chunks(self.path, fmt))

    def test_nul_in_a_value(self):
        """A few of them are no reason to refuse all the other records."""
        content = GOOD * 1000 + b"8,Z\0\0e,1\n" + GOOD
        self.path.write_bytes(content)
        fmt = detect_format(self.path)
        records = check_file(self.path, fmt).records
        self.assertEqual(records, content.count(b"\n") - fmt.has_header)
        frames = [chunk.frame for chunk in read_chunks(self.path, fmt)]
        self.assertIn("Z\ufffd\ufffde", [*frames[0].iloc[:, 1]])
        self.assertEqual(sum(map(len, frames)), records)

    def test_not_of_its_encoding(self):
        content = GOOD + "8,Zoë,1\n".encode() + b"9,Zo\xeb,1\n" + GOOD
        message = "Line 53 cannot be read as utf-8 (byte 0xEB)"
        self.assert_refused(content, message, encoding="utf-8")
        fmt = replace(detect_format(self.path), encoding="utf-8")
        with self.assertRaisesRegex(SourceFileError, "Line 53 cannot be read"):
            list(read_chunks(self.path, fmt))
        self.assertEqual(detect_format(self.path).encoding, "cp1252")
        self.assert_refused(
            GOOD + b"8,\x81,1\n",
            "Line 52 cannot be read as cp1252 (byte 0x81)",
            encoding="cp1252",
        )
        self.assert_refused(
            GOOD.decode().encode("utf-16") + b"x", "Line 52 cannot be read as utf-16-le"
        )
        self.assert_refused(
            GOOD + b"8,\xc3", "Line 52 cannot be read", encoding="utf-8"
        )

    def test_many_columns(self):
        content = b"\n".join([b"1," * 1000 + b"2"] * 3)
        self.assert_refused(content, "The file has 1,001 columns, more than 1,000.")

    def test_facts(self):
        self.path.write_bytes(gzip.compress(GOOD))
        fmt = detect_format(self.path)
        facts = check_file(self.path, fmt)
        self.assertEqual((facts.unpacked_bytes, facts.records), (len(GOOD), 50))
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        self.assertEqual(facts.sha256, digest)

    def test_preview_and_raw_record(self):
        self.path.write_bytes(GOOD)
        fmt = detect_format(self.path)
        chunk = preview(self.path, fmt, 2)
        self.assertEqual(chunk.line.tolist(), [2, 3])
        self.assertEqual(raw_record(self.path, fmt, 51), "7,2026-10-01 09:00:00,61")
        for line in (52, 1000):
            with self.assertRaisesRegex(SourceFileError, f"no record at line {line}"):
                raw_record(self.path, fmt, line)
