# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class MeteredCallingPlan(models.Model):
    """What a product includes: allowances, and prices of the plan's own.

    Whoever has the product on a line of a subscription has the plan, from the beginning
    of the billing period in which the line was added.
    """

    _name = "metered.calling.plan"
    _description = "Calling Plan"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "metered.golden.guard",
    ]
    _order = "name, id"

    # A new plan is for nobody until a product has it.
    _prices_when_new = False
    _pricing = frozenset({"company_id", "currency_id", "allowance_ids", "product_ids"})

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self.env.company,
        help="Leave empty to share it with all companies.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        help="Currency of the plan's own prices and of allowances in money. These "
        "apply to calls whose rate deck uses the same currency.",
    )
    description = fields.Text(
        translate=True, help="Information about the plan for your sales team."
    )
    allowance_ids = fields.One2many(
        "metered.calling.plan.allowance", "plan_id", string="Allowances", copy=True
    )
    product_ids = fields.One2many(
        "product.template", "metered_plan_id", string="Products"
    )
    product_count = fields.Integer(compute="_compute_product_count")
    subscription_count = fields.Integer(
        compute="_compute_subscription_count",
        groups="sales_team.group_sale_salesman",
        help="Subscriptions that currently have the plan.",
    )

    @api.depends("product_ids")
    def _compute_product_count(self):
        for plan in self:
            plan.product_count = len(plan.product_ids)

    def _compute_subscription_count(self):
        for plan in self:
            plan.subscription_count = self.env["sale.subscription"].search_count(
                plan._subscription_domain()
            )

    def _subscription_domain(self):
        """Running subscriptions with one of these plans."""
        return [
            ("in_progress", "=", True),
            (
                "sale_subscription_line_ids.product_id.product_tmpl_id.metered_plan_id",
                "in",
                self.ids,
            ),
        ]

    # === CHANGES === #

    @api.model_create_multi
    def create(self, vals_list):
        plans = super().create(vals_list)
        # Whether there is any plan is remembered.
        self.env.registry.clear_cache()
        return plans

    def write(self, vals):
        result = super().write(vals)
        if {"currency_id", "company_id"} & set(vals):
            self._mark_subscriptions()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    def _mark_subscriptions(self):
        """Have the plans applied anew to what is not billed yet."""
        found = self.env["sale.subscription"].sudo().search(self._subscription_domain())
        self.env["metered.plan.mark"].sudo()._mark_subscriptions(found)

    def copy_data(self, default=None):
        """Name a copy so that it can be told from the plan."""
        vals_list = super().copy_data(default)
        for plan, vals in zip(self, vals_list, strict=True):
            if "name" not in (default or {}):
                vals["name"] = self.env._("%s (copy)", plan.name)
        return vals_list

    def action_view_products(self):
        """Open the products that are sold with this plan."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Products with %s", self.name),
            "res_model": "product.template",
            "view_mode": "list,form",
            "domain": [("metered_plan_id", "=", self.id)],
            "context": {
                "default_metered_plan_id": self.id,
                "default_type": "service",
            },
        }

    def action_view_subscriptions(self):
        """Open the running subscriptions that have this plan."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Subscriptions with %s", self.name),
            "res_model": "sale.subscription",
            "view_mode": "list,form",
            "domain": self._subscription_domain(),
        }

    def _golden_concerned(self, calls, vals_list):
        """Those that count with the customer's calling plan."""
        return calls.filtered(lambda call: call.plan != "deck")
