# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from odoo import api, fields, models

from ...rating.proration import share_of_days
from .sale_subscription_dates import ADVANCING


@dataclass(frozen=True)
class PlanPeriod:
    """A billing period as plans see it: half-open days, its share of a whole one."""

    date_from: date
    date_to: date
    share: Fraction


class SaleSubscription(models.Model):
    """The calling plans of a subscription, and the periods that they count in."""

    _inherit = "sale.subscription"

    metered_plan_end = fields.Date(
        string="Plans Until",
        readonly=True,
        copy=False,
        help="First day without its calling plans: it was closed.",
    )
    metered_plan_next = fields.Date(
        string="Renewal When Closed",
        readonly=True,
        copy=False,
        help="The renewal that it would have had next when it was closed: what a whole "
        "period would have been.",
    )
    metered_balance_ids = fields.One2many(
        "metered.allowance.balance", "subscription_id", string="Allowances"
    )

    # === PLANS === #

    def _metered_plans(self):
        """The calling plans of this subscription.

        :return: dict ``metered.calling.plan`` record -> quantity of its lines
        """
        self.ensure_one()
        plans = {}
        for line in self.sale_subscription_line_ids:
            plan = line.product_id.product_tmpl_id.metered_plan_id
            if plan and plan.company_id in (plan.company_id.browse(), self.company_id):
                plans[plan] = plans.get(plan, 0) + line.product_uom_qty
        return {plan: quantity for plan, quantity in plans.items() if quantity > 0}

    def _metered_is_shared(self):
        """Whether an allowance of its plans is shared by all of the customer."""
        self.ensure_one()
        return any(
            allowance.scope == "customer"
            for plan in self._metered_plans()
            for allowance in plan.allowance_ids
        )

    @api.model
    def _metered_plan_domain(self, company):
        """Subscriptions of a company whose plans calls may take from."""
        return [
            ("company_id", "=", company.id),
            ("active", "=", True),
            "|",
            ("in_progress", "=", True),
            ("metered_plan_end", "!=", False),
            (
                "sale_subscription_line_ids.product_id.product_tmpl_id.metered_plan_id",
                "!=",
                False,
            ),
        ]

    def _metered_plan_until(self):
        """First day without its plans, None while it goes on."""
        self.ensure_one()
        ends = [self.metered_plan_end]
        if self._metered_ends():
            ends.append(self.date)
        return min(filter(None, ends), default=None)

    # === PERIODS === #

    def _metered_plan_periods(self, first, last):
        """The billing periods that have days of an interval.

        Periods that were claimed are as they were claimed; what comes after the
        running one, and what was before the first, are whole intervals.

        :param first, last: dates, both included
        :return: list of :class:`PlanPeriod`, in order
        """
        self.ensure_one()
        periods = self._metered_known_periods()
        if not periods:
            return []
        start = self.date_start or first
        while periods[-1][1] <= last:
            begin = periods[-1][1]
            periods.append((begin, self._get_next_invoice_date(begin)))
        while periods[0][0] > max(first, start):
            end = periods[0][0]
            periods.insert(0, (max(self._metered_interval_before(end), start), end))
        until = self._metered_plan_until()
        found = []
        for begin, end in periods:
            cut = min(end, until) if until else end
            if begin < cut and begin <= last and cut > first:
                found.append(PlanPeriod(begin, cut, self._metered_share(begin, cut)))
        return found

    def _metered_known_periods(self):
        """(first day, first day after) of the claimed periods and the running one."""
        periods = sorted(
            (period.date_from, period.date_to)
            for period in self.sudo().metered_period_ids
            if period.date_from < period.date_to
        )
        due = self.recurring_next_date or self.metered_plan_next
        if due and (not periods or due > periods[-1][1]):
            begin = self._metered_period_start(due)
            if begin < due:
                periods.append((begin, due))
        if not periods and due:
            periods.append((due, self._get_next_invoice_date(due)))
        return periods

    def _metered_interval_before(self, day):
        return self._metered_on_billing_day(day - self._get_recurrence_delta(), day)

    def _metered_share(self, begin, end):
        """How much of a whole interval a period is, at most 1."""
        whole_end = end
        if end == self._metered_plan_until():
            due = self.recurring_next_date or self.metered_plan_next
            whole_end = max(end, due or self._get_next_invoice_date(begin))
        whole_begin = self._metered_interval_before(whole_end)
        day = timedelta(days=1)
        share = share_of_days(whole_begin, whole_end - day, begin)
        return share - share_of_days(whole_begin, whole_end - day, end)

    # === WHAT CHANGES THEM === #

    def _metered_end_plans(self):
        """End the plans with the day on which it is closed, before that is billed."""
        for subscription in self.filtered(lambda s: not s.metered_plan_end):
            today = subscription.company_id._metered_today()
            subscription._set_as_program(
                {
                    "metered_plan_end": today + timedelta(days=1),
                    "metered_plan_next": subscription.recurring_next_date,
                }
            )

    def _metered_mark_payers(self, partners):
        """Have plans applied anew: who bills for child companies may be another one.

        :param partners: ``res.partner`` whose subscriptions begin, end or change
        """
        self.env["metered.plan.mark"].sudo()._mark_open(partners)

    def _metered_plans_after(self, values):
        """Have the plans applied anew where a change alters their periods.

        :param values: as of ``write``, which is done
        """
        if "stage_id" in values:
            reopened = self.filtered(
                lambda s: s.metered_plan_end and s.stage_id.type == "in_progress"
            )
            if reopened:
                reopened._set_as_program(
                    {"metered_plan_end": False, "metered_plan_next": False}
                )
        changing = {"date_start", "partner_id", "stage_id", "metered_plan_end", "date"}
        if not ADVANCING.heard():
            changing.add("recurring_next_date")
        if changing & set(values):
            self._metered_mark_plans()

    def _metered_mark_plans(self):
        """Have their plans applied to the calls that are not billed yet."""
        marks = self.env["metered.plan.mark"].sudo()
        if marks._exist_plans():
            for subscription in self:
                if subscription._metered_plans():
                    marks._mark_subscription(subscription)
