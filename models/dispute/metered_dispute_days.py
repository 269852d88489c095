# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models

from ...ingest.load import company_zone
from .metered_dispute import PROBLEM

#: working days up to which a dispute is of a class of age, as regulators count them
AGES = ((3, "3"), (5, "5"), (15, "15"))
OLDER = "older"


class MeteredDispute(models.Model):
    """How old a dispute is, and when it is to be decided, in working days."""

    _inherit = "metered.dispute"

    @api.model
    def _working_days(self, company, after, until):
        """The days on which a company works.

        :param after: date, itself not counted
        :param until: date, the last one
        :return: sorted list of dates; Monday to Friday where the working hours of the
            company have none
        """
        if until <= after:
            return []
        calendar = company.resource_calendar_id
        zone = ZoneInfo(calendar.tz or company_zone(company))
        first = after + timedelta(days=1)
        found = set()
        if calendar:
            begin, end = (
                datetime.combine(day, time.min, zone)
                for day in (first, until + timedelta(days=1))
            )
            for start, stop, _why in calendar._work_intervals_batch(begin, end)[False]:
                found.add(start.astimezone(zone).date())
                found.add((stop - timedelta(seconds=1)).astimezone(zone).date())
        if not found:
            days = (first + timedelta(days=n) for n in range((until - after).days))
            found = {day for day in days if day.weekday() < 5}
        return sorted(found)

    @api.model
    def _due_date(self, company, received):
        """The day until which a dispute is to be decided.

        :param received: date
        """
        count = company.metered_dispute_days
        until = received + timedelta(days=2 * count + 14)
        days = self._working_days(company, received, until)
        # Closed for weeks: it is decided when they work again.
        return days[count - 1] if len(days) >= count else until

    @api.model
    def _company_today(self, company, moment=None):
        """The date in a company's zone, now or at a moment."""
        moment = moment or fields.Datetime.now()
        zone = ZoneInfo(company_zone(company))
        return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date()

    def _set_age(self):
        """Count the working days that disputes took, or have taken so far."""
        for dispute in self.sudo():
            company = dispute.company_id
            days = len(
                self._working_days(
                    company,
                    self._company_today(company, dispute.received),
                    self._company_today(company, dispute.decided_date or None),
                )
            )
            known = [code for most, code in AGES if days <= most]
            values = {"age_days": days, "age_class": known[0] if known else OLDER}
            if any(dispute[name] != value for name, value in values.items()):
                dispute.write(values)

    @api.model
    def _cron_age(self):
        """Count another day of open disputes; tell of those that are late."""
        for dispute in self.search([("is_open", "=", True)]):
            dispute._set_age()
            dispute._stop_reminders()
            if dispute.due_date < self._company_today(dispute.company_id):
                dispute._metered_raise(
                    PROBLEM,
                    self.env._("Dispute overdue"),
                    self.env._(
                        "A decision on %(dispute)s was due by %(day)s.",
                        dispute=dispute.name,
                        day=fields.Date.to_string(dispute.due_date),
                    ),
                    counted=False,
                )
