# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What comes from outside, made harmless: the one place that says what that is.

PostgreSQL has no character for the code point 0, UTF-8 none for half of a surrogate
pair, and an index takes no more than 2,700 bytes. JSON, a switch's variables and names
of files can hold all of these. What is too long is cut, and says so; what tells records
apart, or is looked up, gets a digest of what it was instead, so that what was different
stays different and what was the same stays the same.
"""

import hashlib
import re

#: characters of one value: as many as a cell of a spreadsheet holds
MOST_CHARACTERS = 32_767
#: characters of what is looked up by an index: ids, numbers, names of accounts
MOST_KEY = 256
#: of these as many are kept before the digest; together they are longer than any key,
#: so that no short one can be the same
KEPT_OF_KEY = MOST_KEY - 64
#: columns of records that are stored together
MOST_COLUMNS = 1000
#: column that holds the fields of a record beyond these, as JSON
OTHER_FIELDS = "(other fields)"

_POISON = re.compile("[\0\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def harmless(text):
    """A text that can be stored: `\\ufffd` instead of what cannot."""
    return _POISON.sub(REPLACEMENT, text)


def shortened(text, most=MOST_CHARACTERS):
    """A text of not many more characters than ``most``, which says that it was cut."""
    if len(text) <= most:
        return text
    return f"{text[:most]}… (cut: {len(text):,} characters)"


def shown(text, most=1000):
    """A text for a screen; None stays None."""
    return None if text is None else shortened(harmless(text), most)


def key_text(text, of=None):
    """A text that an index can hold, another one for every other text.

    :param of: what the digest is of, where it is not the text itself
    """
    if of is None and len(text) <= MOST_KEY and not _POISON.search(text):
        return text
    digest = hashlib.sha256((of or text).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{harmless(text[:KEPT_OF_KEY])}…{digest}"
