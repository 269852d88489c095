# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class SaleSubscriptionTemplate(models.Model):
    _name = "sale.subscription.template"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "sale.subscription.template",
    ]

    metered_pause_policy = fields.Selection(
        [
            ("charge", "Charge its fees when the subscription is resumed"),
            ("skip", "Charge no fees for it"),
        ],
        string="Pause",
        default="charge",
        required=True,
        help="What becomes of the renewals that fall into a pause. Usage of that time "
        "is billed in either case, with the first renewal after it.",
    )

    metered_review_policy = fields.Selection(
        [
            ("none", "Are posted as the invoicing mode says"),
            ("wait", "Wait as drafts until somebody approves them"),
        ],
        string="Invoices of Renewals",
        default="none",
        required=True,
        help="Wait: whatever the invoicing mode, renewals leave drafts in Metered "
        "Billing, Billing, Invoices to Approve. Approving posts them, and sends them "
        "where the invoicing mode says so.",
    )

    def _metered_waits(self):
        """Whether invoices of renewals wait for a person."""
        return self.metered_review_policy == "wait"

    def _metered_invoicing(self):
        """How renewals are invoiced.

        The one place that reads the template's invoicing mode, of which
        subscription_oca prepares a successor.

        :return: (whether by a sale order, whether invoices are posted, whether they
            are sent)
        """
        self.ensure_one()
        if "invoicing_mode" in self._fields:
            mode = self.invoicing_mode
            return (
                mode == "sale_and_invoice",
                bool(mode) and mode != "draft",
                mode == "invoice_send",
            )
        return (
            self["create_sale_order"],
            self["invoice_state"] != "draft",
            self["send_invoice"],
        )
