# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In which order calls took from calling plans, invoice by invoice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """Whose calls take then.

    :ivar now: ids of the usage whose turn it is
    :ivar present: ids of all usage that was there and had not taken yet
    :ivar before: ids of invoiced usage of later periods that had taken before
    """

    now: frozenset
    present: frozenset
    before: frozenset = frozenset()


def find_turns(rows, later):
    """In which order the calls of some periods took, invoice by invoice.

    Those that were there when an invoice was made took in the order of their start.
    What came in later, for days that were billed, took what was left.

    :param rows: list of ``plan_calls.UsageRow`` of the periods
    :param later: the same of invoiced usage after them, to which amounts rolled over
    :return: list of :class:`Turn`
    """
    missed = _missed([*rows, *later])
    everything = frozenset(row.usage_id for row in rows)
    if not any(missed.get(row.usage_id) for row in rows):
        return [Turn(everything, everything)] if rows else []
    turns, left = [], list(rows)
    for invoice in [*sorted({row.invoice_id for row in rows if row.invoice_id}), 0]:
        now = [row.usage_id for row in left if row.invoice_id == invoice]
        there = [
            row.usage_id for row in left if invoice not in missed.get(row.usage_id, ())
        ]
        before = [
            row.usage_id for row in later if not invoice or row.invoice_id < invoice
        ]
        if now:
            turns.append(Turn(*map(frozenset, (now, there, before))))
        left = [row for row in left if row.invoice_id != invoice]
    return turns


def _missed(rows):
    """Which invoices usage came too late for.

    It is of days that the invoice billed, and not on it, and younger than what is. Of
    customers that share an allowance the one tells it of the other's.

    :return: dict usage id -> set of invoice ids
    """
    last_of = {}
    for row in rows:
        if row.invoice_id:
            place = row.owners[0], row.invoice_id
            number, day = last_of.get(place, (0, row.day))
            last_of[place] = max(number, row.usage_id), max(day, row.day)
    missed, first_late = {}, {}
    for row in rows:
        for (owner, invoice), (number, day) in last_of.items():
            if (
                owner == row.owners[0]
                and row.invoice_id != invoice
                and row.usage_id > number
                and row.day <= day
            ):
                missed.setdefault(row.usage_id, set()).add(invoice)
                late = first_late.get(invoice, (row.usage_id, day))
                first_late[invoice] = min(late[0], row.usage_id), day
    for row in rows:
        for invoice, (number, day) in first_late.items():
            on_it = row.invoice_id == invoice
            if not on_it and row.usage_id >= number and row.day <= day:
                missed.setdefault(row.usage_id, set()).add(invoice)
    return missed
