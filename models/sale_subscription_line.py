# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class SaleSubscriptionLine(models.Model):
    _inherit = "sale.subscription.line"

    def _prepare_account_move_line(self):
        """Leave the account to the invoice, and say which days the fee is for.

        The account that subscription_oca takes from the product passes the fiscal
        position by, and is empty for a product without an account of its own.
        """
        values = super()._prepare_account_move_line()
        product = self.product_id
        account = (
            product.property_account_income_id
            or product.categ_id.property_account_income_categ_id
        )
        if not values.get("account_id") or values["account_id"] == account.id:
            values.pop("account_id", None)
        values["name"] = self._metered_name_with_days(values["name"])
        return values

    def _prepare_sale_order_line(self):
        """Say which days the fee is for."""
        values = super()._prepare_sale_order_line()
        values["name"] = self._metered_name_with_days(values["name"])
        return values

    def _metered_name_with_days(self, name):
        days = self.sale_subscription_id._metered_fee_days()
        return f"{name}\n{days}" if days else name
