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


#: style -> (heading behind the word for price, cell, seconds); plain ones first
UNITS = {
    "bare": ("", lambda text: text, 60),
    "currency": (" (USD)", lambda text: text, 60),
    "per minute": ("/min", lambda text: text, 60),
    "dollars": ("", lambda text: f"$ {text}", 60),
    "dollars a minute": ("", lambda text: f"{text} USD/min", 60),
}
#: style -> (heading, cell of (number, index), price of a minute that a number means)
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
    odd = not plain

    def pick(*options):
        return draw(st.sampled_from(options))

    def some(options):
        """The options of one convention in three; all odd at once are only asked."""
        return tuple(options) if odd and draw(st.integers(0, 2)) == 0 else ()

    language = pick("en", "de", "es")
    words = {name: pick(*texts) for name, texts in HEADINGS[language].items()}
    # Of 212, 213 and 216 alone nobody knows whether they are in Africa or in +1, and
    # 36 of the country 36 is Hungary or Eger: these are asked about.
    known = [
        one
        for one in PLACES
        if odd or len(one[0]) < 3 and not one[1].startswith(one[0])
    ]
    places = draw(st.lists(st.sampled_from(known), min_size=1, max_size=7, unique=True))
    prices = draw(
        st.lists(
            st.integers(2, 49_999), min_size=len(places), max_size=len(places), unique=1
        )
    )
    said = {"language": language}
    # What is done to columns, in the order of the rows.
    header, cells = [], [[] for _ in places]
    codes = [[_complete(place)] for place in places]

    def column(name, texts):
        header.append(name)
        for row, text in zip(cells, texts, strict=True):
            row.append(text)

    # Codes.
    kind = pick("one", "two", *some(["lists", "lists", "one"]))
    blank_lines = set()
    if kind == "two" and all(place[1] for place in places):
        style = pick("national", *some(IN_TWO))
        first = {
            "iso": lambda place: ISO[place[0]],
            "named": lambda place: f"{place[3].split()[0]} ({place[0]})",
        }.get(style, lambda place: place[0])
        countries = [first(place) for place in places]
        if style.startswith("first row"):
            places.sort(key=lambda place: place[0])
            codes = [[_complete(place)] for place in places]
            countries = [
                place[0] if not n or places[n - 1][0] != place[0] else ""
                for n, place in enumerate(places)
            ]
            if style.endswith("gap"):
                blank_lines.add(len(places) // 2)
        said["codes"] = style
        column(words["country_code"], countries)
        column(
            words["area"],
            [
                _complete(place)
                if style == "complete"
                else (place[2] if style == "trunk 0" else "") + place[1]
                for place in places
            ],
        )
    elif kind == "lists":
        style = said["codes"] = pick(*LISTS)
        texts = []
        for n, place in enumerate(places):
            head = _complete(place)
            ends = draw(
                st.lists(
                    st.sampled_from("23456789"), min_size=1, max_size=3, unique=True
                )
            )
            if style in ("behind a blank", "behind a colon"):
                head = place[0]
                ends = [place[1] + end for end in ends]
            codes[n] = [head + end for end in ends]
            texts.append(LISTS[style](head, ends))
        column(words["prefix"], texts)
    else:
        styles = {**CODES, **ODD_CODES}
        style = pick(*CODES, *some(ODD_CODES))
        if style == "without 1" and any(place[0] != "1" for place in places):
            style = "complete"  # that 305 among them is Florida, no file can say
        said["codes"] = style
        column(words["prefix"], [styles[style](place) for place in places])
    column(words["name"], [place[3] for place in places])

    # Prices.
    sign = said["sign"] = pick(".", ",")
    decimals = pick(4, *some((2, 3)))
    numbers = [Decimal(price).scaleb(-decimals) for price in prices]
    unit = said["unit"] = pick(*UNITS, *some(ODD_UNITS))
    titles, tail = [], []
    if unit in UNITS:
        heading, cell, _seconds = UNITS[unit]
        minutes = [Fraction(number) for number in numbers]
        texts = [cell(_plain_number(number, sign)) for number in numbers]
    else:
        heading, cell, factor = ODD_UNITS[unit]
        minutes = [Fraction(number) * factor for number in numbers]
        cell = cell or (lambda text, _n: text)
        texts = [
            cell(_plain_number(number, sign), n) for n, number in enumerate(numbers)
        ]
        if unit == "title in cents":
            titles.append("All rates in US cents per minute")
    price_name = words["price"]
    if heading and unit != "currency":
        price_name = {"en": "Rate", "de": "Preis", "es": "Precio"}[language]
    column(price_name + heading, texts)

    # Increments.
    increments = [(1, 1)] * len(places)
    style = said["increments"] = pick(
        "none", "pair", "two", *some(("title", "minutes", "least"))
    )
    pairs = [pick((60, 60), (60, 1), (30, 6), (1, 1)) for _ in places]
    if style == "pair":
        increments = pairs
        column(words["increments"], [f"{first}/{then}" for first, then in pairs])
    elif style == "two":
        increments = pairs
        column(words["first"], [str(first) for first, _then in pairs])
        column(words["next"], [str(then) for _first, then in pairs])
    elif style == "title":
        increments = [(60, 60)] * len(places)
        titles.append("Billing: 60/60")
    elif style == "minutes":
        increments = [(60, 60)] * len(places)
        column("Increment (min)", ["1"] * len(places))
    elif style == "least":
        increments = [(first, 1) for first, _then in pairs]
        column("Minimum Duration", [str(first) for first, _then in pairs])

    # Days.
    days = [None] * len(places)
    style = said["days"] = pick(
        "none", *DAYS, *some(("title", "unknown name", *ODD_DAYS))
    )
    months = MONTHS[language]
    day_of = st.dates(datetime.date(2026, 12, 1), datetime.date(2028, 12, 31))
    if style == "title":
        day = draw(day_of)
        days = [day] * len(places)
        titles.append(pick(*TITLES_OF_DAYS).format(day.strftime("%d/%m/%Y")))
    elif style != "none":
        days = [draw(day_of) for _ in places]
        if style == "points month first" and all(day.day < 13 for day in days):
            style = said["days"] = "points"  # as everybody reads them
        writer = {**DAYS, **ODD_DAYS}.get(style, DAYS["iso"])
        name = words["date"]
        if style == "unknown name":
            name = pick("Rate begins", "Start", "Inicio", "Beginn")
        elif odd and style in ("month first", "day first") and pick(True, False):
            name += " (MM/DD/YYYY)" if style == "month first" else " (DD/MM/YYYY)"
        column(name, [writer(day, months) for day in days])

    # Statuses.
    closed = [False] * len(places)
    style = said["status"] = pick("none", "known", *some(("odd", "title")))
    if style in ("known", "odd"):
        closed = [pick(False, False, True) for _ in places]
        pair = pick(*(STATUSES[language] if style == "known" else ODD_STATUSES))
        column(words["status"], [pair[ends] for ends in closed])
        if pick(True, False) and unit != "some cells in cents":
            place = header.index(price_name + heading)
            for row, ends in zip(cells, closed, strict=True):
                row[place] = "" if ends else row[place]
    elif style == "title":
        closed[-1] = True
        tail.append("DELETED CODES")

    # Columns that are in the way.
    if other := pick("", *some(("Old Rate", "Sell", "Rate", "Origin", "Unit"))):
        said["other"] = other
        if other == "Origin":
            column(other, [pick("EEA", "ROW") for _ in places])
            closed = [None] * len(places)  # nothing is right
        elif other == "Unit":
            column(other, ["call"] * len(places))
            closed = [None] * len(places)
        else:
            column(other, [_plain_number(number * 2, sign) for number in numbers])
            if other in ("Sell", "Rate"):
                # Which of both is meant, only the carrier knows: the dearer one.
                minutes = [minute * 2 for minute in minutes]
                if unit in ("cents in cells", "some cells in cents"):
                    minutes = [minute * 100 for minute in minutes]

    meant = {
        code: Meant(
            Fraction(minute) / MINUTE if not ends else Fraction(0),
            increment if not ends else (1, 1),
            day,
            ends,
        )
        for row, minute, increment, day, ends in zip(
            codes, minutes, increments, days, closed, strict=True
        )
        for code in row
    }
    rows = list(cells)
    around = said["around"] = pick("none", "note", *some(("total", "numbers", "again")))
    if around == "total":
        rows.append(["Total", *[""] * (len(header) - 2), "1"][: len(header)])
    elif around == "note":
        titles.insert(0, "Carrier X, rate sheet")
        rows.append(["Prices may change without notice"])
    elif around == "again":
        rows.insert(len(rows) // 2, list(header))
    elif around == "numbers":
        rows.insert(0, [str(n) for n in range(1, len(header) + 1)])
    if tail:
        rows.insert(max(0, len(rows) - 1 - (around in ("total", "note"))), tail)
    for place in blank_lines:
        rows.insert(place, [])
    table = [*([title] for title in titles), *([[]] if titles else []), header, *rows]
    made = _workbook if pick("text", "text", "workbook") == "workbook" else _text
    content, name = made(table, said, pick, sign, odd)
    return RateFile(content, name, meant, plain, said)


def _text(table, said, pick, sign, odd):
    """A file with a delimiter; its values are quoted where they hold it."""
    delimiter = said["delimiter"] = pick(
        ";", "\t", *([","] if odd or sign == "." else [])
    )
    is_quoted = said["quoted"] = not odd or pick(*[True] * 5, False)

    def quoted(text):
        if is_quoted and (set(text) & {delimiter, '"', "\n", "\r"}):
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [delimiter.join(map(quoted, row)) for row in table]
    encoding = pick("utf-8", "utf-8-sig", "cp1252")
    text = "\r\n".join(lines) + "\r\n"
    return text.encode(encoding, errors="replace"), "rates.csv"


def _workbook(table, said, pick, sign, odd):
    """A workbook, whose numbers are numbers or texts."""
    book = openpyxl.Workbook()
    sheet = book.active
    typed = said["cells"] = pick("texts", "numbers", *(["format"] if odd else ()))
    for row in table:
        sheet.append(row)
    if typed == "texts":
        return _saved(book), "rates.xlsx"
    for row in sheet.iter_rows():
        for cell in row:
            text = str(cell.value or "").replace(sign, ".")
            if cell.data_type == "s" and text.count(".") == 1:
                left, right = text.split(".")
                if left.isdecimal() and right.isdecimal():
                    cell.value = float(text)
                    if typed == "format" and said["unit"] in UNITS:
                        cell.number_format = '0.0000" USD"'
    return _saved(book), "rates.xlsx"


def _saved(book):
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
