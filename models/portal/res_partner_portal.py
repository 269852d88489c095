# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..customer.res_partner import USER
from ..screen.actions import window_action


class ResPartner(models.Model):
    """What a contact may do in the portal, beyond seeing sums."""

    _inherit = "res.partner"

    metered_portal_calls = fields.Boolean(
        string="Can View Calls",
        groups=USER,
        copy=False,
        help="In the portal, this contact can view and download all calls of the "
        "customer, with numbers masked as on statements. Some countries require that "
        "the people who made the calls be informed first.",
    )
    metered_portal_disputes = fields.Boolean(
        string="Can Question Charges",
        default=True,
        groups=USER,
        copy=False,
        help="In the portal, this contact can question charges of the customer.",
    )
    metered_portal_alerts = fields.Boolean(
        string="Can Set Up Alerts",
        default=True,
        groups=USER,
        copy=False,
        help="In the portal, this contact can set the customer's own usage alerts.",
    )
    metered_alert_mails = fields.Boolean(
        string="Receives Alert Emails",
        default=True,
        groups=USER,
        copy=False,
        help="Usage alerts may send emails to this contact, who can turn them off in "
        "the portal.",
    )

    def action_view_metered_access(self):
        """Open the log of who looked at calls of this customer in the portal."""
        self.ensure_one()
        self.check_access("read")
        return window_action(
            self.env,
            "action_metered_access_log",
            [("partner_id", "=", self.commercial_partner_id.id)],
            context={},
        )

    def _metered_portal_may(self, right):
        """Whether a portal user's contact may do something.

        :param right: `calls`, `disputes` or `alerts`
        """
        self.ensure_one()
        contact = self.sudo()
        return {
            "calls": contact.metered_portal_calls,
            "disputes": contact.metered_portal_disputes,
            "alerts": contact.metered_portal_alerts,
        }[right]
