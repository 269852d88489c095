# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models

from ...stored.plan_book import PlanSubscription
from .sale_subscription_dates import ADVANCING


class SaleSubscription(models.Model):
    """The calling plans of a subscription, and the periods that they count in."""

    _inherit = "sale.subscription"

    metered_plan_end = fields.Date(
        string="Plans Until",
        readonly=True,
        copy=False,
        help="First day without the calling plans, because the subscription was "
        "closed.",
    )
    metered_plan_next = fields.Date(
        string="Next Renewal When Closed",
        readonly=True,
        copy=False,
        help="The date of the next renewal when the subscription was closed, which "
        "determines the length of a full period.",
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

    @api.model
    def _metered_plan_domain(self, company, every=False):
        """Subscriptions of a company whose plans calls may take from.

        :param every: also those without plans
        """
        plan = "sale_subscription_line_ids.product_id.product_tmpl_id.metered_plan_id"
        return [
            ("company_id", "=", company.id),
            ("active", "=", True),
            "|",
            ("in_progress", "=", True),
            ("metered_plan_end", "!=", False),
            *([] if every else [(plan, "!=", False)]),
        ]

    def _metered_as_planned(self):
        """The subscription as :class:`~...stored.plan_book.PlanSubscription`."""
        self.ensure_one()
        plans = self._metered_plans()
        return PlanSubscription(
            id=self.id,
            owner_id=self.partner_id.commercial_partner_id.id,
            start=self.date_start or None,
            until=self._metered_plan_until(),
            plans={plan.id: quantity for plan, quantity in plans.items()},
            shared=any(
                allowance.scope == "customer"
                for plan in plans
                for allowance in plan.allowance_ids
            ),
            known=tuple(self._metered_known_periods()),
            due=self.recurring_next_date or self.metered_plan_next or None,
            after=self._get_next_invoice_date,
            before=self._metered_interval_before,
        )

    def _metered_plan_until(self):
        """First day without its plans, None while it goes on."""
        self.ensure_one()
        ends = [self.metered_plan_end]
        if self._metered_ends():
            ends.append(self.date)
        return min(filter(None, ends), default=None)

    # === PERIODS === #

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
            marks._mark_subscriptions(self.filtered(lambda s: s._metered_plans()))
