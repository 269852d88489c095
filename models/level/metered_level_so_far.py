# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date, format_datetime

from ...rating.exact import exact_text, number
from ..price.metered_meter_level import HOUR_US


class MeteredMeter(models.Model):
    """How a level is charged, and what its running periods have come to."""

    _inherit = "metered.meter"

    def _level_terms(self):
        """What holds for the level, whoever has it.

        :return: list of (label, text)
        """
        if self._counts_calls():
            gap = self.env._("None: the level is calculated from the call details")
        elif not self._level_continues():
            gap = self.env._("None: each sample counts for itself")
        elif not self._longest_held_us():
            gap = self.env._("None: a sample is valid until the next one")
        else:
            policies = self._fields["gap_policy"]._description_selection(self.env)
            gap = self.env._(
                "%(policy)s (a sample is valid for %(hours)s hours)",
                policy=dict(policies)[self.gap_policy],
                hours=self.env["metered.explanation"]._number(
                    exact_text(Fraction(self._longest_held_us(), HOUR_US))
                ),
            )
        return [[self.env._("In a Gap"), gap]]

    def _level_basis_text(self, priced):
        """What a priced period is charged by, in words.

        :param priced: ``PricedMeter``
        """
        if not priced.price._is_charged_in(priced.date_from, priced.date_to):
            return self.env._("Do not charge: statistics only")
        aggregation, percent = priced.basis
        if aggregation == "percentile":
            return self.env._("Level not exceeded %s%% of the time", str(percent))
        if priced.service:
            field = priced.service._fields["charge_basis"]
            names = dict(field._description_selection(self.env))
            return names[aggregation]
        names = dict(self._fields["aggregation"]._description_selection(self.env))
        return names[aggregation]

    def _level_so_far(self, company, partner):
        """What the running billing periods have come to, one for each subscription.

        As an invoice would price it now: what makes the invoice says it.

        :return: list of dicts: title, rows (lists of label and text), problem
        """
        customer = partner._metered_payer().with_company(company)
        scope, _partners, first_id = self._level_scope_of(company, partner)
        usage = self.env["metered.usage"].sudo().with_company(company)
        usage = usage.search(
            scope & Domain("meter_id", "=", self.id) & Domain(usage._so_far_domain())
        )
        subscriptions = self._level_subscriptions(company, customer)
        service = partner._metered_measured_service(self, company._metered_today())
        if service and not subscriptions:
            # Without a line for it the first one bills it, as measured services say.
            every = self._level_subscriptions(company, customer, False)
            subscriptions = every.filtered(lambda one: one.active and one.in_progress)
            subscriptions = subscriptions[:1]
            first_id = subscriptions.id
        found = []
        for subscription in subscriptions.with_company(company):
            end = subscription.recurring_next_date
            begin = end and subscription._metered_period_start(end)
            if not end or begin >= end:
                continue
            own = usage.filtered(
                lambda row, one=subscription, begin=begin, end=end: (
                    begin <= row.day < end
                    and (row.subscription_id.id or first_id) == one.id
                )
            )
            found.append(self._level_period(subscription, own, begin, end))
        if not subscriptions and usage:
            found.append(self._level_unsold(usage))
        return [block for block in found if block["rows"] or block["problem"]]

    def _level_period(self, subscription, usage, begin, end):
        """What one period of a subscription has come to."""
        title = self.env._(
            "%(subscription)s, %(first)s through %(last)s",
            subscription=subscription.display_name,
            first=format_date(self.env, begin),
            last=format_date(self.env, end - timedelta(days=1)),
        )
        meter = self.sudo()
        try:
            priced = usage._price_meter(
                meter,
                subscription,
                subscription.partner_id,
                subscription.company_id,
                begin,
                end,
                usage,
            )
        except UserError as error:
            return {"title": title, "rows": [], "problem": str(error)}
        return {"title": title, "rows": self._level_rows_of(priced), "problem": ""}

    def _level_unsold(self, usage):
        """What open usage has come to that no subscription has a line for."""
        usage = usage.sorted(lambda row: (row.day, row.id))
        so_far = usage._price_so_far()
        priced = so_far.priced.get(usage[-1].id)
        title = self.env._("Without a subscription that has a line for this meter")
        return {
            "title": title,
            "rows": self._level_rows_of(priced) if priced else [],
            "problem": so_far.problems.get(usage[-1].id, ""),
        }

    def _level_rows_of(self, priced):
        """What a priced period says of its level.

        :param priced: ``PricedMeter``
        :return: list of (label, text)
        """
        in_words = self.env["metered.explanation"]._number
        steps = {step.code: step.values for step in priced.priced.steps}
        told = steps.get("level", {})
        level = told.get("level")
        if level is None:
            value = priced.price._format_exact(priced.priced.quantity)
            value = f"{value} {priced.price._priced_unit()}"
        else:
            value = f"{in_words(level)} {self.unit}"
        rows = [
            [self.env._("Charge Based On"), self._level_basis_text(priced)],
            [self.env._("So Far"), value],
        ]
        if told.get("since"):
            since = datetime.fromisoformat(told["since"])
            since = since.replace(tzinfo=ZoneInfo(told["zone"])).astimezone(UTC)
            rows.append(
                [
                    self.env._("First Reached"),
                    format_datetime(
                        self.env, since.replace(tzinfo=None), tz=str(self.env.tz)
                    ),
                ]
            )
        deciding = priced.price._deciding(priced.date_to, priced.date_from)
        free = deciding.free_units
        free = priced.price._format_exact(number(free))
        free = f"{free} {priced.price._priced_unit()}"
        if priced.priced.free:
            taken = priced.price._format_exact(priced.priced.free)
            free = self.env._("%(free)s, used: %(taken)s", free=free, taken=taken)
        due, _quantity = priced.usage._due_so_far(priced)
        money = self.env["res.partner"]._metered_money(due, priced.currency)
        return [
            *rows,
            [self.env._("Free"), free],
            [self.env._("Price"), priced.price.description],
            [self.env._("Cost if Invoiced Now"), money],
        ]
