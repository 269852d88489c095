# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from odoo import api, models
from odoo.fields import Domain

from ...ingest.load import company_zone, customer_zone
from ...ingest.usage_calls import USAGE_CDRS, USAGE_SAMPLES
from ...rating.concurrency import calls_at_once
from ...rating.exact import exact_text
from ...rating.levels import levels_of
from ...rating.steps import Step
from ...stored.level_hours import last_days
from ...stored.payers import Household
from .metered_meter_level import HOUR_US

_SAMPLE = """
    cdr.partner_id || ' ' || coalesce(cdr.properties ->> %(property)s, '') AS series,
    cdr.id, (extract(epoch FROM cdr.start_time) * 1000000)::bigint AS at_us,
    cdr.quantity::text
"""
_SAMPLES = f"SELECT {_SAMPLE} FROM {USAGE_SAMPLES}"
#: The last sample of each series; where a contact has one series, its last day has it.
_BEFORE = """
    SELECT usage.id FROM metered_usage usage
     WHERE usage.company_id = %(company)s AND usage.meter_id = %(meter)s
       AND usage.partner_id = ANY(%(partners)s)
       AND usage.day < %(day)s AND usage.records > 0
       AND (usage.subscription_id = %(subscription)s
            OR (%(is_first)s AND usage.subscription_id IS NULL
                AND usage.partner_id = ANY(%(implied)s)))
       AND (%(property)s != '' OR usage.day = (
            SELECT max(day) FROM metered_usage latest
             WHERE latest.company_id = usage.company_id
               AND latest.meter_id = usage.meter_id
               AND latest.partner_id = usage.partner_id
               AND latest.subscription_id IS NOT DISTINCT FROM usage.subscription_id
               AND latest.day < %(day)s AND latest.records > 0))
"""
_OPENING = f"""
    SELECT DISTINCT ON (series) * FROM ({_SAMPLES}) sample
     ORDER BY series, at_us DESC, id DESC
"""  # noqa: S608 - ours


#: billed periods that are looked at again for calls that came in late
MOST_PERIODS = 12
#: A call that spans the days before is there as well.
LONGEST_CALL_DAYS = 3
#: (begin, end) of the answered part of calls: without the time for which it rang.
_ANSWERED = """
    SELECT (extract(epoch FROM cdr.start_time) * 1000000)::bigint
           + (greatest(cdr.duration - cdr.quantity, 0) * 1000000)::bigint AS begin_us,
           (extract(epoch FROM cdr.start_time) * 1000000)::bigint
           + (greatest(cdr.duration, cdr.quantity) * 1000000)::bigint AS end_us,
           cdr.linked_call
"""
#: All of them in two values: a row of Python objects each would take ten times the
#: memory. The first one has those that do not tell which call they are a leg of.
_IN_TWO = """
    SELECT string_agg(int8send(begin_us) || int8send(end_us), ''::bytea)
           FILTER (WHERE linked_call IS NULL),
           string_agg(int8send(begin_us) || int8send(end_us) || int8send(linked_call),
                      ''::bytea) FILTER (WHERE linked_call IS NOT NULL)
      FROM (CALLS) call
"""
_CALLS = f"""
    {_ANSWERED} FROM {USAGE_CDRS} WHERE cdr.quantity > 0
"""  # noqa: S608 - ours
#: Calls that are not charged have no usage.
_FREE_CALLS = f"""
    UNION ALL
    {_ANSWERED} FROM metered_cdr cdr
      LEFT JOIN metered_meter meter ON meter.id = cdr.meter_id
     WHERE cdr.usage_id IS NULL AND cdr.partner_id = ANY(%(partners)s)
       AND cdr.company_id = %(company)s AND cdr.quantity > 0
       AND coalesce(meter.kind, 'call') = 'call'
       AND cdr.start_time >= %(first)s AND cdr.start_time < %(last)s
"""  # noqa: S608 - ours
#: Whether records of some days came, or went, after something was billed.
_CHANGED_SINCE = """
    SELECT EXISTS (
        SELECT 1 FROM metered_batch
         WHERE company_id = %(company)s AND write_date > %(since)s
           AND coalesce(first_start, '-infinity') < %(last)s
           AND coalesce(last_start, 'infinity') >= %(first)s)
"""


class MeteredUsage(models.Model):
    """What the level of a meter comes to in a billing period."""

    _inherit = "metered.usage"

    def _measure_level(self, found, rows):
        """What a level comes to, with what was held from before the period.

        :param found: ``PricedMeter``
        :param rows: ``metered.usage`` of the period that count
        :return: (Fraction, ``rating.steps.Step`` that says how it was found)
        """
        meter = found.meter
        company = found.subscription.company_id or rows.company_id[:1] or found.company
        if meter._counts_calls():
            company._metered_check_details(found.measured_from or found.date_from)
        partner = found.subscription.partner_id or rows.partner_id[:1] or found.partner
        zone = ZoneInfo(customer_zone(partner, company_zone(company)))
        days = (found.measured_from or found.date_from, found.date_to)
        period = [_instant(day, zone) for day in days]
        aggregation, percent = found.basis
        told = self._level_by_hours(found, rows, company, partner, period)
        if not told:
            levels = self._levels_in(found, rows, company, partner, period)
            told = (*levels.comes_to(aggregation, percent), levels.gap_us)
        quantity, since, gap_us = told
        if since is not None:
            since = datetime.fromtimestamp(since // 1_000_000, zone)
        values = {
            "aggregation": aggregation,
            "percentile": str(percent),
            "level": exact_text(quantity),
            "since": since.strftime("%Y-%m-%d %H:%M:%S") if since else "",
            "zone": zone.key,
            "gap_hours": exact_text(Fraction(gap_us, HOUR_US)),
            "gap_policy": meter.gap_policy,
        }
        return quantity, Step("level", values)

    def _levels_in(self, found, rows, company, partner, period):
        """The level of a period, step by step, from all of its samples or calls.

        :param period: microseconds UTC (from, until)
        :return: ``rating.levels.Levels``
        """
        meter = found.meter
        if meter._counts_calls():
            begin, end, call = self._read_calls(found, company, partner)
            return calls_at_once(begin, end, *period, call)
        samples = self._read_samples(found, rows, company, partner)
        return levels_of(samples, *period, meter._longest_held_us(), meter.gap_policy)

    def _read_samples(self, found, rows, company, partner):
        """Samples of usage rows, and of each series the last one before them.

        :return: DataFrame as ``rating.levels`` takes it
        """
        before, values = self._usage_before(found, company, partner)
        samples = self._samples_of(_OPENING, before, values)
        samples += self._samples_of(_SAMPLES, rows.ids, values)
        return pd.DataFrame(samples, columns=["series", "id", "at_us", "value"])

    def _usage_before(self, found, company, partner):
        """Usage before a period that has the last sample of each series.

        :return: (ids, values for the queries of samples)
        """
        self.flush_model()
        values = {
            "property": found.meter.level_property or "",
            "company": company.id,
            "meter": found.meter.id,
            "day": found.measured_from or found.date_from,
            **self._level_scope(found, company, partner),
        }
        self.env.cr.execute(_BEFORE, values)
        before = [key for (key,) in self.env.cr.fetchall()]
        if before and found.meter.level_property:
            before = last_days(self.env.cr, before)
        return before, values

    def _read_calls(self, found, company, partner):
        """The answered calls of a customer around a period.

        :return: as :meth:`_answered_times`
        """
        scope = self._level_scope(found, company, partner)
        first = found.date_from - timedelta(days=LONGEST_CALL_DAYS)
        last = found.date_to + timedelta(days=1)
        own = Domain("subscription_id", "=", scope["subscription"])
        if scope["is_first"]:
            own |= Domain("subscription_id", "=", False) & Domain(
                "partner_id", "in", scope["implied"]
            )
        usage = self.search(
            own
            & Domain("company_id", "=", company.id)
            & Domain("partner_id", "in", scope["partners"])
            & Domain("meter_id.kind", "=", "call")
            & Domain("records", ">", 0)
            & Domain("day", ">=", first)
            & Domain("day", "<=", last)
        )
        return usage._answered_times(
            {
                "partners": scope["implied"],
                "company": company.id,
                "first": first,
                "last": last,
            },
            found.meter.level_source == "calls" and scope["is_first"],
        )

    def _answered_times(self, values, is_all):
        """When the answered calls of this usage began and ended.

        :param values: dict: ``company`` (id), ``partners`` (ids), ``first``, ``last``
            (days): of which calls without usage are read as well
        :param is_all: whether they are
        :return: (begins, ends, calls), int64 arrays: microseconds UTC, and which call
            each is a leg of, as ``rating.concurrency`` takes it
        """
        self.env.flush_all()
        query = _IN_TWO.replace("CALLS", _CALLS + (_FREE_CALLS if is_all else ""))
        self.env.cr.execute(query, {**values, "usage": self.ids})
        [(alone, legs)] = self.env.cr.fetchall()
        alone = _numbers(alone).reshape(-1, 2)
        legs = _numbers(legs).reshape(-1, 3)
        begin, end = np.concatenate([alone, legs[:, :2]]).T
        return begin, end, np.append(np.zeros(len(alone), np.int64), legs[:, 2])

    def _level_scope(self, found, company, partner):
        """Whose samples and calls make the level of a subscription.

        Those that name it, and, of several subscriptions with a line for the meter,
        the first one has those that name none: no level is billed twice.

        :return: dict: ``partners``, ``implied`` (lists of ids), ``subscription`` (id, 0
            without), ``is_first``
        """
        payer = partner.with_company(company).commercial_partner_id
        household = payer._metered_households().get(payer.id, Household())
        own = found.subscription
        scope = {
            "partners": list(household.named),
            "implied": list(household.implied if own else household.named),
            "subscription": own.id or 0,
            "is_first": True,
        }
        if own:
            running = self.env["sale.subscription"].search(
                [
                    ("company_id", "=", company.id),
                    ("partner_id.commercial_partner_id", "=", payer.id),
                    ("in_progress", "=", True),
                    ("id", "<", own.id),
                ]
            )
            scope["is_first"] = not running.filtered(
                lambda other: found.meter in other._metered_lines().metered_meter_id
            )
        return scope

    @api.model
    def _samples_of(self, query, usage, values):
        self.env.cr.execute(query, {**values, "usage": usage})
        return [(*key, Decimal(value)) for *key, value in self.env.cr.fetchall()]

    @api.model
    def _periods_with_other_calls(self, subscription, meter, date_from):
        """Billed periods whose number of calls at one time may have changed.

        A level of calls has no records of its own that could be open. Only those are
        looked at that were invoiced with a line for it: in the others it was not sold.

        :param date_from: first day of what is billed now
        :return: list of (first day, first day after)
        """
        if not meter._counts_calls():
            return []
        periods = []
        gone = subscription.company_id.metered_details_until
        for period in subscription.sudo().metered_period_ids:
            if period.date_to > date_from or (gone and period.date_from <= gone):
                continue
            billed = [
                ("meter_id", "=", meter.id),
                ("invoice_line_id.metered_subscription_id", "=", subscription.id),
                ("day", ">=", period.date_from),
                ("day", "<", period.date_to),
            ]
            if not self.search_count(billed, limit=1):
                continue
            self.env.cr.execute(
                _CHANGED_SINCE,
                {
                    "company": subscription.company_id.id,
                    "since": period.create_date,
                    "first": period.date_from - timedelta(days=LONGEST_CALL_DAYS),
                    "last": period.date_to + timedelta(days=1),
                },
            )
            if self.env.cr.fetchone()[0]:
                periods.append((period.date_from, period.date_to))
        return sorted(periods)[-MOST_PERIODS:]

    @api.model
    def _periods_after(self, owner, meter, end, date_from, date_to):
        """Billed periods after one that changed: a level may reach into them.

        :param end: first day after the period that changed
        :param date_from: first day of what is billed now
        :return: list of (first day, first day after)
        """
        periods = []
        is_level = meter._prices_level() or meter.is_measured
        while owner and is_level and end < date_from:
            begin, end = owner._metered_period_of_day(end, date_from, date_to)
            periods.append((begin, end))
        return periods


def _numbers(octets):
    """int64 array of what the database sent as ``int8send`` writes it."""
    return np.frombuffer(octets or b"", ">i8").astype(np.int64)


def _instant(day, zone):
    """Midnight with which a day begins, in microseconds UTC."""
    moment = datetime.combine(day, time(), zone).astimezone(UTC)
    return int(moment.timestamp()) * 1_000_000
