# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage done once more from its raw records, to be compared with what was billed.

First the facts: the imported files are read again, and each record has to say what is
stored of it. Then the charges: each call is rated again with the settings of today,
and where these lead elsewhere, with the rate that it was charged with. Nothing is
written.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from ..ingest.isolate import parts, try_to_prepare
from ..ingest.load_rates import deck_chain, load_engine, load_rates, make_engine
from ..ingest.usage_calls import USAGE_CDRS
from ..rating import MAX_US, RATED
from ..rating.prefixes import number_keys
from .canonical import portions
from .plan_cover import StoredPlans

#: calls that are rated together
CHUNK_CALLS = 50_000
#: differences that are listed; all are counted
MOST_LISTED = 10_000
_NUMBERS = (
    "id",
    "partner_id",
    "meter_id",
    "start_us",
    "quantity",
    "billed",
    "rate_id",
    "band_id",
    "charge",
    "currency_id",
    "covered",
)
_READ_CALLS = f"""
    SELECT cdr.id, usage.partner_id, cdr.meter_id,
           (extract(epoch FROM cdr.start_time) * 1000000)::bigint,
           cdr.quantity::bigint, cdr.billed_quantity::bigint, coalesce(cdr.rate_id, 0),
           coalesce(cdr.band_id, 0), (cdr.charge * 1000000)::bigint, cdr.currency_id,
           coalesce(cdr.plan_quantity, 0)::bigint, cdr.callee, cdr.plan_taken::text
      FROM {USAGE_CDRS}
      JOIN metered_usage usage ON usage.id = cdr.usage_id
      JOIN metered_meter meter ON meter.id = cdr.meter_id AND meter.kind = 'call'
     WHERE usage.details_gone IS NULL
     ORDER BY cdr.id
"""  # noqa: S608 - ours
_READ_PARTNERS = """
    SELECT DISTINCT partner_id FROM metered_usage WHERE id = ANY(%(usage)s)
"""
# Increases of a counter follow from several readings, and samples may be thinned.
_READ_FACTS = f"""
    SELECT cdr.batch_id, cdr.line, cdr.id,
           (extract(epoch FROM cdr.start_time) * 1000000)::bigint,
           CASE WHEN meter.kind = 'call' THEN cdr.quantity
                ELSE cdr.quantity * 1000000000 END::bigint,
           cdr.caller, cdr.callee, cdr.partner_id, cdr.meter_id
      FROM {USAGE_CDRS}
      JOIN metered_usage usage ON usage.id = cdr.usage_id
      JOIN metered_meter meter ON meter.id = cdr.meter_id
     WHERE usage.details_gone IS NULL AND cdr.batch_id IS NOT NULL
       AND cdr.line IS NOT NULL AND cdr.register_id IS NULL
"""  # noqa: S608 - ours
FACTS = ("start_us", "quantity", "caller", "callee", "partner_id", "meter_id")


@dataclass
class Outcome:
    """What came of it.

    :ivar read: records that were read from their file again
    :ivar unread: records whose file is not there, or that came without one
    :ivar rated: calls that were rated again
    :ivar as_then: of those, calls whose charge comes out only with the rate that they
        were charged with: their prices, rates, or customer were changed since
    :ivar differences: list of (id of the record, what, stored, found), at most
        :data:`MOST_LISTED`
    :ivar count: number of all differences
    """

    read: int = 0
    unread: int = 0
    rated: int = 0
    as_then: int = 0
    count: int = 0
    differences: list = field(default_factory=list)

    def differ(self, record_id, what, stored, found):
        """Note a difference."""
        self.count += 1
        if len(self.differences) < MOST_LISTED:
            self.differences.append((record_id, what, str(stored), str(found)))


def stored_facts(cr, usage_ids):
    """What is stored of the records of usage, by the file that they came from.

    :param usage_ids: ids of ``metered.usage``
    :return: dict id of an import -> dict line -> (id of the record, *:data:`FACTS`)
    """
    found = defaultdict(dict)
    for batch_id, line, *facts in portions(cr, _READ_FACTS, {"usage": usage_ids}):
        found[batch_id][line] = facts
    return found


def reread(stored, chunks, settings, outcome):
    """Compare what a file says with what is stored of it.

    :param stored: dict line -> (id of the record, *:data:`FACTS`)
    :param chunks: iterable of the file's ``connectors.formats.Chunk``
    :param settings: ``ingest.settings.ImportSettings`` of its source, of today
    :param outcome: :class:`Outcome`, added to
    """
    lines, found = np.array(sorted(stored), np.int64), {}
    for chunk in chunks:
        for prepared in _prepared(chunk, settings):
            _collect(prepared.cdrs, lines, found)
    outcome.read += len(stored)
    for line, (record_id, *facts) in stored.items():
        if line not in found:
            outcome.differ(record_id, "record", "charged", "not charged today")
            continue
        for name, was, now in zip(FACTS, facts, found[line], strict=True):
            if was != now:
                outcome.differ(record_id, name, was, now)


def _prepared(chunk, settings):
    """Yield a chunk as an import would understand it, less what it sets aside."""
    prepared = try_to_prepare(chunk, settings)
    if prepared is not None:
        yield prepared
    elif chunk.records > 1:
        for half in parts(chunk, -(-chunk.records // 2)):
            yield from _prepared(half, settings)


def _collect(cdrs, lines, found):
    """Add the facts of the charged records at some lines: dict line -> values."""
    of_line = np.asarray(cdrs["line"])
    rows = np.flatnonzero(np.isin(of_line, lines) & np.asarray(cdrs["billable"]))
    columns = [pa.array(cdrs[name]).take(rows).to_pylist() for name in FACTS]
    found.update(zip(of_line[rows].tolist(), zip(*columns, strict=True), strict=True))


def rate_again(company, usage_ids, outcome):
    """Rate the calls of usage again, and compare the charges.

    :param company: ``res.company`` record, with all rights
    :param usage_ids: ids of ``metered.usage``
    :param outcome: :class:`Outcome`, added to
    """
    env = company.env(
        context={**company.env.context, "allowed_company_ids": company.ids}
    )
    work = _Rating(env, company.with_env(env), usage_ids, outcome)
    some = []
    for row in portions(env.cr, _READ_CALLS, {"usage": usage_ids}):
        some.append(row)
        if len(some) == CHUNK_CALLS:
            work.compare(some)
            some = []
    if some:
        work.compare(some)
    work.compare_as_then()


class _Rating:
    """Calls on their way through the engine, chunk by chunk.

    :ivar left: frames of calls that come to something else today
    """

    def __init__(self, env, company, usage_ids, outcome):
        self.env, self.outcome = env, outcome
        self.left = []
        env.cr.execute(_READ_PARTNERS, {"usage": usage_ids})
        partners = env["res.partner"].browse(row[0] for row in env.cr.fetchall())
        chains = {partner.id: deck_chain(partner, company) for partner in partners}
        distinct = list(dict.fromkeys(chains.values()))
        self.chain = {partner: distinct.index(of) for partner, of in chains.items()}
        self.loaded = load_engine(env, distinct)

    def compare(self, rows):
        """Rate rows of ``_READ_CALLS``, and keep those that differ."""
        *numbers, callee, taken = zip(*rows, strict=True)
        columns = zip(_NUMBERS, numbers, strict=True)
        frame = pd.DataFrame({name: np.array(of, np.int64) for name, of in columns})
        frame["number_key"] = number_keys(callee)
        frame["taken"] = list(taken)
        self.outcome.rated += len(frame)
        found = self._rate(self.loaded, frame, frame["partner_id"].map(self.chain))
        self.left.append(frame[~_same(frame, found)])

    def compare_as_then(self):
        """Rate what differs with the rate that it was charged with, deck by deck."""
        if not self.left:
            return
        left = pd.concat(self.left)
        rates = self.env["metered.rate"].browse(left["rate_id"].unique().tolist())
        for rate in rates - rates.exists():
            self._note(left[left["rate_id"] == rate.id], None)
        for deck, of_deck in rates.exists().grouped("deck_id").items():
            loaded = load_rates(self.env, deck)
            # The day on which it ends may have been set after the call.
            loaded["valid_to_us"] = MAX_US
            for rate in of_deck:
                frame = left[left["rate_id"] == rate.id].reset_index(drop=True)
                own = loaded[loaded["rate_id"] == rate.id]
                engine = make_engine(self.env, [(deck.id,)], deck, own)
                found = self._rate(engine, frame, 0)
                same = _same(frame, found)
                self.outcome.as_then += int(same.sum())
                self._note(frame[~same], found[~same])

    def _note(self, frame, found):
        for at, call in enumerate(frame.itertuples()):
            now = int(found["charge"].iloc[at]) if found is not None else "no such rate"
            self.outcome.differ(call.id, "charge_micro", call.charge, now)

    def _rate(self, loaded, frame, chain):
        """Rate calls, with what their plans took of them."""
        engine, currency_of_deck = loaded
        calls = pd.DataFrame(
            {
                "number_key": frame["number_key"],
                "start_us": frame["start_us"],
                "seconds": frame["quantity"],
                "meter_id": frame["meter_id"],
                "chain": chain,
            }
        )
        result = engine.rate(calls).frame
        charge = result["charge_micro"].to_numpy().copy()
        taken = frame["taken"].to_numpy(object)
        billed = result["billed_seconds"].to_numpy()
        rows = np.flatnonzero((taken != None) & (billed > 0))  # noqa: E711
        if len(rows):
            plans = StoredPlans(self.env.cr, taken[rows])
            covered = np.minimum(frame["covered"].to_numpy()[rows], billed[rows])
            cover, paid = plans.cover(taken[rows], covered)
            rest = engine.charge_covered(calls, rows, result, cover)[0]
            charge[rows] = np.maximum(rest - paid, np.minimum(rest, 0))
        return pd.DataFrame(
            {
                "rate_id": result["rate_id"].to_numpy(),
                "band_id": result["band_id"].to_numpy(),
                "billed": billed,
                "charge": charge,
                "currency_id": result["deck_id"].map(currency_of_deck).fillna(0),
                "status": result["status"].to_numpy(),
            },
            index=frame.index,
        )


def _same(frame, found):
    same = found["status"] == RATED
    for name in ("rate_id", "band_id", "billed", "charge", "currency_id"):
        same &= frame[name] == found[name]
    return same
