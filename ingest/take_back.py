# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records that are taken out of what is stored, and out of the usage they are part of.

At every moment usage is the sum of its records.
"""

from typing import NamedTuple

from .marks import mark_levels, mark_usage, note_change


class TakenBack(NamedTuple):
    """How many records are gone.

    - `rated`, `not_billable`: by what they were
    - `invoiced`: rows of usage they were part of that are on invoices: the caller has
      to roll back
    """

    rated: int
    not_billable: int
    invoiced: int


def take_back(cr, wanted, values):
    """Delete records, and make their usage less by them.

    Calling plans are marked to be applied anew; readings of counters stay.

    :param str wanted: query of the ids of ``metered_cdr``, with ``%s`` for values
    :param tuple values: for it
    :return: :class:`TakenBack`
    """
    cr.execute(
        f"""
        WITH slice AS ({wanted}), gone AS (
            DELETE FROM metered_cdr cdr USING slice WHERE cdr.id = slice.id
         RETURNING cdr.state, cdr.usage_id, cdr.quantity, cdr.billed_quantity,
                   cdr.charge
        ), sums AS (
            SELECT usage_id, count(*) AS records, sum(quantity) AS quantity,
                   sum(billed_quantity) AS billed_quantity, sum(charge) AS amount
              FROM gone WHERE usage_id IS NOT NULL
             GROUP BY usage_id ORDER BY usage_id
        ), shrunk AS (
            UPDATE metered_usage usage
               SET records = usage.records - sums.records,
                   quantity = trim_scale(usage.quantity - sums.quantity),
                   billed_quantity = usage.billed_quantity
                                   - coalesce(sums.billed_quantity, 0),
                   amount = usage.amount - coalesce(sums.amount, 0)
              FROM sums WHERE usage.id = sums.usage_id
         RETURNING usage.id, usage.invoice_line_id
        )
        SELECT (SELECT count(*) FROM gone WHERE state != 'not_billable'),
               (SELECT count(*) FROM gone WHERE state = 'not_billable'),
               (SELECT count(invoice_line_id) FROM shrunk),
               (SELECT array_agg(id) FROM shrunk)
        """,  # noqa: S608 - the query is ours
        values,
    )
    *counts, touched = cr.fetchone()
    if touched:
        mark_usage(cr, touched)
        mark_levels(cr, touched)
        note_change(cr, touched, "undone")
        cr.execute(
            "DELETE FROM metered_usage WHERE id = ANY(%s) AND records = 0",
            (touched,),
        )
    return TakenBack(*counts)
