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
            ("skip", "Do not charge fees for the pause"),
        ],
        string="Pause",
        default="charge",
        required=True,
        help="How to handle renewals during a pause. Usage is always billed, with the "
        "first renewal after the pause.",
    )

    metered_review_policy = fields.Selection(
        [
            ("none", "Post as set by the invoicing mode"),
            ("wait", "Keep as drafts until approved"),
        ],
        string="Renewal Invoices",
        default="none",
        required=True,
        help="If kept as drafts, renewals put the invoices under Metered Billing, "
        "Billing, Invoices to Approve, regardless of the invoicing mode. "
        "Approving posts them, and also sends them if the invoicing mode says so.",
    )

    metered_floor_ids = fields.One2many(
        "metered.invoice.floor",
        "template_id",
        string="Smallest Invoice",
        help="Replaces the smallest invoice of the customer group or the company.",
    )

    metered_wait_policy = fields.Selection(
        [
            ("none", "Do not wait"),
            ("issue", "Wait, then issue with the usage recorded by then"),
            ("hold", "Wait, then put on hold"),
        ],
        string="Wait for Usage",
        default="none",
        required=True,
        help="If it waits, a renewal creates the invoice as a draft that waits until a "
        "program completes its usage and issues it, or until someone clicks Issue Now. "
        "How long it waits is set under Metered Billing, Configuration, Settings.",
    )

    def _metered_waits_for_usage(self):
        """Whether invoices wait for usage that a program counts; of none: no."""
        return bool(self) and self.metered_wait_policy != "none"

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
