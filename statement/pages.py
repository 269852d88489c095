# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A statement as a PDF, drawn page by page: memory does not grow with the rows.

The same code runs twice: once with a pen that only counts, so that each page can say
how many there are, and once with one that draws. Of the rows the first needs no more
than their number.
"""

import io
import itertools
import struct
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader, simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from .visual_order import is_turned, visual

FONTS = Path(__file__).with_name("fonts")
#: for Latin, Greek and Cyrillic; a company may have fonts for its own script
REGULAR = FONTS / "DejaVuSansCondensed.ttf"
BOLD = FONTS / "DejaVuSansCondensed-Bold.ttf"

WIDTH, HEIGHT = A4
MARGIN = 28
BOTTOM, TOP = 44, HEIGHT - 34
LINE, TEXT_LINE = 9.4, 12
SIZE, TEXT_SIZE, TITLE_SIZE, HEADING_SIZE = 6.4, 8.5, 16, 10
#: rows that stay together with the names of their columns
LEAST_ROWS = 3
GAP = 4
LOGO = (150, 48)
STRIPE, MUTED, BLACK = HexColor("#F3F4F6"), HexColor("#4B5563"), HexColor("#111827")


class FontError(ValueError):
    """A font file that cannot be used; the text says which."""


def write_pdf(document, formats, file, regular=REGULAR, bold=BOLD):
    """Write a statement as a PDF; the same content becomes the same bytes.

    :param document: `content.Document`; its rows are read once
    :param formats: `formats.Formats`
    :param file: open for writing bytes
    :param regular, bold: TrueType fonts with the letters that are needed: paths, or
        bytes
    :return: number of pages
    :raise ValueError: a section has another number of rows than it says
    :raise FontError: a file is no such font
    """
    fonts = _register(regular), _register(bold)
    counting = _Pages(document, formats, fonts, None, 0)
    counting.run()
    canvas = Canvas(file, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(document.title)
    canvas.setAuthor(document.sender[0] if document.sender else "")
    pages = _Pages(document, formats, fonts, canvas, counting.page)
    pages.run()
    canvas.save()
    return pages.page


def check_font(content):
    """See whether a font can be used.

    :param content: bytes of a file
    :raise FontError: it is no TrueType font
    """
    _register(content)


def _register(font):
    """Have reportlab know a font; its name.

    :param font: path, or bytes
    """
    if isinstance(font, bytes):
        title, file = "font", io.BytesIO(font)
        digest = sha256(font).hexdigest()
    else:
        path = Path(font)
        title, file = path.stem, str(path)
        digest = sha256(bytes(path.resolve())).hexdigest()
    name = f"{title}-{digest[:8]}"
    if name not in pdfmetrics.getRegisteredFontNames():
        try:
            pdfmetrics.registerFont(TTFont(name, file))
        except (OSError, TTFError, struct.error, LookupError, ValueError) as error:
            raise FontError(f"{title}: {error}") from error
    return name


class _Pages:
    """Where things are on the pages; draws them where there is a canvas."""

    def __init__(self, document, formats, fonts, canvas, pages):
        self.document, self.formats, self.canvas = document, formats, canvas
        self.regular, self.bold = fonts
        self.color = HexColor(document.color)
        self.page, self.pages, self.y = 0, pages, 0

    def run(self):
        self._begin_page()
        self._head()
        for section in self.document.sections:
            self._section(section)
        self.y -= GAP
        for sentence in self.document.closing:
            self._paragraph(sentence)
        self._end_page()

    # === PAGES === #

    def _begin_page(self):
        self.page += 1
        self.y = TOP

    def _end_page(self):
        if self.canvas is None:
            return
        label = self.document.page % {"page": self.page, "pages": self.pages}
        with self._styled(self.regular, SIZE + 0.6, MUTED) as canvas:
            footer = visual(self.document.footer)
            canvas.drawString(MARGIN, BOTTOM - 18, footer)
            label = visual(label)
            canvas.drawRightString(WIDTH - MARGIN, BOTTOM - 18, label)
        self.canvas.showPage()

    def _need(self, height):
        """Begin another page where so much does not fit; whether it did."""
        if self.y - height >= BOTTOM:
            return False
        self._end_page()
        self._begin_page()
        return True

    @contextmanager
    def _styled(self, font, size, color):
        self.canvas.setFont(font, size)
        self.canvas.setFillColor(color)
        yield self.canvas

    # === HEAD === #

    def _head(self):
        document = self.document
        top = self.y
        if document.logo:
            self._logo(document.logo)
        self._lines(document.sender, WIDTH / 2, top, TEXT_SIZE, is_right=True)
        height = max(LOGO[1] if document.logo else 0, TEXT_LINE * len(document.sender))
        self.y = top - height - 2 * TEXT_LINE
        block = self.y
        self._lines(document.receiver, MARGIN, block, TEXT_SIZE)
        for place, (label, value) in enumerate(document.facts):
            self._fact(label, value, block - TEXT_LINE * place)
        longest = max(len(document.receiver), len(document.facts))
        self.y = block - TEXT_LINE * longest - 1.5 * TEXT_LINE
        if self.canvas:
            with self._styled(self.bold, TITLE_SIZE, self.color) as canvas:
                canvas.drawString(MARGIN, self.y, visual(document.title))
        self.y -= 1.6 * TEXT_LINE

    def _logo(self, content):
        if not self.canvas:
            return
        image = ImageReader(io.BytesIO(content))
        wide, high = image.getSize()
        scale = min(LOGO[0] / wide, LOGO[1] / high)
        self.canvas.drawImage(
            image,
            MARGIN,
            self.y - high * scale + TEXT_SIZE,
            wide * scale,
            high * scale,
            mask="auto",
        )

    def _lines(self, lines, left, top, size, is_right=False):
        if not self.canvas:
            return
        for place, line in enumerate(lines):
            font = self.bold if not place else self.regular
            with self._styled(font, size, BLACK) as canvas:
                y, line = top - TEXT_LINE * place, visual(line)
                if is_right:
                    canvas.drawRightString(WIDTH - MARGIN, y, line)
                else:
                    canvas.drawString(left, y, line)

    def _fact(self, label, value, y):
        if not self.canvas:
            return
        with self._styled(self.regular, TEXT_SIZE, MUTED) as canvas:
            canvas.drawString(WIDTH / 2, y, visual(label))
        with self._styled(self.regular, TEXT_SIZE, BLACK) as canvas:
            canvas.drawRightString(WIDTH - MARGIN, y, visual(value))

    def _paragraph(self, text):
        lines = simpleSplit(text, self.regular, TEXT_SIZE, WIDTH - 2 * MARGIN)
        is_right = is_turned(text)
        for line in lines:
            self._need(TEXT_LINE)
            if self.canvas:
                shown, y = visual(line), self.y - TEXT_SIZE
                with self._styled(self.regular, TEXT_SIZE, BLACK) as canvas:
                    if is_right:
                        canvas.drawRightString(WIDTH - MARGIN, y, shown)
                    else:
                        canvas.drawString(MARGIN, y, shown)
            self.y -= TEXT_LINE
        self.y -= GAP

    # === SECTIONS === #

    def _section(self, section):
        head = 2 * TEXT_LINE + (TEXT_LINE if section.note else 0) + LINE + GAP
        self._need(head + LINE * min(section.count, LEAST_ROWS) + LINE)
        self._heading(section.title, section.note)
        lefts, widths = self._places(section.columns)
        self._column_titles(section.columns, lefts, widths)
        rows, left = iter(section.rows), section.count
        while left:
            many = max(0, min(int((self.y - BOTTOM) / LINE), left))
            if many == left and section.total:
                many = self._before_total(left)
            if not many:
                self._need(HEIGHT)
                self._heading(self.document.continued % {"title": section.title})
                self._column_titles(section.columns, lefts, widths)
                continue
            if self.canvas:
                some = list(itertools.islice(rows, many))
                if len(some) < many:
                    raise ValueError(_too_few(section, left - len(some)))
                self._rows(section.columns, some, lefts, widths)
            self.y -= LINE * many
            left -= many
        if self.canvas and next(rows, None) is not None:
            raise ValueError(f"{section.title}: more rows than {section.count}")
        if section.total:
            self._total(section, lefts, widths)
        self.y -= 1.5 * TEXT_LINE

    def _before_total(self, left):
        """How many of the last rows stand on this page: some go with their total."""
        if self.y - LINE * left - LINE - GAP >= BOTTOM:
            return left
        return max(0, left - LEAST_ROWS)

    def _heading(self, title, note=""):
        self.y -= TEXT_LINE
        if self.canvas:
            with self._styled(self.bold, HEADING_SIZE, self.color) as canvas:
                canvas.drawString(MARGIN, self.y, self._fit_heading(title))
        self.y -= GAP
        if note:
            self.y -= TEXT_LINE
            if self.canvas:
                with self._styled(self.regular, SIZE + 1, MUTED) as canvas:
                    canvas.drawString(MARGIN, self.y + GAP, visual(note))
        self.y -= GAP

    def _fit_heading(self, title):
        return _fit(title, self.bold, HEADING_SIZE, WIDTH - 2 * MARGIN)

    def _places(self, columns):
        """Left edges and widths of columns."""
        whole = sum(column.width for column in columns)
        widths = [(WIDTH - 2 * MARGIN) * column.width / whole for column in columns]
        lefts = list(itertools.accumulate(widths, initial=MARGIN))[:-1]
        for place, (before, column) in enumerate(itertools.pairwise(columns), 1):
            if before.is_right and not column.is_right:
                lefts[place] += 2 * GAP
                widths[place] -= 2 * GAP
        return lefts, widths

    def _column_titles(self, columns, lefts, widths):
        if self.canvas:
            titles = [column.title for column in columns]
            self._row(titles, columns, lefts, widths, self.bold)
            self._rule()
        self.y -= LINE + 1

    def _total(self, section, lefts, widths):
        self._need(LINE + GAP)
        if self.canvas:
            self._rule(self.y - 1)
            texts = self._texts(section.columns, section.total)
            self.y -= 1
            self._row(texts, section.columns, lefts, widths, self.bold)
            self.y += 1
        self.y -= LINE + 1

    def _rule(self, y=None):
        y = self.y - LINE + 0.5 if y is None else y
        self.canvas.setStrokeColor(self.color)
        self.canvas.setLineWidth(0.5)
        self.canvas.line(MARGIN, y, WIDTH - MARGIN, y)

    def _texts(self, columns, row):
        return [
            self.formats.text(column, value)
            for column, value in zip(columns, row, strict=True)
        ]

    def _row(self, texts, columns, lefts, widths, font):
        base = self.y - SIZE
        with self._styled(font, SIZE, BLACK) as canvas:
            cells = zip(texts, columns, lefts, widths, strict=True)
            for text, column, left, width in cells:
                text = _fit(text, font, SIZE, width - GAP)
                if column.is_right:
                    canvas.drawRightString(left + width - GAP / 2, base, text)
                else:
                    canvas.drawString(left, base, text)

    def _rows(self, columns, rows, lefts, widths):
        """Rows of one page: one text object a column, which takes half of the time."""
        canvas, font = self.canvas, self.regular
        canvas.setFillColor(STRIPE)
        for place in range(1, len(rows), 2):
            y = self.y - LINE * (place + 1) + 1.2
            canvas.rect(MARGIN - 2, y, WIDTH - 2 * MARGIN + 4, LINE, stroke=0, fill=1)
        canvas.setFillColor(BLACK)
        base = self.y - SIZE
        text_of = self.formats.text
        for place, column in enumerate(columns):
            left, width = lefts[place], widths[place] - GAP
            lines = canvas.beginText(left, base)
            lines.setFont(font, SIZE, LINE)
            right = left + width + GAP / 2
            y = base
            for row in rows:
                text = text_of(column, row[place])
                if text:
                    text = _fit(text, font, SIZE, width)
                    if column.is_right:
                        wide = _width(text, font, SIZE)
                        lines.setTextOrigin(right - wide, y)
                    else:
                        lines.setTextOrigin(left, y)
                    lines.textOut(text)
                y -= LINE
            canvas.drawText(lines)


def _too_few(section, missing):
    return f"{section.title}: {missing} of {section.count} rows are missing"


@lru_cache(20_000)
def _width(text, font, size):
    return pdfmetrics.stringWidth(text, font, size)


@lru_cache(20_000)
def _fit(text, font, size, width):
    """A text as it is drawn, cut where it is too wide."""
    shown = visual(text)
    if _width(shown, font, size) <= width:
        return shown
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _width(visual(text[:middle] + "…"), font, size) <= width:
            low = middle
        else:
            high = middle - 1
    return visual(text[:low].rstrip() + "…")
