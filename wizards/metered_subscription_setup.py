# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dateutil.relativedelta import relativedelta

from odoo import Command, api, fields, models

from ..models.screen.actions import CLOSE


class MeteredSubscriptionSetup(models.TransientModel):
    """A monthly subscription in progress, with all that it needs."""

    _name = "metered.subscription.setup"
    _description = "Subscription Setup"
    _inherit = ["metered.guarded"]

    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        default=lambda self: self._default_partner_id(),
    )
    date_start = fields.Date(
        string="First Day",
        required=True,
        compute="_compute_date_start",
        store=True,
        readonly=False,
        help="Usage is invoiced from this day on.",
    )
    fee = fields.Float(
        string="Monthly Fee",
        digits="Product Price",
        help="Fixed fee per month in addition to usage, billed in advance from the "
        "first day on. 0 means usage only.",
    )
    fee_name = fields.Char(
        string="Fee Description", default=lambda self: self.env._("Monthly service")
    )
    product_ids = fields.Many2many(
        "product.product",
        string="Metered Products",
        domain="[('metered_meter_id', '!=', False)]",
        default=lambda self: self._default_product_ids(),
        help="Other usage to bill this customer for. Not needed for calls.",
    )
    currency_id = fields.Many2one(
        "res.currency", default=lambda self: self.env.company.currency_id
    )

    @api.model
    def _default_partner_id(self):
        """Somebody who has usage, or else a number, and no subscription."""
        company = ("company_id", "=", self.env.company.id)
        having = self.env["sale.subscription"].search([company]).partner_id
        without = [company, ("partner_id", "not in", having.ids)]
        found = self.env["metered.usage"].search(without, order="day desc", limit=1)
        found = found or self.env["metered.identifier"].search(without, limit=1)
        return found.partner_id.commercial_partner_id

    @api.model
    def _default_product_ids(self):
        """What companies sell that bill other usage: mostly all of it."""
        if self.env.company.metered_bills == "calls":
            return False
        return self.env["product.product"].search(
            [
                ("metered_meter_id", "!=", False),
                ("company_id", "in", [False, self.env.company.id]),
            ]
        )

    @api.depends("partner_id")
    def _compute_date_start(self):
        for setup in self:
            usage = self.env["metered.usage"].search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id", "child_of", setup.partner_id.ids),
                    ("invoice_line_id", "=", False),
                ],
                order="day",
                limit=1,
            )
            day = usage.day or fields.Date.context_today(setup)
            setup.date_start = day.replace(day=1)

    def action_create(self):
        """Make the subscription, its template and pricelist if need be, and show it."""
        self.ensure_one()
        self.env["sale.subscription"].check_access("create")
        stage = self.env["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1
        )
        values = {
            "partner_id": self.partner_id.id,
            "template_id": self._template().id,
            "pricelist_id": self._pricelist().id,
            "stage_id": stage.id,
            "in_progress": True,
        }
        lines = [
            {"product_id": product.id, "name": product.name, "product_uom_qty": 1}
            for product in self.product_ids
        ]
        if self.fee:
            lines.insert(
                0,
                {
                    "product_id": self._product().id,
                    "name": self.fee_name,
                    "product_uom_qty": 1,
                    "price_unit": self.fee,
                },
            )
        values["sale_subscription_line_ids"] = [Command.create(line) for line in lines]
        subscription = self.env["sale.subscription"].create(values)
        # A subscription that is put in progress sets both dates to today. Fees are
        # billed in advance: the first month's is due on the first day.
        due = self.date_start if self.fee else self.date_start + relativedelta(months=1)
        subscription.write({"date_start": self.date_start, "recurring_next_date": due})
        if self.env.context.get("metered_setup"):
            # Its panel goes on with the invoice.
            return CLOSE
        return subscription._get_records_action(context={})

    def _template(self):
        """A template that renews every month without end, made where there is none."""
        Template = self.env["sale.subscription.template"]
        values = {
            "recurring_rule_type": "months",
            "recurring_interval": 1,
            "recurring_rule_boundary": "unlimited",
        }
        domain = [(name, "=", value) for name, value in values.items()]
        return Template.search(domain, limit=1) or Template.create(
            {
                "name": self.env._("Monthly"),
                "code": "MONTHLY",
                "invoicing_mode": "draft",
                **values,
            }
        )

    def _pricelist(self):
        """A pricelist in the company's currency, made where there is none."""
        Pricelist = self.env["product.pricelist"]
        currency = self.env.company.currency_id
        domain = [
            ("currency_id", "=", currency.id),
            ("company_id", "in", [False, self.env.company.id]),
        ]
        # Each subscription needs one, and who may make subscriptions may not make it.
        return Pricelist.search(domain, limit=1) or Pricelist.sudo().create(
            {"name": currency.full_name or currency.name, "currency_id": currency.id}
        )

    def _product(self):
        """The service of the fee, made where there is none of its name."""
        Product = self.env["product.product"]
        name = self.fee_name or self.env._("Monthly service")
        domain = [("name", "=", name), ("type", "=", "service")]
        return Product.search(domain, limit=1) or Product.sudo().create(
            {"name": name, "type": "service", "list_price": self.fee}
        )
