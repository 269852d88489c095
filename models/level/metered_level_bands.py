# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from odoo import models
from odoo.fields import Domain

from ...ingest.usage_calls import USAGE_SAMPLES
from ...rating.level_hours import HOUR_US, bands_of, gaps_of, level_by_hours
from ...stored.level_hours import SERIES, in_one_unit, read_hours
from .metered_level_series import days_around, micro, series_as_told

#: samples of a span up to which it is told by its samples alone
FEW_SAMPLES = 5_000
#: whose day an instant can be of, in whatever time zone: days before and after
_AROUND = (timedelta(-1), timedelta(0), timedelta(1))
_IN_HOURS = f"""
    SELECT {SERIES.format(usage="usage", hour="cdr")}, cdr.id,
           (extract(epoch FROM cdr.start_time) * 1000000)::bigint, cdr.quantity::text
      FROM (SELECT cdr.*, coalesce(cdr.properties ->> %(property)s, '') AS level_of
              FROM {USAGE_SAMPLES}
             WHERE date_trunc('hour', cdr.start_time) = ANY(%(hours)s::timestamp[])
           ) cdr
      JOIN metered_usage usage ON usage.id = cdr.usage_id
"""  # noqa: S608 - ours


class MeteredMeter(models.Model):
    """The course of a level over a long time, from its hours.

    Levels that are calls have none: reading the calls and the sweep over them take
    little, and a late call of three days would change the hours of three days.
    """

    _inherit = "metered.meter"

    def _level_hours(self, company, partner, begin, end):
        """The hours of a customer's level, with the last one of each series before.

        :param begin, end: aware datetimes; half-open
        :return: :class:`LevelHours`, or None where there is not much to read, or the
            level is not told by samples that continue
        """
        if self._counts_calls() or not self._prices_level():
            return None
        scope, _partners, first_id = self._level_scope_of(company, partner)
        scope &= Domain("meter_id", "=", self.id) & Domain("records", ">", 0)
        first, last = days_around(begin, end)
        usage = self.env["metered.usage"].sudo()
        usage.flush_model()
        of_days = Domain("day", ">=", first) & Domain("day", "<=", last)
        rows = usage.search_fetch(scope & of_days, ["day", "records"])
        if sum(row.records for row in rows) <= FEW_SAMPLES:
            return None
        before = self._level_opening(usage, scope, first)
        terms = (self.level_property, self._longest_held_us(), first_id)
        parts = [
            read_hours(self.env.cr, rows.ids, *terms),
            read_hours(self.env.cr, before, *terms, is_opening=True),
        ]
        return LevelHours(self, rows, first_id, *in_one_unit(parts))

    def _level_series_of(self, hours, begin, end, most, step):
        """What hours tell of a level; see :meth:`_level_series`."""
        start_us, end_us = micro(begin), micro(end)
        if step != "day" and end - begin <= most * timedelta(hours=1):
            step = "hour"
            whole = range(-(-start_us // HOUR_US) * HOUR_US, end_us, HOUR_US)
            bounds = sorted({start_us, *whole})
        else:
            step, bounds = "day", self._level_days(begin, end)
        bands = hours.bands([*bounds, end_us])
        averages = bands.averages()
        rows = [
            (at, None, None, None)
            if average is None
            else (
                at,
                Fraction(int(lowest), bands.per_unit),
                Fraction(int(highest), bands.per_unit),
                average,
            )
            for at, lowest, highest, average in zip(
                bounds, bands.lowest, bands.highest, averages, strict=True
            )
        ]
        gaps = hours.gaps(start_us, end_us)
        return series_as_told(step, rows, gaps, bool(bands.is_exact.all()))


class LevelHours:
    """The hours of a level that was asked for.

    :param rows: ``metered.usage`` of the span
    :param first_id: id of the subscription whose usage is that which names none
    :param hours, per_unit: as ``stored.level_hours`` reads them
    """

    def __init__(self, meter, rows, first_id, hours, per_unit):
        self.meter, self.rows, self.first_id = meter, rows, first_id
        self.hours, self.per_unit = hours, per_unit

    def bands(self, edges_us):
        """What the level came to between edges: ``rating.level_hours.Bands``."""
        return bands_of(
            self.hours,
            edges_us,
            self.meter._longest_held_us(),
            self.meter.gap_policy,
            self.per_unit,
            self._samples,
        )

    def gaps(self, start_us, end_us):
        """When a sample was missing."""
        longest_us = self.meter._longest_held_us()
        policy = self.meter.gap_policy
        return gaps_of(self.hours, start_us, end_us, longest_us, policy)

    def comes_to(self, period, aggregation):
        """What the level of a period comes to: ``level_hours.level_by_hours``."""
        return level_by_hours(
            self.hours,
            period,
            aggregation,
            self.meter._longest_held_us(),
            self.meter.gap_policy,
            self.per_unit,
            self._samples,
        )

    def _samples(self, spans):
        """All samples of the hours that spans lie in."""
        hours = sorted({begin // HOUR_US * HOUR_US for begin, _end in spans})
        moments = [datetime.fromtimestamp(at // 1_000_000, UTC) for at in hours]
        days = {(moment + one).date() for moment in moments for one in _AROUND}
        cr = self.meter.env.cr
        cr.execute(
            _IN_HOURS,
            {
                "property": self.meter.level_property or "",
                "first": self.first_id,
                "usage": [row.id for row in self.rows if row.day in days],
                "hours": [moment.replace(tzinfo=None) for moment in moments],
            },
        )
        samples = [(*key, Decimal(value)) for *key, value in cr.fetchall()]
        return pd.DataFrame(samples, columns=["series", "id", "at_us", "value"])
