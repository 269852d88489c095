# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rate decks as files: what carriers send, read, compared with a deck, and written.

Pure: frames in, frames out; nothing of Odoo.

`rows.read_rows` finds the table in a file, `columns.candidates` says what its columns
mean, `parse.parse_deck` makes rates of it, `changes.compare` says what they change in a
deck, and `write` writes a deck in the layout that is read back without loss.
"""

from .changes import compare
from .choices import Choices, Question
from .columns import COLUMNS
from .parse import DeckReading, Problem, parse_deck
from .rows import DeckFileError, DeckRows, read_rows
from .sheet_texts import sheet_title
from .template import write_template
from .tiers import split_tiers, tiers_text
from .write import write_csv, write_xlsx

__all__ = [
    "COLUMNS",
    "Choices",
    "DeckFileError",
    "DeckReading",
    "DeckRows",
    "Problem",
    "Question",
    "compare",
    "parse_deck",
    "read_rows",
    "sheet_title",
    "split_tiers",
    "tiers_text",
    "write_csv",
    "write_template",
    "write_xlsx",
]
