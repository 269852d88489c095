# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rating the CDRs of open usage once more, with the rates of today.

Customer, call type and numbers stay what they are; the price is found anew. A record
that no rate fits any more becomes an exception, and one whose deck has another
currency moves to usage in that currency, so that nothing is lost and every row stays
the sum of its CDRs. Only CDRs that change are written.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..ingest.load_rates import deck_chain, load_engine
from ..ingest.marks import mark_rates, mark_usage, note_change
from ..ingest.prepare_rejected import REASON_OF_STATUS
from ..ingest.usage_calls import USAGE_CDRS
from ..ingest.usage_store import as_array
from ..rating import RATED
from ..rating.prefixes import number_keys
from .plan_cover import StoredPlans
from .rerate_store import store_usage, write_cdrs
from .unrated import Unrated

#: CDRs in memory at a time
CHUNK_RECORDS = 50_000

SUMS = ("records", "quantity", "billed_quantity", "charge_micro")
USAGE_COLUMNS = (
    "usage_id",
    "company_id",
    "partner_id",
    "meter_id",
    "day",
    "currency_id",
    *SUMS,
)
_READ_USAGE = """
    SELECT usage.id, usage.company_id, usage.partner_id, usage.meter_id, usage.day,
           usage.currency_id, usage.records, usage.quantity::bigint,
           usage.billed_quantity::bigint, (usage.amount * 1000000)::bigint
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id
     WHERE usage.id = ANY(%s) AND meter.kind = 'call'
     ORDER BY usage.id
"""
CDR_NUMBERS = (
    "id",
    "usage_id",
    "start_us",
    "quantity",
    "billed_quantity",
    "rate_id",
    "band_id",
    "charge_micro",
    "currency_id",
    "batch_id",
    "line",
    "destination_id",
    "deck_micro",
    "covered_seconds",
)
# Usage whose calls were deleted or masked under retention stays what it came to.
_WITH_CALLS = "SELECT id FROM metered_usage WHERE id = ANY(%s) AND details_gone IS NULL"
# A cursor reads the records as they were before anything is written.
_READ_CDRS = f"""
    DECLARE metered_rerate NO SCROLL CURSOR FOR
    SELECT cdr.id, cdr.usage_id,
           (extract(epoch FROM cdr.start_time) * 1000000)::bigint,
           cdr.quantity::bigint, cdr.billed_quantity::bigint,
           coalesce(cdr.rate_id, 0), coalesce(cdr.band_id, 0),
           (cdr.charge * 1000000)::bigint, cdr.currency_id, cdr.batch_id, cdr.line,
           coalesce(cdr.destination_id, 0),
           (coalesce(cdr.deck_charge, cdr.charge) * 1000000)::bigint,
           coalesce(cdr.plan_quantity, 0)::bigint, cdr.callee, cdr.call_id,
           cdr.plan_taken::text
      FROM {USAGE_CDRS}
"""


@dataclass(frozen=True)
class Rerated:
    """What rating usage again did, or would do.

    :ivar before: DataFrame of the usage as it was, columns :data:`USAGE_COLUMNS`;
        usage that is not of calls is not in it
    :ivar after: the same afterwards; usage that is empty now is gone, and what moved
        to another currency is in rows of its own (usage_id 0 if nothing was written)
    :ivar changed: number of CDRs with another charge, rate or currency
    :ivar changed_of: dict usage id (of ``before``) -> number of them in it
    :ivar unrated: list of :class:`~.unrated.Unrated`: what no rate fits any more
    """

    before: pd.DataFrame
    after: pd.DataFrame
    changed: int
    unrated: list
    changed_of: dict


def rerate(usage, write=True, user_id=None):
    """Rate the CDRs of usage again.

    :param usage: ``metered.usage`` records with all rights, open; locked by the caller,
        if to write, who makes exceptions of what no rate fits any more
    :param write: False: only tell what would come of it
    :param user_id: who asked for it; None: the user of the environment
    :return: :class:`Rerated`
    """
    env = usage.env
    user_id = user_id or env.uid
    before = read_sums(usage)
    works = [
        _Rerating(env, env["res.company"].browse(company_id), rows, write, user_id)
        for company_id, rows in before.groupby("company_id")
    ]
    for work in works:
        work.run()
    if write and works:
        for model in ("metered.usage", "metered.cdr"):
            env[model].invalidate_model(flush=False)
        env["metered.rate"].invalidate_model(["used"], flush=False)
    return Rerated(
        before,
        pd.concat([work.after() for work in works]) if works else before,
        sum(work.changed for work in works),
        [record for work in works for record in work.unrated],
        {usage: count for work in works for usage, count in work.changed_usage()},
    )


def read_sums(usage):
    """The sums of usage of calls, by id.

    :param usage: ``metered.usage`` records
    :return: DataFrame with :data:`USAGE_COLUMNS`
    """
    usage.env.flush_all()
    usage.env.cr.execute(_READ_USAGE, (usage.ids,))
    return pd.DataFrame(usage.env.cr.fetchall(), columns=list(USAGE_COLUMNS))


class _Rerating:
    """Usage of one company on its way through the engine."""

    def __init__(self, env, company, usage, write, user_id):
        self.user_id = user_id
        self.env = env(context={**env.context, "allowed_company_ids": company.ids})
        self.usage = usage.reset_index(drop=True)
        self.write = write
        self.ids = self.usage["usage_id"].to_numpy(np.int64)
        self.currency = self.usage["currency_id"].to_numpy(np.int64)
        self.change = np.zeros((len(self.ids), len(SUMS)), np.int64)
        self.moved = {}
        self.changed = 0
        self.changed_of = np.zeros(len(self.ids), np.int64)
        self.unrated = []
        company = company.with_env(self.env)
        partners, of_usage = np.unique(
            self.usage["partner_id"].to_numpy(np.int64), return_inverse=True
        )
        chains = [
            deck_chain(partner, company)
            for partner in self.env["res.partner"].browse(partners.tolist())
        ]
        distinct = list(dict.fromkeys(chains))
        position = np.array([distinct.index(chain) for chain in chains], np.int64)
        self.chain = position[of_usage]
        self.meter = self.usage["meter_id"].to_numpy(np.int64)
        self.engine, self.currency_of_deck = load_engine(self.env, distinct)

    def run(self):
        """Rate all records, and write what is to be written."""
        cr = self.env.cr
        if self.write:
            # Where the deck's charge is another one now, plans are applied anew.
            mark_usage(cr, self.ids.tolist())
            note_change(cr, self.ids.tolist(), "rerated")
        rates = set()
        cr.execute(_WITH_CALLS, (self.ids.tolist(),))
        cr.execute(_READ_CDRS, {"usage": [number for (number,) in cr.fetchall()]})
        while True:
            cr.execute("FETCH %s FROM metered_rerate", (CHUNK_RECORDS,))
            rows = cr.fetchall()
            if not rows:
                break
            rates |= self._rate(rows)
        cr.execute("CLOSE metered_rerate")
        if self.write:
            store_usage(cr, self.ids, self.change, self.moved)
            mark_rates(cr, rates)

    def after(self):
        """The usage as it is then; see :class:`Rerated`."""
        names = list(SUMS)
        rows = self.usage.copy()
        rows[names] += self.change
        rows = rows[(rows["records"] != 0) | ~self.change.any(axis=1)]
        if not self.moved:
            return rows
        moved = self.usage.iloc[[row for row, _currency in self.moved]].copy()
        moved["currency_id"] = [currency for _row, currency in self.moved]
        moved["usage_id"] = [usage_id for usage_id, _sums in self.moved.values()]
        moved[names] = [sums for _id, sums in self.moved.values()]
        return pd.concat([rows, moved])

    def changed_usage(self):
        """Yield (usage id, number of changed CDRs) where there are some."""
        for row in np.flatnonzero(self.changed_of):
            yield int(self.ids[row]), int(self.changed_of[row])

    def _rate(self, rows):
        """Rate one chunk; the ids of the rates of what changed."""
        *numbers, callee, call_id, taken = zip(*rows, strict=True)
        old = {
            name: np.array(values, np.int64)
            for name, values in zip(CDR_NUMBERS, numbers, strict=True)
        }
        usage = np.searchsorted(self.ids, old["usage_id"])
        calls = pd.DataFrame(
            {
                "number_key": number_keys(callee),
                "start_us": old["start_us"],
                "seconds": old["quantity"],
                "meter_id": self.meter[usage],
                "chain": self.chain[usage],
            }
        )
        result = self.engine.rate(calls).frame
        status = result["status"].to_numpy()
        decks, of_deck = np.unique(result["deck_id"].to_numpy(), return_inverse=True)
        new = {
            "rate_id": result["rate_id"].to_numpy(),
            "band_id": result["band_id"].to_numpy(),
            "billed_quantity": result["billed_seconds"].to_numpy(),
            "charge_micro": result["charge_micro"].to_numpy(),
            "currency_id": np.array(
                [self.currency_of_deck.get(int(deck), 0) for deck in decks], np.int64
            )[of_deck],
        }
        rated = status == RATED
        new["deck_micro"] = new["charge_micro"]
        # What a calling plan took is no change: the deck's charges are compared.
        differs = np.zeros(len(rows), bool)
        for name in new.keys() - {"charge_micro"}:
            differs |= new[name] != old[name]
        new["charge_micro"] = np.where(
            differs, new["charge_micro"], old["charge_micro"]
        )
        self._keep_plans(calls, result, old, new, np.array(taken), differs & rated)
        self._reject(old, status, callee, call_id, usage)
        self._sum(old, new, rated, usage)
        changed = np.flatnonzero(rated & differs)
        self.changed += len(changed)
        np.add.at(self.changed_of, usage[changed], 1)
        if self.write and len(changed):
            self._write_cdrs(old["id"], new, usage, changed)
        return set(new["rate_id"][changed].tolist())

    def _keep_plans(self, calls, result, old, new, taken, rows):
        """Leave calls what their plans took: the new rates are for the rest.

        Applied anew, plans may give them more or less. That is done before they are
        billed; here it would take all the other calls of the period.

        :param rows: bool array: the calls whose rate is another one now
        """
        rows &= (taken != None) & (new["billed_quantity"] > 0)  # noqa: E711
        rows &= new["currency_id"] == old["currency_id"]
        rows = np.flatnonzero(rows)
        if not len(rows):
            return
        covered = np.minimum(old["covered_seconds"][rows], new["billed_quantity"][rows])
        plans = StoredPlans(self.env.cr, taken[rows])
        cover, paid = plans.cover(taken[rows], covered)
        charge = self.engine.charge_covered(calls, rows, result, cover)[0]
        new["charge_micro"][rows] = np.maximum(charge - paid, np.minimum(charge, 0))

    def _sum(self, old, new, rated, usage):
        """Add the chunk to the change of its usage, and to what moves."""

        def sums(of, rows):
            ones = np.ones(len(rows), np.int64)
            return np.stack(
                [
                    ones,
                    old["quantity"][rows],
                    of["billed_quantity"][rows],
                    of["charge_micro"][rows],
                ],
                axis=1,
            )

        everything = np.arange(len(usage))
        np.subtract.at(self.change, usage, sums(old, everything))
        stays = new["currency_id"] == self.currency[usage]
        kept = np.flatnonzero(rated & stays)
        np.add.at(self.change, usage[kept], sums(new, kept))
        moving = np.flatnonzero(rated & ~stays)
        pairs = np.stack([usage[moving], new["currency_id"][moving]], axis=1)
        pairs, of_pair = np.unique(pairs, axis=0, return_inverse=True)
        for number, pair in enumerate(map(tuple, pairs.tolist())):
            if pair not in self.moved:
                self.moved[pair] = (self._new_usage_id(), np.zeros(4, np.int64))
            rows = moving[of_pair.reshape(-1) == number]
            self.moved[pair][1][:] += sums(new, rows).sum(axis=0)

    def _new_usage_id(self):
        if not self.write:
            return 0
        self.env.cr.execute("SELECT nextval('metered_usage_id_seq')")
        return self.env.cr.fetchone()[0]

    def _reject(self, old, status, callee, call_id, usage):
        """Take out the records of a chunk that no rate fits."""
        for reason, codes in REASON_OF_STATUS.items():
            rows = np.flatnonzero(np.isin(status, codes))
            self.unrated += [
                Unrated(
                    batch_id=int(old["batch_id"][row]),
                    line=int(old["line"][row]),
                    call_id=call_id[row],
                    reason=reason,
                    callee=callee[row],
                    partner_id=int(self.usage["partner_id"][usage[row]]),
                    meter_id=int(self.meter[usage[row]]),
                    destination_id=int(old["destination_id"][row]),
                    start_us=int(old["start_us"][row]),
                    seconds=int(old["quantity"][row]),
                )
                for row in rows.tolist()
            ]
            if self.write and len(rows):
                self.env.cr.execute(
                    "DELETE FROM metered_cdr WHERE id = ANY(%s::bigint[])",
                    (as_array(old["id"][rows]),),
                )

    def _write_cdrs(self, ids, new, usage, changed):
        usage_id = self.ids[usage[changed]]
        if self.moved:
            pairs = zip(
                usage[changed].tolist(),
                new["currency_id"][changed].tolist(),
                strict=True,
            )
            usage_id = np.array(
                [
                    self.moved[pair][0] if pair in self.moved else known
                    for pair, known in zip(pairs, usage_id.tolist(), strict=True)
                ],
                np.int64,
            )
        values = [column[changed] for column in new.values()]
        write_cdrs(self.env.cr, ids[changed], usage_id, values, self.user_id)
