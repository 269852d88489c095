# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import calendar
from datetime import timedelta

from odoo import fields, models
from odoo.tools.misc import format_date

from ...ingest.aside import Aside
from ..golden.metered_golden_guard import AS_AGREED

#: recurrences that are counted in months, and so must keep their day of the month
BY_MONTH = ("months", "years")
#: said while the next date moves on by itself: nobody means another day of the month
ADVANCING = Aside("metered_advancing")
#: days of renewals that are billed again: id of the subscription to its date
PAST_RENEWALS = Aside("metered_past_renewals", default={})


class SaleSubscription(models.Model):
    """When a subscription is renewed, and which days the renewal bills."""

    _inherit = "sale.subscription"

    # The defaults of subscription_oca are the day on which the server was started.
    date_start = fields.Date(default=fields.Date.context_today)
    recurring_next_date = fields.Date(default=fields.Date.context_today)
    metered_billing_day = fields.Integer(
        string="Billing Day",
        readonly=True,
        copy=False,
        help="Day of the month for renewals. In shorter months, the last day: January "
        "31, February 28, March 31.",
    )

    def _metered_set_billing_day(self):
        """Remember the day of the month that their next date means."""
        for subscription in self.filtered("recurring_next_date"):
            day = subscription._metered_day_of(subscription.recurring_next_date)
            subscription._set_as_program({"metered_billing_day": day})

    def _metered_day_of(self, date):
        """The day of the month that a date means; a month's end may be the 31st."""
        start = self.date_start
        if start and start.day > date.day and _is_month_end(date):
            return start.day
        return date.day

    def _metered_on_billing_day(self, date, neighbour):
        """Keep the month's end: ``date`` was counted in months from ``neighbour``."""
        day = self.metered_billing_day or self._metered_day_of(neighbour)
        if (
            self.template_id.recurring_rule_type in BY_MONTH
            and day > neighbour.day
            and _is_month_end(neighbour)
        ):
            last = calendar.monthrange(date.year, date.month)[1]
            return date.replace(day=min(day, last))
        return date

    def _get_next_invoice_date(self, previous_date):
        previous_date = fields.Date.to_date(previous_date)
        return self._metered_on_billing_day(
            super()._get_next_invoice_date(previous_date), previous_date
        )

    def _set_next_invoice_date_after_invoice(self, invoice_date=None):
        with ADVANCING.said():
            return super()._set_next_invoice_date_after_invoice(invoice_date)

    def _metered_period_start(self, date_to):
        """First day of the usage that a renewal on ``date_to`` bills.

        The subscription bills in advance: what is due on a day is the flat fee of the
        interval that begins, and the usage of the one that ended. It began where the
        period before it ended, also when the next date was changed by hand; without
        one, an interval before.
        """
        self.ensure_one()
        earlier = self.sudo().metered_period_ids.filtered(lambda p: p.date_to < date_to)
        if earlier:
            date_from = max(earlier.mapped("date_to"))
        else:
            date_from = self._metered_on_billing_day(
                date_to - self._get_recurrence_delta(), date_to
            )
        if self.date_start:
            date_from = min(max(date_from, self.date_start), date_to)
        return date_from

    def _metered_is_whole_period(self, date_from, date_to):
        """Whether days are as many as the subscription is billed for at a time."""
        self.ensure_one()
        begin = self._metered_on_billing_day(
            date_to - self._get_recurrence_delta(), date_to
        )
        return date_from == begin or date_to == self._get_next_invoice_date(date_from)

    def _metered_period_of_day(self, day, date_from, date_to):
        """The billing period that a day belongs to.

        Those that were billed are known. Before and after them, and before what is
        billed now, periods follow each other as the recurrence says.

        :param date_from: first day of what is billed now
        :param date_to: first day after it; both are taken where there is no
            subscription
        :return: (first day, first day after it)
        """
        if not self:
            return min(date_from, day), date_to
        self.ensure_one()
        for period in self.sudo().metered_period_ids:
            if period.date_from <= day < period.date_to:
                return period.date_from, period.date_to
        end = self.recurring_next_date or date_to
        begin = self._metered_period_start(end)
        while day >= end:
            begin, end = end, self._get_next_invoice_date(end)
        while day < begin:
            end = begin
            begin = self._metered_on_billing_day(
                end - self._get_recurrence_delta(), end
            )
            if self.date_start and begin < self.date_start <= day:
                begin = self.date_start
        return begin, end

    def _metered_whole_period(self, date_to):
        """How many days a whole period has that ends before ``date_to``."""
        self.ensure_one()
        begin = self._metered_on_billing_day(
            date_to - self._get_recurrence_delta(), date_to
        )
        return (date_to - begin).days

    def _metered_billing_date(self):
        """The renewal that is invoiced: the next one, unless one is billed again."""
        self.ensure_one()
        return PAST_RENEWALS.heard().get(self.id, self.recurring_next_date)

    def _metered_fee_days(self):
        """The days that a flat fee is for, as text in the customer's language."""
        self.ensure_one()
        begin = self._metered_billing_date()
        if not begin:
            return ""
        end = self._get_next_invoice_date(begin) - timedelta(days=1)
        if self._metered_ends() and self.date:
            end = max(begin, min(end, self.date - timedelta(days=1)))
        language = (self.partner_invoice_id or self.partner_id).lang
        first, last = (
            format_date(self.env, day, lang_code=language) for day in (begin, end)
        )
        return first if begin == end else f"{first} – {last}"

    # === WHAT IS DUE === #

    def _metered_ends(self):
        """Whether the subscription has a term."""
        return not self.recurring_rule_boundary

    def _metered_is_due(self, today):
        """Whether a flat fee's renewal is due.

        The term is half-open: a term of two months from 1 January has fees on
        1 January and 1 February, and ends on 1 March.
        """
        self.ensure_one()
        return bool(
            self.in_progress
            and not self.is_paused
            and (
                not self.recurring_next_date
                or (
                    self.recurring_next_date <= today
                    and not (
                        self._metered_ends()
                        and self.date
                        and self.recurring_next_date >= self.date
                    )
                )
            )
        )

    def _metered_has_ended(self, today):
        """Whether the term is over, so that the subscription is to be closed."""
        self.ensure_one()
        return bool(
            self.in_progress
            and self._metered_ends()
            and self.date
            and self.date <= today
        )

    # === STAGES AND PAUSES === #

    def _metered_start(self):
        """Start it on the day that was agreed, also when this runs a day late."""
        self.ensure_one()
        start = self.date_start
        with AS_AGREED.said():
            self.action_start_subscription()
        self.write({"date_start": start, "recurring_next_date": start})

    def action_resume(self, automatic=False):
        """Resume, and pass over the renewals that fell into the pause, if so agreed."""
        result = super().action_resume(automatic=automatic)
        if self.template_id.metered_pause_policy == "skip":
            self._metered_skip_paused()
        return result

    def _metered_skip_paused(self):
        today = self.company_id._metered_today()
        skipped = []
        while self.recurring_next_date and self.recurring_next_date < today:
            skipped.append(fields.Date.to_string(self.recurring_next_date))
            self._set_next_invoice_date_after_invoice()
        if skipped:
            self.message_post(
                body=self.env._(
                    "No fees are charged for renewals during the pause (%(dates)s). "
                    "Usage of that time is billed with the next renewal on %(next)s.",
                    dates=", ".join(skipped),
                    next=self.recurring_next_date,
                )
            )


def _is_month_end(date):
    return date.day == calendar.monthrange(date.year, date.month)[1]
