# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files with a password: they open with it, and with nothing else."""

import io
import unittest
from unittest.mock import patch

import msoffcrypto
import openpyxl
import pikepdf
from msoffcrypto.exceptions import InvalidKeyError

from odoo.addons.metered_billing.statement import write_pdf, write_xlsx
from odoo.addons.metered_billing.statement.content import Column, Document, Section
from odoo.addons.metered_billing.statement.formats import Formats
from odoo.addons.metered_billing.statement.protection import (
    ProtectionError,
    check_libraries,
    new_password,
    protect,
)


def document():
    """A statement with one row."""
    section = Section("Calls", [Column("To")], [["+12125550100"]], 1)
    return Document("Statement", ["Us"], ["Acme"], [], [section])


class TestProtection(unittest.TestCase):
    def test_pdf(self):
        file = io.BytesIO()
        write_pdf(document(), Formats(), file)
        made = protect(file.getvalue(), "pdf", "k7mp-2xhd")
        for wrong in ("", "k7mp-2xhe"):
            with self.assertRaises(pikepdf.PasswordError):
                pikepdf.open(io.BytesIO(made), password=wrong)
        with pikepdf.open(io.BytesIO(made), password="k7mp-2xhd") as pdf:
            self.assertEqual((len(pdf.pages), pdf.encryption.bits), (1, 256))
            self.assertTrue(pdf.allow.print_highres)
        self.assertNotIn(b"Statement", made)

    def test_xlsx(self):
        file = io.BytesIO()
        write_xlsx(document(), file)
        made = protect(file.getvalue(), "xlsx", "k7mp-2xhd")
        locked = msoffcrypto.OfficeFile(io.BytesIO(made))
        self.assertTrue(locked.is_encrypted())
        with self.assertRaises(InvalidKeyError):
            locked.load_key(password="k7mp-2xhe", verify_password=True)
        locked.load_key(password="k7mp-2xhd", verify_password=True)
        opened = io.BytesIO()
        locked.decrypt(opened, verify_integrity=True)
        self.assertEqual(opened.getvalue(), file.getvalue())
        book = openpyxl.load_workbook(opened)
        self.assertIn("+12125550100", [cell.value for cell in book.active["A"]])

    def test_twice_is_not_the_same(self):
        file = io.BytesIO()
        write_pdf(document(), Formats(), file)
        some = {protect(file.getvalue(), "pdf", "k7mp-2xhd") for _time in range(2)}
        self.assertEqual(len(some), 2)

    def test_passwords(self):
        made = {new_password() for _time in range(50)}
        self.assertEqual(len(made), 50)
        for one in made:
            self.assertRegex(one, "^([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}$")

    def test_libraries_that_are_missing(self):
        check_libraries()
        for module, package in (
            ("pikepdf", "pikepdf"),
            ("msoffcrypto.format.ooxml", "msoffcrypto-tool"),
        ):
            with (
                patch.dict("sys.modules", {module: None}),
                self.assertRaisesRegex(ProtectionError, f"^{package}$"),
            ):
                check_libraries()
