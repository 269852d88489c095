# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Balances of allowances in the database: what a period left, and what it had."""

import json

import numpy as np
import pandas as pd

from ..rating.allowances import UNLIMITED

_LOTS = """
    SELECT allowance_id, coalesce(identifier_id, 1), lots::text
      FROM metered_allowance_balance
     WHERE subscription_id = %s AND date_from = %s AND lots IS NOT NULL
"""
_STORE = """
    INSERT INTO metered_allowance_balance
           (company_id, partner_id, subscription_id, allowance_id, sequence,
            identifier_id, date_from, date_to, unlimited, granted, rolled_in, used,
            "left", rolled_out, expires, lots)
    SELECT %(company)s, %(partner)s, %(subscription)s, new.allowance_id, new.sequence,
           nullif(new.identifier_id, 0), %(date_from)s, %(date_to)s, new.unlimited,
           new.granted / new.per_unit, new.rolled_in / new.per_unit,
           new.used / new.per_unit, new.remains / new.per_unit,
           new.rolled_out / new.per_unit, new.expires::date,
           nullif(new.lots, '')::jsonb
      FROM unnest(%(allowance_id)s::int[], %(sequence)s::int[],
                  %(identifier_id)s::int[], %(unlimited)s::bool[],
                  %(granted)s::numeric[], %(rolled_in)s::numeric[],
                  %(used)s::numeric[], %(remains)s::numeric[],
                  %(rolled_out)s::numeric[], %(expires)s::text[], %(lots)s::text[],
                  %(per_unit)s::numeric[])
           AS new (allowance_id, sequence, identifier_id, unlimited, granted,
                   rolled_in, used, remains, rolled_out, expires, lots, per_unit)
    ON CONFLICT (subscription_id, allowance_id, date_from, coalesce(identifier_id, 0))
       DO UPDATE
       SET partner_id = EXCLUDED.partner_id, sequence = EXCLUDED.sequence,
           date_to = EXCLUDED.date_to, unlimited = EXCLUDED.unlimited,
           granted = EXCLUDED.granted, rolled_in = EXCLUDED.rolled_in,
           used = EXCLUDED.used, "left" = EXCLUDED."left",
           rolled_out = EXCLUDED.rolled_out, expires = EXCLUDED.expires,
           lots = EXCLUDED.lots
    RETURNING id
"""
_REMOVE = """
    DELETE FROM metered_allowance_balance
     WHERE subscription_id = %s AND date_from < %s AND date_to > %s
       AND NOT id = ANY(%s)
"""


def read_lots(cr, subscription_id, date_from, allowances):
    """What a period left that may be used in the next one.

    :param date_from: first day of the period
    :param allowances: those that there are now
    :return: DataFrame: allowance_id, key, rolled, periods_left (after that period)
    """
    known = {allowance.id for allowance in allowances}
    cr.execute(_LOTS, (subscription_id, date_from))
    rows = [
        (allowance_id, key, amount, periods_left)
        for allowance_id, key, lots in cr.fetchall()
        if allowance_id in known
        for amount, periods_left in json.loads(lots)
    ]
    columns = ["allowance_id", "key", "rolled", "periods_left"]
    return pd.DataFrame(rows, columns=columns).astype("int64")


def stored_periods(cr, subscription_id):
    """First days of the periods that have balances, as a set."""
    cr.execute(
        "SELECT DISTINCT date_from FROM metered_allowance_balance"
        " WHERE subscription_id = %s",
        (subscription_id,),
    )
    return {day for (day,) in cr.fetchall()}


def store_balances(cr, work, period, closing):
    """Store the balances of a subscription's period, in place of those it had.

    :param work: :class:`~.plan_periods.PlanPeriods`
    :param period: ``PlanPeriod`` of its subscription
    :param closing: DataFrame, see `rating.allowances.close`
    """
    subscription = work.subscription
    rows = balance_rows(subscription, period, work.terms, closing)
    ids = []
    if rows:
        cr.execute(
            _STORE,
            {
                "company": work.book.company_id,
                "partner": subscription.owner_id,
                "subscription": subscription.id,
                "date_from": period.date_from,
                "date_to": period.date_to,
                **{name: [row[name] for row in rows] for name in rows[0]},
            },
        )
        ids = [number for (number,) in cr.fetchall()]
    cr.execute(_REMOVE, (subscription.id, period.date_to, period.date_from, ids))


def balance_rows(subscription, period, terms, closing):
    """Balances as columns, amounts in the smallest unit: list of dicts.

    See :func:`store_balances`.
    """
    rows = []
    for term in terms:
        # what is charged after an allowance is used up has no balance
        if term.allowance.id > 0:
            of_term = closing[closing["allowance_id"] == term.allowance.id]
            for key, of_key in of_term.groupby("key"):
                rows.append(_row(term, key, subscription, period, of_key))
    return rows


def _row(term, key, subscription, period, rows):
    """One balance as columns; amounts in the smallest unit."""
    allowance = term.allowance
    amount = rows["amount"].to_numpy()
    unlimited = bool((amount == UNLIMITED).any())
    # what is granted now may be used for the longest time
    fresh = rows["periods_left"].to_numpy() == allowance.rollover_periods
    rolled = rows["rolled"].to_numpy()
    lots = [
        [int(left), int(periods_left)]
        for left, periods_left in zip(
            rolled.tolist(), rows["periods_left"].tolist(), strict=True
        )
        if left
    ]
    left = int(rows["left"].sum()) if not unlimited else 0
    return {
        "allowance_id": allowance.id,
        "sequence": term.sequence,
        "identifier_id": int(key) if term.scope == "identifier" else 0,
        "unlimited": unlimited,
        "granted": 0 if unlimited else int(amount[fresh].sum()),
        "rolled_in": 0 if unlimited else int(amount[~fresh].sum()),
        "used": int(rows["used"].sum()),
        "remains": left,
        "rolled_out": int(np.sum(rolled)),
        "expires": _expires(subscription, period, lots) if left else None,
        "lots": str(lots) if lots else "",
        "per_unit": term.per_unit,
    }


def _expires(subscription, period, lots):
    """First day on which the last of what is left can no longer be used."""
    day = period.date_to
    for _period in range(max((periods for _left, periods in lots), default=0)):
        day = subscription.after(day)
    return str(day)
