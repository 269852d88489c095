# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, fields, models


class SaleSubscription(models.Model):
    _inherit = "sale.subscription"

    metered_period_ids = fields.One2many(
        "metered.period", "subscription_id", string="Billing Periods"
    )

    def _prepare_account_move(self, line_ids):
        """Add the lines of the claimed usage.

        The currency and the fiscal position are the subscription's: the lines' taxes
        and accounts follow from them.
        """
        usage_lines = self.env.context.get("metered_invoice_lines", ())
        values = super()._prepare_account_move(
            [*line_ids, *(Command.create(line) for line in usage_lines)]
        )
        values.setdefault("currency_id", self.currency_id.id)
        if self.fiscal_position_id:
            values.setdefault("fiscal_position_id", self.fiscal_position_id.id)
        return values

    def create_invoice(self):
        """Create the renewal's invoice with the usage of the past period.

        It is made in the books of the subscription's company, whoever asks for it.
        """
        subscription = self.with_company(self.company_id)
        period, lines = subscription._metered_claim()
        subscription = subscription.with_context(
            metered_invoice_lines=[values for values, _usage_ids in lines]
        )
        invoice = super(SaleSubscription, subscription).create_invoice()
        if invoice and period:
            period.invoice_id = invoice
            self.env["metered.usage"].sudo()._link_to_invoice(invoice, lines)
        return invoice

    def action_view_metered_usage(self):
        """Open the usage that this subscription's invoices hold or will hold."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_usage"
        )
        invoiced = self.sudo().invoice_ids.invoice_line_ids.filtered(
            "metered_usage_ids"
        )
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

    def _metered_claim(self):
        """Claim the period that is due, and lock its usage.

        A second renewal at the same time waits for the period's record, and then
        fails or finds it billed.

        :return: (the ``metered.period``, list of (values of an invoice line, ids of
            its usage)); both empty where nothing is due or the period is billed
        """
        self.ensure_one()
        date_to = self.recurring_next_date
        period = self.env["metered.period"].sudo()
        if date_to:
            date_from = self._metered_period_start(date_to)
            period = period._claim(self, date_from, date_to)
        if not period:
            return period, []
        usage = (
            self.env["metered.usage"]
            .sudo()
            ._lock_open(self._metered_usage_domain(date_to))
        )
        lines = usage._prepare_invoice_lines(
            company=self.company_id,
            currency=self.currency_id,
            partner=self.partner_invoice_id or self.partner_id,
            date_from=date_from,
            date_to=date_to,
        )
        return period, lines

    def _metered_period_start(self, date_to):
        """First day of the interval that ends before ``date_to``.

        The subscription bills in advance: what is due on a day is the flat fee of the
        interval that begins, and the usage of the one that ended.
        """
        self.ensure_one()
        date_from = date_to - self._get_recurrence_delta()
        if self.date_start:
            date_from = min(max(date_from, self.date_start), date_to)
        return date_from

    def _metered_usage_domain(self, date_to):
        """Open usage that a renewal on ``date_to`` bills.

        Usage of an earlier period that came in late is part of it; usage from before
        the subscription began is not.
        """
        self.ensure_one()
        # Ids, not a condition on the contact: the index on customer and day is taken
        # then, whatever the statistics of a table say that has just grown.
        customers = (
            self.env["res.partner"]
            .sudo()
            .with_context(active_test=False)
            .search(
                [
                    (
                        "commercial_partner_id",
                        "=",
                        self.partner_id.commercial_partner_id.id,
                    )
                ]
            )
        )
        domain = [
            ("company_id", "=", self.company_id.id),
            ("invoice_line_id", "=", False),
            ("day", "<", date_to),
            ("subscription_id", "in", [False, self.id]),
            ("partner_id", "in", customers.ids),
        ]
        if self.date_start:
            domain.append(("day", ">=", self.date_start))
        return domain


class SaleSubscriptionLine(models.Model):
    _inherit = "sale.subscription.line"

    def _prepare_account_move_line(self):
        """Leave the account to the invoice where the product names none."""
        values = super()._prepare_account_move_line()
        if not values.get("account_id"):
            values.pop("account_id", None)
        return values
