# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, fields, models
from odoo.exceptions import UserError

from ..ingest.aside import Aside
from .metered_given import given
from .sale_subscription_dates import ADVANCING

#: the invoice lines of the usage that an invoice is being made with
USAGE_LINES = Aside("metered_usage_lines", default=())


class SaleSubscription(models.Model):
    """The ways into a subscription's invoice: the button, the renewal, the closing."""

    _inherit = "sale.subscription"

    metered_period_ids = fields.One2many(
        "metered.period", "subscription_id", string="Billing Periods"
    )

    def _prepare_account_move(self, line_ids):
        """Add the lines of the claimed usage; metered lines have no fixed charge.

        The currency and the fiscal position are the subscription's: the lines' taxes
        and accounts follow from them.
        """
        usage_lines = USAGE_LINES.heard()
        line_ids = self._metered_without_fixed(line_ids)
        values = super()._prepare_account_move(
            [*line_ids, *(Command.create(line) for line in usage_lines)]
        )
        values.setdefault("currency_id", self.currency_id.id)
        if self.fiscal_position_id:
            values.setdefault("fiscal_position_id", self.fiscal_position_id.id)
        return values

    def _prepare_sale_order(self, line_ids=False):
        """A sale order has the flat fees; what is metered is invoiced by usage."""
        return super()._prepare_sale_order(self._metered_without_fixed(line_ids or []))

    def create_invoice(self):
        """Create one invoice, a draft, with the usage of the period that ended.

        It is made in the books of the subscription's company, whoever asks for it.

        :raises UserError: when the period is billed already, with the invoice's name
        """
        self.ensure_one()
        subscription = self.with_company(self.company_id)
        [renewal] = subscription._metered_claim_periods()
        if renewal.billed:
            raise UserError(renewal.billed_message())
        subscription._metered_claim_usage([renewal])
        with USAGE_LINES.said([values for values, _ids in renewal.usage_lines]):
            renewal.invoice = super(SaleSubscription, subscription).create_invoice()
        subscription._metered_link([renewal])
        return renewal.invoice

    def generate_invoice(self):
        """Renew: invoice the period that is due as the template says.

        Where a living invoice bills the period already, no other one is made: the next
        date moves on.
        """
        self._metered_renew()

    def close_subscription(self, close_reason_id=False):
        """Close, and bill the usage that is left."""
        self._metered_bill_final()
        return super().close_subscription(close_reason_id)

    def write(self, values):
        """Bill what is left when a stage closes it, and keep dates that were agreed.

        subscription_oca begins anew, today, whenever a subscription is moved to a stage
        in progress, also from another one.
        """
        if "stage_id" not in values:
            return super().write(values)
        stage = given(self, values, "stage_id")
        running = self.filtered("in_progress")
        if stage.type == "post":
            for subscription in running:
                subscription._metered_bill_final()
            result = super().write(values)
            running.filtered("recurring_next_date").recurring_next_date = False
            return result
        names = ("date_start", "recurring_next_date", "metered_billing_day")
        dates = {
            subscription: {name: subscription[name] for name in names}
            for subscription in running
        }
        result = super().write(values)
        if stage.type == "in_progress":
            for subscription, kept in dates.items():
                with ADVANCING.said():
                    subscription.write(kept)
        return result

    def action_view_metered_usage(self):
        """Open the usage that this subscription's invoices hold or will hold."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_usage"
        )
        subscription = self.sudo()
        invoices = subscription.invoice_ids | subscription.metered_period_ids.invoice_id
        invoiced = invoices.invoice_line_ids.filtered("metered_usage_ids")
        action["domain"] = [
            ("company_id", "=", self.company_id.id),
            ("partner_id", "child_of", self.partner_id.commercial_partner_id.ids),
            "|",
            ("subscription_id", "=", self.id),
            "&",
            ("subscription_id", "=", False),
            ("invoice_line_id", "in", [False, *invoiced.ids]),
        ]
        return action
