# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A column of numbers that may be the quantity, where the source reads none.

Without a quantity each record counts as 1: a file that calls it something else would be
billed by the number of its lines.
"""

import pyarrow.compute as pc

from . import mapping
from .extract import column

#: a quantity as files write it; longer ones, and those with zeros before, are names
_NUMBER = (
    r"^[+-]?(0|[1-9][0-9]{0,8})([.,'’][0-9]+|[ \x{a0}\x{202f}][0-9]{3}([.,][0-9]+)?)*$"
)
SAMPLE = 200


def unread_quantity(frame, settings):
    """The first column that has nothing but numbers and that the source does not read.

    :param frame: DataFrame, text columns under the source's own names
    :param settings: :class:`~.settings.ImportSettings`
    :return: (name, pyarrow strings); two None where there is none, or all of them are 1
    """
    read = {mapping.same_name(name, frame.columns) for name in settings.column_names}
    read.update(n for spec in settings.columns for n in spec.resolve(frame.columns))
    for name in frame.columns:
        if name in read:
            continue
        texts = pc.utf8_trim_whitespace(column(frame, name))
        if _is_quantity(texts[:SAMPLE]) and _is_quantity(texts):
            return name, texts
    return None, None


def _is_quantity(texts):
    filled = texts.filter(pc.not_equal(texts, ""))
    if not len(filled) or not pc.all(pc.match_substring_regex(filled, _NUMBER)).as_py():
        return False
    return not pc.all(pc.equal(filled, "1")).as_py()
