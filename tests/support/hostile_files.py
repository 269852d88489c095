# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Small files that ask for much: what a few kilobytes may cost is tested with them."""

import gzip
import io
import zipfile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml."
#: a row of a rate deck and of call records at once
COLUMNS = ("prefix", "price", "call_id", "start_time", "caller")
DECK = "prefix,price\n"


def sheet(rows, after=""):
    """The XML of a sheet.

    :param rows: XML of its rows
    :param after: XML behind them
    """
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{after}</worksheet>'


def good_rows(count=220):
    """XML of a header and rows that detection finds right."""
    return row(1, COLUMNS) + "".join(
        row(n, (f"44{n}", "0.01", f"a{n}", "2026-10-01 09:00:00", "12025550101"))
        for n in range(2, count + 1)
    )


def row(number, values):
    cells = "".join(f'<c t="inlineStr"><is><t>{v}</t></is></c>' for v in values)
    return f'<row r="{number}">{cells}</row>'


def book(rows="", *, after="", strings="", styles="", sheets=None, parts=None):
    """A workbook from XML.

    :param rows: of its sheet
    :param strings, styles: inside of these parts
    :param sheets: XML of the list of sheets
    :param parts: dict, further parts, name -> text
    :return: bytes
    """
    sheets = sheets or '<sheet name="S" sheetId="1" r:id="r1"/>'
    content = {
        "[Content_Types].xml": '<Types xmlns="x">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}sheet.main+xml"/>'
        '<Override PartName="/xl/sharedStrings.xml"'
        f' ContentType="{TYPES}sharedStrings+xml"/></Types>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f"<sheets>{sheets}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="x">'
        f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/s.xml"/>'
        "</Relationships>",
        "xl/worksheets/s.xml": sheet(rows, after),
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
        **(parts or {}),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return out.getvalue()


def repeated(text, mebibytes):
    return text * int(mebibytes * 2**20 / len(text))


def far_rows(count, first=221):
    """Rows with one cell each, in the last column."""
    return "".join(f'<row r="{n}"><c r="XFD{n}"/></row>' for n in range(first, count))


def shared_rows(count, column="B"):
    """Rows that show the first shared text."""
    return "".join(
        f'<row r="{n}"><c r="{column}{n}" t="s"><v>0</v></c></row>'
        for n in range(221, count)
    )


#: what -> function that makes the file
WORKBOOKS = {
    "cells at the end of rows": lambda: book(good_rows() + far_rows(10_900)),
    "31,000 rows to the last column": lambda: book(
        good_rows() + "<row><c r='XFD9'/></row>" * 31_000
    ),
    "values in the last column allowed": lambda: book(
        good_rows() + "<row><c r='ALL9'><v>1</v></c></row>" * 28_000
    ),
    "a value far to the right in the header": lambda: book(
        "<row><c r='ALL9'><v>1</v></c></row>" * 30_000
    ),
    "4 MiB of formats": lambda: book(
        good_rows(), styles=f"<cellXfs>{repeated('<xf/>', 4)}</cellXfs>"
    ),
    "1 MiB of formats": lambda: book(
        good_rows(), styles=f"<cellXfs>{repeated('<xf/>', 0.9)}</cellXfs>"
    ),
    "16 MiB of named formats": lambda: book(
        good_rows(), styles=f"<cellStyleXfs>{repeated('<xf/>', 16)}</cellStyleXfs>"
    ),
    "16 MiB of texts": lambda: book(good_rows(), strings=repeated("<si/>", 16)),
    "1 MiB of texts": lambda: book(
        good_rows() + shared_rows(230), strings=repeated("<si/>", 0.9)
    ),
    "a long text in many cells": lambda: book(
        good_rows() + shared_rows(12_000), strings=f"<si><t>{'a' * 32_767}</t></si>"
    ),
    "many sheets that are one": lambda: book(
        repeated("<row/>", 0.5),
        sheets='<sheet name="S" r:id="r1"/>' * 900,
    ),
    "too many sheets": lambda: book("", sheets='<sheet name="S" r:id="r1"/>' * 20_000),
    "empty rows": lambda: book(good_rows() + "<row/>" * 150_000),
    "empty cells": lambda: book(good_rows() + f"<row>{'<c/>' * 200_000}</row>"),
    "merged cells": lambda: book(
        good_rows(), after=repeated('<mergeCell ref="A1:XFD1048576"/>', 0.9)
    ),
    "nested elements": lambda: book(good_rows(), after="<a>" * 250_000),
    "an element without an end": lambda: book(
        good_rows(), after=f'<a b="{"c" * 2**20}'
    ),
    "different names": lambda: book(
        good_rows(), after="".join(f"<a{n:x}/>" for n in range(100_000))
    ),
    "different attributes": lambda: book(
        good_rows(), after="<a" + "".join(f" a{n:x}=''" for n in range(90_000)) + "/>"
    ),
    "defined names": lambda: book(
        good_rows(),
        sheets='<sheet name="S" sheetId="1" r:id="r1"/></sheets><definedNames>'
        + repeated('<definedName name="a">B!$A$1</definedName>', 0.9)
        + "</definedNames><sheets>",
    ),
    "comments, drawings and relations": lambda: book(
        good_rows(),
        parts={
            "xl/comments1.xml": repeated("<comment/>", 0.3),
            "xl/drawings/drawing1.xml": repeated("<xdr:pic/>", 0.2),
            "xl/worksheets/_rels/s.xml.rels": repeated("<Relationship/>", 0.2),
        },
    ),
    "a long format": lambda: book(
        good_rows(),
        styles=f'<numFmts><numFmt numFmtId="170" formatCode="{"[" * 900_000}"/>'
        '</numFmts><cellXfs><xf numFmtId="170"/></cellXfs>',
    ),
    "a number of many digits": lambda: book(
        good_rows() + f"<row><c><v>{'9' * 900_000}</v></c></row>"
    ),
    "a packed workbook that packs well": lambda: gzip.compress(
        book(good_rows(), strings=repeated("<si/>", 16))
    ),
}
#: workbooks of the same kind that are right: what -> (function, rows)
FORMATTED = {
    "to the last column": lambda: book(
        good_rows()
        + "".join(
            f'<row r="{n}" spans="1:16384" s="7">'
            + row(n, COLUMNS)[len(f'<row r="{n}">') : -len("</row>")]
            + f'<c r="XFD{n}" s="7"/></row>'
            for n in range(221, 1001)
        )
    ),
    "to the last row": lambda: book(
        good_rows(1000)
        + "".join(
            f'<row r="{n}" spans="1:5" ht="15" customHeight="1"><c r="A{n}" s="3"/>'
            f'<c r="B{n}" s="3"/></row>'
            for n in range(1001, 1_048_577, 7)
        )
        + '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    ),
}


def _ranges():
    return DECK + "".join(f"{n}0000-{n}9999,0.01\n" for n in range(1000, 2000))


TEXTS = {
    "60 MB of lines in gzip": lambda: gzip.compress(
        (DECK + "1,2\n" * 15 * 2**20).encode()
    ),
    "zeros in gzip": lambda: gzip.compress(bytes(64 * 2**20)),
    "gzip in many parts": lambda: gzip.compress(b"1,2\n" * 2**18) * 200,
    "1,000 ranges": lambda: _ranges().encode(),
    "one range again and again": lambda: gzip.compress(
        (DECK + "10000-19999,0.01\n" * 50_000).encode()
    ),
    "ranges in one cell": lambda: (
        DECK + '"' + ";".join(f"{n}0000-{n}9999" for n in range(10, 99)) + '",1\n'
    ).encode(),
    "equal rows": lambda: gzip.compress((DECK + "1,2\n" * 100_000).encode()),
    "a million columns": lambda: gzip.compress(
        (DECK + "1,2\n" * 300 + "," * 1_000_000 + "\n").encode()
    ),
    "a million columns at once": lambda: gzip.compress(b"," * 1_000_000),
    "a line of 100 MB": lambda: gzip.compress(
        (DECK + "1,2\n" * 300 + "1" * 100 * 2**20).encode()
    ),
    "quotes": lambda: gzip.compress((DECK + "1,2\n" * 300 + '"a""' * 240_000).encode()),
    "a quote in each line": lambda: gzip.compress(
        (DECK + "1,2\n" * 300 + '"1,2\n' * 190_000).encode()
    ),
    "a record of many lines": lambda: gzip.compress(
        (DECK + "1,2\n" * 300 + '"\n",' * 240_000).encode()
    ),
    "a header of one name": lambda: (
        ",".join(["prefix"] * 999) + ",price\n" + ("1," * 999 + "1\n") * 3
    ).encode(),
    "notes around the table": lambda: gzip.compress(
        (DECK + "1,2\n" * 300 + "x,\n" * 300_000).encode()
    ),
    "wrong rows": lambda: gzip.compress((DECK + "x,y\n" * 240_000).encode()),
    "a long wrong cell": lambda: gzip.compress(
        (DECK + "1,2\n" * 300 + "x" * 900_000 + ",1\n").encode()
    ),
}
FILES = {**WORKBOOKS, **TEXTS}
