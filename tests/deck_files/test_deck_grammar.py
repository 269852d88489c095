# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""All proposals accepted untouched, a rate file is read right, or not at all."""

import tempfile
import unittest
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from odoo.addons.metered_billing.deck_files import (
    Choices,
    DeckFileError,
    parse_deck,
    read_rows,
)

from .rate_file_grammar import Meant, rate_files

#: a person presses Reload as long as something changes
_ROUNDS = 4
_CURRENCY = "USD"


def accepted(content, name):
    """What a file says when a person agrees to all that the dialog proposes.

    :return: `deck_files.DeckReading`; None where it is no rate file
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        choices = Choices()
        for _round in range(_ROUNDS):
            try:
                found = parse_deck(read_rows(path, name, choices, lenient=True))
            except DeckFileError:
                return None
            if not found.questions:
                break
            agreed = _agreed(found)
            if agreed == choices:
                break
            choices = agreed
    return found


def _agreed(found):
    """The choices of a dialog that nobody has touched, as its fields are filled."""
    rows, said = found.rows, found.rows.choices
    proposed = {
        question.key: question.proposal
        for question in found.questions
        if question.proposal and question.key not in ("columns", "sheet", "bands")
    }
    is_sheet_open = any(question.key == "sheet" for question in found.questions)
    columns = {
        meaning: place
        for meaning, place in rows.columns.items()
        if place not in rows.doubtful
    }
    chosen = replace(
        said,
        sheet="" if is_sheet_open else rows.sheet,
        columns=None if is_sheet_open else columns,
        header_line=None if rows.line else 0,
        **proposed,
    )
    return Choices.from_json(chosen.as_json())


def outcome(file):
    """(`right`, `asked`, `refused` or `wrong`, the rates as they are read)."""
    found = accepted(file.content, file.name)
    if found is None or found.problems:
        return "refused", None
    if found.questions:
        return "asked", None
    if found.currencies and _CURRENCY not in found.currencies:
        return "refused", None
    read = {
        row.prefix: Meant(
            Fraction(row.price_e8, 10**8 * row.per_seconds),
            (row.initial_increment, row.increment),
            row.valid_from,
            row.closed,
        )
        if not row.closed
        else Meant(valid_from=row.valid_from, closed=True)
        for row in found.rates.itertuples()
    }
    return ("right" if read == file.meant else "wrong"), read


class TestGrammar(unittest.TestCase):
    def test_no_wrong_rate(self):
        """Right, asked or refused; never another price, code or day."""
        counts = Counter()

        @given(rate_files())
        @settings(
            max_examples=150, deadline=None, suppress_health_check=list(HealthCheck)
        )
        def check(file):
            result, read = outcome(file)
            counts[result] += 1
            self.assertNotEqual(result, "wrong", f"{file}\n{read}\n{file.meant}")

        check()
        # Of 150 files about 75 are right, 60 asked about, and 15 refused.
        self.assertGreater(counts["right"], 30, counts)
        self.assertGreater(counts["asked"], 20, counts)

    def test_a_plain_file_is_read(self):
        """What is plainly written asks nothing that no proposal answers."""
        counts = Counter()

        @given(rate_files(plain=True))
        @settings(
            max_examples=60, deadline=None, suppress_health_check=list(HealthCheck)
        )
        def check(file):
            result, read = outcome(file)
            counts[result] += 1
            if result == "asked":
                # 447400 alone is a British mobile, or an exchange in North Carolina.
                found = accepted(file.content, file.name)
                keys = {question.key for question in found.questions}
                self.assertEqual(keys, {"country_code"}, file)
                return
            self.assertEqual(result, "right", f"{file}\n{read}\n{file.meant}")

        check()
        self.assertGreater(counts["right"], 40)
