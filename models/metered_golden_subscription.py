# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from .metered_given import all_given, given
from .metered_golden_guard import AS_AGREED


class SaleSubscription(models.Model):
    """What is sold to a customer: calling plans, and metered products.

    A subscription begins, changes hands, or has other lines. That it is closed changes
    no price: the customer leaves. What begins or ends by its dates was decided when it
    was sold, and nobody is there to be asked.
    """

    _name = "sale.subscription"
    _inherit = ["sale.subscription", "metered.golden.guard"]

    _golden_kinds = frozenset({"call", "usage"})
    _pricing = frozenset({"partner_id", "stage_id", "sale_subscription_line_ids"})

    def write(self, values):
        """Look at all that follows of a stage, too: that it begins to run."""
        if not self._pricing & values.keys():
            return super().write(values)
        with self._golden_watch("write", [values]):
            return super().write(values)

    def _golden_domain(self):
        return []

    def _golden_concerned(self, calls, vals_list):
        if AS_AGREED.heard() or self._golden_is_end(vals_list):
            return calls.browse()
        partners = all_given(self, vals_list, "partner_id")
        return calls._of_families(self.partner_id | partners)

    def _golden_is_end(self, vals_list):
        """Whether all that is written is a stage in which it does not run."""
        return bool(vals_list) and all(
            not (self._pricing - {"stage_id"}) & vals.keys()
            and given(self, vals, "stage_id").type != "in_progress"
            for vals in vals_list
        )


class SaleSubscriptionLine(models.Model):
    """A line brings a calling plan, so many times, or a metered price."""

    _name = "sale.subscription.line"
    _inherit = ["sale.subscription.line", "metered.golden.guard"]

    _golden_kinds = frozenset({"call", "usage"})
    _pricing = frozenset(
        {"product_id", "product_uom_qty", "metered_price_id", "sale_subscription_id"}
    )

    def _golden_domain(self):
        return []

    def _golden_concerned(self, calls, vals_list):
        subscriptions = all_given(self, vals_list, "sale_subscription_id")
        subscriptions |= self.sale_subscription_id
        return calls._of_families(subscriptions.partner_id)

    def _golden_records(self):
        return self.sale_subscription_id
