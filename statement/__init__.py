# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a customer gets to see of their usage: as pages, as a workbook, as a table."""

from .content import Column, Document, Section
from .formats import Formats
from .masking import Masking
from .pages import write_pdf
from .table import CSV_COLUMNS, write_csv
from .workbook import write_xlsx

__all__ = [
    "CSV_COLUMNS",
    "Column",
    "Document",
    "Formats",
    "Masking",
    "Section",
    "write_csv",
    "write_pdf",
    "write_xlsx",
]
