# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredRenewalFailure(models.Model):
    """A subscription that a renewal run could not renew, with the reason."""

    _name = "metered.renewal.failure"
    _description = "Failed Renewal"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    renewal_id = fields.Many2one(
        "metered.renewal", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="renewal_id.company_id", store=True)
    subscription_id = fields.Many2one(
        "sale.subscription", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        related="subscription_id.partner_id", string="Customer"
    )
    date = fields.Date(string="Due", readonly=True)
    reason = fields.Text(readonly=True)
    renewed = fields.Boolean(
        readonly=True, help="A later attempt has renewed the subscription."
    )

    def action_open(self):
        """Open the subscription, where the cause is mended."""
        self.ensure_one()
        return self.subscription_id.get_formview_action()

    def action_retry(self):
        """Renew these subscriptions again, with all periods that are due.

        :return: a notification that says what became of it
        """
        self.check_access("read")
        failed = self.env["sale.subscription"]
        for run, failures in self.grouped("renewal_id").items():
            failed |= run.sudo()._renew_again(failures.subscription_id)
        retried = self.subscription_id
        if failed:
            message = self.env._(
                "Still failing: %(names)s. The reason is on the subscription.",
                names=", ".join(failed.mapped("name")),
            )
        else:
            message = self.env._(
                "Renewed: %(names)s.", names=", ".join(retried.mapped("name"))
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if failed else "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
