# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Copies of PDF and XLSX files that open with a password only.

Both are encrypted with AES-256: PDF as of ISO 32000-2, XLSX with the agile encryption
of [MS-OFFCRYPTO]. No library of Odoo writes either, so that two more are asked for
where there are passwords. A CSV file cannot have one.
"""

import importlib
import io
import secrets

#: what is read over the phone without mistakes: no 0, 1, i, l, o
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4


class ProtectionError(RuntimeError):
    """A library is not installed; the text is the name to install it by."""


def new_password():
    """Return a random password of 79 bits, such as `k7mp-2xhd-9rtw-vbn4`."""
    return "-".join(
        "".join(secrets.choice(_LETTERS) for _letter in range(_GROUP))
        for _group in range(_GROUPS)
    )


def check_libraries():
    """See whether files can have a password.

    :raise ProtectionError: one cannot
    """
    for module, package in _LIBRARIES:
        _library(module, package)


def protect(content, ending, password):
    """Return a copy of a file that opens with a password only.

    :param content: bytes of a file without a password
    :param ending: of `PROTECTED`
    :param password: text
    :raise ProtectionError: a library is not installed
    """
    return PROTECTED[ending](content, password)


def _protect_pdf(content, password):
    pikepdf = _library("pikepdf", "pikepdf")
    file = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        encryption = pikepdf.Encryption(user=password, owner=password, R=6)
        pdf.save(file, encryption=encryption)
    return file.getvalue()


def _protect_xlsx(content, password):
    ooxml = _library("msoffcrypto.format.ooxml", "msoffcrypto-tool")
    file = io.BytesIO()
    ooxml.OOXMLFile(io.BytesIO(content)).encrypt(password, file)
    return file.getvalue()


def _library(module, package):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ProtectionError(package) from error


_LIBRARIES = (
    ("pikepdf", "pikepdf"),
    ("msoffcrypto.format.ooxml", "msoffcrypto-tool"),
)
#: endings of files that can have a password -> how they get it
PROTECTED = {"pdf": _protect_pdf, "xlsx": _protect_xlsx}
