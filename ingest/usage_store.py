# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Adding a chunk's sums to the daily usage.

Rows that collect already are found and added to; the others get their ids here and go
in by one COPY. That is several times faster than an upsert that returns the ids, and
the ids are known before anything is written.

Others work at the same rows meanwhile: imports of other sources make and add to them,
renewals close them. What they did is found out row by row, and only these rows are
looked for again: a chunk is of many customers, and beside a renewal run one of them is
always being billed.
"""

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc

from .conflicts import InTheWay
from .frames import COPY_BUFFER, copy_csv, decimals, ids_or_null
from .quantities import quantity_column, quantity_texts

KEYS = ("partner_id", "day", "meter_id", "currency_id", "subscription_id")
SUMS = ("records", "quantity", "billed_quantity", "charge_micro")
UNIQUE_INDEX = "metered_usage_collecting_uniq"
#: how often rows are looked for again that others made or closed meanwhile
ATTEMPTS = 5

_FIND = """
    SELECT new.position - 1, usage.id
      FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
           WITH ORDINALITY
           AS new (partner_id, day, meter_id, currency_id, subscription_id, position)
      JOIN metered_usage usage
        ON usage.partner_id = new.partner_id
       AND usage.day = date '1970-01-01' + new.day
       AND usage.meter_id = new.meter_id
       AND usage.currency_id = new.currency_id
       AND usage.company_id = %s
       AND coalesce(usage.subscription_id, 0) = new.subscription_id
       AND (CASE WHEN usage.collecting THEN 0 ELSE usage.id END) = 0
"""
# The least day from that day on: whatever the statistics say, by the index.
_DAYS = """
    SELECT new.day FROM unnest(%s::int[]) AS new (day)
     WHERE (SELECT min(day) FROM metered_usage
             WHERE company_id = %s AND day >= date '1970-01-01' + new.day
               AND invoice_line_id IS NULL) = date '1970-01-01' + new.day
"""
_ADD = """
    UPDATE metered_usage usage
       SET records = usage.records + new.records,
           quantity = trim_scale(usage.quantity + new.quantity),
           billed_quantity = usage.billed_quantity + new.billed_quantity,
           amount = usage.amount + new.charge_micro * 0.000001
      FROM unnest(%s::int[], %s::int[], %s::numeric[], %s::bigint[], %s::bigint[])
           AS new (id, records, quantity, billed_quantity, charge_micro)
     WHERE usage.id = new.id AND usage.collecting
    RETURNING usage.id
"""
# Where all usage was deleted, statistics say so until the first import is over, and the
# sums would be looked through for each row of usage: minutes.
_NOT_ROW_BY_ROW = """
    SELECT set_config('enable_nestloop', 'off', TRUE) FROM pg_class
     WHERE oid = 'metered_usage'::regclass AND reltuples BETWEEN 0 AND 1000
"""
_AS_USUAL = "SET LOCAL enable_nestloop TO DEFAULT"
_LOCK = """
    SELECT count(*)
      FROM (SELECT 1 FROM metered_usage WHERE id = ANY(%s::int[])
             ORDER BY id FOR NO KEY UPDATE) AS locked
"""
_COLUMNS = (
    "id, company_id, partner_id, subscription_id, meter_id, day, currency_id,"
    " records, quantity, billed_quantity, amount, collecting"
)


class UsageTaken(InTheWay):
    """Others were quicker time and again: begin the chunk anew."""


class UsageRows:
    """The usage rows of one chunk: found or new.

    :param cr: cursor
    :param usage: DataFrame as in ``outcome.Prepared``, ordered by its keys, so that
        concurrent imports make rows in the same order
    :param company_id: id of the company
    :param first: int64 array, position of each row's first CDR
    :param made_beside: :attr:`made` of a chunk that another connection stores
        meanwhile, and commits before anything is added here; None: there is none

    ``ids`` is an int64 array: the id of each row of ``usage``, which may be another one
    after rows were added. Rows are named by their positions in it.

    ``made`` is a DataFrame of the rows that are new when they are looked for: their
    keys and ids.
    """

    def __init__(self, cr, usage, company_id, first, made_beside=None):
        self.cr = cr
        self.usage = usage
        self.company_id = company_id
        self.ids = np.zeros(len(usage), np.int64)
        self._first = first
        self._new = self._find(np.arange(len(usage)), made_beside=made_beside)
        self.made = usage.iloc[self._new][list(KEYS)].assign(id=self.ids[self._new])

    def _find(self, positions, numbered=False, made_beside=None):
        """Fill in the ids of rows that collect, and give ids to the others.

        :param numbered: the others have ids that nothing was stored with yet
        :param made_beside: rows that another connection makes
        :return: positions of the others; days that are new have none that collect
        """
        if not len(positions):
            return positions
        given = self.ids.copy()
        self.ids[positions] = 0
        days = self.usage["day"].iloc[positions]
        self.cr.execute(_DAYS, (as_array(days.drop_duplicates()), self.company_id))
        known = positions[days.isin([day for (day,) in self.cr.fetchall()])]
        if len(known):
            keys = self.usage.iloc[known]
            self.cr.execute(
                _FIND, (*(as_array(keys[name]) for name in KEYS), self.company_id)
            )
            found = np.array(self.cr.fetchall(), np.int64).reshape(-1, 2)
            self.ids[known[found[:, 0]]] = found[:, 1]
        new = positions[self.ids[positions] == 0]
        if made_beside is not None and len(new):
            keys = self.usage.iloc[new][list(KEYS)]
            theirs = keys.merge(made_beside, "left", list(KEYS))["id"]
            self.ids[new] = theirs.fillna(0).to_numpy(np.int64)
            new = new[self.ids[new] == 0]
        if numbered:
            self.ids[new] = given[new]
        elif len(new):
            self.cr.execute(
                "SELECT array_agg(nextval('metered_usage_id_seq'))"
                " FROM generate_series(1, %s)",
                (len(new),),
            )
            # In the order of their records: the index of these grows at its end then,
            # which takes a tenth off the processor time of the whole COPY.
            in_order = new[np.argsort(self._first[new], kind="stable")]
            self.ids[in_order] = self.cr.fetchone()[0]
        return new

    def add_new(self):
        """Copy the rows that are new; for what others made meanwhile there is theirs.

        :raises UsageTaken: when others were quicker, time and again
        """
        for _attempt in range(ATTEMPTS):
            if self._copy(self._new):
                return
            self._new = self._find(self._new, numbered=True)
        raise UsageTaken

    def add_to_known(self):
        """Add the sums to the rows that were found: last, right before the commit.

        All other imports wait for these rows. They are locked in the order of their
        ids, as whoever bills or rates them does. For what was closed since it was found
        there is another row then.

        :raises UsageTaken: when others were quicker, time and again
        """
        known = np.ones(len(self.usage), bool)
        known[self._new] = False
        known = np.flatnonzero(known)
        for _attempt in range(ATTEMPTS):
            known = self._add(known)
            if not len(known):
                return
            self._new = self._find(known)
            self.add_new()
            known = np.setdiff1d(known, self._new)
        raise UsageTaken

    def _add(self, positions):
        """Add to rows that collect; the positions of those that do not any more."""
        if not len(positions):
            return positions
        sums, ids = self.usage.iloc[positions], as_array(self.ids[positions])
        self.cr.execute(_LOCK, (ids,))
        self.cr.execute(_NOT_ROW_BY_ROW)
        self.cr.execute(_ADD, (ids, *(as_sums(sums[name]) for name in SUMS)))
        added = [row[0] for row in self.cr.fetchall()]
        self.cr.execute(_AS_USUAL)
        if len(added) == len(positions):
            return positions[:0]
        return positions[~np.isin(self.ids[positions], added)]

    def _copy(self, positions):
        """Copy new rows; False, and none, when another transaction made one of them."""
        if not len(positions):
            return True
        rows = self.usage.iloc[positions]
        count = len(rows)
        column = {name: rows[name].to_numpy() for name in KEYS + SUMS}
        table = pa.table(
            {
                "id": pa.array(self.ids[positions]),
                "company_id": pa.repeat(pa.scalar(self.company_id), count),
                "partner_id": pa.array(column["partner_id"]),
                "subscription_id": ids_or_null(column["subscription_id"]),
                "meter_id": pa.array(column["meter_id"]),
                "day": pc.cast(pa.array(column["day"].astype(np.int32)), pa.date32()),
                "currency_id": pa.array(column["currency_id"]),
                "records": pa.array(column["records"]),
                "quantity": quantity_column(column["quantity"]),
                "billed_quantity": pa.array(column["billed_quantity"]),
                "amount": decimals(column["charge_micro"], 6),
                "collecting": pa.repeat(pa.scalar(True), count),
            }
        )
        self.cr.execute("SAVEPOINT metered_new_usage")
        try:
            self.cr.copy_expert(
                f"COPY metered_usage ({_COLUMNS}) FROM STDIN (FORMAT csv)",
                copy_csv(table),
                size=COPY_BUFFER,
            )
        except psycopg2.errors.UniqueViolation as error:
            if error.diag.constraint_name != UNIQUE_INDEX:
                raise
            self.cr.execute("ROLLBACK TO SAVEPOINT metered_new_usage")
            return False
        self.cr.execute("RELEASE SAVEPOINT metered_new_usage")
        return True


def as_sums(values):
    """Sums as PostgreSQL writes an array; quantities of meters with their decimals.

    :param values: Series of integers, see ``quantities``
    """
    return "{" + ",".join(quantity_texts(values.to_numpy())) + "}"


def as_array(values):
    """Integers as PostgreSQL writes an array; quicker than value by value.

    :param values: int64 array or Series
    """
    return "{" + ",".join(map(str, values.tolist())) + "}"
