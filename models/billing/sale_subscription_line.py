# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...rating.exact import number
from ..guard.untrusted import all_given


class SaleSubscriptionLine(models.Model):
    """A line is a flat fee, brings a metered price, or a calling plan so many times."""

    _name = "sale.subscription.line"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "sale.subscription.line",
        "metered.cure",
        "metered.golden.guard",
    ]

    _audited_too = frozenset(
        {"product_id", "product_uom_qty", "price_unit", "discount"}
    )
    _curing = frozenset({"product_id", "metered_external_key"})
    _golden_kinds = frozenset({"call", "usage"})
    _pricing = frozenset(
        {"product_id", "product_uom_qty", "metered_price_id", "sale_subscription_id"}
    )

    metered_meter_id = fields.Many2one(
        related="product_id.metered_meter_id", string="Meter"
    )
    metered_price_id = fields.Many2one(
        "metered.price",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('meter_id', '=', metered_meter_id), ('current_id', '=', False)]",
        check_company=True,
        help="Price of the metered product's usage on this subscription. Leave empty "
        "to use the price of the customer or the product.",
    )
    metered_price_text = fields.Char(
        string="Usage Price",
        compute="_compute_metered_price_text",
        compute_sudo=True,
        help="Usage price. The usage of the past period is invoiced.",
    )

    def _cure_targets(self):
        return self._metered_key_targets()

    @api.depends(
        "product_id", "metered_price_id", "discount", "sale_subscription_id.partner_id"
    )
    def _compute_metered_price_text(self):
        for line in self:
            meter = line.metered_meter_id
            if not meter:
                line.metered_price_text = False
                continue
            subscription = line.sale_subscription_id
            try:
                price = meter._price_for(
                    line, subscription.partner_id, subscription.company_id
                )
                line.metered_price_text = line._metered_with_discount(price)
            except UserError:
                line.metered_price_text = self.env._("no price")

    def _metered_with_discount(self, price):
        """A price in words, with the discount that its invoice lines will have."""
        if not self.discount:
            return price.description
        return self.env._(
            "%(price)s; %(discount)s%% off",
            price=price.description,
            discount=price._format_exact(number(self.discount)),
        )

    @api.depends("product_id.metered_meter_id")
    def _compute_price_unit(self):
        """What is metered has no price of its own: the quantity of usage has."""
        result = super()._compute_price_unit()
        self.filtered("metered_meter_id").price_unit = 0.0
        return result

    @api.constrains("product_id", "sale_subscription_id", "metered_price_id")
    def _check_one_line_a_meter(self):
        """Two lines of a meter would both have its usage."""
        for subscription in self.sale_subscription_id:
            lines = subscription._metered_lines()
            for meter, of_meter in lines.grouped("metered_meter_id").items():
                if len(of_meter) > 1:
                    raise ValidationError(
                        self.env._(
                            "Two lines of %(subscription)s are for %(meter)s, but its "
                            "usage can only be on one line. Remove one of them.",
                            subscription=subscription.display_name,
                            meter=meter.name,
                        )
                    )
        for line in self.filtered("metered_price_id"):
            if line.metered_price_id.meter_id != line.metered_meter_id:
                raise ValidationError(
                    self.env._(
                        "The price %(price)s is for %(meter)s, which is not the meter "
                        "of %(product)s.",
                        price=line.metered_price_id.name,
                        meter=line.metered_price_id.meter_id.name,
                        product=line.product_id.display_name,
                    )
                )

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

    def _metered_as_ordered(self):
        """Those on the invoice of a new sale order: nothing is delivered yet."""
        return self.filtered(
            lambda line: (
                line.product_uom_qty and line.product_id.invoice_policy == "order"
            )
        )

    def _metered_name_with_days(self, name):
        days = self.sale_subscription_id._metered_fee_days()
        return f"{name}\n{days}" if days else name

    def _audit_home(self):
        return self.sale_subscription_id

    # === CALLING PLANS === #

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._metered_plan_subscriptions()._metered_mark_plans()
        return lines

    def write(self, values):
        changes = {"product_id", "product_uom_qty"} & set(values)
        before = self._metered_plan_subscriptions() if changes else None
        result = super().write(values)
        if changes:
            subscriptions = before | self._metered_plan_subscriptions()
            self.env["metered.plan.mark"].sudo()._mark_subscriptions(subscriptions)
        return result

    def unlink(self):
        subscriptions = self._metered_plan_subscriptions()
        result = super().unlink()
        marks = self.env["metered.plan.mark"].sudo()
        marks._mark_subscriptions(subscriptions.exists())
        return result

    def _metered_plan_subscriptions(self):
        """The subscriptions of those of the lines that bring a plan."""
        if not self.env["metered.plan.mark"].sudo()._exist_plans():
            return self.env["sale.subscription"]
        return self.filtered(
            lambda line: line.product_id.product_tmpl_id.metered_plan_id
        ).sale_subscription_id

    # === GOLDEN CALLS === #

    def _golden_domain(self):
        return []

    def _golden_concerned(self, calls, vals_list):
        subscriptions = all_given(self, vals_list, "sale_subscription_id")
        subscriptions |= self.sale_subscription_id
        return calls._of_families(subscriptions.partner_id)

    def _golden_records(self):
        return self.sale_subscription_id
