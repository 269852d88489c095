# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is a usual amount, and what is not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.stored.usual_amounts import (
    LEAST_HISTORY,
    usual_range,
)

CENT = Decimal("0.01")
AMOUNTS = st.decimals(0, 10**6, places=2, allow_nan=False)
HISTORIES = st.lists(AMOUNTS, min_size=LEAST_HISTORY, max_size=24)


def amounts(*values):
    return [Decimal(str(value)) for value in values]


@pytest.mark.parametrize("known", range(LEAST_HISTORY))
def test_too_little_is_known(known):
    assert usual_range(amounts(*[10] * known), CENT) is None


@pytest.mark.parametrize(
    ("history", "amount", "usual"),
    [
        # Always the same: a fifth more or less is nothing to look at.
        ((50, 50, 50, 50), 60, True),
        ((50, 50, 50, 50), "60.01", False),
        ((50, 50, 50, 50), 40, True),
        ((50, 50, 50, 50), "39.99", False),
        # Cents, of which a fifth is nothing: a whole unit of money is.
        (("0.05", "0.06", "0.05", "0.05"), "1.05", True),
        (("0.05", "0.06", "0.05", "0.05"), "1.06", False),
        ((0, 0, 0, 0), 1, True),
        ((0, 0, 0, 0), "1.01", False),
        # It varies: the spread is 10, and 44.48 to either side of the middle.
        ((80, 90, 100, 110, 120), "144.47", True),
        ((80, 90, 100, 110, 120), "144.48", False),
        ((80, 90, 100, 110, 120), "55.53", True),
        ((80, 90, 100, 110, 120), "55.52", False),
        # One month of fraud makes no second one usual.
        ((50, 52, 9000, 51, 49), 9000, False),
        ((50, 52, 9000, 51, 49), 51, True),
        ((100, 100, 100, 100), 0, False),
    ],
)
def test_known_cases(history, amount, usual):
    assert usual_range(amounts(*history), CENT).holds(Decimal(str(amount))) is usual


@given(HISTORIES, st.randoms())
def test_order_does_not_matter(history, chance):
    shuffled = list(history)
    chance.shuffle(shuffled)
    assert usual_range(shuffled, CENT) == usual_range(history, CENT)


@given(HISTORIES)
def test_at_least_half_of_the_history_is_usual(history):
    found = usual_range(history, CENT)
    assert found.low <= found.middle <= found.high
    assert 2 * sum(map(found.holds, history)) >= len(history)


@given(st.lists(AMOUNTS, min_size=LEAST_HISTORY), st.data())
def test_odd_months_do_not_move_it_beyond_the_others(sound, data):
    """Fewer of them than sound ones: the middle stays among the sound ones."""
    odd = data.draw(
        st.lists(st.decimals(10**9, 10**12, places=2), max_size=len(sound) - 1)
    )
    found = usual_range(sound + odd, CENT)
    assert min(sound) <= found.middle <= max(sound)


@given(HISTORIES, AMOUNTS, st.integers(1, 1000))
def test_the_unit_of_money_does_not_matter(history, amount, factor):
    """Yen of a dollar's history times a hundred: what is usual stays so."""
    one = usual_range(history, CENT).holds(amount)
    many = usual_range([factor * a for a in history], factor * CENT)
    assert many.holds(factor * amount) is one
