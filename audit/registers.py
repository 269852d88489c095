# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The registers of a database: their readings, booked once more day by day.

Known are registers of one customer at all times, without estimates, that are read and
do not go on without a reading.
"""

import datetime

from .counters import Reading, day_start, used_by_day
from .exact import exact, text
from .findings import Difference

SUBJECT = "days of registers"

_REGISTERS = """
    SELECT register.id, register.meter_id, register.serial,
           coalesce(nullif(register.digits, 0), meter.digits, 0),
           coalesce(nullif(meter.factor, 0), 1)::text,
           meter.at_period_end = 'interpolate',
           register.active, register.changed_from IS NOT NULL,
           register.projected_until IS NOT NULL,
           coalesce(nullif(company.metered_tz, ''), calendar.tz, 'UTC'),
           EXISTS (SELECT 1 FROM metered_reading reading
                    WHERE reading.register_id = register.id AND reading.active
                      AND reading.is_estimated),
           EXISTS (SELECT 1 FROM metered_cdr cdr
                     JOIN metered_usage usage ON usage.id = cdr.usage_id
                    WHERE cdr.register_id = register.id
                      AND usage.details_gone IS NOT NULL)
      FROM metered_register register
      JOIN metered_meter meter ON meter.id = register.meter_id
      JOIN res_company company ON company.id = register.company_id
      LEFT JOIN resource_calendar calendar
        ON calendar.id = company.resource_calendar_id
     WHERE register.company_id = %(company)s
     ORDER BY register.id
"""
_OWNERS = """
    SELECT identifier.date_from, identifier.date_to,
           coalesce(nullif(partner.metered_tz, ''), nullif(owner.metered_tz, ''))
      FROM metered_register register
      JOIN metered_identifier identifier
        ON identifier.kind = register.identifier_kind
       AND register.identifier_value IN (identifier.value, identifier.normalised)
       AND identifier.company_id = register.company_id
      JOIN res_partner partner ON partner.id = identifier.partner_id
      JOIN res_partner owner ON owner.id = partner.commercial_partner_id
     WHERE register.id = %s
"""
_READINGS = """
    SELECT time, value::text, kind FROM metered_reading
     WHERE register_id = %s AND active
"""
_FACTORS = """
    SELECT date_from, factor::text FROM metered_register_factor
     WHERE register_id = %s ORDER BY date_from NULLS FIRST, id
"""
_BOOKED = """
    SELECT usage.day, sum(cdr.quantity)::text
      FROM metered_cdr cdr JOIN metered_usage usage ON usage.id = cdr.usage_id
     WHERE cdr.register_id = %s GROUP BY usage.day
"""


class Registers:
    """The registers of a company."""

    def __init__(self, cursor, scope):
        self.cursor, self.scope = cursor, scope

    def compare(self):
        """Book all of them again, and note which days differ."""
        for register, meter, serial, *about in self._all(_REGISTERS, self.scope.values):
            tally = self.scope.tally(SUBJECT, meter)
            booked = {day: exact(sums) for day, sums in self._all(_BOOKED, (register,))}
            owners = self._all(_OWNERS, (register,))
            reason = _why_not(about, owners)
            if reason:
                tally.left_out[f"of registers {reason}"] += len(booked)
                continue
            found = self._used(register, about, owners[0][2])
            for day in sorted({*booked, *found}):
                if not self.scope.values["first"] <= day < self.scope.values["end"]:
                    continue
                stored, now = booked.get(day, exact(0)), found.get(day, exact(0))
                if stored == now:
                    tally.equal += 1
                    continue
                where = f"register {register} ({serial}) on {day}"
                tally.differ(Difference(where, text(stored), text(now), now - stored))

    def _used(self, register, about, zone):
        digits, factor, daily, *_flags, company_zone, _estimated, _gone = about
        readings = [
            Reading(at.replace(tzinfo=datetime.UTC), exact(value), kind or "normal")
            for at, value, kind in self._all(_READINGS, (register,))
        ]
        factors = [(None, exact(factor))]
        for since, value in self._all(_FACTORS, (register,)):
            if since is None:
                factors[0] = (None, exact(value))
            else:
                factors.append((day_start(since, company_zone), exact(value)))
        return used_by_day(readings, digits, zone or company_zone, factors, daily)

    def _all(self, query, values):
        self.cursor.execute(query, values)
        return self.cursor.fetchall()


def _why_not(about, owners):
    _digits, _factor, _daily, is_active, waits, goes_on, _zone, estimated, gone = about
    for is_so, reason in (
        (not is_active, "that are archived"),
        (waits, "whose readings wait to be booked"),
        (goes_on, "that go on without a reading"),
        (estimated, "with estimated readings"),
        (gone, "whose records were deleted or masked"),
        (len(owners) != 1, "with several customers, or none"),
        (any(first or last for first, last, _zone in owners), "that change hands"),
    ):
        if is_so:
            return reason
    return None
