# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

from odoo import models
from odoo.fields import Domain

from ...ingest.usage_calls import USAGE_SAMPLES
from ...rating.concurrency import calls_at_once
from ...rating.exact import exact_text, rounded
from ...rating.level_series import gaps_of, moments, spans_of, steps_of
from ...rating.levels import levels_of
from ...stored.level_hours import last_days
from ...stored.payers import Household
from ..price.metered_meter_level import HOUR_US
from ..price.metered_usage_level import LONGEST_CALL_DAYS

#: decimals of an average over time, which mostly never ends
AVERAGE_PLACES = 6
#: Samples with their series. A level is billed per subscription: what names none is of
#: the first one.
_SAMPLES = f"""
    SELECT cdr.partner_id || ' ' || coalesce(usage.subscription_id, %(first)s)
           || ' ' || coalesce(cdr.properties ->> %(property)s, '') AS series,
           cdr.id, (extract(epoch FROM cdr.start_time) * 1000000)::bigint AS at_us,
           cdr.quantity::text
      FROM {USAGE_SAMPLES}
      JOIN metered_usage usage ON usage.id = cdr.usage_id
"""  # noqa: S608 - ours
_OPENING = f"""
    SELECT DISTINCT ON (series) * FROM ({_SAMPLES}) sample
     ORDER BY series, at_us DESC, id DESC
"""  # noqa: S608 - ours
#: of usage before a day that of each series' last sample
_LAST_DAYS = """
    SELECT DISTINCT ON (partner_id, subscription_id) id
      FROM metered_usage WHERE id = ANY(%s)
     ORDER BY partner_id, subscription_id, day DESC, id DESC
"""


class MeteredMeter(models.Model):
    """The level of a customer over time, for graphs; see ``rating.level_series``."""

    _inherit = "metered.meter"

    def _level_series(self, company, partner, begin, end, most=600, step=None):
        """What the level of a customer was in a span of time.

        Days are those of the user's time zone. Where there are many samples, hours
        tell it, see ``metered_level_bands``.

        :param begin, end: aware datetimes; half-open
        :param most: rows at most; longer spans are told by hour, the longest by day
        :param step: ``day`` to be told by day, however short the span
        :return: dict: ``step`` (``raw``: each row is the level from its time on, or a
            sample of a level that does not continue; ``hour``, ``day``), ``rows``
            (lists of ISO time in UTC, lowest, highest, average as exact texts, None
            where the level is unknown), ``gaps`` (lists of two ISO times: a sample was
            missing), ``is_exact`` (False where lowest and highest are what the levels
            can have come to together, at most)
        """
        self.ensure_one()
        start_us, end_us = micro(begin), micro(end)
        hours = self._level_hours(company, partner, begin, end)
        if hours:
            return self._level_series_of(hours, begin, end, most, step)
        levels, gaps = self._level_steps(company, partner, begin, end)
        bounds = None
        if step != "day" and len(levels.units) <= most:
            step = "raw"
            rows = [(at, *[level] * 3) for at, level in self._level_rows(levels, end)]
        else:
            if step != "day" and end - begin <= most * timedelta(hours=1):
                step, bounds = "hour", list(range(start_us, end_us, HOUR_US))
            else:
                step, bounds = "day", self._level_days(begin, end)
            spans = spans_of(levels, [*bounds, end_us])
            rows = [
                (at, *(span or [None] * 3))
                for at, span in zip(bounds, spans, strict=True)
            ]
        return series_as_told(step, rows, gaps)

    def _level_continues(self):
        """Whether a sample is the level until the next one, whatever is charged."""
        return self.level_holds or self._prices_level()

    def _level_rows(self, levels, end):
        """The steps of a level; the samples of one that does not continue."""
        if self._level_continues():
            return steps_of(levels, micro(end))
        units = levels.units.tolist()
        values = [Fraction(unit, levels.per_unit) for unit in units]
        return list(zip(levels.from_us.tolist(), values, strict=True))

    def _level_days(self, begin, end):
        """When the days of a span begin in the user's time zone, the first one cut."""
        zone = self.env.tz
        day = begin.astimezone(zone).date()
        found = []
        while True:
            midnight = datetime.combine(day, datetime.min.time())
            # The first instant of a day, also where it begins at 1 o'clock.
            instant = zone.normalize(zone.localize(midnight)).astimezone(UTC)
            if instant >= end:
                return found or [micro(begin)]
            found.append(micro(max(instant, begin)))
            day += timedelta(days=1)

    def _level_steps(self, company, partner, begin, end):
        """The level of a span, exactly.

        :return: (``rating.levels.Levels``, list of gaps: microseconds from, until)
        """
        period = (micro(begin), micro(end))
        if self._counts_calls():
            begins, ends, call = self._level_calls(company, partner, begin, end)
            return calls_at_once(begins, ends, *period, call), []
        if not self._level_continues():
            samples = self._level_samples(company, partner, begin, end)
            inside = samples["at_us"].between(*period, inclusive="left")
            return samples_alone(samples[inside]), []
        samples = self._level_samples(company, partner, begin, end, opening=True)
        longest_us = self._longest_held_us()
        levels = levels_of(samples, *period, longest_us, self.gap_policy)
        return levels, gaps_of(samples, *period, longest_us, self.gap_policy)

    def _level_scope_of(self, company, partner):
        """Whose level it is: of all that the customer's subscriptions bill.

        :return: (domain of ``metered.usage``, list of partner ids whose usage names no
            subscription, id of the subscription that bills that, 0 without)
        """
        customer = partner.with_company(company)._metered_payer()
        customer = customer.with_company(company)
        household = customer._metered_households().get(customer.id, Household())
        subscriptions = self._level_subscriptions(company, customer, False)
        domain = Domain("company_id", "=", company.id) & (
            Domain("subscription_id", "in", subscriptions.ids)
            | Domain("subscription_id", "=", False)
            & Domain("partner_id", "in", list(household.implied))
        )
        own = self._level_subscriptions(company, customer)
        return domain, list(household.implied), own[:1].id or 0

    def _level_subscriptions(self, company, customer, billing=True):
        """Subscriptions of a customer, the first one at the front.

        :param billing: only running ones with a line for this meter
        :return: ``sale.subscription`` with all rights
        """
        found = (
            self.env["sale.subscription"]
            .sudo()
            .with_context(active_test=billing)
            .search(
                [
                    ("company_id", "=", company.id),
                    ("partner_id.commercial_partner_id", "=", customer.id),
                    *([("in_progress", "=", True)] if billing else []),
                ],
                order="id",
            )
        )
        if not billing:
            return found
        return found.filtered(lambda one: self in one._metered_lines().metered_meter_id)

    def _level_samples(self, company, partner, begin, end, opening=False):
        """Samples of some days, a little more than asked for.

        :param opening: also the last one before of each series
        :return: DataFrame as ``rating.levels`` takes it
        """
        scope, _partners, first_id = self._level_scope_of(company, partner)
        scope &= Domain("meter_id", "=", self.id) & Domain("records", ">", 0)
        first, last = days_around(begin, end)
        usage = self.env["metered.usage"].sudo()
        usage.flush_model()
        values = {"property": self.level_property or "", "first": first_id}
        of_days = Domain("day", ">=", first) & Domain("day", "<=", last)
        ids = usage.search(scope & of_days).ids
        samples = self._level_read(_SAMPLES, ids, values)
        if opening:
            before = self._level_opening(usage, scope, first)
            samples += self._level_read(_OPENING, before, values)
        return pd.DataFrame(samples, columns=["series", "id", "at_us", "value"]).astype(
            {"at_us": "int64"}
        )

    def _level_opening(self, usage, scope, day):
        """Ids of usage before a day that has the last sample of each series."""
        before = usage.search(scope & Domain("day", "<", day)).ids
        if not before:
            return before
        if self.level_property:
            return last_days(self.env.cr, before)
        # A contact has one series then, whose last day has it.
        self.env.cr.execute(_LAST_DAYS, (before,))
        return [key for (key,) in self.env.cr.fetchall()]

    def _level_read(self, query, usage, values):
        self.env.cr.execute(query, {**values, "usage": usage})
        return [(*key, Decimal(value)) for *key, value in self.env.cr.fetchall()]

    def _level_calls(self, company, partner, begin, end):
        """The answered calls around a span; see ``metered.usage``."""
        scope, partners, _first = self._level_scope_of(company, partner)
        first, last = days_around(begin, end)
        first -= timedelta(days=LONGEST_CALL_DAYS)
        usage = self.env["metered.usage"].sudo()
        usage = usage.search(
            scope
            & Domain("meter_id.kind", "=", "call")
            & Domain("records", ">", 0)
            & Domain("day", ">=", first)
            & Domain("day", "<=", last)
        )
        return usage._answered_times(
            {
                "partners": partners,
                "company": company.id,
                "first": first,
                "last": last + timedelta(days=1),
            },
            self.level_source == "calls",
        )


def series_as_told(step, rows, gaps, is_exact=True):
    """A series as ``_level_series`` returns it.

    :param rows: list of (microseconds UTC, lowest, highest, average)
    :param gaps: list of microseconds UTC (from, until)
    """
    return {
        "step": step,
        "rows": [
            [iso(at), *map(level_text, (lowest, highest, average))]
            for at, lowest, highest, average in rows
        ],
        "gaps": [[iso(since), iso(until)] for since, until in gaps],
        "is_exact": is_exact,
    }


def samples_alone(samples):
    """Samples of a level that does not continue, as ``rating.level_series`` says."""
    values = [Fraction(value) for value in samples["value"]]
    per_unit = math.lcm(*(value.denominator for value in values))
    units = np.array([int(value * per_unit) for value in values], object)
    return moments(samples["at_us"].to_numpy(np.int64), units, per_unit)


def micro(moment):
    """An aware datetime in microseconds UTC."""
    return round(moment.timestamp()) * 1_000_000


def iso(at_us):
    """Microseconds UTC as an ISO text."""
    seconds, rest = divmod(at_us, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return moment.isoformat().replace("+00:00", "Z")


def level_text(level):
    """A level as exact text; an average that does not end is rounded."""
    if level is None:
        return None
    return exact_text(Fraction(rounded(level, AVERAGE_PLACES)))


def days_around(begin, end):
    """Days of a customer, in whatever time zone, that a span may touch."""
    one = timedelta(days=1)
    return (begin.astimezone(UTC) - one).date(), (end.astimezone(UTC) + one).date()
