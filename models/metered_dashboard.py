# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from datetime import datetime, time, timedelta

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_date

USAGE = "metered_billing.action_metered_usage"
CDR = "metered_billing.action_metered_cdr"
EXCEPTION = "metered_billing.action_metered_exception"
BATCH = "metered_billing.action_metered_batch"
PERIOD = "metered_billing.action_metered_period"
RENEWAL = "metered_billing.action_metered_renewal"
SOURCE = "metered_billing.action_metered_source"
#: rows of a list on the dashboard
TOP = 6


class MeteredDashboard(models.AbstractModel):
    """The figures of the app's first screen.

    They come from the daily usage, some hundred thousand rows a month at most; the
    call details, tens of millions, are looked at one by one only (see
    ``metered_dashboard_destinations``). Amounts of different currencies are never
    added up: the figures are those of one currency, and the others are named.
    """

    _name = "metered.dashboard"
    _description = "Metered Billing Dashboard"

    @api.model
    def get_dashboard(self, period=None, currency_id=None):
        """All that the dashboard shows, for the companies that are switched on.

        :param str period: ``this_month``, ``last_month`` or ``last_30``; None: this
            month, or the last one where this one has no usage yet
        :param int currency_id: whose amounts; None: the company's currency, or the one
            most calls are in where the company's has none
        :return: dict of plain values; a ``link`` is what a number is made of:
            ``{"action": xml id, "name": str, "domain": list}``
        :raises AccessError: for people who are no users of Metered Billing
        """
        if not self.env.user.has_group("metered_billing.group_metered_user"):
            raise AccessError(
                self.env._("The dashboard is for users of Metered Billing.")
            )
        span = self._span(period or "this_month")
        priced = self._open_priced()
        rows = self._read_usage(span) + priced.of(span)
        if period is None and not any(row["day"] >= span["from"] for row in rows):
            last_month = self._span("last_month")
            last_rows = self._read_usage(last_month) + priced.of(last_month)
            if any(row["day"] >= last_month["from"] for row in last_rows):
                span, rows = last_month, last_rows
        currency = self._choose_currency(rows, currency_id)
        return {
            "period": self._describe_span(span),
            "currency_id": currency.id,
            "currencies": self._describe_currencies(rows, currency),
            "has_usage": bool(rows)
            or bool(self.env["metered.usage"].search([], limit=1)),
            "totals": self._totals(span, rows, currency, priced),
            "left_out": priced.left_out,
            "days": self._days(span, rows, currency),
            "meters": self._meters(span, rows, currency),
            "customers": self._customers(span, currency, priced),
            "destinations": self._destinations(span, currency),
            "exceptions": self._exceptions(),
            "sources": self._sources(),
            "renewals": self._renewals(),
            "batches": self._batches(),
            "onboarding": self.env["metered.onboarding"].get_panel(),
        }

    # === PERIODS === #

    @api.model
    def _span(self, key):
        """A period and the one that it is compared with.

        A period that still runs is compared with as many days of the one before.

        :return: dict of first days, and first days after (``*_to``); ``compared_to``
            ends the comparable part of the previous period
        """
        today = self._today()
        month = today.replace(day=1)
        if key == "last_month":
            begin, end = month - relativedelta(months=1), month
            previous = begin - relativedelta(months=1)
            compared = begin
        elif key == "last_30":
            end = today + timedelta(days=1)
            begin = end - timedelta(days=30)
            previous = begin - timedelta(days=30)
            compared = begin
        else:
            key = "this_month"
            begin, end = month, month + relativedelta(months=1)
            previous = begin - relativedelta(months=1)
            compared = min(previous + timedelta(days=today.day), begin)
        return {
            "key": key,
            "from": begin,
            "to": end,
            "today": today,
            "previous_from": previous,
            "previous_to": begin,
            "compared_to": compared,
        }

    @api.model
    def _today(self):
        """The calendar day of the company."""
        zone = pytz.timezone(self.env.company._metered_timezone())
        return datetime.now(zone).date()

    @api.model
    def _describe_span(self, span):
        return {
            "key": span["key"],
            "name": self._days_text(span["from"], span["to"]),
            "compared": self._days_text(span["previous_from"], span["compared_to"]),
        }

    @api.model
    def _days_text(self, begin, end):
        """Days from ``begin`` to the day before ``end``, in words."""
        last = end - timedelta(days=1)
        if begin.day == 1 and end == begin + relativedelta(months=1):
            return format_date(self.env, begin, date_format="MMMM yyyy")
        return f"{format_date(self.env, begin)} – {format_date(self.env, last)}"

    @api.model
    def _to_utc(self, day):
        """The moment at which a day of the company begins, as the database has it."""
        zone = pytz.timezone(self.env.company._metered_timezone())
        begin = zone.localize(datetime.combine(day, time.min)).astimezone(pytz.utc)
        return fields.Datetime.to_string(begin.replace(tzinfo=None))

    # === USAGE === #

    @api.model
    def _read_usage(self, span):
        """Sums of the period and the previous one, per day, call type and currency.

        :return: list of dict
        """
        groups = self.env["metered.usage"]._read_group(
            [
                ("company_id", "in", self.env.companies.ids),
                ("day", ">=", span["previous_from"]),
                ("day", "<", span["to"]),
            ],
            ["day:day", "meter_id", "currency_id"],
            ["records:sum", "billed_quantity:sum", "amount:sum"],
        )
        return [
            {
                "day": day,
                "meter": meter,
                "currency_id": currency.id,
                "calls": records if meter.kind == "call" else 0,
                "others": 0 if meter.kind == "call" else records,
                "minutes": quantity / 60 if meter.kind == "call" else 0.0,
                "amount": amount or 0.0,
            }
            for day, meter, currency, records, quantity, amount in groups
        ]

    @api.model
    def _choose_currency(self, rows, currency_id):
        calls = defaultdict(int)
        for row in rows:
            calls[row["currency_id"]] += row["calls"] + row["others"]
        company_currency = self.env.company.currency_id
        if currency_id in calls:
            return self.env["res.currency"].browse(currency_id)
        if not calls or company_currency.id in calls:
            return company_currency
        return self.env["res.currency"].browse(max(calls, key=calls.get))

    @api.model
    def _describe_currencies(self, rows, chosen):
        """The currencies to choose from, by name."""
        ids = {row["currency_id"] for row in rows} | {chosen.id}
        currencies = self.env["res.currency"].browse(ids).sorted("name")
        return [{"id": currency.id, "name": currency.name} for currency in currencies]

    @api.model
    def _usage_domain(self, span, *more):
        return [
            ("company_id", "in", self.env.companies.ids),
            ("day", ">=", fields.Date.to_string(span["from"])),
            ("day", "<", fields.Date.to_string(span["to"])),
            *more,
        ]

    @api.model
    def _totals(self, span, rows, currency, priced):
        """Sums of the period, each with that of the comparable days before."""
        sums = {"calls": [0, 0], "others": [0, 0], "minutes": [0.0, 0.0]}
        amounts = defaultdict(lambda: [0.0, 0.0])
        so_far = set()
        for row in rows:
            if row["day"] >= span["from"]:
                place = 0
            elif row["day"] < span["compared_to"]:
                place = 1
            else:
                continue
            amounts[row["currency_id"]][place] += row["amount"]
            if not place and row.get("so_far"):
                so_far.add(row["currency_id"])
            for name, sum_ in sums.items():
                sum_[place] += row[name]
        period = self._days_text(span["from"], span["to"])
        usage = self._link(
            USAGE, self.env._("Usage, %s", period), self._usage_domain(span)
        )
        open_usage = [
            ("company_id", "in", self.env.companies.ids),
            ("invoice_line_id", "=", False),
        ]
        open_amounts = self._add_open(
            self.env["metered.usage"]._read_group(
                open_usage, ["currency_id"], ["amount:sum"]
            ),
            priced,
        )
        return {
            **{
                name: {"value": value, "previous": previous, "link": usage}
                for name, (value, previous) in sums.items()
            },
            "amounts": [
                {
                    "currency_id": key,
                    "value": value,
                    "previous": previous,
                    "so_far": key in so_far,
                    "link": self._link(
                        USAGE,
                        self.env._("Usage, %s", period),
                        self._usage_domain(span, ("currency_id", "=", key)),
                    ),
                }
                for key, (value, previous) in sorted(
                    {currency.id: amounts[currency.id], **amounts}.items(),
                    key=lambda item: item[0] != currency.id,
                )
            ],
            "open": [
                {
                    "currency_id": key.id,
                    "value": amount,
                    "so_far": some_so_far,
                    "link": self._link(
                        USAGE,
                        self.env._("Usage to Invoice"),
                        [*open_usage, ("currency_id", "=", key.id)],
                    ),
                }
                for key, amount, some_so_far in sorted(
                    open_amounts, key=lambda item: item[0] != currency
                )
            ],
        }

    @api.model
    def _days(self, span, rows, currency):
        """Labels of the period's days, and the previous period's sums beside them."""
        count = (span["to"] - span["from"]).days
        previous = {name: [0.0] * count for name in ("amount", "calls", "minutes")}
        for row in rows:
            place = (row["day"] - span["previous_from"]).days
            if row["day"] < span["from"] and place < count:
                previous["calls"][place] += row["calls"] + row["others"]
                previous["minutes"][place] += row["minutes"]
                if row["currency_id"] == currency.id:
                    previous["amount"][place] += row["amount"]
        days = [span["from"] + timedelta(days=place) for place in range(count)]
        return {
            "dates": [fields.Date.to_string(day) for day in days],
            "labels": [format_date(self.env, day, date_format="d MMM") for day in days],
            "previous": previous,
            "previous_name": self._days_text(
                span["previous_from"], span["previous_to"]
            ),
            "link": self._link(USAGE, self.env._("Usage"), self._usage_domain(span)),
        }

    @api.model
    def _meters(self, span, rows, currency):
        """Per meter: sums of the period, of the days before, and day by day.

        What is called ``calls`` here counts the records of other meters, too.
        """
        count = (span["to"] - span["from"]).days
        meters = {}
        for row in rows:
            meter = row["meter"]
            sums = meters.setdefault(
                meter,
                {
                    "id": meter.id,
                    "name": meter.name,
                    "previous": 0.0,
                    "so_far": False,
                    **{name: [0.0] * count for name in ("amount", "calls", "minutes")},
                },
            )
            amount = row["amount"] if row["currency_id"] == currency.id else 0.0
            if row["day"] >= span["from"]:
                place = (row["day"] - span["from"]).days
                sums["calls"][place] += row["calls"] + row["others"]
                sums["so_far"] |= bool(amount) and row.get("so_far", False)
                sums["minutes"][place] += row["minutes"]
                sums["amount"][place] += amount
            elif row["day"] < span["compared_to"]:
                sums["previous"] += amount
        for meter, sums in meters.items():
            sums["totals"] = {
                name: sum(sums[name]) for name in ("amount", "calls", "minutes")
            }
            sums["link"] = self._link(
                USAGE,
                meter.name,
                self._usage_domain(span, ("meter_id", "=", meter.id)),
            )
        return sorted(
            meters.values(),
            key=lambda sums: (-sums["totals"]["amount"], -sums["totals"]["calls"]),
        )

    @api.model
    def _customers(self, span, currency, priced):
        """The customers with the largest amounts."""
        domain = self._usage_domain(span, ("currency_id", "=", currency.id))
        groups = self.env["metered.usage"]._read_group(
            domain,
            ["partner_id"],
            ["amount:sum", "records:sum"],
            order="amount:sum desc, partner_id",
            limit=TOP,
        )
        groups = self._add_customers(groups, domain, span, currency, priced)
        return [
            {
                "id": partner.id,
                "name": partner.display_name,
                "amount": amount or 0.0,
                "calls": calls,
                "link": self._link(
                    USAGE,
                    partner.display_name,
                    [*domain, ("partner_id", "=", partner.id)],
                ),
            }
            for partner, amount, calls in sorted(
                groups, key=lambda group: (-(group[1] or 0.0), group[0].id)
            )[:TOP]
        ]

    # === WHAT NEEDS A PERSON === #

    @api.model
    def _exceptions(self):
        """Open exceptions: how many, why, and how much money they may hold."""
        domain = [
            ("company_id", "in", self.env.companies.ids),
            ("state", "=", "open"),
        ]
        Exception_ = self.env["metered.exception"]
        labels = dict(Exception_._fields["reason"]._description_selection(self.env))
        groups = Exception_._read_group(
            domain, ["reason"], ["__count"], order="__count desc, reason"
        )
        return {
            "count": sum(count for _reason, count in groups),
            "money": self._exception_money(domain),
            "reasons": [
                {
                    "name": labels.get(reason, reason),
                    "count": count,
                    "link": self._link(
                        EXCEPTION,
                        labels.get(reason, reason),
                        [*domain, ("reason", "=", reason)],
                    ),
                }
                for reason, count in groups[:TOP]
            ],
            "link": self._link(EXCEPTION, self.env._("Open Exceptions"), domain),
        }

    @api.model
    def _exception_money(self, domain):
        """What open exceptions may be worth: the one place where it is asked for.

        :param domain: of ``metered.exception``
        :return: list of {"currency_id", "value"}; empty where nothing tells it
        """
        groups = self.env["metered.exception"]._read_group(
            [*domain, ("estimate", "!=", False)], ["company_id"], ["estimate:sum"]
        )
        return [
            {"currency_id": company.currency_id.id, "value": estimate}
            for company, estimate in groups
            if estimate
        ]

    @api.model
    def _sources(self):
        """Sources with what came in last."""
        sources = self.env["metered.source"].search(
            [("company_id", "in", self.env.companies.ids)], limit=TOP + 2
        )
        return [self._describe_source(source) for source in sources]

    @api.model
    def _describe_source(self, source):
        batch = self.env["metered.batch"].search(
            [("source_id", "=", source.id), ("state", "!=", "undone")], limit=1
        )
        state, text = "none", self.env._("Nothing came in yet")
        if batch.state == "failed":
            state, text = "failed", self.env._("The last import failed")
        elif batch.state in ("queued", "running"):
            state, text = "running", self.env._("An import runs")
        elif batch:
            when = fields.Datetime.context_timestamp(
                self, batch.finished or batch.create_date
            )
            state = "ok"
            text = self.env._("Last import %s", format_date(self.env, when.date()))
        return {
            "id": source.id,
            "name": source.name,
            "state": state,
            "text": text,
            "exceptions": source.open_exception_count,
            "link": self._record_link(SOURCE, source),
            "exceptions_link": self._link(
                EXCEPTION,
                source.name,
                [("source_id", "=", source.id), ("state", "=", "open")],
            ),
        }

    @api.model
    def _renewals(self):
        """How many subscriptions are due, and the last runs.

        Where none has run, because renewals are done one by one: the days that were
        renewed last.
        """
        result = {"due": False, "days": []}
        companies = ("company_id", "in", self.env.companies.ids)
        Subscription = self.env["sale.subscription"]
        if Subscription.has_access("read"):
            due = [
                companies,
                ("in_progress", "=", True),
                ("is_paused", "=", False),
                ("recurring_next_date", "<=", fields.Date.to_string(self._today())),
            ]
            result["due"] = {
                "count": Subscription.search_count(due),
                "link": self._link(
                    "subscription_oca.sale_subscription_action",
                    self.env._("Due for Renewal"),
                    due,
                ),
            }
        runs = self.env["metered.renewal"].search([companies], limit=TOP - 1)
        if runs:
            result["days"] = [self._describe_run(run) for run in runs]
            return result
        groups = self.env["metered.period"]._read_group(
            [companies],
            ["date_to:day"],
            ["__count", "invoice_id:count"],
            order="date_to:day desc",
            limit=TOP - 1,
        )
        for day, count, invoiced in groups:
            text = format_date(self.env, day)
            result["days"].append(
                {
                    "id": text,
                    "date": text,
                    "count": count,
                    "problem": self.env._("%s without invoice", count - invoiced)
                    if count > invoiced
                    else "",
                    "state": "",
                    "link": self._link(
                        PERIOD,
                        self.env._("Renewed on %s", text),
                        [companies, ("date_to", "=", fields.Date.to_string(day))],
                    ),
                }
            )
        return result

    @api.model
    def _describe_run(self, run):
        labels = dict(run._fields["state"]._description_selection(self.env))
        return {
            "id": run.id,
            "date": format_date(self.env, run.date),
            "count": run.records,
            "problem": self.env._("%s failed", run.failures) if run.failures else "",
            "state": "" if run.state == "done" else labels[run.state],
            "link": self._record_link(RENEWAL, run),
        }

    @api.model
    def _batches(self):
        """The last imports."""
        batches = self.env["metered.batch"].search(
            [("company_id", "in", self.env.companies.ids)], limit=TOP - 1
        )
        labels = dict(batches._fields["state"]._description_selection(self.env))
        return [
            {
                "id": batch.id,
                "name": batch.file_name or batch.display_name,
                "source": batch.source_id.name,
                "date": format_date(
                    self.env,
                    fields.Datetime.context_timestamp(self, batch.create_date).date(),
                ),
                "state": batch.state,
                "state_name": labels[batch.state],
                "records": batch.records,
                "exceptions": batch.exceptions,
                "wrong": batch.balance == "wrong",
                "link": self._record_link(BATCH, batch),
            }
            for batch in batches
        ]

    # === LINKS === #

    @api.model
    def _link(self, action, name, domain):
        """What a number opens: the records that it was counted from."""
        return {"action": action, "name": name, "domain": domain}

    @api.model
    def _record_link(self, action, record):
        return {"action": action, "name": record.display_name, "res_id": record.id}
