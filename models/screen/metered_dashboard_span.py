# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, time, timedelta

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import format_date


class MeteredDashboard(models.AbstractModel):
    """The days that the dashboard shows, and those that they are compared with."""

    _inherit = "metered.dashboard"

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
