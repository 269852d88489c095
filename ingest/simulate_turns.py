# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In which order the calls of a billing period took from allowances."""

import numpy as np


def turns_of(rows):
    """In which order the calls of a period took, invoice by invoice.

    Those that were there when an invoice was made took in the order of their start.
    What came in later, for days that were billed, took what was left.

    :param rows: list of ``plan_calls.UsageRow`` of a period
    :return: list of (ids of the usage whose turn it is, ids of all there), int64
    """
    last_of = {}
    for row in rows:
        if row.invoice_id:
            of_invoice = last_of.setdefault(
                (row.owners[0], row.invoice_id), [0, row.day]
            )
            of_invoice[0] = max(of_invoice[0], row.usage_id)
            of_invoice[1] = max(of_invoice[1], row.day)

    def missed(row, invoice_id):
        known = last_of.get((row.owners[0], invoice_id))
        return (
            known is not None
            and row.invoice_id != invoice_id
            and row.usage_id > known[0]
            and row.day <= known[1]
        )

    invoices = sorted({row.invoice_id for row in rows if row.invoice_id})
    everything = np.array([row.usage_id for row in rows], np.int64)
    if not any(missed(row, invoice) for row in rows for invoice in invoices):
        return [(everything, everything)] if rows else []
    turns, left = [], list(rows)
    for invoice in invoices:
        now = [row.usage_id for row in left if row.invoice_id == invoice]
        there = [row.usage_id for row in left if not missed(row, invoice)]
        turns.append((np.array(now, np.int64), np.array(there, np.int64)))
        left = [row for row in left if row.invoice_id != invoice]
    if left:
        ids = np.array([row.usage_id for row in left], np.int64)
        turns.append((ids, ids))
    return turns
