# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The fee for an attempt to call, whether it is answered or not.

The two sides of a call are charged differently: the customer makes one call, however
many carriers it takes, while each carrier sees an attempt of its own. An attempt that
was never sent on costs nobody anything, and one of a call that a package includes costs
the customer nothing.
"""

SELL, BUY = SIDES = ("sell", "buy")


def attempt_fee(fee, side, sent, last_attempt, covered=False):
    """Return the fee of one attempt.

    :param fee: of the rate, any exact number
    :param side: `sell`: once per call, with its last attempt; `buy`: every attempt
    :param sent: whether the attempt was sent to a carrier
    :param last_attempt: whether no other attempt of the call followed
    :param covered: whether a package of the customer includes the call
    :return: the fee, or 0 of its type
    :raise ValueError: when the side is unknown
    """
    if side not in SIDES:
        raise ValueError(f"Side {side!r} is neither sell nor buy")
    due = sent and (side == BUY or (last_attempt and not covered))
    return fee if due else type(fee)(0)
