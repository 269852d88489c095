# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From the ledgers of registers to usage: what was used, day by day.

What was used is found from the readings as they are now (``rating.counters``), and
compared with what is booked: records without a source, each of a register and a day.
Of a day that differs, what is open is booked anew; what is on an invoice stays, and the
difference to it is booked beside it, for the next invoice. So usage always is what the
readings say, whenever and in whatever order they came, and what was invoiced is not
touched.
"""

import json
from dataclasses import dataclass, field

import numpy as np

from ..ingest.marks import note_change
from ..ingest.reading_store import moment
from ..rating.counters import (
    ATTO,
    NANO,
    Dial,
    Reading,
    day_start,
    local_day,
    points,
    projected,
    used,
)

#: rows that are written together
PAGE = 1000

#: from the second last that was read before the first day that is looked at: by two is
#: known how fast it went
_READINGS = """
    SELECT reading.register_id, reading.id,
           (extract(epoch FROM reading.time) * 1000000)::bigint,
           (reading.value * 1000000000)::numeric(40, 0)::text,
           reading.is_estimated IS TRUE, reading.kind
      FROM unnest(%s::int[], %s::timestamp[]) AS wanted (id, since)
     CROSS JOIN LATERAL (
           SELECT min(time) AS since FROM (
               SELECT time FROM metered_reading
                WHERE register_id = wanted.id AND active AND time < wanted.since
                  AND is_estimated IS NOT TRUE
                ORDER BY time DESC LIMIT 2) two) earlier
      JOIN metered_reading reading
        ON reading.register_id = wanted.id AND reading.active
       AND reading.time >= coalesce(earlier.since, wanted.since)
"""
_BEFORE = """
    SELECT wanted.id, max(reading.time)
      FROM unnest(%s::int[], %s::timestamp[]) AS wanted (id, since)
      JOIN metered_reading reading
        ON reading.register_id = wanted.id AND reading.active
       AND reading.time < wanted.since
     GROUP BY wanted.id
"""
_BOOKED = """
    SELECT cdr.id, cdr.register_id, cdr.partner_id,
           coalesce(usage.subscription_id, 0), usage.day - date '1970-01-01',
           (cdr.quantity * 1000000000000000000)::numeric(60, 0)::text, usage.id,
           usage.invoice_line_id IS NOT NULL
      FROM metered_cdr cdr
      JOIN metered_usage usage ON usage.id = cdr.usage_id
      JOIN unnest(%s::int[], %s::date[]) AS wanted (id, day)
        ON wanted.id = cdr.register_id AND usage.day >= wanted.day
"""
_TAKE_BACK = """
    WITH gone AS (
        DELETE FROM metered_cdr WHERE id = ANY(%s) RETURNING usage_id, quantity
    ), sums AS (
        SELECT usage_id, count(*) AS records, sum(quantity) AS quantity
          FROM gone GROUP BY usage_id
    )
    UPDATE metered_usage usage
       SET records = usage.records - sums.records,
           quantity = trim_scale(usage.quantity - sums.quantity)
      FROM sums WHERE usage.id = sums.usage_id
"""
_ADD_USAGE = """
    INSERT INTO metered_usage (company_id, partner_id, subscription_id, meter_id, day,
                               currency_id, records, quantity, billed_quantity, amount,
                               collecting)
    VALUES %s
        ON CONFLICT (partner_id, day, meter_id, currency_id, company_id,
                     coalesce(subscription_id, 0),
                     (CASE WHEN collecting THEN 0 ELSE id END))
        DO UPDATE SET records = metered_usage.records + excluded.records,
                      quantity = trim_scale(metered_usage.quantity + excluded.quantity)
    RETURNING id, company_id, partner_id, coalesce(subscription_id, 0), meter_id,
              day - date '1970-01-01', currency_id
"""
_USAGE_VALUES = (
    "(%s, %s, nullif(%s, 0), %s, date '1970-01-01' + %s, %s, %s, %s::numeric, 0, 0,"
    " TRUE)"
)
_ADD_CDRS = """
    INSERT INTO metered_cdr (company_id, call_id, start_time, duration, quantity,
                             state, meter_id, partner_id, identifier_id, usage_id,
                             currency_id, properties, register_id)
    VALUES %s
"""
_CDR_VALUES = "(%s, %s, %s, 0, %s::numeric, 'rated', %s, %s, %s, %s, %s, %s::jsonb, %s)"


@dataclass(frozen=True)
class RegisterTerms:
    """A register, and all that decides what was used.

    - `owners`: ``Owner``s, whose keys are (identifier, customer, subscription or 0)
    - `since`: naive datetime in UTC, from when on its readings are other ones
    - `until_us`: to when it goes on without a reading; None: as far as it was read
    """

    register_id: int
    company_id: int
    meter_id: int
    currency_id: int
    serial: str
    dial: Dial
    owners: tuple
    factors: tuple
    daily: bool
    since: object
    until_us: int | None = None


@dataclass
class _Booking:
    """What one owner used of a register on a day."""

    quantity: int = 0
    identifier_id: int = 0
    before: object = None
    after: object = None
    keys: set = field(default_factory=set)


def book_registers(cr, registers):
    """Have the usage of registers be what their readings say.

    :param cr: cursor; the registers are locked, and the caller commits
    :param registers: list of :class:`RegisterTerms`
    :return: set of the ids of usage that changed
    """
    terms = {one.register_id: one for one in registers}
    first = _first_days(cr, terms)
    wanted = _wanted(cr, terms, first)
    rows = _booked(cr, first)
    if rows:
        # Nobody bills them now, nor has since they were read.
        cr.execute(
            "SELECT id FROM metered_usage WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            (sorted({row.usage_id for row in rows}),),
            log_exceptions=False,
        )
        rows = _booked(cr, first)
    open_of, billed, total = {}, {}, {}
    for row in rows:
        total[row.key] = total.get(row.key, 0) + row.quantity
        if row.billed:
            billed[row.key] = billed.get(row.key, 0) + row.quantity
        else:
            open_of.setdefault(row.key, []).append(row)
    differing = [
        key
        for key in sorted({*wanted, *total})
        if wanted.get(key, _Booking()).quantity != total.get(key, 0)
    ]
    gone = [row for key in differing for row in open_of.get(key, ())]
    touched = {row.usage_id for row in gone}
    if gone:
        cr.execute(_TAKE_BACK, ([row.cdr_id for row in gone],))
    added = {}
    for key in differing:
        booking = wanted.get(key, _Booking())
        quantity = booking.quantity - billed.get(key, 0)
        if quantity:
            added[key] = quantity
    touched |= _add(cr, terms, wanted, added, billed)
    note_change(cr, sorted(touched), "booked")
    if gone:
        cr.execute(
            "DELETE FROM metered_usage WHERE id = ANY(%s) AND records = 0"
            " AND invoice_line_id IS NULL",
            (sorted({row.usage_id for row in gone}),),
        )
    return touched


def _first_days(cr, terms):
    """The first day that can be another one: dict register id -> day.

    The reading before the first that changed, and a day less: days begin earlier in
    the east.
    """
    cr.execute(_BEFORE, (list(terms), [one.since for one in terms.values()]))
    before = dict(cr.fetchall())
    days = {}
    for key, one in terms.items():
        at = before.get(key, one.since)
        days[key] = (np.datetime64(at, "D") - 1).item()
    return days


def _wanted(cr, terms, first):
    """What was used: dict (register, customer, subscription, day) -> `_Booking`."""
    cr.execute(_READINGS, (list(first), list(first.values())))
    readings = {}
    for key, reading_id, at_us, value, estimated, kind in cr.fetchall():
        reading = Reading(at_us, int(value), estimated, kind, reading_id)
        readings.setdefault(key, []).append(reading)
    wanted = {}
    for register_id, some in readings.items():
        one = terms[register_id]
        begin = np.datetime64(first[register_id], "D").astype(np.int64).item()
        way = points(some, one.dial)
        if one.until_us is not None:
            way = projected(way, one.dial, one.until_us)
        for part in used(way, one.dial, one.owners, one.factors, one.daily):
            if part.owner is None or part.day < begin:
                continue
            identifier_id, partner_id, subscription_id = part.owner.key
            key = register_id, partner_id, subscription_id, part.day
            booking = wanted.setdefault(key, _Booking(before=part.before))
            booking.quantity += part.quantity
            booking.identifier_id = identifier_id
            booking.after = part.after
            booking.keys.update(key for key in part.keys if key)
    return wanted


@dataclass(frozen=True, slots=True)
class _Booked:
    """A record of what was used that is stored."""

    cdr_id: int
    key: tuple
    quantity: int
    usage_id: int
    billed: bool


def _booked(cr, first):
    cr.execute(_BOOKED, (list(first), list(first.values())))
    return [
        _Booked(cdr_id, (register, partner, subscription, day), int(quantity), *rest)
        for cdr_id, register, partner, subscription, day, quantity, *rest in (
            cr.fetchall()
        )
    ]


def _add(cr, terms, wanted, added, billed):
    """Add quantities to usage, with a record each; the ids of the usage."""
    sums = {}
    for key, quantity in added.items():
        one = terms[key[0]]
        of = one.company_id, key[1], key[2], one.meter_id, key[3], one.currency_id
        records, total = sums.get(of, (0, 0))
        sums[of] = records + 1, total + quantity
    if not sums:
        return set()
    rows = [
        (*of, records, _text(total)) for of, (records, total) in sorted(sums.items())
    ]
    found = cr.execute_values(
        _ADD_USAGE, rows, template=_USAGE_VALUES, page_size=PAGE, fetch=True
    )
    usage_of = {tuple(of): usage_id for usage_id, *of in found}
    cdrs = []
    for key, quantity in added.items():
        one = terms[key[0]]
        of = one.company_id, key[1], key[2], one.meter_id, key[3], one.currency_id
        booking = wanted.get(key)
        at_us = _moment_of(booking, one, key[3])
        cdrs.append(
            (
                one.company_id,
                one.serial,
                moment(at_us),
                _text(quantity),
                one.meter_id,
                key[1],
                (booking and booking.identifier_id) or None,
                usage_of[of],
                one.currency_id,
                json.dumps(_properties(one, booking, key in billed)),
                one.register_id,
            )
        )
    cr.execute_values(_ADD_CDRS, cdrs, template=_CDR_VALUES, page_size=PAGE)
    return set(usage_of.values())


def _moment_of(booking, one, day):
    """When a record of what was used is shown to be: within its day."""
    zone = one.owners[0].zone if one.owners else "UTC"
    if booking is None:
        return day_start(zone, day)
    after = booking.after.at_us - 1
    return booking.before.at_us if local_day(zone, after) != day else after


def _properties(one, booking, corrects):
    """What a record of what was used tells of the readings that it is between."""
    told = {"serial": one.serial}
    if corrects:
        told["correction"] = True
    if booking is None:
        return told
    for name, point in (("from", booking.before), ("to", booking.after)):
        told[name] = _text(point.shown * (ATTO // NANO))
        told[f"{name}_time"] = f"{moment(point.at_us).isoformat()}Z"
        told[f"{name}_estimated"] = point.estimated
    told["readings"] = sorted(booking.keys)
    return told


def _text(atto):
    """A quantity of 10⁻¹⁸ as a decimal text."""
    whole, rest = divmod(abs(atto), ATTO)
    sign = "-" if atto < 0 else ""
    digits = f"{rest:018d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
