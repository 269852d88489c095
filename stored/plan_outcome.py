# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What becomes of calls with plans: it is written, or only told."""

import numpy as np

from ..ingest.marks import note_change
from ..ingest.usage_store import as_array
from .balance_store import store_balances
from .charge_changes import note_charge_changes

_WRITE_CDRS = """
    UPDATE metered_cdr cdr
       SET charge = new.charge_micro * 0.000001,
           deck_charge = CASE WHEN new.taken != ''
                              THEN new.deck_micro * 0.000001 END,
           plan_quantity = CASE WHEN new.taken != '' THEN new.covered END,
           plan_taken = nullif(new.taken, '')::jsonb
      FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
           AS new (id, charge_micro, deck_micro, covered, taken)
     WHERE cdr.id = new.id
"""
_ADD_TO_USAGE = """
    UPDATE metered_usage usage
       SET amount = usage.amount + new.charge_micro * 0.000001
      FROM unnest(%s::int[], %s::bigint[]) AS new (id, charge_micro)
     WHERE usage.id = new.id
"""


class Stored:
    """Plans are applied: the outcome is written.

    :param cr: cursor
    """

    def __init__(self, cr):
        self.cr = cr

    def charges(self, calls, charge, outcome):
        """Write the CDRs whose charge, or what was taken, is not as it is stored.

        :param calls: as ``plan_calls.read_calls`` returns them
        :param charge: micro-units of each, int64
        :param outcome: (billed seconds covered, JSON texts) of each
        """
        covered, taken = outcome
        before = calls["taken"].fillna("").to_numpy()
        stored = calls["charge_micro"].to_numpy()
        differs = charge != stored
        differs |= covered != calls["covered_seconds"].to_numpy()
        differs |= taken != before
        rows = np.flatnonzero(differs)
        if not len(rows):
            return
        again = rows[(charge != stored)[rows] & (before != "")[rows]]
        if len(again):
            ids = calls["cdr_id"].to_numpy()[again]
            note_charge_changes(self.cr, "plan", ids, charge[again])
        self.cr.execute(
            _WRITE_CDRS,
            (
                as_array(calls["cdr_id"].to_numpy()[rows]),
                as_array(charge[rows]),
                as_array(calls["deck_micro"].to_numpy()[rows]),
                as_array(covered[rows]),
                taken[rows].tolist(),
            ),
        )
        usage = calls["usage_id"].to_numpy()[rows]
        ids, of_row = np.unique(usage, return_inverse=True)
        change = np.zeros(len(ids), np.int64)
        np.add.at(change, of_row, (charge - stored)[rows])
        note_change(self.cr, ids.tolist(), "plan")
        moved = np.flatnonzero(change)
        if len(moved):
            values = as_array(ids[moved]), as_array(change[moved])
            self.cr.execute(_ADD_TO_USAGE, values)

    def balances(self, work, period, closing):
        """Store the balances of a period; see ``balance_store.store_balances``."""
        store_balances(self.cr, work, period, closing)


class Told:
    """Plans are tried: it is only told what would come of it.

    :ivar charge_of: dict CDR id -> micro-units, of the calls that it looked at
    """

    def __init__(self):
        self.charge_of = {}

    def charges(self, calls, charge, _outcome):
        """Remember what calls would cost."""
        self.charge_of.update(
            zip(calls["cdr_id"].tolist(), charge.tolist(), strict=True)
        )

    def balances(self, *_closing):
        """Balances are of no interest."""


def taken_by(planned):
    """(billed seconds covered, what was taken as PostgreSQL writes JSON) per call."""
    covered = planned.frame["covered_seconds"].to_numpy()
    texts = np.full(len(covered), "", object)
    taken = planned.taken
    entries = [
        f'"{allowance_id}": [{quantity}, {seconds}]'
        for allowance_id, quantity, seconds in zip(
            taken["allowance_id"].tolist(),
            taken["quantity"].tolist(),
            taken["seconds"].tolist(),
            strict=True,
        )
    ]
    several = {}
    for row, entry in zip(taken["row"].tolist(), entries, strict=True):
        if texts[row]:
            several.setdefault(row, [texts[row]]).append(entry)
        else:
            texts[row] = entry
    for row, of_row in several.items():
        # jsonb orders its keys by length, then by their characters
        texts[row] = ", ".join(sorted(of_row, key=_key_order))
    filled = np.flatnonzero(texts != "")
    texts[filled] = ["{" + text + "}" for text in texts[filled].tolist()]
    return covered, texts


def _key_order(entry):
    key = entry.partition(":")[0]
    return len(key), key
