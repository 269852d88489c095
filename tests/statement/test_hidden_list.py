# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Lists of numbers that no statement shows, read from text and files."""

import unittest

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.dial_plans import dial_plan
from odoo.addons.metered_billing.statement import Masking
from odoo.addons.metered_billing.statement.hidden_list import (
    ListError,
    lines_of_file,
    patterns,
)

GERMANY = dial_plan("DE")


class TestHiddenList(unittest.TestCase):
    def test_lines(self):
        text = (
            "0800 1110111 # by telephone\n\n+49 30 12345678\n0800 33*\n116 123\n"
            "+43810*\nnobody\n12\n49800*"
        )
        found, wrong = patterns(text, GERMANY)
        numbers = ["=116123", "=493012345678", "=498001110111"]
        self.assertEqual(found, ["43810", "4980033", *numbers])
        # Of which country `49800*` is, nobody says.
        self.assertEqual(wrong, ["nobody", "12", "49800*"])

    def test_files(self):
        for content in (
            b"0800 1110111\r\n0800 1110222\r\n",
            b"Name;Rufnummer\nA, B;0800 1110111\nC;0800 1110222\n",
            "\ufeffNummer,Träger\n0800 1110111,X\n0800 1110222,Y".encode(),
            "Nummer\tTräger\n0800 1110111\tÄ\n0800 1110222\tY".encode("cp1252"),
        ):
            self.assertEqual(lines_of_file(content), "0800 1110111\n0800 1110222")
        for content, places in (
            (b"a;b\n0800 1;0900 2\n", [1, 2]),
            (b"Name\nnobody\n", []),
            (b"", []),
            (b'"' + b"0" * 200_000, []),
            (b"x," * 300 + b"\n0800 1\n", []),
            (b"0800 1110111\n" * 800_000, []),
        ):
            with self.assertRaises(ListError) as caught:
                lines_of_file(content)
            self.assertEqual(caught.exception.places, places)

    @given(st.lists(st.from_regex(r"\+[1-9][0-9]{6,12}\*?", fullmatch=True)))
    def test_what_is_listed_is_never_shown(self, lines):
        found, wrong = patterns("\n".join(lines), GERMANY)
        masking = Masking(never_shown=tuple(found))
        for line in set(lines) - set(wrong):
            digits = line.strip("+*")
            if line.endswith("*") or f"={digits}" in found:
                self.assertTrue(masking.never_shows(f"+{digits}"), line)
        self.assertFalse(masking.never_shows("116123"))
