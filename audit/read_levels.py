# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The levels of a database: samples that hold, and calls at one time.

Known are those of a customer whose only running subscription has them, and who has no
companies below or above it.
"""

import datetime
from zoneinfo import ZoneInfo

from .exact import exact
from .levels import level, pieces_of_calls, pieces_of_samples

WEIGHTED = ("time_average", "percentile")
#: what a price that says percentile means
PERCENTILE = 95
#: a call may have begun before the period
DAYS_BEFORE = 3

_METERS = """
    SELECT id, level_holds, level_source, percentile, most_hours_held::text, gap_policy,
           coalesce(level_property, '') FROM metered_meter WHERE kind = 'gauge'
"""
_ZONE = """
    SELECT coalesce(nullif(partner.metered_tz, ''), nullif(owner.metered_tz, ''),
                    nullif(company.metered_tz, ''), calendar.tz, 'UTC')
      FROM res_partner partner
      JOIN res_partner owner ON owner.id = partner.commercial_partner_id
      JOIN res_company company ON company.id = %(company)s
      LEFT JOIN resource_calendar calendar
        ON calendar.id = company.resource_calendar_id
     WHERE partner.id = %(partner)s
"""
_ALONE = """
    SELECT partner.parent_id IS NULL AND NOT EXISTS (
               SELECT 1 FROM res_partner child
                WHERE child.parent_id = partner.id
                  AND child.commercial_partner_id = child.id),
           (SELECT count(*) FROM sale_subscription subscription
              JOIN res_partner holder ON holder.id = subscription.partner_id
             WHERE holder.commercial_partner_id = partner.id
               AND subscription.in_progress AND subscription.active
               AND subscription.company_id = %(company)s),
           (SELECT min(date_from) FROM metered_measured_service service
             WHERE service.meter_id = %(meter)s AND service.active
               AND service.company_id = %(company)s)
      FROM res_partner partner WHERE partner.id = %(partner)s
"""
_SAMPLES = """
    SELECT cdr.partner_id, coalesce(cdr.properties ->> %(property)s, ''),
           cdr.start_time, cdr.id, cdr.quantity::text
      FROM metered_cdr cdr
      JOIN metered_usage usage ON usage.id = cdr.usage_id
      JOIN res_partner partner ON partner.id = usage.partner_id
     WHERE usage.company_id = %(company)s AND usage.meter_id = %(meter)s
       AND partner.commercial_partner_id = %(partner)s AND usage.day < %(until)s
"""
_THINNED = """
    SELECT EXISTS (
        SELECT 1 FROM metered_usage usage
          JOIN res_partner partner ON partner.id = usage.partner_id
         WHERE usage.company_id = %(company)s AND usage.meter_id = ANY(%(meters)s)
           AND partner.commercial_partner_id = %(partner)s AND usage.day < %(until)s
           AND usage.day >= %(since)s
           AND (usage.details_gone IS NOT NULL OR EXISTS (
                SELECT 1 FROM metered_level_kept kept WHERE kept.usage_id = usage.id)))
"""
_CALLS = """
    SELECT cdr.start_time, cdr.quantity::text, cdr.duration, cdr.linked_call
      FROM metered_cdr cdr
      JOIN res_partner partner ON partner.id = cdr.partner_id
      LEFT JOIN metered_meter meter ON meter.id = cdr.meter_id
     WHERE cdr.company_id = %(company)s
       AND partner.commercial_partner_id = %(partner)s AND cdr.quantity > 0
       AND coalesce(meter.kind, 'call') = 'call'
       AND (cdr.usage_id IS NOT NULL OR %(everything)s)
       AND cdr.start_time >= %(since)s AND cdr.start_time <= %(until)s
"""


class Unknown(Exception):
    """This level is not known, and why."""


class Levels:
    """The levels of a company."""

    def __init__(self, cursor, scope):
        self.cursor, self.scope = cursor, scope
        cursor.execute(_METERS)
        self.meters = {row[0]: row[1:] for row in cursor.fetchall()}

    def is_level(self, meter, how):
        """Whether what a meter comes to depends on how long its levels held."""
        if meter not in self.meters:
            return False
        holds, source = self.meters[meter][:2]
        return how in WEIGHTED or source != "samples" or bool(holds)

    def find(self, meter, terms, customer, first, end):
        """What the level of a customer comes to in a period.

        :param terms: the deciding `period_price.Version`
        :param customer: id of a commercial entity
        :param first, end: dates
        :return: Fraction
        :raises Unknown: saying why it is not known
        """
        _holds, source, percent, hours, gap, prop = self.meters[meter]
        values = {
            "company": self.scope.company,
            "meter": meter,
            "partner": customer,
            "property": prop,
        }
        self.cursor.execute(_ALONE, values)
        is_alone, subscriptions, measured_since = self.cursor.fetchone()
        if not is_alone or subscriptions > 1:
            raise Unknown("levels of customers with several companies or subscriptions")
        if measured_since and measured_since > first:
            raise Unknown("levels that are measured from a day in the period on")
        self.cursor.execute(_ZONE, values)
        zone = ZoneInfo(self.cursor.fetchone()[0])
        begin, until = (
            datetime.datetime.combine(day, datetime.time.min, zone).astimezone(
                datetime.UTC
            )
            for day in (first, end)
        )
        how = terms.aggregation
        if source != "samples":
            how = "time_average" if how == "average" else how
            pieces = self._calls(values, source, begin, until)
        else:
            longest = exact(hours)
            if longest and gap == "leave_out":
                raise Unknown("levels with gaps that are left out")
            holds_for = None
            if longest and gap == "zero":
                holds_for = datetime.timedelta(
                    microseconds=round(longest * 3_600_000_000)
                )
            pieces = self._samples(values, end, until, holds_for)
        if terms.is_basis and how == "percentile":
            percent = PERCENTILE
        return level(pieces, begin, until, how, percent)

    def _samples(self, values, end, until, longest):
        self._check_kept(values, [values["meter"]], datetime.date.min, end)
        self.cursor.execute(_SAMPLES, {**values, "until": end})
        samples = [
            ((partner, told), at.replace(tzinfo=datetime.UTC), number, exact(value))
            for partner, told, at, number, value in self.cursor.fetchall()
        ]
        return pieces_of_samples(samples, until, longest)

    def _calls(self, values, source, begin, until):
        since = begin - datetime.timedelta(days=DAYS_BEFORE)
        self.cursor.execute("SELECT id FROM metered_meter WHERE kind = 'call'")
        meters = [meter for (meter,) in self.cursor.fetchall()]
        self._check_kept(values, meters, since.date(), until.date())
        self.cursor.execute(
            _CALLS,
            {
                **values,
                "everything": source == "calls",
                "since": since.replace(tzinfo=None),
                "until": until.replace(tzinfo=None),
            },
        )
        calls = []
        for start, seconds, duration, linked in self.cursor.fetchall():
            start, talked = start.replace(tzinfo=datetime.UTC), int(exact(seconds))
            # It rang before it was answered.
            rang, lasted = max((duration or 0) - talked, 0), max(duration or 0, talked)
            calls.append(
                (
                    start + datetime.timedelta(seconds=rang),
                    start + datetime.timedelta(seconds=lasted),
                    linked,
                )
            )
        return pieces_of_calls(calls)

    def _check_kept(self, values, meters, since, until):
        values = {**values, "meters": meters, "since": since, "until": until}
        self.cursor.execute(_THINNED, values)
        if self.cursor.fetchone()[0]:
            raise Unknown("levels whose records were deleted, masked, or thinned")
