# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls between extensions of one customer, whatever the switch says of them.

A short number at the other end of a customer's call is an extension of the same
customer when it is one of its identifiers; or when it is as short as the customer's
or the source's own extensions, or as the extension at this end, and no short code of
the country in which it was dialled. Never is it a short code of another country.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .directions import code_of

#: kinds of identifiers that are numbers which can be dialled
DIALLED_KINDS = ("extension", "number")
#: digits of the longest short number, as ``rating.prefixes`` knows them
MOST_DIGITS = 9


def find_internal(direction, caller, callee, payer, times_us, payers, is_short_code):
    """Which calls are internal as their numbers tell.

    :param direction: int8 array of positions in ``rules.DIRECTIONS``
    :param caller, callee: pyarrow strings, normalised numbers
    :param payer: int64 array of positions in the payers, -1 where nobody is known
    :param times_us: int64 array, start of each call
    :param payers: :class:`~.settings.Payers`
    :param is_short_code: function (int64 array of rows, pyarrow strings of their
        numbers) -> bool array: short codes where these calls are dialled
    :return: bool array
    """
    internal = np.zeros(len(direction), bool)
    inbound = code_of("inbound")
    for is_inbound, far, near in ((False, callee, caller), (True, caller, callee)):
        digits = _short_digits(far)
        rows = np.flatnonzero(
            (digits > 0) & (payer >= 0) & ((direction == inbound) == is_inbound)
        )
        if not len(rows):
            continue
        numbers = far.take(pa.array(rows))
        partner = payers.partner_id[payer[rows]]
        own = np.zeros(len(rows), bool)
        for kind in DIALLED_KINDS:
            found = payers.index.find(kind, numbers, times_us[rows])
            own |= (found >= 0) & (payers.partner_id[found] == partner)
        near_digits = _short_digits(near.take(pa.array(rows)))
        usual = np.isin(digits[rows], payers.index.short_lengths(MOST_DIGITS))
        alike = usual | (digits[rows] == near_digits)
        alike &= ~is_short_code(rows, numbers)
        internal[rows] = own | alike
    return internal


def _short_digits(numbers):
    """Digits of short numbers, 0 for all others."""
    length = pc.fill_null(pc.binary_length(numbers), 0).to_numpy(zero_copy_only=False)
    is_long = pc.fill_null(pc.starts_with(numbers, "+"), True)
    is_long = is_long.to_numpy(zero_copy_only=False)
    return np.where(is_long | (length > MOST_DIGITS), 0, length)
