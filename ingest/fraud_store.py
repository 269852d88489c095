# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Looking for toll fraud in a chunk that is being stored.

The sums of the customers' days are added to in the transaction that stores the calls:
a chunk that is stored again adds nothing twice. That is done with the calls of the last
day. Older ones are only noted: their days are summed, and what waits of them is
checked, in a moment, see ``stored/fraud_days.py``. Those that are so old that they
raise no alarm are only learned from.
"""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc

from .. import fraud
from ..rating.concurrency import calls_at_once
from .conflicts import InTheWay
from .fraud_settings import SECOND_US, SHORT_SECONDS

#: first key of the advisory locks of companies whose days are summed ("mbfr")
FRAUD_LOCK_CLASS = 0x6D626672
DAY = 86_400
#: of a number of a customer and a day, those of the day
DAY_BITS = 20
#: rows that a day may have too many
FEW_ROWS = 16

_MARK = """
    INSERT INTO metered_fraud_mark (company_id, day_from, day_to)
    VALUES (%s, date '1970-01-01' + %s, date '1970-01-01' + %s)
"""
_WAIT = """
    INSERT INTO metered_fraud_wait (company_id, source_id, partner_id, first_call,
                                    last_call)
    SELECT %s, %s, partner_id, to_timestamp(first) AT TIME ZONE 'UTC',
           to_timestamp(last) AT TIME ZONE 'UTC'
      FROM unnest(%s::int[], %s::bigint[], %s::bigint[])
           AS new (partner_id, first, last)
"""
_LOOK = """
    SELECT kept.partner_id, kept.day - date '1970-01-01', kept.quarters,
           kept.ranges
      FROM metered_fraud_day kept
      JOIN unnest(%s::int[], %s::int[]) AS wanted (partner_id, day)
        ON wanted.partner_id = kept.partner_id
       AND kept.day = date '1970-01-01' + wanted.day
     WHERE kept.company_id = %s
     ORDER BY kept.partner_id, kept.day
       FOR UPDATE OF kept
"""
#: Sums are sums again when further ones are put behind them.
_KEEP = """
    INSERT INTO metered_fraud_day AS kept (company_id, partner_id, day, quarters,
                                           ranges)
    SELECT %(company)s, new.partner_id, date '1970-01-01' + new.day,
           substring(%(quarters)s::bytea FROM new.first_quarter FOR new.quarters),
           substring(%(ranges)s::bytea FROM new.first_range FOR new.ranges)
      FROM unnest(%(partner)s::int[], %(day)s::int[], %(first_quarter)s::int[],
                  %(quarters_size)s::int[], %(first_range)s::int[],
                  %(ranges_size)s::int[])
           AS new (partner_id, day, first_quarter, quarters, first_range, ranges)
        ON CONFLICT (company_id, partner_id, day) DO UPDATE
       SET quarters = {quarters}, ranges = {ranges}
 RETURNING kept.partner_id, kept.day - date '1970-01-01', kept.xmax != 0
"""
_ADD = _KEEP.format(
    **{
        name: f"coalesce(kept.{name}, '') || excluded.{name}"
        for name in ("quarters", "ranges")
    }
)
_REPLACE = _KEEP.format(quarters="excluded.quarters", ranges="excluded.ranges")
_PROFILES = """
    SELECT partner_id, learned, accepted FROM metered_fraud_profile
     WHERE company_id = %s AND partner_id = ANY(%s)
"""
_LASTING = """
    SELECT usage.partner_id, (extract(epoch FROM cdr.start_time) * 1000000)::bigint,
           cdr.quantity::bigint, coalesce(cdr.linked_call, 0)
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
    recent = start_us >= known.recent * SECOND_US
    if not recent.all():
        earlier = start_us[~recent] // SECOND_US
        mark_days(cr, known, int(earlier.min()) - DAY, int(earlier.max()) + DAY)
        _have_wait(cr, cdrs, ~recent & (start_us >= known.oldest * SECOND_US), settings)
    calls = _calls(cdrs, recent, settings)
    if not len(calls):
        return ()
    quarters, ranges = fraud.tally(calls)
    return check_calls(
        cr,
        known,
        calls.groupby("partner_id")["start"].agg(["min", "max"]),
        *add_to_days(cr, known, quarters, ranges),
    )


def mark_days(cr, known, first, last):
    """Have the days of a company summed again, as far as they matter.

    :param first, last: seconds
    """
    first, last = first // DAY, last // DAY
    first = max(first, known.now // DAY - fraud.MOST_DAYS)
    if first <= last:
        cr.execute(_MARK, (known.company_id, first, last))


def _have_wait(cr, cdrs, wanted, settings):
    """Have calls checked when their days are summed."""
    rows = np.flatnonzero(np.logical_or(*_looked_at(cdrs, wanted)))
    if not len(rows):
        return
    partner = cdrs["partner_id"][rows]
    start = cdrs["start_us"][rows] // SECOND_US
    order = np.lexsort((start, partner))
    partner, start = partner[order], start[order]
    firsts = fraud.runs(partner, start // DAY)
    lasts = np.append(firsts[1:], len(rows)) - 1
    cr.execute(
        _WAIT,
        (
            settings.fraud.company_id,
            settings.source_id,
            partner[firsts].tolist(),
            start[firsts].tolist(),
            start[lasts].tolist(),
        ),
    )


def _looked_at(cdrs, wanted):
    """(charged calls, short calls that came in) of wanted ones: two bool arrays."""
    directions = cdrs["direction"]
    wanted = wanted & (cdrs["partner_id"] > 0)
    charged = wanted & _is(directions, "outbound") & cdrs["billable"]
    charged &= cdrs["charge_micro"] > 0
    short = np.asarray(cdrs["quantity"], np.int64) < SHORT_SECONDS
    return charged, wanted & _is(directions, "inbound") & short


def _calls(cdrs, wanted, settings):
    """The calls of a chunk that are looked at."""
    known = settings.fraud
    charged, short = _looked_at(cdrs, wanted)
    parts = []
    rows = np.flatnonzero(charged)
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
    rows = np.flatnonzero(short)
    if len(rows):
        parts.append(
            known.ringing(
                cdrs["partner_id"][rows],
                cdrs["start_us"][rows],
                cdrs["caller"].take(pa.array(rows)),
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
    added = quarters, ranges
    keys = np.unique(np.concatenate([day_codes(sums) for sums in added]))
    touched = set(zip(*_of_codes(keys), strict=True))
    wanted = touched | {(partner, day - 1) for partner, day in touched}
    there, kept = read_days(cr, known.company_id, wanted)
    all_sums = tuple(fraud.add_up(*pair) for pair in zip(kept, added, strict=True))
    found = keep_days(cr, known.company_id, keys, *added)
    if not found <= there:
        # Another transaction was first, and what it added was not read.
        raise InTheWay
    long = _long(keys, kept, all_sums)
    if len(long):
        keep_days(cr, known.company_id, long, *all_sums, replaces=True)
    return all_sums


def day_codes(sums):
    """One number for customer and day of each row, in the same order: int64 array."""
    return sums["partner_id"].to_numpy() << DAY_BITS | sums["day"].to_numpy()


def _of_codes(codes):
    """(customers, days), lists."""
    return (codes >> DAY_BITS).tolist(), (codes & (1 << DAY_BITS) - 1).tolist()


def _long(keys, kept, sums):
    """The days of which so much was added that they are better written anew.

    :param keys: codes of the days that were added to
    :param kept: what was read of them
    :param sums: what they are with what was added
    """
    is_long = np.zeros(len(keys), bool)
    for before, after in zip(kept, sums, strict=True):
        sizes = [
            np.diff([np.searchsorted(codes, keys + up) for up in (0, 1)], axis=0)[0]
            for codes in (np.sort(day_codes(before)), np.sort(day_codes(after)))
        ]
        is_long |= sizes[0] > 2 * sizes[1] + FEW_ROWS
    return keys[is_long]


def read_days(cr, company_id, keys):
    """The sums that are kept, locked.

    :param keys: set of (customer, day)
    :return: (set of those that there are, (quarters, ranges)): parts of sums, to be
        added up
    """
    partners, days = zip(*sorted(keys), strict=True)
    cr.execute(_LOOK, (list(partners), list(days), company_id))
    rows = cr.fetchall()
    return {row[:2] for row in rows}, tuple(
        fraud.unpack([(*row[:2], row[position]) for row in rows], columns)
        for position, columns in enumerate(
            (fraud.QUARTER_COLUMNS, fraud.RANGE_COLUMNS), 2
        )
    )


def keep_days(cr, company_id, keys, quarters, ranges, replaces=False):
    """Add to the sums of days, where there are any.

    :param keys: int64 array of customers and days, as of :func:`day_codes`
    :param quarters, ranges: as of ``fraud.tally``
    :param replaces: True: have these be the sums
    :return: set of (customer, day) of which there were sums
    """
    partners, days = _of_codes(keys)
    values = {"company": company_id, "partner": partners, "day": days}
    for name, singular, sums, columns in (
        ("quarters", "quarter", quarters, fraud.QUARTER_COLUMNS),
        ("ranges", "range", ranges, fraud.RANGE_COLUMNS),
    ):
        codes, width = day_codes(sums), 8 * len(columns)
        # A customer may have moved to another time zone.
        order = np.argsort(codes, kind="stable")
        first, end = (np.searchsorted(codes[order], keys + up) for up in (0, 1))
        octets = sums[list(columns)].to_numpy(np.int64)[order].tobytes()
        values[name] = psycopg2.Binary(octets)
        values[f"first_{singular}"] = (first * width + 1).tolist()
        values[f"{name}_size"] = ((end - first) * width).tolist()
    cr.execute(_REPLACE if replaces else _ADD, values)
    return {row[:2] for row in cr.fetchall() if row[2]}


def check_calls(cr, known, begun, quarters, ranges):
    """Look for fraud.

    :param begun: DataFrame indexed by customer: ``min`` and ``max``, when the first and
        the last of its new calls began (seconds)
    :param quarters, ranges: their sums, as of :func:`add_to_days`
    :return: tuple of :class:`Suspicion`, ordered by customer
    """
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
    rows = np.array(cr.fetchall(), np.int64).reshape(-1, 4)
    peaks = {}
    for partner in wanted:
        mine = rows[rows[:, 0] == partner]
        if not len(mine):
            continue
        begin, end = mine[:, 1], mine[:, 1] + mine[:, 2] * SECOND_US
        begun = since[partner] * SECOND_US
        last = max(int(end.max()), begun + 1)
        level = calls_at_once(begin, end, begun, last, mine[:, 3])
        peak, moment = level.comes_to("max")
        peaks[partner] = int(peak), int(moment or begun) // SECOND_US
    return peaks
