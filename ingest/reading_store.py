# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Readings of counters on their way into the ledgers of their registers.

A register is a device (its serial) and a meter, found by the service identifier that
its records name. A record that is a reading is stored as it is, without usage; a line
of the register's ledger (``metered.reading``) points to it. What the ledger cannot
hold is set aside here: repeated, another value at the same moment, gone back. The
ledger so holds only what can be true, and what was used is found from it afterwards
(``stored.book_registers``), by whoever bills it at the latest.
"""

import datetime
from copy import deepcopy
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from ..rating.counters import Dial, Reading, take_in
from . import mapping
from .causes import cause_key
from .quantities import quantity_texts
from .same_records import id_key

_MAKE_REGISTERS = """
    INSERT INTO metered_register (company_id, meter_id, identifier_kind,
                                  identifier_value, source_id, serial, active,
                                  create_date, write_date)
    SELECT DISTINCT identifier.company_id, new.meter_id, identifier.kind,
           identifier.normalised, identifier.source_id,
           coalesce(nullif(new.serial, ''), identifier.normalised), TRUE,
           now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
      FROM unnest(%s::int[], %s::int[], %s::text[])
           AS new (identifier_id, meter_id, serial)
      JOIN metered_identifier identifier ON identifier.id = new.identifier_id
     ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT DO NOTHING
"""
_FIND_REGISTERS = """
    SELECT new.position - 1, register.id
      FROM unnest(%s::int[], %s::int[], %s::text[]) WITH ORDINALITY
           AS new (identifier_id, meter_id, serial, position)
      JOIN metered_identifier identifier ON identifier.id = new.identifier_id
      JOIN metered_register register
        ON register.company_id = identifier.company_id
       AND register.meter_id = new.meter_id
       AND register.identifier_kind = identifier.kind
       AND register.identifier_value = identifier.normalised
       AND register.source_id IS NOT DISTINCT FROM identifier.source_id
       AND register.serial
           = coalesce(nullif(new.serial, ''), identifier.normalised)
"""
_SERIALS = """
    SELECT DISTINCT new.identifier_id, new.meter_id, register.serial
      FROM unnest(%s::int[], %s::int[]) AS new (identifier_id, meter_id)
      JOIN metered_identifier identifier ON identifier.id = new.identifier_id
      JOIN metered_register register
        ON register.company_id = identifier.company_id
       AND register.meter_id = new.meter_id
       AND register.identifier_kind = identifier.kind
       AND register.identifier_value = identifier.normalised
       AND register.source_id IS NOT DISTINCT FROM identifier.source_id
"""
#: what the ledgers hold around some moments: from the reading before to the one after
_LEDGER = """
    SELECT reading.register_id, reading.id,
           (extract(epoch FROM reading.time) * 1000000)::bigint,
           (reading.value * 1000000000)::numeric(40, 0)::text,
           reading.is_estimated IS TRUE, reading.kind
      FROM unnest(%(ids)s::int[], %(first)s::timestamp[], %(last)s::timestamp[])
           AS wanted (id, first, last)
     CROSS JOIN LATERAL (
           SELECT max(time) AS before FROM metered_reading
            WHERE register_id = wanted.id AND active AND time < wanted.first
              AND is_estimated IS NOT TRUE) earlier
     CROSS JOIN LATERAL (
           SELECT min(time) AS after FROM metered_reading
            WHERE register_id = wanted.id AND active AND time > wanted.last
              AND is_estimated IS NOT TRUE) later
      JOIN metered_reading reading
        ON reading.register_id = wanted.id AND reading.active
       AND reading.time >= coalesce(earlier.before, wanted.first)
       AND reading.time <= coalesce(later.after, wanted.last)
"""
_DIALS = """
    SELECT register.id, coalesce(nullif(register.digits, 0), meter.digits, 0),
           coalesce(meter.most_percent, 0),
           (nullif(meter.most_per_day, 0) * 1000000000)::numeric(40, 0)::text,
           register.serial
      FROM metered_register register
      JOIN metered_meter meter ON meter.id = register.meter_id
     WHERE register.id = ANY(%s)
"""
_CHANGED = """
    UPDATE metered_register register
       SET changed_from = least(register.changed_from, new.since)
      FROM unnest(%s::int[], %s::timestamp[]) AS new (id, since)
     WHERE register.id = new.id
"""
EPOCH = datetime.datetime(1970, 1, 1)


def has_readings(prepared):
    """Whether there are readings of counters in a chunk."""
    return "is_reading" in prepared.cdrs and bool(prepared.cdrs["is_reading"].any())


def take_readings(cr, prepared, settings):
    """Set aside what the ledgers of the registers cannot hold.

    The registers stay locked until the transaction ends.

    :param prepared: :class:`~.outcome.Prepared` with readings
    :param settings: :class:`~.settings.ImportSettings`
    :return: :class:`~.outcome.Prepared` with the column ``register_id``; what repeats a
        reading is counted as a duplicate, what contradicts one is rejected
    """
    cdrs = prepared.cdrs
    rows = np.flatnonzero(cdrs["is_reading"])
    if not len(rows):
        return prepared
    registers = _registers(
        cr,
        cdrs["identifier_id"][rows],
        cdrs["meter_id"][rows],
        cdrs["serial"].take(pa.array(rows)).to_pylist(),
    )
    register_id = np.zeros(prepared.cdr_count, np.int64)
    register_id[rows] = registers
    refused = _refused(cr, prepared, rows, registers, settings.timezone)
    prepared = replace(prepared, cdrs={**cdrs, "register_id": register_id})
    if not refused:
        return prepared
    told = {row: one for row, one in refused.items() if one[0] != "repeated"}
    mask = np.ones(prepared.cdr_count, bool)
    mask[list(refused)] = False
    left = prepared.select(mask)
    rejected = deepcopy(prepared.rejected)
    _reject(prepared, told, rejected, settings)
    return replace(left, rejected=rejected, duplicates=left.duplicates - len(told))


def store_readings(cr, prepared, settings, batch_id):
    """Write the readings of a chunk into the ledgers of their registers."""
    cdrs = prepared.cdrs
    rows = np.flatnonzero(cdrs["is_reading"])
    call_ids = cdrs["call_id"].take(pa.array(rows)).to_pylist()
    times = [moment(at) for at in cdrs["start_us"][rows].tolist()]
    registers = cdrs["register_id"][rows].tolist()
    cr.execute_values(
        "INSERT INTO metered_reading (register_id, company_id, time, value,"
        " is_estimated, kind, source_id, batch_id, call_id, line, active, create_date,"
        " write_date) VALUES %s",
        list(
            zip(
                registers,
                [settings.company_id] * len(rows),
                times,
                quantity_texts(cdrs["quantity"][rows]),
                cdrs["estimated"][rows].tolist(),
                cdrs["reading_kind"][rows].tolist(),
                [settings.source_id] * len(rows),
                [batch_id] * len(rows),
                call_ids,
                cdrs["line"][rows].tolist(),
                strict=True,
            )
        ),
        template="(%s, %s, %s, %s::numeric, %s, %s, %s, %s, %s, %s, TRUE,"
        " now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')",
        page_size=1000,
    )
    mark_registers(cr, registers, times)


def mark_registers(cr, register_ids, moments):
    """Note from when on the ledgers of registers are other ones.

    :param register_ids: sequence of ids, repeated ones too
    :param moments: sequence of datetimes, in the same order
    """
    since = {}
    for register_id, at in zip(register_ids, moments, strict=True):
        since[register_id] = min(at, since.get(register_id, at))
    cr.execute(_CHANGED, (list(since), list(since.values())))


def moment(at_us):
    """Microseconds since 1970 as a naive datetime in UTC."""
    return EPOCH + datetime.timedelta(microseconds=at_us)


def read_dials(cr, register_ids):
    """How registers go over their last digit: dict id -> (``Dial``, serial)."""
    cr.execute(_DIALS, (list(register_ids),))
    return {
        key: (Dial(digits, percent, int(most) if most else None), serial)
        for key, digits, percent, most, serial in cr.fetchall()
    }


def read_ledger(cr, spans):
    """The readings of registers around some moments, and those right beside them.

    :param spans: dict register id -> (first, last) datetime
    :return: dict register id -> list of ``Reading``, whose keys are ids
    """
    ids = list(spans)
    cr.execute(
        _LEDGER,
        {
            "ids": ids,
            "first": [spans[key][0] for key in ids],
            "last": [spans[key][1] for key in ids],
        },
    )
    found = {}
    for register_id, key, at_us, value, estimated, kind in cr.fetchall():
        reading = Reading(at_us, int(value), estimated, kind, key)
        found.setdefault(register_id, []).append(reading)
    return found


def lock_registers(cr, register_ids):
    """Let one transaction at a time change the ledgers of registers."""
    cr.execute(
        "SELECT id FROM metered_register WHERE id = ANY(%s) ORDER BY id"
        " FOR NO KEY UPDATE",
        (sorted(set(register_ids)),),
    )


def _registers(cr, identifiers, meters, serials):
    """The ids of the registers of readings, made where there are none yet."""
    keys = list(zip(identifiers.tolist(), meters.tolist(), serials, strict=True))
    keys = _with_known_serials(cr, keys)
    distinct = sorted(set(keys))
    columns = [list(column) for column in zip(*distinct, strict=True)]
    cr.execute(_FIND_REGISTERS, columns)
    found = dict(cr.fetchall())
    if len(found) < len(distinct):
        cr.execute(_MAKE_REGISTERS, columns)
        cr.execute(_FIND_REGISTERS, columns)
        found = dict(cr.fetchall())
    id_of = {key: found[position] for position, key in enumerate(distinct)}
    lock_registers(cr, id_of.values())
    return np.array([id_of[key] for key in keys], np.int64)


def _with_known_serials(cr, keys):
    """Serials as the registers have them that a spreadsheet wrote otherwise.

    `00123`, `123` and `123.0` are one device of a meter, not three that begin anew.

    :param keys: list of (identifier id, meter id, serial)
    :return: the same list
    """
    pairs = sorted({key[:2] for key in keys})
    cr.execute(_SERIALS, [list(column) for column in zip(*pairs, strict=True)])
    known = {}
    for identifier, meter, serial in cr.fetchall():
        alike = known.setdefault((identifier, meter, id_key(serial)), set())
        alike.add(serial)
    found = []
    for identifier, meter, serial in keys:
        alike = {serial}
        if serial:
            place = identifier, meter, id_key(serial)
            alike = known.setdefault(place, {serial})
        is_known = serial in alike or len(alike) > 1
        found.append((identifier, meter, serial if is_known else min(alike)))
    return found


def _refused(cr, prepared, rows, registers, zone):
    """Which readings cannot be held: dict row -> (reason, text, register id)."""
    cdrs = prepared.cdrs
    at_us, values = cdrs["start_us"][rows], cdrs["quantity"][rows]
    order = np.lexsort((at_us, registers))
    ids, first, counts = np.unique(
        registers[order], return_index=True, return_counts=True
    )
    last = first + counts - 1
    spans = {
        key: (moment(one), moment(two))
        for key, one, two in zip(
            ids.tolist(),
            at_us[order[first]].tolist(),
            at_us[order[last]].tolist(),
            strict=True,
        )
    }
    ledger, dials = read_ledger(cr, spans), read_dials(cr, ids.tolist())
    found = {}
    for key, start, count in zip(
        ids.tolist(), first.tolist(), counts.tolist(), strict=True
    ):
        dial, serial = dials[key]
        new = [
            Reading(
                int(at_us[place]),
                values[place],
                bool(cdrs["estimated"][rows[place]]),
                cdrs["reading_kind"][rows[place]],
                (int(rows[place]),),
            )
            for place in order[start : start + count].tolist()
        ]
        for one in take_in(ledger.get(key, []), new, dial)[1]:
            [row] = one.reading.key
            found[row] = (one.reason, contradiction(one, serial, zone), key)
    return found


def contradiction(refused, serial, zone):
    """A reading and what it contradicts, for people: the same in every language."""
    text = f"{serial}: {_shown(refused.reading, zone)}"
    if refused.other:
        earlier = refused.other.at_us < refused.reading.at_us
        text += f" {'←' if earlier else '→'} {_shown(refused.other, zone)}"
    return text


def _shown(reading, zone):
    at = moment(reading.at_us).replace(tzinfo=datetime.UTC).astimezone(ZoneInfo(zone))
    [value] = quantity_texts(np.array([reading.value], object))
    return f"{value} ({at:%Y-%m-%d %H:%M})"


def _reject(prepared, refused, rejected, settings):
    """Add readings to the rejected, with all that is known of them."""
    cdrs = prepared.cdrs
    rows = np.array(sorted(refused), np.int64)
    if not len(rows):
        return
    raw = mapping.raw_texts(prepared.frame, cdrs["row"][rows])
    for row, text in zip(rows.tolist(), raw, strict=True):
        reason, detail, register_id = refused[row]
        tried = [f"register {register_id}"]
        meter_id = int(cdrs["meter_id"][row])
        values = {
            "line": int(cdrs["line"][row]),
            "call_id": cdrs["call_id"][row].as_py(),
            "record_id": None,
            "fingerprint": cdrs["fingerprint"][row].as_py(),
            "reason": reason,
            "detail": detail,
            "raw": text,
            "readable": True,
            "partner_id": int(cdrs["partner_id"][row]),
            "start_us": int(cdrs["start_us"][row]),
            "seconds": 0,
            "row": int(cdrs["row"][row]),
            "cause": cause_key(
                reason, settings.source_id, detail, tried, None, meter_id, 0, 0
            ),
            "tried": tried,
            "callee": None,
            "meter_id": meter_id,
            "destination_id": None,
            "rule_id": int(cdrs["rule_id"][row]) or None,
            "estimate": None,
        }
        for name, value in values.items():
            getattr(rejected, name).append(value)
