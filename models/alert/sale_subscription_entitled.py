# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ...rating.exact import exact, exact_text, number
from ..screen.actions import window_action
from .metered_alert_event import exact_number, utc_text


class SaleSubscription(models.Model):
    """Whether a subscription may go on using, and which alerts it triggered."""

    _inherit = "sale.subscription"

    metered_alert_count = fields.Integer(
        string="Triggered Alerts", compute="_compute_metered_alerts"
    )
    metered_cap_info = fields.Char(
        string="Capped By",
        compute="_compute_metered_alerts",
        help="Alerts whose cap was reached in this billing period.",
    )

    def _compute_metered_alerts(self):
        found = (
            self.env["metered.alert.event"]
            .sudo()
            ._read_group(
                [("subscription_id", "in", self.ids)], ["subscription_id"], ["__count"]
            )
        )
        counts = {subscription.id: count for subscription, count in found}
        capped = self.env["metered.alert.state"].sudo()._capped_of(self._origin)
        for subscription in self:
            own = capped.filtered(
                lambda one, s=subscription: one.subscription_id == s._origin
            )
            subscription.metered_alert_count = counts.get(subscription._origin.id, 0)
            subscription.metered_cap_info = ", ".join(own.alert_id.mapped("name"))

    def action_view_metered_alerts(self):
        """Open the alerts that these triggered."""
        return window_action(
            self.env,
            "action_metered_alert_event",
            [("subscription_id", "in", self.ids)],
            context={},
        )

    def action_lift_metered_cap(self):
        """Ask for a reason, then lift the caps of the running period."""
        self.ensure_one()
        return self.env["metered.alert.lift"]._get_records_action(
            name=self.env._("Lift Cap"),
            target="new",
            context={"default_subscription_id": self.id},
        )

    # === ENTITLEMENTS === #

    def _metered_told_whose(self):
        """The subscription and its customer, as other programs are told of them."""
        self.ensure_one()
        customer = self.partner_id.commercial_partner_id
        return {
            "subscription": {"id": self.id, "name": self.name or ""},
            "customer": {
                "id": customer.id,
                "name": (customer.display_name or "")[:200],
                "reference": customer.ref or None,
            },
        }

    def _metered_entitlement(self):
        """Whether usage is allowed now, why not, and what its alerts count.

        :return: dict of JSON
        """
        self.ensure_one()
        states = self.env["metered.alert.state"].sudo()
        current = states.search(
            [("subscription_id", "=", self.id), ("alert_id.active", "=", True)]
        ).filtered(lambda state: state._is_running())
        caps = current.filtered("is_capped")
        reason = None
        if not self.in_progress:
            reason = self.env._("The subscription is not active.")
        elif self.is_paused:
            reason = self.env._("The subscription is paused.")
        elif caps:
            reason = self.env._(
                "The cap of %(alerts)s was reached.",
                alerts=", ".join(caps.alert_id.mapped("name")),
            )
        moments = [state.as_of for state in current if state.as_of]
        return {
            **self._metered_told_whose(),
            "allowed": reason is None,
            "reason": reason,
            "as_of": utc_text(max(moments)) if moments else None,
            "limits": [state._as_limit() for state in current],
        }

    def _metered_entitlement_changed(self, allowed):
        """Tell other programs that usage is allowed, or not any more.

        :param bool allowed: as it is now
        """
        self.ensure_one()
        subscription = self.sudo()
        self.env["metered.account.action"]._entitlement_changed(subscription, allowed)
        self.env["metered.webhook"]._tell(
            "entitlement.changed",
            [(self.company_id, subscription._metered_entitlement(), self)],
        )


class MeteredAlertState(models.Model):
    _inherit = "metered.alert.state"

    def _as_limit(self):
        """What is counted, and what is left to the highest threshold.

        :return: dict of JSON
        """
        self.ensure_one()
        alert = self.alert_id
        limit = max(alert.threshold_ids.mapped("value"), default=0.0)
        left = max(number(limit) - number(self.figure), number(0.0))
        return {
            "alert": {"id": alert.id, "name": alert.name, "type": alert.basis},
            "unit": alert.unit or None,
            "from": self.date_from.isoformat(),
            "to": self.date_to.isoformat(),
            "limit": exact_number(limit),
            "used": exact_number(self.figure),
            "left": exact_text(exact(left)),
            "is_capped": self.is_capped,
            "as_of": utc_text(self.as_of),
        }


class ResPartner(models.Model):
    _inherit = "res.partner"

    metered_alert_count = fields.Integer(
        string="Triggered Alerts",
        compute="_compute_metered_alert_count",
        groups="metered_billing.group_metered_user",
    )

    def _compute_metered_alert_count(self):
        for partner in self:
            partner.metered_alert_count = self.env["metered.alert.event"].search_count(
                partner._metered_alert_domain()
            )

    def _metered_alert_domain(self):
        owner = self.commercial_partner_id
        return [("partner_id", "in", (owner._origin or owner).ids)]

    def action_view_metered_alerts(self):
        """Open the alerts that subscriptions of this customer triggered."""
        return window_action(
            self.env,
            "action_metered_alert_event",
            self._metered_alert_domain(),
            context={},
        )
