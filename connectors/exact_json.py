# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Writing JSON whose numbers have all their digits: none passes through a float."""

import json
import re
import secrets
from decimal import Decimal


def exact_json(content):
    """A text of JSON.

    :param content: as ``json.dumps`` takes it; a finite ``Decimal`` becomes a number
    """
    # Nobody who is quoted in it can guess this.
    mark = secrets.token_hex(16)

    def written(value):
        if isinstance(value, Decimal) and value.is_finite():
            return f"{mark}{value:f}"
        raise TypeError(f"{value!r} cannot be written as JSON")

    text = json.dumps(content, ensure_ascii=False, default=written)
    return re.sub(f'"{mark}([^"]*)"', r"\1", text)
