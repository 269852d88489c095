# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What other programs say of how a file is written: anything, of any kind."""

import encodings.aliases
import tempfile
from pathlib import Path
from unittest import TestCase

from odoo.addons.metered_billing.connectors.file_settings import checked_settings
from odoo.addons.metered_billing.connectors.files import SourceFileError, detect_format

from ..support.fuzzing import OVERRIDES
from ..support.reading_cost import assert_readable, calls

CONTENT = b"call_id,start_time,caller\n" + b"7,2026-10-01 09:00:00,12025550101\n" * 9
WRONG = {
    "encoding": (
        *("idna", "punycode", "\0", "utf-8\0", "rot13", "zlib_codec", "utf-7", "hex"),
        *("undefined", "unicode_escape", "raw_unicode_escape", "../utf_8", "bz2", "uu"),
        *("a" * 10**6, "\ud800", "²", 7, 0.5, True, [], {}, b"utf-8", "iso2022_jp"),
    ),
    "delimiter": (",,", '"', "\n", "\r", "\0", "²", "\ud800", 7, True, [], {}, b","),
    "has_header": ("yes", "false", 2, -1, 0.5, [], {}, b"", ""),
    "quote": ("q", '""', "\0", "\ud800", "x" * 10**6, 7, True, [], {}, b'"'),
    "skip_lines": (-1, -(10**9), 10**7, 1.5, "1", True, False, [], {}, "", b"1"),
    "positions": (
        *("x", "1,x", "0", "3,2", "1,1", "-1", "1e9", "9" * 10**6, "\0", "\ud800"),
        *((), [], [0], [2, 1], [1, 1], [1.5], [True], ["1"], [None], {}, 7, b"1"),
        *([10**9], list(range(1, 10**5)), [[1]], "1," * 10**5),
    ),
    "skip_records": (-1, -(10**9), 10**7, 1.5, "1", True, False, [], {}, "", b"1"),
    "layout": ("no", "\0", "\ud800", "x" * 10**6, 7, True, [], {}, b"generic"),
}


class TestFileSettings(TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "upload")
        self.path.write_bytes(CONTENT)

    def assert_refused(self, override):
        with self.assertRaises(SourceFileError) as caught:
            detect_format(self.path, "calls.csv", override=override)
        assert_readable(str(caught.exception))

    def test_wrong_values(self):
        for name, values in WRONG.items():
            for value in values:
                with self.subTest(name, value=repr(value)[:40]):
                    self.assert_refused({name: value})

    def test_wrong_settings(self):
        for override in (
            {"kind": "xlsx"},
            {7: 1},
            {None: 1},
            [],
            "x",
            7,
            {"\ud800": 1},
        ):
            if override in ([],):
                override = ["encoding"]
            with self.subTest(repr(override)):
                self.assert_refused(override)

    def test_left_open(self):
        usual = detect_format(self.path)
        for override in (
            None,
            {},
            dict.fromkeys(WRONG),
            {"encoding": "", "delimiter": False, "layout": ""},
        ):
            self.assertEqual(detect_format(self.path, override=override), usual)

    def test_right_values(self):
        for encoding, name in (
            ("UTF8", "utf-8"),
            ("utf-8-sig", "utf-8"),
            ("Windows-1252", "cp1252"),
            ("latin1", "latin-1"),
            ("iso-8859-15", "iso8859-15"),
            ("koi8-r", "koi8-r"),
            ("shift_jis", "shift_jis"),
            ("gb18030", "gb18030"),
            ("macroman", "mac-roman"),
            ("utf-16", "utf-16"),
        ):
            self.assertEqual(
                checked_settings({"encoding": encoding}), {"encoding": name}
            )
        said = {"has_header": 0, "skip_records": 3, "layout": "generic"}
        self.assertEqual(checked_settings(said), {**said, "has_header": False})

    def test_every_encoding_of_python(self):
        """It is refused, or the file is read, or it is no text in that."""
        for encoding in sorted(set(encodings.aliases.aliases.values())):
            with self.subTest(encoding):
                try:
                    calls(self.path, {"encoding": encoding})
                except SourceFileError as error:
                    assert_readable(str(error))

    def test_every_odd_value(self):
        for name, values in OVERRIDES.items():
            for value in values:
                with self.subTest(name, value=repr(value)[:40]):
                    try:
                        calls(self.path, {name: value})
                    except SourceFileError as error:
                        assert_readable(str(error))
