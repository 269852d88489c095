# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Decks as texts and workbooks, read as an import does."""

import io
import tempfile
from pathlib import Path

import openpyxl

from odoo.addons.metered_billing.deck_files import Choices, parse_deck, read_rows


def reading(content, name="deck.csv", **said):
    """What a file says; see `deck_files.parse_deck`.

    :param said: fields of `deck_files.Choices`
    """
    content = content if isinstance(content, bytes) else content.encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return parse_deck(read_rows(path, name, Choices(**said)))


def of_price(*texts, **said):
    """What a file with these prices says, each of a code of its own."""
    rows = "".join(
        f'{4400 + place};"{text.replace(chr(34), chr(34) * 2)}"\n'
        for place, text in enumerate(texts)
    )
    return reading("prefix;price\n" + rows, **said)


def of_code(text, **said):
    """What a file with one cell of codes says."""
    return reading(f'prefix;price\n"{text}";0.5\n', **said)


def workbook(*sheets):
    """The bytes of a workbook.

    :param sheets: (title, rows) or (title, rows, whether it is hidden)
    """
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows, *hidden in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if hidden and hidden[0]:
            sheet.sheet_state = "hidden"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def prices(found):
    """The prices of a reading in 1e-8."""
    return found.rates["price_e8"].tolist()


def codes(found):
    """The prefixes of a reading."""
    return found.rates["prefix"].tolist()


def asked(found):
    """What a reading leaves open: keys of `deck_files.Choices`."""
    return [question.key for question in found.questions]


def assumed(found):
    """What a reading assumes, as one text."""
    return "\n".join(map(str, found.assumptions))
