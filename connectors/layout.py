# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a layout of files is, and what values in them look like."""

from dataclasses import dataclass, field

STAMP = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
SECONDS = r"\d+(\.\d+)?"
EPOCH = r"\d{9,10}"
CLOCK = r"\d+:\d{2}:\d{2}"


@dataclass(frozen=True)
class Layout:
    """A known layout.

    ``orders``: the columns of files without a header; several where the switch is
    configured differently, the first that fits is taken. ``cells``: what values of
    some columns look like, to recognise such a file by. ``header``: names that a
    header must have to be of this layout (empty: has none). ``types_line``: a line of
    column types stands before the first record. ``positions``: where the columns of
    the first of its orders begin, from 1 on, where no delimiter separates them.
    """

    title: str
    orders: tuple[tuple[str, ...], ...] = ()
    cells: dict[str, str] = field(default_factory=dict)
    header: frozenset[str] = frozenset()
    types_line: bool = False
    positions: tuple[int, ...] = ()
