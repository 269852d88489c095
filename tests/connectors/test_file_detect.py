# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a file of call records is taken for."""

import gzip
import json
import tempfile
from pathlib import Path
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.files import (
    LAYOUTS,
    FileFormat,
    SourceFileError,
    check_file,
    detect_format,
    layout_columns,
    preview,
    read_chunks,
)

HERE = Path(__file__).resolve().parents[1]
ASTERISK = HERE.parent / "demo" / "asterisk"
CDR = HERE / "data" / "cdr"

GENERIC = "call_id,start_time,duration,caller,callee,direction,account"
CALLS = (
    "a1,2026-10-01 09:00:00,61,+12125550101,+441632960111,outbound,acme\n"
    "a2,2026-10-01 09:05:00,5,+12125550101,911,outbound,acme\n"
)


class FileCase(TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def store(self, content, name="calls.csv"):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def detect(self, content, **override):
        return detect_format(self.store(content), override=override)


class TestRealFiles(FileCase):
    def assert_read(self, path, layout, records, header=False, skip=0):
        fmt = detect_format(path)
        self.assertEqual((fmt.layout, fmt.has_header), (layout, header))
        self.assertEqual((fmt.encoding, fmt.delimiter), ("utf-8", ","))
        self.assertEqual(fmt.skip_records, skip)
        self.assertEqual(check_file(path, fmt).records, records)
        chunks = list(read_chunks(path, fmt))
        self.assertEqual(sum(len(chunk.frame) for chunk in chunks), records)
        self.assertFalse([item for chunk in chunks for item in chunk.bad])
        self.assertEqual(chunks[0].frame.columns.tolist(), list(fmt.columns))
        return fmt, chunks[0]

    def test_asterisk_layouts_hold_the_same_calls(self):
        frames = []
        for name, layout, header in (
            ("Master.csv", "asterisk_master", False),
            ("cdr_custom_epoch.csv", "asterisk_custom_epoch", False),
            ("cdr_custom_legacy.csv", "asterisk_custom", False),
            ("cdr_pgsql.csv", "asterisk_sql", True),
        ):
            with self.subTest(name):
                _fmt, chunk = self.assert_read(ASTERISK / name, layout, 3282, header)
                frames.append(chunk.frame)
                self.assertEqual(chunk.line[0], 2 if header else 1)
        same = ["src", "dst", "dcontext", "clid", "channel", "uniqueid", "disposition"]
        sorted_frames = [
            frame[same].sort_values(same, ignore_index=True) for frame in frames
        ]
        for frame in sorted_frames[1:]:
            self.assertTrue(frame.equals(sorted_frames[0]))
        self.assertEqual(frames[0]["linkedid"][0], "1790832376.0")
        self.assertEqual(frames[1]["start_epoch"][0], "1790832376.389000")

    def test_asterisk_sample(self):
        fmt, chunk = self.assert_read(
            CDR / "asterisk_cdr_custom_19col.csv", "asterisk_custom", 14
        )
        self.assertEqual(chunk.frame["clid"][0], '"" <client1>')

    def test_not_quite_asterisk(self):
        fmt, chunk = self.assert_read(CDR / "asterisk_like_duplicates.csv", "", 11)
        self.assertEqual(fmt.columns[0], "column_1")
        self.assertEqual(chunk.frame["column_17"][0], "gandalf")

    def test_freeswitch(self):
        _fmt, chunk = self.assert_read(
            CDR / "freeswitch_cdr_csv.csv", "freeswitch_csv", 4
        )
        names = ["Ann, Front Desk", 'Ben "Stock" Lee', "", "Zoë"]
        self.assertEqual(chunk.frame["caller_id_name"].tolist(), names)
        _fmt, chunk = self.assert_read(
            CDR / "freeswitch_cdr_csv_resaved.csv", "freeswitch_csv", 3
        )
        self.assertEqual(chunk.frame["start_stamp"][0], "2026/10/1 9:00")

    def test_cucm(self):
        _fmt, chunk = self.assert_read(
            CDR / "cucm_cdr.txt", "cisco_cucm", 3, header=True, skip=1
        )
        self.assertEqual(chunk.frame["dateTimeOrigination"][0], "1744993930")
        self.assertEqual(chunk.line.tolist(), [3, 4, 5])
        fmt, chunk = self.assert_read(
            CDR / "cucm_cdr_no_header.txt", "cisco_cucm", 1, skip=1
        )
        self.assertEqual(len(fmt.columns), 112)
        self.assertEqual(chunk.frame["duration"][0], "60")
        self.assertEqual(chunk.frame["finalCalledPartyNumber"][0], "9712628803")

    def test_generic_samples(self):
        self.assert_read(CDR / "generic_with_header.csv", "", 5, header=True)
        self.assert_read(CDR / "generic_100.csv", "", 100)


class TestLayouts(FileCase):
    def test_master_without_the_optional_columns(self):
        chunk = preview(ASTERISK / "Master.csv", detect_format(ASTERISK / "Master.csv"))
        frame = chunk.frame
        for dropped in (
            [],
            ["peeraccount", "linkedid", "sequence"],
            ["userfield", "peeraccount", "linkedid", "sequence"],
            ["uniqueid", "peeraccount", "linkedid", "sequence"],
            ["uniqueid", "userfield", "peeraccount", "linkedid", "sequence"],
            ["uniqueid", "userfield"],
        ):
            kept = frame.drop(columns=dropped)
            fmt = self.detect(kept.to_csv(header=False, index=False))
            self.assertEqual(fmt.layout, "asterisk_master")
            self.assertEqual(fmt.columns, tuple(kept.columns))

    def test_generic(self):
        fmt = self.detect(
            f"{GENERIC},answer_time\n" + CALLS.replace("acme\n", "acme,\n")
        )
        self.assertEqual((fmt.layout, fmt.has_header), ("generic", True))
        self.assertEqual(fmt.columns[-1], "answer_time")

    def test_layout_columns(self):
        self.assertEqual(layout_columns("asterisk_master", 17)[-1], "uniqueid")
        for layout in LAYOUTS.values():
            for columns in layout.orders:
                self.assertEqual(len(set(columns)), len(columns))
        for layout, count, message in (
            (
                "asterisk_master",
                15,
                "has 16, 17, 18, 19, 20, 21 columns, but this file has",
            ),
            ("generic", 7, "needs a header"),
            ("nothing", 7, "There is no file layout 'nothing'"),
        ):
            with self.assertRaisesRegex(SourceFileError, message):
                layout_columns(layout, count)

    def test_layout_said(self):
        text = "x," * 14 + "x\n" + "y," * 14 + "y\n"
        fmt = self.detect(text, layout="freeswitch_csv", has_header=False)
        self.assertEqual(fmt.columns[0], "caller_id_name")
        fmt = self.detect(text, layout="freeswitch_csv", has_header=True)
        self.assertEqual((fmt.columns[0], fmt.has_header), ("caller_id_name", True))
        with self.assertRaisesRegex(
            SourceFileError, "has 19 columns, but this file has 15"
        ):
            self.detect(text, layout="asterisk_custom")
        with self.assertRaisesRegex(
            SourceFileError, "is missing account, direction of the"
        ):
            self.detect(
                "call_id,start_time,duration,caller,callee\n1,2,3,4,5\n",
                layout="generic",
            )


class TestDialects(FileCase):
    def test_delimiters(self):
        for delimiter in ",;\t|":
            text = (GENERIC + "\n" + CALLS).replace(",", delimiter)
            fmt = self.detect(text)
            self.assertEqual((fmt.delimiter, fmt.layout), (delimiter, "generic"))

    def test_delimiter_in_values(self):
        for text, delimiter in (
            ("1;2,5;3,7\n4;5,1;6,2\n", ";"),
            ('"a;b","c;d",3\n"e;f","g;h",4\n', ","),
            ('1,"x;y;z",,"a\tb"\n2,"x;y;z",,"a\tb"\n', ","),
            ("1,2;a;b,3,4\n5,6;a;b,7,8\n5,6;a,7,8\n", ","),
            ("a|1,5|x\nb|2,5|x\n", "|"),
        ):
            self.assertEqual(self.detect(text).delimiter, delimiter, text)

    def test_delimiter_said(self):
        self.assertEqual(self.detect("1:2\n3:4\n", delimiter=":").delimiter, ":")
        self.assertEqual(len(self.detect("1\n2\n", delimiter=",").columns), 1)
        for delimiter in ('"', "\n", "é", "::"):
            with self.assertRaisesRegex(SourceFileError, "cannot separate columns"):
                self.detect("1,2\n", delimiter=delimiter)

    def test_some_bad_records(self):
        text = (
            "Calls of October\n" + "1,2,3\n" * 10 + "4,5\n" + '6,"7\n' + "1,2,3\n" * 5
        )
        fmt = self.detect(text)
        self.assertEqual((fmt.delimiter, len(fmt.columns)), (",", 3))
        self.assertFalse(fmt.has_header)

    def test_header(self):
        for text, has_header in (
            ("customer,number\nAnn,+12125550101\nBen,123\n", True),
            ("when,who\n2026-10-01 10:00,Ann\n", True),
            ("Ann,2026-10-01\nBen,2026-10-02\n", False),
            ("1,2\n3,4\n", False),
            ("a,a,a\n1,2,3\n", False),
            ("Ann,Ben\nAnn,Cid\n", False),
            ("who,what\n", True),
            ("id,,\n1,2,3\n2,3,4\n", False),
        ):
            self.assertEqual(self.detect(text).has_header, has_header, text)
            said = self.detect(text, has_header=not has_header)
            self.assertEqual(said.has_header, not has_header)

    def test_names(self):
        fmt = self.detect(" id ,when,when,,when_2,Durée (s)\n1,2,3,4,5,6\n")
        names = ("id", "when_1", "when_3", "column_4", "when_2", "Durée (s)")
        self.assertEqual(fmt.columns, names)
        self.assertEqual(fmt.repeated, (("when", ("when_1", "when_3")),))
        stored = json.loads(json.dumps(fmt.as_dict()))
        self.assertEqual(FileFormat.from_dict(stored), fmt)

    def test_delimiter_at_the_end_of_records(self):
        fmt = self.detect("id,when\n1,2026-10-01,\n2,2026-10-02,\n")
        self.assertEqual(fmt.columns, ("id", "when", "column_3"))
        self.assertFalse(preview(self.folder / "calls.csv", fmt).bad)

    @settings(deadline=None, max_examples=30)
    @given(
        st.lists(st.integers(0, 10**4), min_size=1, max_size=8),
        st.lists(st.booleans(), min_size=8, max_size=8),
        st.integers(0, 4),
    )
    def test_values_with_the_delimiter(self, tenths, decimal, place):
        """No value comes under the name of another, whatever share has a comma."""
        values = ["1", "2026-10-01 10:00:00", "+4930111222", "+41441234567", "x"]
        names = ["id", "start", "from", "to", "how"]
        lines = []
        for number, has_comma in zip(tenths, decimal, strict=False):
            record = [*values]
            record[place] = f"{number},5" if has_comma else f"{number}"
            lines.append(",".join(record))
        text = "\n".join([",".join(names), *lines]) + "\n"
        some = [line.count(",") == 4 for line in lines]
        if not any(some):
            with self.assertRaisesRegex(SourceFileError, "only 5 column names"):
                self.detect(text)
            return
        fmt = self.detect(text)
        self.assertEqual(fmt.columns, tuple(names))
        chunk = preview(self.folder / "calls.csv", fmt)
        self.assertEqual(chunk.line.tolist(), [n for n, c in enumerate(some, 2) if c])

    def test_last_column_without_a_name(self):
        fmt = self.detect("id,when\n1,2026-10-01,\n2,2026-10-02,late\n")
        self.assertEqual(fmt.columns, ("id", "when", "column_3"))
        with self.assertRaisesRegex(SourceFileError, "Line 2 has 3 values"):
            self.detect("id,when\n7,1,2026-10-01\n8,2,2026-10-02\n")

    def test_skip_records_said(self):
        fmt = self.detect("id,when\nunits,s\n1,2\n", skip_records=1)
        chunk = preview(self.folder / "calls.csv", fmt)
        self.assertEqual(chunk.frame.values.tolist(), [["1", "2"]])

    def test_gzip_by_content(self):
        fmt = self.detect(gzip.compress((GENERIC + "\n" + CALLS).encode()))
        self.assertEqual((fmt.compression, fmt.layout), ("gzip", "generic"))

    def test_override_of_something_else(self):
        with self.assertRaisesRegex(SourceFileError, "'kind' is not a file setting"):
            self.detect("1,2\n", kind="xlsx")

    def test_as_dict(self):
        fmt = self.detect(GENERIC + "\n" + CALLS)
        stored = json.loads(json.dumps(fmt.as_dict()))
        self.assertEqual(FileFormat.from_dict(stored), fmt)
        self.assertEqual(FileFormat.from_dict(stored | {"later": 1}), fmt)


class TestEncodings(FileCase):
    TEXT = GENERIC + "\n" + CALLS + "a3,2026-10-01 09:05:00,5,Zoë,911,outbound,café\n"

    def assert_encoding(self, content, encoding, said=None):
        fmt = self.detect(content, encoding=said)
        self.assertEqual((fmt.encoding, fmt.layout), (encoding, "generic"))
        path = self.folder / "calls.csv"
        check_file(path, fmt)
        (chunk,) = read_chunks(path, fmt)
        self.assertEqual(chunk.frame["call_id"].tolist(), ["a1", "a2", "a3"])
        self.assertEqual(chunk.frame["caller"][2], "Zoë")
        self.assertEqual(chunk.line.tolist(), [2, 3, 4])

    def test_marks(self):
        for codec, encoding in (
            ("utf-8", "utf-8"),
            ("utf-8-sig", "utf-8"),
            ("utf-16", "utf-16-le"),
            ("utf-32", "utf-32-le"),
        ):
            self.assert_encoding(self.TEXT.encode(codec), encoding)
        content = b"\xfe\xff" + self.TEXT.encode("utf-16-be")
        self.assert_encoding(content, "utf-16-be")

    def test_without_mark(self):
        for encoding in ("utf-16-le", "utf-16-be", "cp1252"):
            self.assert_encoding(self.TEXT.encode(encoding), encoding)

    def test_latin_1(self):
        content = self.TEXT.replace("caf", "caf\x81").encode("latin-1")
        self.assert_encoding(content, "latin-1")

    def test_last_character_cut(self):
        content = self.TEXT.strip().encode("cp1252")
        self.assert_encoding(content, "cp1252")

    def test_said(self):
        for said, encoding in (
            ("ISO-8859-1", "latin-1"),
            ("windows-1252", "cp1252"),
            ("iso8859-15", "iso8859-15"),
        ):
            self.assert_encoding(self.TEXT.encode(said), encoding, said)
        self.assert_encoding(self.TEXT.encode("utf-8-sig"), "utf-8", "UTF8")
        for said in ("klingon", "zlib", "rot13"):
            with self.assertRaisesRegex(SourceFileError, f"'{said}' is unknown"):
                self.detect(self.TEXT, encoding=said)

    def test_first_letter_beyond_ascii_comes_late(self):
        filler = CALLS * 12_000  # more than a MiB
        content = (GENERIC + "\n" + filler + "b,2,3,Zoë,5,6,7\n").encode("cp1252")
        fmt = self.detect(content)
        self.assertEqual(fmt.encoding, "cp1252")
        self.assertEqual(check_file(self.folder / "calls.csv", fmt).records, 24_001)
