# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What code tells the code that it calls, however far down."""

from contextlib import contextmanager
from contextvars import ContextVar


class Aside:
    """Something said to what is called inside, and heard by nobody else.

    The context of an environment would do, but whoever calls by RPC sends that. An
    aside cannot be sent, and so may decide what is charged and what is checked.
    """

    def __init__(self, name, default=None):
        """:param default: what is heard where nobody said anything"""
        self._value = ContextVar(name, default=default)

    def heard(self):
        """What was said last, by whoever is not done yet."""
        return self._value.get()

    @contextmanager
    def said(self, value=True):
        """Say it to what is called inside; not for generators, which are left."""
        token = self._value.set(value)
        try:
            yield
        finally:
            self._value.reset(token)
