# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...ingest.aside import Aside
from ...ingest.load import company_zone, customer_zone
from ...ingest.usage_calls import USAGE_CDRS, USAGE_SAMPLES
from ...rating.exact import exact_text, number, rounded
from ...rating.forecast import (
    PERIODS,
    WEEKS,
    daily,
    expected_high,
    forecast_sum,
    in_steps_of,
    median,
    was_off_by,
)
from ...rating.forecast_calls import ExpectedAllowance, ExpectedCalls, charges_of
from ...stored.payers import Household

#: the highest value that is expected in the rest of a period: (id of a meter, id of a
#: subscription, first day of the period) -> Fraction
EXPECTED_HIGH = Aside("metered_expected_high", default={})
#: samples that are looked at for the highest of each day; of more it is not forecast
MOST_SAMPLES = 200_000
#: of a charge
MICRO_PLACES = 6
_HISTORY = """
    SELECT usage.meter_id, usage.currency_id, usage.day, sum(usage.records),
           coalesce(sum(usage.quantity), 0)::text,
           coalesce(sum(usage.billed_quantity), 0)::text,
           coalesce(sum(usage.amount), 0)::text, array_agg(usage.id)
      FROM metered_usage usage
     WHERE usage.company_id = %(company)s AND usage.partner_id = ANY(%(partners)s)
       AND usage.day >= %(since)s AND usage.day < %(until)s AND usage.records > 0
       AND (usage.subscription_id = %(subscription)s
            OR usage.subscription_id IS NULL
               AND usage.partner_id = ANY(%(implied)s)
               AND (%(is_first)s OR usage.meter_id = ANY(%(own)s))
               AND usage.meter_id != ALL(%(elsewhere)s))
     GROUP BY usage.meter_id, usage.currency_id, usage.day
"""
_HIGHS = f"""
    SELECT usage.day, max(cdr.quantity)::text
      FROM {USAGE_SAMPLES}
      JOIN metered_usage usage ON usage.id = wanted.id
     GROUP BY usage.day
"""  # noqa: S608 - ours
#: what calls cost by the rate deck alone
_BY_DECK = f"""
    SELECT usage.meter_id, usage.currency_id,
           coalesce(sum(coalesce(cdr.deck_charge, cdr.charge)), 0)::text
      FROM {USAGE_CDRS}
      JOIN metered_usage usage ON usage.id = wanted.id
     GROUP BY usage.meter_id, usage.currency_id
"""  # noqa: S608 - ours
#: billed seconds that allowances took
_TAKEN = f"""
    SELECT abs(taken.key::int), usage.meter_id, usage.currency_id,
           sum((taken.value ->> 1)::bigint)
      FROM {USAGE_CDRS}
      JOIN metered_usage usage ON usage.id = wanted.id
     CROSS JOIN jsonb_each(cdr.plan_taken) AS taken
     GROUP BY 1, 2, 3
"""  # noqa: S608 - ours
_ADD_METER = """
    INSERT INTO metered_usage (company_id, partner_id, subscription_id, meter_id, day,
                               currency_id, records, quantity, billed_quantity, amount,
                               collecting)
         VALUES (%(company)s, %(partner)s, %(subscription)s, %(meter)s, %(day)s,
                 %(currency)s, %(records)s, %(quantity)s::numeric, 0, 0, FALSE)
"""
#: Calls that wait for nothing are rated again when they are billed: these collect.
_ADD_CALLS = """
    INSERT INTO metered_usage AS usage
                (company_id, partner_id, subscription_id, meter_id, day, currency_id,
                 records, quantity, billed_quantity, amount, collecting)
         VALUES (%(company)s, %(partner)s, %(subscription)s, %(meter)s, %(day)s,
                 %(currency)s, %(records)s, %(quantity)s::numeric, %(billed)s::numeric,
                 %(amount)s::numeric, TRUE)
    ON CONFLICT (partner_id, day, meter_id, currency_id, company_id,
                 coalesce(subscription_id, 0),
                 (CASE WHEN collecting THEN 0 ELSE id END))
      DO UPDATE SET records = usage.records + excluded.records,
                    quantity = usage.quantity + excluded.quantity,
                    billed_quantity = usage.billed_quantity
                                    + excluded.billed_quantity,
                    amount = usage.amount + excluded.amount
"""


@dataclass(slots=True)
class Used:
    """Usage of a meter, or of a call type in one currency, by day."""

    meter: models.BaseModel
    currency_id: int
    #: day -> [records, quantity, billed quantity, amount, ids of the usage]
    days: dict = field(default_factory=dict)

    def add(self, day, records, quantity, billed, amount, ids):
        """Add what was used on a day."""
        have = self.days.setdefault(day, [0, Fraction(0), Fraction(0), Fraction(0), []])
        new = records, *map(Fraction, (quantity, billed, amount)), ids
        self.days[day] = [one + more for one, more in zip(have, new, strict=True)]

    def by_day(self):
        """Day -> what is added up, as ``rating.forecast`` takes it."""
        place = 0 if self.meter.aggregation == "count" else 1
        return daily((day, values[place]) for day, values in self.days.items())

    def sums(self, begin, end):
        """[records, quantity, billed quantity, amount, ids] of half-open days."""
        some = [values for day, values in self.days.items() if begin <= day < end]
        if not some:
            return [0, Fraction(0), Fraction(0), Fraction(0), []]
        return [sum(column[1:], column[0]) for column in zip(*some, strict=True)]


@dataclass(slots=True)
class ExpectedUsage:
    """How the rest of a period was forecast.

    :ivar how: ways of ``rating.forecast`` that were taken
    :ivar holding: ``metered.meter`` whose value is expected to stay what it is
    :ivar highs: what ``EXPECTED_HIGH`` says
    :ivar has_calls: whether calls were forecast
    :ivar off_by: Fractions, how far off such a forecast was in past periods
    """

    how: set = field(default_factory=set)
    holding: models.BaseModel = None
    highs: dict = field(default_factory=dict)
    has_calls: bool = False
    off_by: list = field(default_factory=list)
    passed: int = 0


class SaleSubscription(models.Model):
    """What the running period is expected to come to at its end.

    Usage of the days that are left is made up, and then billed as all usage is: what
    prices it is what prices an invoice. Nothing of it stays, as of each quote.
    """

    _inherit = "sale.subscription"

    def _metered_forecasts(self, renewals):
        """Make up the usage that is expected of these.

        :param renewals: ``Renewal`` of these, and of those that take usage before them
        :return: dict id of a subscription -> :class:`ExpectedUsage`
        """
        found, owners = {}, set()
        for renewal in renewals:
            subscription = renewal.subscription
            owner = subscription.partner_id.commercial_partner_id
            if subscription in self:
                is_first = owner not in owners
                found[subscription.id] = subscription._metered_forecast(
                    renewal, is_first
                )
            owners.add(owner)
        return found

    def _metered_forecast(self, renewal, is_first):
        """Make up the usage of the days that are left of a period.

        :param renewal: ``Renewal`` of the period, not claimed yet
        :param is_first: whether it bills usage that names no subscription
        :return: :class:`ExpectedUsage`
        """
        self.ensure_one()
        found = ExpectedUsage(holding=self.env["metered.meter"])
        zone = customer_zone(self.partner_id, company_zone(self.company_id))
        today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
        found.passed = max((today - renewal.date_from).days, 0)
        past = [
            (period.date_from, period.date_to)
            for period in self.metered_period_ids.sorted("date_to")
            if period.was_billed and period.date_to <= renewal.date_from
        ][-PERIODS:]
        first = min([begin for begin, _end in past] + [today, renewal.date_from])
        used = self._metered_used(
            first - timedelta(weeks=WEEKS), renewal.date_to, is_first
        )
        calls, added_up = {}, {}
        for key, one in used.items():
            if one.meter.kind == "call":
                calls[key] = one
            else:
                how, prices_events = self._metered_forecast_terms(one.meter, renewal)
                grows = how in ("sum", "count") and not prices_events
                if not grows or one.meter._prices_level(how):
                    found.holding |= one.meter
                    if how == "max":
                        self._metered_forecast_high(one, renewal, today, found)
                    continue
            added_up[key] = one
        days = {key: one.by_day() for key, one in added_up.items()}
        expected = {
            key: forecast_sum(of_meter, renewal.date_from, renewal.date_to, today)
            for key, of_meter in days.items()
        }
        found.how = {one.how for one in expected.values()}
        for key, one in added_up.items():
            if key not in calls and expected[key].rest:
                self._metered_add_quantity(one, days[key], expected[key].rest, renewal)
        if any(expected[key].rest for key in calls):
            found.has_calls = True
            self._metered_add_calls(calls, expected, renewal, today)
        found.off_by = was_off_by(
            days,
            lambda key, period: self._metered_worth(added_up[key], *period),
            past,
            found.passed,
        )
        return found

    def _metered_used(self, since, until, is_first):
        """What this subscription bills, or billed, of some days.

        :return: dict (id of a meter, id of the currency of calls) -> :class:`Used`
        """
        owner = self.partner_id.commercial_partner_id
        household = owner._metered_households().get(owner.id, Household())
        everybody = owner.browse(household.named)
        self.env["metered.plan.mark"]._apply_plans_to(everybody)
        self.env.flush_all()
        self.env.cr.execute(
            _HISTORY,
            {
                "company": self.company_id.id,
                "partners": list(household.named),
                "implied": list(household.implied),
                "subscription": self.id,
                "is_first": is_first,
                "own": self._metered_lines().metered_meter_id.ids,
                "elsewhere": self._metered_meters_of_others().ids,
                "since": since,
                "until": until,
            },
        )
        used = {}
        for meter_id, currency_id, *values in self.env.cr.fetchall():
            meter = self.env["metered.meter"].browse(meter_id)
            # Registers are read on by the renewal itself, until the period's end.
            if meter.kind == "counter":
                continue
            key = (meter_id, currency_id if meter.kind == "call" else 0)
            used.setdefault(key, Used(meter, currency_id)).add(*values)
        return used

    def _metered_forecast_terms(self, meter, renewal):
        """What decides how the usage of a meter grows: its price, as it will be billed.

        :return: (aggregation, whether each record has a price of its own)
        """
        usage = self.env["metered.usage"]
        try:
            found = usage._find_price(
                meter,
                self,
                self.partner_id,
                self.company_id,
                renewal.date_from,
                renewal.date_to,
                usage,
            )
        except UserError:
            # The quote says why there is none.
            return meter.aggregation, True
        price = found.price._deciding(renewal.date_to, renewal.date_from)
        return price._level_basis()[0], found.price._prices_events()

    @staticmethod
    def _metered_worth(used, begin, end):
        """What a unit came to in a past period."""
        records, quantity, _billed, amount, _ids = used.sums(begin, end)
        total = records if used.meter.aggregation == "count" else quantity
        return amount / total if total else Fraction(0)

    # === METERS === #

    def _metered_add_quantity(self, used, days, rest, renewal):
        is_count = used.meter.aggregation == "count"
        quantity = rounded(rest, 0) if is_count else in_steps_of(rest, days.values())
        self.env.cr.execute(
            _ADD_METER,
            {
                **self._metered_stand_in(used, renewal),
                "currency": self.company_id.currency_id.id,
                "records": int(quantity) if is_count else 1,
                "quantity": exact_text(Decimal(0) if is_count else quantity),
            },
        )
        self.env["metered.usage"].invalidate_model(flush=False)

    def _metered_stand_in(self, used, renewal):
        return {
            "company": self.company_id.id,
            "partner": self.partner_id.id,
            "subscription": self.id,
            "meter": used.meter.id,
            "day": max(renewal.date_from, renewal.date_to - timedelta(days=1)),
        }

    def _metered_forecast_high(self, used, renewal, today, found):
        """Expect the usual highs of the weekdays that are left."""
        meter = used.meter
        if meter._counts_calls() or meter.level_property:
            return
        since = today - timedelta(weeks=WEEKS)
        records, *_sums, ids = used.sums(since, renewal.date_to)
        if not ids or records > MOST_SAMPLES:
            return
        self.env.cr.execute(_HIGHS, {"usage": ids})
        highs = {day: Fraction(high) for day, high in self.env.cr.fetchall() if high}
        key = (meter.id, self.id, renewal.date_from)
        found.highs[key] = expected_high(highs, renewal.date_to, today)
        found.holding -= meter
        if today < renewal.date_to:
            found.how.add("profile")

    # === CALLS === #

    def _metered_add_calls(self, calls, expected, renewal, today):
        """Make up calls: each type as they were on average, less what is included."""
        period = renewal.date_from, renewal.date_to
        since = today - timedelta(weeks=WEEKS)
        now = {key: used.sums(*period) for key, used in calls.items()}
        balances = self._metered_balances_on(min(today, period[1] - timedelta(days=1)))
        by_deck, taken = {}, []
        ids = [usage for *_sums, some in now.values() for usage in some]
        if balances and ids:
            self.env.cr.execute(_BY_DECK, {"usage": ids})
            by_deck = {
                (meter, currency): Fraction(amount)
                for meter, currency, amount in self.env.cr.fetchall()
            }
            self.env.cr.execute(_TAKEN, {"usage": ids})
            taken = self.env.cr.fetchall()
        rest = {}
        for key, used in calls.items():
            records, quantity, billed, amount, _ids = now[key]
            amount = by_deck.get(key, amount)
            if not quantity:
                records, quantity, billed, amount, _ids = used.sums(since, period[1])
            times = expected[key].rest / quantity if quantity else 0
            if times:
                rest[key] = ExpectedCalls(
                    billed * times, quantity * times, records * times, amount * times
                )
        allowances = self._metered_expected_allowances(balances, rest, now, taken)
        for key, charge in charges_of(rest, allowances).items():
            values = {
                "currency": key[1],
                "records": int(rounded(rest[key].records, 0)),
                "quantity": exact_text(rounded(rest[key].quantity, 0)),
                "billed": exact_text(rounded(rest[key].billed, 0)),
                "amount": exact_text(rounded(charge, MICRO_PLACES)),
            }
            self.env.cr.execute(
                _ADD_CALLS, {**self._metered_stand_in(calls[key], renewal), **values}
            )
        self.env["metered.usage"].invalidate_model(flush=False)

    @staticmethod
    def _metered_expected_allowances(balances, rest, now, taken):
        """What is left of allowances, in the order in which they take.

        One for some destinations or time bands takes the share of calls of which it
        took in the running period.

        :param balances: ``metered.allowance.balance`` of the running period
        :param rest: dict key -> ``ExpectedCalls``
        :param now: dict key -> sums of the running period
        :param taken: (id of an allowance, meter, currency, billed seconds) rows
        :return: list of ``ExpectedAllowance``
        """
        took = {(one, (meter, money)): seconds for one, meter, money, seconds in taken}
        included, used_up, paying = [], [], []
        for balance in balances.sorted(lambda one: (one.sequence, one.id or 0)):
            allowance = balance.allowance_id
            is_priced = allowance.unit == "money" or allowance.price
            shares = {}
            for key in rest:
                of_currency = not is_priced or key[1] == allowance.currency_id.id
                of_type = not allowance.meter_ids or key[0] in allowance.meter_ids.ids
                if not of_currency or not of_type:
                    continue
                shares[key] = Fraction(1)
                if allowance.destination_ids or allowance.band_ids:
                    billed = now[key][2]
                    seconds = took.get((allowance.id, key), 0)
                    shares[key] = min(seconds / billed, 1) if billed else Fraction(0)
            terms = {"unit": allowance.unit, "shares": shares}
            left = None if balance.unlimited else Fraction(number(balance.left))
            whole = ExpectedAllowance(
                left=left,
                factor=allowance.factor,
                price=Fraction(number(allowance.price)),
                **terms,
            )
            (paying if allowance.unit == "money" else included).append(whole)
            if allowance.overage == "own":
                price = Fraction(number(allowance.overage_price))
                used_up.append(ExpectedAllowance(left=None, price=price, **terms))
        return [*included, *used_up, *paying]

    # === TOLD === #

    def _metered_forecast_notes(self, found, date_to):
        """How a forecast was made, and how far off it was, as lines of text."""
        last = format_date(self.env, date_to - timedelta(days=1))
        notes = []
        if "profile" in found.how:
            notes.append(
                self.env._(
                    "The remaining days until %(day)s are forecast by weekday: from "
                    "the usage of the last %(weeks)s weeks and the level of the "
                    "current period. Holidays are not considered.",
                    day=last,
                    weeks=WEEKS,
                )
            )
        if "line" in found.how:
            notes.append(
                self.env._(
                    "Some usage is less than a week old. Its remaining days are "
                    "forecast with its average day."
                )
            )
        if "so_far" in found.how:
            notes.append(
                self.env._(
                    "Some usage is too recent for a forecast. It is included as it is "
                    "now."
                )
            )
        if found.has_calls:
            notes.append(
                self.env._(
                    "Calls are forecast with the average charge of their call type. "
                    "Remaining allowances are used first."
                )
            )
        if found.holding:
            notes.append(
                self.env._(
                    "Expected to stay as they are now: %(meters)s.",
                    meters=", ".join(found.holding.mapped("name")),
                )
            )
        off_by = median(found.off_by)
        if off_by is not None:
            notes.append(
                self.env._(
                    "Billing periods compared: %(periods)s. A forecast of their usage "
                    "on day %(day)s would have been off by %(percent)s%% (median).",
                    periods=len(found.off_by),
                    day=found.passed + 1,
                    percent=exact_text(rounded(100 * off_by, 0)),
                )
            )
        elif found.how & {"profile", "line"}:
            notes.append(
                self.env._(
                    "There are no past billing periods to compare a forecast with."
                )
            )
        return notes
