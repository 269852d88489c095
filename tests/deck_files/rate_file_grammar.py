# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rate files by a grammar, each with the rates that it means.

A carrier has prices for codes. It writes them down in conventions of its own: decimal
signs, units in a heading or in cells, parts of codes in one column or two, days,
statuses, languages, texts around the table, CSV or a workbook. What it means is known
before a file is made of it.
"""

import datetime
import io
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import openpyxl
from hypothesis import strategies as st

#: country code, code within the country, trunk 0 that is dialed within it, name
PLACES = [
    ("44", "", "", "United Kingdom"),
    ("44", "20", "0", "United Kingdom London"),
    ("44", "161", "0", "United Kingdom Manchester"),
    ("44", "7400", "0", "United Kingdom Mobile"),
    ("44", "7700", "0", "United Kingdom Mobile"),
    ("33", "", "", "France"),
    ("33", "1", "0", "France Paris"),
    ("33", "6", "0", "France Mobile"),
    ("33", "7", "0", "France Mobile"),
    ("49", "", "", "Germany"),
    ("49", "30", "0", "Germany Berlin"),
    ("49", "89", "0", "Germany Munich"),
    ("49", "151", "0", "Germany Mobile"),
    ("1", "201", "", "USA New Jersey"),
    ("1", "212", "", "USA New York"),
    ("1", "305", "", "USA Florida"),
    ("1", "416", "", "Canada Toronto"),
    ("1", "876", "", "Jamaica"),
    ("7", "", "", "Russia"),
    ("7", "495", "", "Russia Moscow"),
    ("7", "727", "", "Kazakhstan Almaty"),
    ("20", "2", "0", "Egypt Cairo"),
    ("20", "10", "0", "Egypt Mobile"),
    ("39", "06", "", "Italy Rome"),
    ("39", "347", "", "Italy Mobile"),
    ("41", "44", "0", "Switzerland Zurich"),
    ("41", "79", "0", "Switzerland Mobile"),
    ("36", "1", "06", "Hungary Budapest"),
    ("36", "36", "06", "Hungary Eger"),
    ("212", "", "", "Morocco"),
    ("213", "", "", "Algeria"),
    ("216", "", "", "Tunisia"),
    ("218", "", "", "Libya"),
    ("971", "50", "0", "UAE Mobile"),
    ("54", "11", "0", "Argentina Buenos Aires"),
    ("91", "", "", "India"),
    ("91", "91", "0", "India Mobile"),
]
HEADINGS = {
    "en": {
        "prefix": ("Prefix", "Code", "Dial Code", "Destination Code", "Codes"),
        "country_code": ("Country Code", "CC"),
        "area": ("Area Code", "Code", "Prefix"),
        "name": ("Destination", "Name", "Description"),
        "price": ("Rate", "Price", "New Rate", "Rate per minute"),
        "date": ("Effective Date", "Valid from", "Start Date", "Effective"),
        "status": ("Status", "Change"),
        "increments": ("Billing Increment", "Increments", "Increment"),
        "first": ("First Increment", "Initial Increment", "Interval 1"),
        "next": ("Next Increment", "Subsequent Increment", "Interval N"),
    },
    "de": {
        "prefix": ("Vorwahl", "Kennzahl", "Rufnummernpräfix"),
        "country_code": ("Landesvorwahl", "Ländercode"),
        "area": ("Ortsvorwahl", "Vorwahl"),
        "name": ("Ziel", "Bezeichnung"),
        "price": ("Preis", "Tarif", "Preis pro Minute", "Preis/Min. netto"),
        "date": ("Gültig ab", "Datum"),
        "status": ("Status", "Änderung"),
        "increments": ("Taktung", "Takt"),
        "first": ("Ersttakt",),
        "next": ("Folgetakt",),
    },
    "es": {
        "prefix": ("Prefijo", "Código", "Código de destino"),
        "country_code": ("Código de país",),
        "area": ("Código de área",),
        "name": ("Destino", "Descripción"),
        "price": ("Precio", "Tarifa", "Precio por minuto"),
        "date": ("Vigencia desde", "Fecha efectiva", "Vigencia"),
        "status": ("Estado",),
        "increments": ("Facturación", "Incremento"),
        "first": ("Incremento inicial",),
        "next": ("Incremento adicional",),
    },
}
MONTHS = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(),
    "de": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez".split(),
    "es": "ene feb mar abr may jun jul ago sep oct nov dic".split(),
}
MINUTE = 60


@dataclass(frozen=True)
class Meant:
    """A rate as the carrier means it: the price of a second, or that it ends."""

    second: Fraction = Fraction(0)
    increments: tuple = (1, 1)
    valid_from: datetime.date | None = None
    closed: bool = False


@dataclass
class RateFile:
    """A file, what it means, and whether it is plainly written.

    - `meant`: dict code -> `Meant`
    - `said`: dict of the styles, for the eye of who reads a failure
    """

    content: bytes
    name: str
    meant: dict
    is_plain: bool
    said: dict

    def __repr__(self):
        text = self.content if self.name.endswith("csv") else b"(workbook)"
        return f"{self.said}\n{text.decode(errors='replace')}"


# === PRICES === #


def _plain_number(value, sign):
    return f"{value:f}".replace(".", sign)


#: style -> (what follows the word for price, cell of (number, row) or None where it is
#: the number, price of a minute that a number of 1 means); plain ones first
UNITS = {
    "bare": ("", None, 1),
    "currency": (" (USD)", None, 1),
    "per minute": ("/min", None, 1),
    "dollars": ("", lambda text, _n: f"$ {text}", 1),
    "dollars a minute": ("", lambda text, _n: f"{text} USD/min", 1),
}
ODD_UNITS = {
    "per hour": (" per hour", None, Fraction(1, 60)),
    "per second": ("/sec", None, Fraction(60)),
    "half minutes": (" half minute", None, Fraction(2)),
    "per 6 seconds": (" per 1/10 min", None, Fraction(10)),
    "cents": (" (cents)", None, Fraction(1, 100)),
    "cents a minute": (" (ct/min)", None, Fraction(1, 100)),
    "US cents": (" in US cents", None, Fraction(1, 100)),
    "mills": (" (mills)", None, Fraction(1, 1000)),
    "thousandths": (" (thousandths)", None, Fraction(1, 1000)),
    "times 10000": (" x10000", None, Fraction(1, 10000)),
    "by 1000": ("/1000", None, Fraction(1, 1000)),
    "implied": (" (4 decimals implied)", None, Fraction(1, 10000)),
    "1k minutes": (" per 1k min", None, Fraction(1, 1000)),
    "milli": (" in milliUSD", None, Fraction(1, 1000)),
    "cents in cells": ("", lambda text, _n: f"{text} ct", Fraction(1, 100)),
    "some cells in cents": (
        "",
        lambda text, n: text if n else f"{text} ct",
        Fraction(1, 100),
    ),
    "title in cents": ("", None, Fraction(1, 100)),
}

# === CODES === #


def _complete(place):
    return place[0] + place[1]


#: style -> cell; a list of codes of one row is `LISTS`
CODES = {
    "complete": _complete,
    "plus": lambda place: "+" + _complete(place),
}
ODD_CODES = {
    "00": lambda place: "00" + _complete(place),
    "011": lambda place: "011 " + _complete(place),
    "blank": lambda place: f"{place[0]} {place[1]}".strip(),
    "plus blank": lambda place: f"+{place[0]} {place[1]}".strip(),
    "hyphen": lambda place: f"{place[0]}-{place[1]}".strip("-"),
    "slash": lambda place: f"{place[0]}/{place[1]}".strip("/"),
    "point": lambda place: f"{place[0]}.{place[1]}".strip("."),
    "parentheses": lambda place: f"{place[0]}({place[1]})" if place[1] else place[0],
    "trunk": lambda place: (
        f"+{place[0]} ({place[2]}){place[1]}" if place[2] else "+" + _complete(place)
    ),
    "star": lambda place: _complete(place) + "*",
    "x": lambda place: _complete(place) + "XXX",
    "caret": lambda place: "^" + _complete(place),
    "apostrophe": lambda place: "'" + _complete(place),
    "formula": lambda place: f'="{_complete(place)}"',
    "without 1": lambda place: place[1] if place[0] == "1" else _complete(place),
}
#: style -> cells of the country code and of the code, for rows in their order
IN_TWO = (
    *("national", "trunk 0", "complete", "first row", "first row after a gap"),
    *("iso", "named"),
)
ISO = {
    **{"44": "GB", "33": "FR", "49": "DE", "1": "US", "7": "RU", "20": "EG"},
    **{"39": "IT", "41": "CH", "36": "HU", "212": "MA", "213": "DZ", "216": "TN"},
    **{"218": "LY", "971": "AE", "54": "AR", "91": "IN"},
}
#: several codes of one row, all with one beginning
LISTS = {
    "comma": lambda head, ends: ", ".join(head + end for end in ends),
    "line": lambda head, ends: "\n".join(head + end for end in ends),
    "endings": lambda head, ends: ",".join([head + ends[0], *ends[1:]]),
    "slashes": lambda head, ends: "/".join([head + ends[0], *ends[1:]]),
    "behind a blank": lambda head, ends: f"{head} {','.join(ends)}",
    "behind a colon": lambda head, ends: f"{head}: {', '.join(ends)}",
    "blanks": lambda head, ends: " ".join(head + end for end in ends),
    "class": lambda head, ends: f"{head}[{''.join(ends)}]",
    "choice": lambda head, ends: f"{head}({','.join(ends)})",
}

# === DAYS === #


def _serial(day):
    return str((day - datetime.date(1899, 12, 30)).days)


DAYS = {
    "iso": lambda day, _months: day.isoformat(),
    "points": lambda day, _months: day.strftime("%d.%m.%Y"),
    "named": lambda day, months: f"{day.day}-{months[day.month - 1]}-{day.year}",
}
ODD_DAYS = {
    "day first": lambda day, _months: day.strftime("%d/%m/%Y"),
    "month first": lambda day, _months: day.strftime("%m/%d/%Y"),
    "short": lambda day, _months: day.strftime("%d/%m/%y"),
    "short month first": lambda day, _months: day.strftime("%m/%d/%y"),
    "digits": lambda day, _months: day.strftime("%Y%m%d"),
    "digits day first": lambda day, _months: day.strftime("%d%m%Y"),
    "digits month first": lambda day, _months: day.strftime("%m%d%Y"),
    "serial": lambda day, _months: _serial(day),
    "short named": lambda day, months: f"{day.day:02}-{months[day.month - 1]}-{day:%y}",
    "east": lambda day, _months: f"{day.year}年{day.month}月{day.day}日",
    "points month first": lambda day, _months: day.strftime("%m.%d.%Y"),
    "year first short": lambda day, _months: day.strftime("%y-%m-%d"),
}
#: the same day for all rows, said by a line above the table
TITLES_OF_DAYS = ("Effective Date: {}", "Valid from {}", "Rates effective {}")

STATUSES = {
    "en": (("Active", "Closed"), ("New", "Discontinued"), ("Open", "Deleted")),
    "de": (("Aktiv", "Gelöscht"), ("Neu", "Gesperrt")),
    "es": (("Activo", "Eliminado"), ("Nuevo", "Bloqueado")),
}
ODD_STATUSES = (("1", "0"), ("0", "1"), ("+", "-"), ("A", "D"), ("TRUE", "FALSE"))


@st.composite
def rate_files(draw, plain=False):
    """A `RateFile`.

    :param plain: whether a clerk would call it clear: it is to be read without a word
    """
    return _Maker(draw, plain).file()


class _Maker:
    """Makes one file: `header` and `cells`, and beside them what each row means."""

    def __init__(self, draw, plain):
        self.draw = draw
        self.is_odd = not plain
        self.language = self.pick("en", "de", "es")
        texts = HEADINGS[self.language]
        self.words = {name: self.pick(*some) for name, some in texts.items()}
        # Of 212, 213 and 216 alone nobody knows whether they are in Africa or in +1,
        # and 36 of the country 36 is Hungary or Eger: these are asked about.
        known = [
            one
            for one in PLACES
            if self.is_odd or (len(one[0]) < 3 and not one[1].startswith(one[0]))
        ]
        self.places = draw(
            st.lists(st.sampled_from(known), min_size=1, max_size=7, unique=True)
        )
        self.said = {"language": self.language}
        self.header, self.cells = [], [[] for _ in self.places]
        self.codes = [[_complete(place)] for place in self.places]
        self.titles, self.tail, self.blank_lines = [], [], set()
        #: whether no reading of the file can be right
        self.is_useless = False

    def pick(self, *options):
        return self.draw(st.sampled_from(options))

    def some(self, options):
        """The options of one convention in three; all odd at once are only asked."""
        is_odd = self.is_odd and self.draw(st.integers(0, 2)) == 0
        return tuple(options) if is_odd else ()

    def column(self, name, texts):
        self.header.append(name)
        for row, text in zip(self.cells, texts, strict=True):
            row.append(text)

    def file(self):
        kind = self.pick("one", "two", *self.some(["lists", "lists", "one"]))
        if kind == "two" and all(place[1] for place in self.places):
            self.codes_in_two_columns()
        elif kind == "lists":
            self.lists_of_codes()
        else:
            self.codes_in_one_column()
        self.column(self.words["name"], [place[3] for place in self.places])
        self.prices()
        self.increments()
        self.days()
        self.statuses()
        self.other_column()
        table = self.table()
        makers = {"text": _text, "workbook": _workbook, "fixed": _fixed}
        kind = self.pick("text", "text", "workbook", *self.some(["fixed"]))
        content, name = makers[kind](table, self)
        return RateFile(content, name, self.meant(), not self.is_odd, self.said)

    def meant(self):
        if self.is_useless:
            return {}
        rows = zip(
            *(self.codes, self.minutes, self.steps, self.starts, self.ends), strict=True
        )
        return {
            code: Meant(valid_from=day, closed=True)
            if is_end
            else Meant(minute / MINUTE, steps, day)
            for codes, minute, steps, day, is_end in rows
            for code in codes
        }

    # === CODES === #

    def codes_in_two_columns(self):
        style = self.said["codes"] = self.pick("national", *self.some(IN_TWO))
        first = {
            "iso": lambda place: ISO[place[0]],
            "named": lambda place: f"{place[3].split()[0]} ({place[0]})",
        }.get(style, lambda place: place[0])
        countries = [first(place) for place in self.places]
        if style.startswith("first row"):
            places = self.places = sorted(self.places, key=lambda place: place[0])
            self.codes = [[_complete(place)] for place in places]
            countries = [
                place[0] if not n or places[n - 1][0] != place[0] else ""
                for n, place in enumerate(places)
            ]
            if style.endswith("gap"):
                self.blank_lines.add(len(places) // 2)
        self.column(self.words["country_code"], countries)
        if style == "complete":
            codes = [_complete(place) for place in self.places]
        elif style == "trunk 0":
            codes = [place[2] + place[1] for place in self.places]
        else:
            codes = [place[1] for place in self.places]
        self.column(self.words["area"], codes)

    def lists_of_codes(self):
        style = self.said["codes"] = self.pick(*LISTS)
        texts = []
        digits = st.lists(
            st.sampled_from("23456789"), min_size=1, max_size=3, unique=True
        )
        for n, place in enumerate(self.places):
            head, ends = _complete(place), self.draw(digits)
            if style in ("behind a blank", "behind a colon"):
                head, ends = place[0], [place[1] + end for end in ends]
            self.codes[n] = [head + end for end in ends]
            texts.append(LISTS[style](head, ends))
        self.column(self.words["prefix"], texts)

    def codes_in_one_column(self):
        style = self.pick(*CODES, *self.some(ODD_CODES))
        if style == "without 1" and any(place[0] != "1" for place in self.places):
            style = "complete"  # that 305 among them is Florida, no file can say
        self.said["codes"] = style
        write = {**CODES, **ODD_CODES}[style]
        self.column(self.words["prefix"], list(map(write, self.places)))

    # === PRICES AND TERMS === #

    def prices(self):
        size = len(self.places)
        found = self.draw(
            st.lists(st.integers(2, 49_999), min_size=size, max_size=size, unique=True)
        )
        self.sign = self.said["sign"] = self.pick(".", ",")
        decimals = self.pick(4, *self.some((2, 3, 4)))
        self.numbers = [Decimal(price).scaleb(-decimals) for price in found]
        unit = self.said["unit"] = self.pick(*UNITS, *self.some(ODD_UNITS))
        heading, cell, factor = {**UNITS, **ODD_UNITS}[unit]
        self.minutes = [Fraction(number) * factor for number in self.numbers]
        texts = [_plain_number(number, self.sign) for number in self.numbers]
        if cell:
            texts = [cell(text, n) for n, text in enumerate(texts)]
        if unit == "title in cents":
            self.titles.append("All rates in US cents per minute")
        name = self.words["price"]
        if heading and unit != "currency":
            name = {"en": "Rate", "de": "Preis", "es": "Precio"}[self.language]
        self.price_place = len(self.header)
        self.column(name + heading, texts)

    def increments(self):
        size = len(self.places)
        style = self.said["increments"] = self.pick(
            "none", "pair", "two", *self.some(("title", "minutes", "least"))
        )
        pairs = [self.pick((60, 60), (60, 1), (30, 6), (1, 1)) for _ in self.places]
        self.steps = pairs
        if style == "none":
            self.steps = [(1, 1)] * size
        elif style == "pair":
            texts = [f"{first}/{then}" for first, then in pairs]
            self.column(self.words["increments"], texts)
        elif style == "two":
            self.column(self.words["first"], [str(first) for first, _then in pairs])
            self.column(self.words["next"], [str(then) for _first, then in pairs])
        elif style == "title":
            self.steps = [(60, 60)] * size
            self.titles.append("Billing: 60/60")
        elif style == "minutes":
            self.steps = [(60, 60)] * size
            self.column("Increment (min)", ["1"] * size)
        else:
            self.steps = [(first, 1) for first, _then in pairs]
            self.column("Minimum Duration", [str(first) for first, _then in pairs])

    def days(self):
        style = self.pick(
            "none", *DAYS, *self.some(("title", "unknown name", *ODD_DAYS))
        )
        one = st.dates(datetime.date(2026, 12, 1), datetime.date(2028, 12, 31))
        self.starts = [self.draw(one) for _ in self.places]
        if style == "points month first" and all(day.day < 13 for day in self.starts):
            style = "points"  # as everybody reads them
        self.said["days"] = style
        if style == "none":
            self.starts = [None] * len(self.places)
            return
        if style == "title":
            self.starts = self.starts[:1] * len(self.places)
            title = self.pick(*TITLES_OF_DAYS)
            self.titles.append(title.format(self.starts[0].strftime("%d/%m/%Y")))
            return
        name = self.words["date"]
        if style == "unknown name":
            name = self.pick("Rate begins", "Start", "Inicio", "Beginn")
        elif style in ("month first", "day first") and self.pick(True, False):
            name += " (MM/DD/YYYY)" if style == "month first" else " (DD/MM/YYYY)"
        write = {**DAYS, **ODD_DAYS}.get(style, DAYS["iso"])
        months = MONTHS[self.language]
        self.column(name, [write(day, months) for day in self.starts])

    def statuses(self):
        style = self.pick("none", "known", *self.some(("odd", "title")))
        self.said["status"] = style
        self.ends = [False] * len(self.places)
        if style == "title":
            self.ends[-1] = True
            self.tail.append("DELETED CODES")
        if style not in ("known", "odd"):
            return
        self.ends = [self.pick(False, False, True) for _ in self.places]
        known = STATUSES[self.language] if style == "known" else ODD_STATUSES
        pair = self.pick(*known)
        self.column(self.words["status"], [pair[is_end] for is_end in self.ends])
        if self.said["unit"] != "some cells in cents" and self.pick(True, False):
            for row, is_end in zip(self.cells, self.ends, strict=True):
                row[self.price_place] = "" if is_end else row[self.price_place]

    def other_column(self):
        """A column that is in the way."""
        name = self.pick("", *self.some(("Old Rate", "Sell", "Rate", "Origin", "Unit")))
        if not name:
            return
        self.said["other"] = name
        texts = [_plain_number(number * 2, self.sign) for number in self.numbers]
        if name == "Origin":
            texts = [self.pick("EEA", "ROW") for _ in self.places]
        elif name == "Unit":
            texts = ["call"] * len(self.places)
        # Which of two prices is meant, and who pays it, only the carrier knows; but the
        # new one replaces the other, and where a column has no price it is the other.
        is_clear = name == "Rate" and (
            self.header[self.price_place].startswith("New ")
            or not any(row[self.price_place] for row in self.cells)
        )
        self.is_useless = name != "Old Rate" and not is_clear
        self.column(name, texts)

    def table(self):
        """The rows of the file, with what is around the rates."""
        rows = list(self.cells)
        around = self.said["around"] = self.pick(
            "none", "note", *self.some(("total", "numbers", "again"))
        )
        if around == "total":
            rows.append(["Total", *[""] * (len(self.header) - 2), "1"])
        elif around == "note":
            self.titles.insert(0, "Carrier X, rate sheet")
            rows.append(["Prices may change without notice"])
        elif around == "again":
            rows.insert(len(rows) // 2, list(self.header))
        elif around == "numbers":
            rows.insert(0, [str(n) for n in range(1, len(self.header) + 1)])
        if self.tail:
            last = len(self.places) - 1 + (around in ("again", "numbers"))
            rows.insert(last, self.tail)
        for place in self.blank_lines:
            rows.insert(place, [])
        titles = [[title] for title in self.titles]
        return [*titles, *([[]] if titles else []), self.header, *rows]


def _text(table, maker):
    """A file with a delimiter; its values are quoted where they hold it."""
    commas = [","] if maker.is_odd or maker.sign == "." else []
    delimiter = maker.said["delimiter"] = maker.pick(";", "\t", *commas)
    is_quoted = not maker.is_odd or maker.pick(*[True] * 5, False)
    maker.said["quoted"] = is_quoted

    def quoted(text):
        if is_quoted and (set(text) & {delimiter, '"', "\n", "\r"}):
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [delimiter.join(map(quoted, row)) for row in table]
    encoding = maker.pick("utf-8", "utf-8-sig", "cp1252")
    text = "\r\n".join(lines) + "\r\n"
    return text.encode(encoding, errors="replace"), "rates.csv"


def _fixed(table, maker):
    """A text whose columns are padded with blanks."""
    maker.said["delimiter"] = "blanks"
    if any("\n" in text for row in table for text in row):
        return _text(table, maker)
    width = len(maker.header)
    full = [row for row in table if len(row) == width]
    widths = [max(len(row[n]) for row in full) + 2 for n in range(width)]
    lines = [
        "".join(map(str.ljust, row, widths)).rstrip() if len(row) == width else row[0]
        for row in table
        if row
    ]
    return "\n".join(lines).encode(), "rates.txt"


def _workbook(table, maker):
    """A workbook, whose numbers are numbers or texts."""
    book = openpyxl.Workbook()
    sheet = book.active
    other = maker.pick("", *maker.some(["cover", "hidden", "hidden first", "second"]))
    if other:
        maker.said["sheets"] = other
        added = book.create_sheet("Old", 0 if other == "hidden first" else None)
        dearer = [*maker.header], [row + "9" if row else row for row in maker.cells[0]]
        for row in [["Rate sheet"]] if other == "cover" else dearer:
            added.append(row)
        added.sheet_state = "hidden" if other.startswith("hidden") else "visible"
        book.active = sheet
        # Which of two visible sheets is meant, nobody knows.
        maker.is_useless = maker.is_useless or other == "second"
    formats = ["format"] if maker.is_odd else []
    typed = maker.said["cells"] = maker.pick("texts", "numbers", *formats)
    for row in table:
        sheet.append(row)
    if typed == "texts":
        return _saved(book), "rates.xlsx"
    for row in sheet.iter_rows():
        for cell in row:
            text = str(cell.value or "").replace(maker.sign, ".")
            if cell.data_type == "s" and text.count(".") == 1:
                left, right = text.split(".")
                if left.isdecimal() and right.isdecimal():
                    cell.value = float(text)
                    if typed == "format" and maker.said["unit"] in UNITS:
                        cell.number_format = '0.0000" USD"'
    return _saved(book), "rates.xlsx"


def _saved(book):
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
