# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Looking for toll fraud in a chunk that is being stored.

The sums of the customers' days are added to in the transaction that stores the calls:
a chunk that is stored again adds nothing twice. Old calls are only noted: their days
are summed later, see ``stored/fraud_days.py``, and raise no alarm.
"""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import fraud
from ..rating.concurrency import calls_at_once
from ..rating.prefixes import number_keys
from .fraud_settings import SECOND_US, SHORT_SECONDS

#: first key of the advisory locks of companies whose days are summed ("mbfr")
FRAUD_LOCK_CLASS = 0x6D626672
DAY = 86_400

_MARK = """
    INSERT INTO metered_fraud_mark (company_id, day_from, day_to)
    VALUES (%s, date '1970-01-01' + %s, date '1970-01-01' + %s)
"""
_MAKE = """
    INSERT INTO metered_fraud_day (company_id, partner_id, day)
    SELECT %s, new.partner_id, date '1970-01-01' + new.day
      FROM unnest(%s::int[], %s::int[]) AS new (partner_id, day)
     ORDER BY 2, 3
    ON CONFLICT DO NOTHING
"""
_LOOK = """
    SELECT kept.id, kept.partner_id, kept.day - date '1970-01-01', kept.quarters,
           kept.ranges
      FROM metered_fraud_day kept
      JOIN unnest(%s::int[], %s::int[]) AS wanted (partner_id, day)
        ON wanted.partner_id = kept.partner_id
       AND kept.day = date '1970-01-01' + wanted.day
     WHERE kept.company_id = %s
     ORDER BY kept.partner_id, kept.day
       FOR UPDATE OF kept
"""
_KEEP = """
    UPDATE metered_fraud_day kept SET quarters = new.quarters, ranges = new.ranges
      FROM unnest(%s::int[], %s::int[], %s::bytea[], %s::bytea[])
           AS new (partner_id, day, quarters, ranges)
     WHERE kept.company_id = %s AND kept.partner_id = new.partner_id
       AND kept.day = date '1970-01-01' + new.day
"""
_PROFILES = """
    SELECT partner_id, learned, accepted FROM metered_fraud_profile
     WHERE company_id = %s AND partner_id = ANY(%s)
"""
_LASTING = """
    SELECT usage.partner_id, (extract(epoch FROM cdr.start_time) * 1000000)::bigint,
           cdr.quantity::bigint
      FROM metered_usage usage JOIN metered_cdr cdr ON cdr.usage_id = usage.id
     WHERE usage.company_id = %s AND usage.partner_id = ANY(%s)
       AND usage.day >= date '1970-01-01' + %s AND cdr.direction = 'outbound'
       AND cdr.quantity > 0
"""


class Suspicion(NamedTuple):
    """A finding, and when the newest call began that it was found with (seconds)."""

    finding: fraud.Finding
    newest: int


def watch(cr, cdrs, settings):
    """Add a chunk's calls to the sums of their days, and look for fraud.

    :param cdrs: dict of columns as in :class:`~.outcome.Prepared`; they are stored
    :param settings: :class:`~.settings.ImportSettings`
    :return: tuple of :class:`Suspicion`
    """
    known = settings.fraud
    if known is None or settings.record_kind != "call":
        return ()
    start_us = cdrs["start_us"]
    young = start_us >= known.oldest * SECOND_US
    if not young.all():
        old = start_us[~young] // SECOND_US // DAY
        mark_days(cr, known, int(old.min()) - 1, int(old.max()) + 1)
    calls = _calls(cdrs, young & (cdrs["partner_id"] > 0), settings)
    if not len(calls):
        return ()
    quarters, ranges = fraud.tally(calls)
    return _check(cr, known, calls, *add_to_days(cr, known, quarters, ranges))


def mark_days(cr, known, first, last):
    """Have the days (as numbers) of a company summed again, as far as they matter."""
    first = max(first, known.now // DAY - fraud.MOST_DAYS)
    if first <= last:
        cr.execute(_MARK, (known.company_id, first, last))


def _calls(cdrs, wanted, settings):
    """The calls of a chunk that are looked at."""
    known = settings.fraud
    directions = cdrs["direction"]
    parts = []
    rows = np.flatnonzero(wanted & _is(directions, "outbound") & cdrs["billable"])
    rows = rows[cdrs["charge_micro"][rows] > 0]
    if len(rows):
        charge = known.in_company_currency(
            cdrs["charge_micro"][rows], cdrs["currency_id"][rows]
        )
        parts.append(
            known.outgoing(
                cdrs["partner_id"][rows],
                cdrs["start_us"][rows],
                np.asarray(cdrs["quantity"][rows], np.int64),
                charge,
                cdrs["callee"].take(pa.array(rows)),
                cdrs["destination_id"][rows],
            )
        )
    short = np.asarray(cdrs["quantity"], np.int64) < SHORT_SECONDS
    rows = np.flatnonzero(wanted & _is(directions, "inbound") & short)
    if len(rows):
        caller = cdrs["caller"].take(pa.array(rows))
        classifier = settings.dial_plans[0][1]
        keys = number_keys(caller)
        outward = np.full(len(rows), "outbound", object)
        destination_ids, _meters = classifier.classify(outward, keys, keys)
        parts.append(
            known.ringing(
                cdrs["partner_id"][rows],
                cdrs["start_us"][rows],
                caller,
                destination_ids,
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else ()


def _is(directions, name):
    return pc.fill_null(pc.equal(directions, name), False).to_numpy(
        zero_copy_only=False
    )


def add_to_days(cr, known, quarters, ranges):
    """Add to the sums that are kept.

    :param quarters, ranges: as of ``fraud.tally``
    :return: the same of these customers' days, from the day before the first one on
    """
    cr.execute(
        "SELECT pg_advisory_xact_lock_shared(%s, %s)",
        (FRAUD_LOCK_CLASS, known.company_id),
    )
    keys = pd.concat([quarters[list(fraud.KEYS)], ranges[list(fraud.KEYS)]])
    touched = set(map(tuple, keys.drop_duplicates().to_numpy().tolist()))
    cr.execute(_MAKE, (known.company_id, *_columns(touched)))
    wanted = touched | {(partner, day - 1) for partner, day in touched}
    cr.execute(_LOOK, (*_columns(wanted), known.company_id))
    rows = cr.fetchall()
    all_sums = []
    for position, (added, columns) in enumerate(
        ((quarters, fraud.QUARTER_COLUMNS), (ranges, fraud.RANGE_COLUMNS)), 3
    ):
        kept = fraud.unpack([(*row[1:3], row[position]) for row in rows], columns)
        all_sums.append(fraud.add_up(kept, added))
    packed = [
        {part[:2]: part[2] for part in fraud.pack(sums, columns)}
        for sums, columns in zip(
            all_sums, (fraud.QUARTER_COLUMNS, fraud.RANGE_COLUMNS), strict=True
        )
    ]
    keep_days(cr, known.company_id, sorted(touched), *packed)
    return all_sums


def keep_days(cr, company_id, keys, quarters, ranges):
    """Write the sums of days that are there.

    :param keys: list of (customer, day)
    :param quarters, ranges: dicts of key -> bytes
    """
    cr.execute(
        _KEEP,
        (
            *_columns(keys),
            [quarters.get(key) for key in keys],
            [ranges.get(key) for key in keys],
            company_id,
        ),
    )


def _columns(keys):
    keys = sorted(keys)
    return [key[0] for key in keys], [key[1] for key in keys]


def _check(cr, known, calls, quarters, ranges):
    begun = calls.groupby("partner_id")["start"].agg(["min", "max"])
    since, newest = begun["min"].to_dict(), begun["max"].to_dict()
    profiles, accepted = read_profiles(cr, known.company_id, list(since))
    findings = fraud.check(
        quarters,
        ranges,
        since,
        profiles,
        known.limits,
        known.default,
        _peaks(cr, known, since),
    )
    return tuple(
        Suspicion(finding, int(newest[finding.partner_id]))
        for finding in fraud.honest(findings, accepted)
    )


def read_profiles(cr, company_id, partner_ids):
    """(:class:`~..fraud.Profiles`, dict customer -> list of ``fraud.Accepted``)."""
    cr.execute(_PROFILES, (company_id, partner_ids))
    profiles, accepted, levels = fraud.Profiles(), {}, {}
    for partner, learned, taken in cr.fetchall():
        learned, taken = _read(learned), _read(taken)
        if taken:
            accepted[partner] = [fraud.Accepted(*each) for each in taken]
        if learned:
            levels[partner] = learned["levels"]
            profiles.zones[partner] = set(learned["zones"])
            profiles.leaks[partner] = {
                int(key): tuple(value) for key, value in learned["leaks"].items()
            }
    if levels:
        profiles.levels = pd.DataFrame.from_dict(levels, "index")
    return profiles, accepted


def _read(value):
    return json.loads(value) if isinstance(value, str) else value


def _peaks(cr, known, since):
    """Most calls at one time of those for whom there is a limit."""
    wanted = [
        partner
        for partner in since
        if known.limits.get(partner, known.default).lines is not None
    ]
    if not wanted:
        return {}
    first = min(since[partner] for partner in wanted)
    cr.execute(_LASTING, (known.company_id, wanted, first // DAY - 1))
    rows = np.array(cr.fetchall(), np.int64).reshape(-1, 3)
    peaks = {}
    for partner in wanted:
        mine = rows[rows[:, 0] == partner]
        if not len(mine):
            continue
        begin, end = mine[:, 1], mine[:, 1] + mine[:, 2] * SECOND_US
        begun = since[partner] * SECOND_US
        level = calls_at_once(begin, end, begun, max(int(end.max()), begun + 1))
        peak, moment = level.comes_to("max")
        peaks[partner] = int(peak), int(moment or begun) // SECOND_US
    return peaks
