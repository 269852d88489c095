# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, time, timedelta

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_date

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
                self.env._("Only users of Metered Billing can see the dashboard.")
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

    # === LINKS === #

    @api.model
    def _link(self, action, name, domain):
        """What a number opens: the records that it was counted from."""
        return {"action": action, "name": name, "domain": domain}

    @api.model
    def _record_link(self, action, record):
        return {"action": action, "name": record.display_name, "res_id": record.id}

    # === DAYS === #

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
