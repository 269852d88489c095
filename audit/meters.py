# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage of meters that are no call types, and what it is billed for.

Usage of a day is the sum of its records, where it is made of records. What a period is
billed for, on however many invoices, is what its price says of all of its usage; the
lines of an invoice are the sum of their usage in the invoice's currency.
"""

import datetime
from dataclasses import dataclass, field

from .charge_models import NoPrice
from .currencies import Currencies
from .exact import exact, rounded, text
from .findings import Difference
from .period_price import ADDED_UP, Record, deciding, price_period
from .read_levels import Levels, Unknown
from .read_prices import read_prices

USAGE = "usage"
PERIODS = "billed periods"

_USAGE = """
    SELECT usage.id, usage.day, usage.meter_id, usage.records, usage.quantity::text,
           usage.details_gone IS NOT NULL, meter.kind, partner.name, found.records,
           found.quantity::text, found.is_register,
           EXISTS (SELECT 1 FROM metered_level_kept kept WHERE kept.usage_id = usage.id)
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id AND meter.kind != 'call'
      JOIN res_partner partner ON partner.id = usage.partner_id
      LEFT JOIN LATERAL (
            SELECT count(*) AS records, sum(cdr.quantity) AS quantity,
                   bool_or(cdr.register_id IS NOT NULL) AS is_register
              FROM metered_cdr cdr WHERE cdr.usage_id = usage.id) found ON TRUE
     WHERE usage.company_id = %(company)s AND usage.records > 0
       AND usage.day >= %(first)s AND usage.day < %(end)s
     ORDER BY usage.id
"""
_LINES = """
    SELECT line.id, line.metered_price_id, line.metered_subscription_id,
           line.metered_date_from, line.metered_date_to, line.discount,
           line.price_subtotal::text, line.currency_id, move.id, move.name,
           move.move_type, coalesce(move.invoice_date, move.date),
           move.commercial_partner_id,
           usage.meter_id, usage.id, usage.day, usage.records, usage.quantity::text,
           usage.amount::text, usage.details_gone IS NOT NULL,
           EXISTS (SELECT 1 FROM metered_level_kept kept WHERE kept.usage_id = usage.id)
      FROM account_move_line line
      JOIN account_move move ON move.id = line.move_id
      JOIN metered_usage usage ON usage.invoice_line_id = line.id
     WHERE line.metered_price_id IS NOT NULL AND move.company_id = %(company)s
       AND line.metered_date_to > %(first)s AND line.metered_date_from < %(end)s
     ORDER BY line.id, usage.id
"""
_METERS = """
    SELECT id, unique_property FROM metered_meter WHERE kind != 'call'
"""
_RECORDS = """
    SELECT cdr.id, usage.day, cdr.start_time, cdr.quantity::text,
           cdr.properties ->> %(property)s
      FROM metered_cdr cdr
      JOIN metered_usage usage ON usage.id = cdr.usage_id
     WHERE cdr.usage_id = ANY(%(usage)s)
     ORDER BY cdr.id
"""
_CORRECTED = "SELECT count(*) FROM metered_rerate_difference WHERE usage_id = ANY(%s)"
_INTERVAL = """
    SELECT template.recurring_rule_type, template.recurring_interval,
           subscription.metered_billing_day
      FROM sale_subscription subscription
      JOIN sale_subscription_template template
        ON template.id = subscription.template_id
     WHERE subscription.id = %s
"""
_MONTHS = {"months": 1, "years": 12}


@dataclass
class _Period:
    """Invoice lines with the usage of a customer's meter in a billing period."""

    price: int
    subscription: int
    customer: int
    first: datetime.date
    end: datetime.date
    meter: int
    lines: dict = field(default_factory=dict)
    usage: dict = field(default_factory=dict)


@dataclass(frozen=True)
class _Line:
    name: str
    move: int
    move_type: str
    date: datetime.date
    discount: float
    subtotal: object
    currency: int


@dataclass(frozen=True)
class _Row:
    day: datetime.date
    records: int
    quantity: object
    amount: object
    is_gone: bool
    is_thinned: bool


class Meters:
    """Usage of a company's other meters on some days."""

    def __init__(self, cursor, scope):
        self.cursor, self.scope = cursor, scope
        self.prices = read_prices(cursor)
        self.currencies = Currencies(cursor, scope.company)
        cursor.execute(_METERS)
        self.unique_of = dict(cursor.fetchall())
        self.levels = Levels(cursor, scope)

    def compare(self):
        """Compare usage, and what was billed of it."""
        self._compare_usage()
        for period in self._periods():
            tally = self.scope.tally(PERIODS, period.meter)
            try:
                difference = self._differs(period)
            except Unknown as reason:
                tally.left_out[str(reason)] += 1
                continue
            except NoPrice as reason:
                tally.left_out[f"there is no price for {reason}"] += 1
                continue
            if difference:
                tally.differ(difference)
            else:
                tally.equal += 1

    # ---- usage of days

    def _compare_usage(self):
        self.cursor.execute(_USAGE, self.scope.values)
        for row in self.cursor.fetchall():
            usage, day, meter, records, quantity, is_gone, kind, customer = row[:8]
            found, total, is_register, is_thinned = row[8:]
            tally = self.scope.tally(USAGE, meter)
            if is_gone:
                tally.left_out["its records were deleted or masked"] += 1
            elif kind == "counter" or is_register:
                continue  # see `registers`
            elif is_thinned:
                tally.left_out["with samples that were thinned"] += 1
            elif (records, exact(quantity)) == (found, exact(total)):
                tally.equal += 1
            else:
                tally.differ(
                    Difference(
                        f"usage {usage} of {customer} on {day}",
                        f"{records} records, {quantity}",
                        f"{found} records, {total}",
                    )
                )

    # ---- billed periods

    def _periods(self):
        self.cursor.execute(_LINES, self.scope.values)
        periods = {}
        for row in self.cursor.fetchall():
            line, price, subscription, first, end, discount, subtotal = row[:7]
            currency, move, name, move_type, date, customer = row[7:13]
            meter, usage, day, records, quantity, amount, is_gone, thinned = row[13:]
            key = subscription, customer, meter, first, end
            if key not in periods:
                periods[key] = _Period(price, subscription, customer, first, end, meter)
            period = periods[key]
            period.lines[line] = _Line(
                name,
                move,
                move_type,
                date,
                discount,
                exact(subtotal),
                currency,
            )
            period.usage[usage] = (
                line,
                _Row(day, records, exact(quantity), exact(amount), is_gone, thinned),
            )
        return periods.values()

    def _differs(self, period):
        lines = list(period.lines.values())
        rows = [row for _line, row in period.usage.values()]
        if any(line.move_type != "out_invoice" for line in lines):
            raise Unknown("on other documents than invoices")
        versions = self.prices[period.price]
        currency = versions[0].currency
        several = len({line.move for line in lines}) > 1
        if several and self._is_corrected(period):
            raise Unknown("billed in parts, with differences billed since")
        found = self._price(period, versions, rows)
        where = f"{lines[0].name}, {period.first} to {period.end}"
        billed = sum(row.amount for row in rows)
        due = found.amount
        if any(line.currency != currency for line in lines):
            due = rounded(found.exact_amount, 12)
            billed = rounded(billed, 12)
        if billed != due:
            size = due - billed
            return Difference(where, text(billed), text(due), size, found.steps)
        return self._lines_differ(period, currency)

    def _lines_differ(self, period, currency):
        """Compare the lines of each invoice with the usage that they hold."""
        if any(line.discount for line in period.lines.values()):
            raise Unknown("equal usage on lines with a discount")
        for move in sorted({line.move for line in period.lines.values()}):
            lines = {n: line for n, line in period.lines.items() if line.move == move}
            amount = sum(row.amount for of, row in period.usage.values() if of in lines)
            first = next(iter(lines.values()))
            ratio = self.currencies.ratio(currency, first.currency, first.date)
            due = self.currencies.rounded(amount * ratio, first.currency)
            stored = sum(line.subtotal for line in lines.values())
            if due != stored:
                return Difference(
                    f"lines {', '.join(map(str, lines))} of {first.name}",
                    text(stored),
                    text(due),
                    due - stored,
                    [f"the usage comes to {text(amount)}, converted at {text(ratio)}"],
                )
        return None

    def _is_corrected(self, period):
        self.cursor.execute(_CORRECTED, (list(period.usage),))
        return bool(self.cursor.fetchone()[0])

    def _price(self, period, versions, rows):
        first, end = period.first, period.end
        if first is None or end is None:
            raise Unknown("on lines without a period")
        terms = deciding(versions, first, end)
        how = terms.aggregation
        share = self._share(period, versions, terms)
        if self.levels.is_level(period.meter, how):
            measured = self.levels.find(
                period.meter, terms, period.customer, first, end
            )
            return price_period(versions, (), first, end, share, measured)
        if any(not first <= row.day < end for row in rows):
            raise Unknown("with usage of other days")
        is_single = any(version.terms.model == "percentage" for version in versions)
        if how in (*ADDED_UP, "average") and not is_single:
            records = [
                Record(row.day, (number,), row.quantity, row.records)
                for number, (_line, row) in period.usage.items()
                if row.records
            ]
        else:
            if any(row.is_gone or row.is_thinned for row in rows):
                raise Unknown("whose records were deleted, masked, or thinned")
            records = self._records(period, how)
        return price_period(versions, records, first, end, share)

    def _records(self, period, how):
        unique = self.unique_of[period.meter]
        values = {"usage": list(period.usage), "property": unique or ""}
        self.cursor.execute(_RECORDS, values)
        found = []
        for number, day, start, quantity, told in self.cursor.fetchall():
            if how == "unique" and told is None:
                continue
            value = told if how == "unique" else exact(quantity)
            # The last one is the last on the clock of the world.
            on = period.first if how == "last" else day
            found.append(Record(on, (start, number), value))
        return found

    def _share(self, period, versions, terms):
        """How much of a whole period it is."""
        last = [v for v in versions if v.first is None or v.first < period.end]
        last.sort(key=lambda version: version.first or datetime.date.min)
        is_alike = not terms.free_units and terms.minimum is None
        is_alike = is_alike and terms.maximum is None
        if is_alike or not last[-1].prorates or not period.subscription:
            return exact(1)
        self.cursor.execute(_INTERVAL, (period.subscription,))
        kind, interval, billing_day = self.cursor.fetchone()
        if kind not in _MONTHS or billing_day or period.end.day > 28:
            raise Unknown("part of a period whose whole length is not known")
        months = period.end.year * 12 + period.end.month - 1 - interval * _MONTHS[kind]
        begin = period.end.replace(year=months // 12, month=months % 12 + 1)
        days = (period.end - period.first).days
        return min(exact(days) / (period.end - begin).days, exact(1))
