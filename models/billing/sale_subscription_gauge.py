# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.tools import format_date

from ...stored.apply_plans import untouched_balances
from ..screen.actions import window_action


class SaleSubscription(models.Model):
    """The gauges of a subscription's allowances."""

    _inherit = "sale.subscription"

    metered_allowance_info = fields.Json(
        string="Plan Allowances",
        compute="_compute_metered_allowance_info",
        help="For each allowance: amount used, left and rolled over, and "
        "expiration date.",
    )

    def _compute_metered_allowance_info(self):
        for subscription in self:
            origin = subscription._origin
            block = origin._metered_gauges() if origin else None
            subscription.metered_allowance_info = {
                "blocks": [block] if block else [],
                "hint": self.env._(
                    "No calling plan yet. Choose a plan on the Metered tab of a "
                    "product, then add the product to this subscription."
                ),
            }

    def action_view_metered_balances(self):
        """Open the balances of all periods."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_allowance_balance",
            [("subscription_id", "=", self.id)],
            context={},
        )

    def _metered_gauges(self):
        """The gauges of the period that runs, or of the last one.

        :return: dict: title, period (texts), gauges (list of dicts, see
            ``metered.allowance.balance``); None without a plan
        """
        self.ensure_one()
        subscription = self.sudo().with_company(self.company_id)
        today = subscription.company_id._metered_today()
        balances = subscription._metered_balances_on(today)
        if not balances:
            return None
        first = balances[0]
        last = fields.Date.subtract(first.date_to, days=1)
        days = (
            f"{format_date(self.env, first.date_from)} – {format_date(self.env, last)}"
        )
        waiting = self.env["metered.plan.mark"].sudo()._is_waiting(subscription)
        return {
            "id": self.id,
            "title": self.display_name,
            "period": days,
            "waiting": self.env._(
                "New calls have arrived. This will be updated shortly."
            )
            if waiting
            else "",
            "gauges": [
                balance._as_gauge()
                for balance in balances.with_env(
                    self.env(su=True, context=self.env.context)
                )
            ],
        }

    def _metered_balances_on(self, day):
        """Balances of the period with a day; of the last one where none runs then.

        What no call has touched yet is not stored: it is what the period begins with.
        """
        stored = self.env["metered.allowance.balance"].search(
            [("subscription_id", "=", self.id), ("date_from", "<=", day)],
            order="date_from desc, sequence, id",
        )
        current = stored.filtered(lambda balance: balance.date_to > day)
        if current:
            return current
        own = self._metered_as_planned() if self._metered_plans() else None
        periods = own.periods(day, day) if own else []
        if not periods:
            return stored.filtered(lambda b: b.date_from == stored[0].date_from)
        [period] = periods
        Balance = self.env["metered.allowance.balance"]
        book = self.env["metered.plan.mark"]._plan_book(self.company_id)
        for row in untouched_balances(book, own, period):
            unit = row["per_unit"]
            current |= Balance.new(
                {
                    "allowance_id": row["allowance_id"],
                    "identifier_id": row["identifier_id"] or False,
                    "date_from": period.date_from,
                    "date_to": period.date_to,
                    "unlimited": row["unlimited"],
                    "granted": row["granted"] / unit,
                    "rolled_in": row["rolled_in"] / unit,
                    "used": 0,
                    "left": row["remains"] / unit,
                    "rolled_out": row["rolled_out"] / unit,
                    "expires": row["expires"],
                }
            )
        return current
