# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a user has to read: sentences that can be translated where they are shown.

An error that settings or usage can cause is a `TranslatableError`; its `str` is the
English sentence, so that nothing here needs Odoo. What only a mistake in calling a
function can cause stays a plain `ValueError` or `TypeError`.
"""

from decimal import Decimal
from fractions import Fraction

from .exact import exact_text


def _lt(text):
    """Mark a text as one to translate: Odoo collects the texts within `_lt(..)`."""
    return text


class TranslatableError(ValueError):
    """A sentence with the values it names.

    - `text`: the sentence with `%(name)s` for the values
    - `values`: dict name -> int, Fraction, Decimal, date or text
    """

    def __init__(self, text, /, **values):
        super().__init__(text)
        self.text = text
        self.values = values

    def __str__(self):
        return self.text % {
            name: exact_text(value) if isinstance(value, Fraction | Decimal) else value
            for name, value in self.values.items()
        }
