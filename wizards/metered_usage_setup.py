# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..models.price.metered_price import TIERED
from ..models.screen.actions import CLOSE, notification

#: what samples of a level become; everything else counts or sums events
OF_A_LEVEL = ("max", "min", "average", "last", "time_average", "percentile")


class MeteredUsageSetup(models.TransientModel):
    """What is billed besides calls: a meter, its price and its product, at once."""

    _name = "metered.usage.setup"
    _description = "Other Usage Setup"
    _inherit = ["metered.guarded"]

    name = fields.Char(
        required=True, help="Name of the usage, as shown on the invoice."
    )
    unit = fields.Char(
        required=True, help="What one unit is, for example message, gigabyte or kWh."
    )
    aggregation = fields.Selection(
        lambda self: self.env["metered.meter"]._fields["aggregation"].selection,
        required=True,
        default="sum",
        help="How the records of a billing period are combined into the quantity "
        "to price.",
    )
    unique_property = fields.Char(
        string="Property",
        help="The property whose distinct values are counted, for example user "
        "or device.",
    )
    charge_model = fields.Selection(
        [
            ("standard", "Per unit: every unit at one price"),
            ("graduated", "Tiered: each unit at the price of its tier"),
            ("volume", "Volume: all units at the price of the tier reached"),
            ("package", "Packages"),
            ("stairstep", "Stairstep: one price for the step reached"),
        ],
        string="Price",
        required=True,
        default="standard",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
    )
    unit_price = fields.Float(digits=0, min_display_digits=2)
    package_size = fields.Float(digits=0, default=100.0)
    tier_ids = fields.One2many(
        "metered.usage.setup.tier",
        "setup_id",
        default=lambda self: [
            Command.create({"up_to": 100.0}),
            Command.create({"up_to": 0.0}),
        ],
    )

    def action_create(self):
        """Make meter, price and product."""
        self.ensure_one()
        tiers = self.tier_ids if self.charge_model in TIERED else self.tier_ids.browse()
        if self.charge_model in TIERED and not tiers:
            raise UserError(self.env._("Enter at least one tier."))
        meter = self._make_meter(
            self.name,
            {
                "unit": self.unit,
                "kind": "gauge" if self.aggregation in OF_A_LEVEL else "event",
                "aggregation": self.aggregation,
                "level_holds": self.aggregation in OF_A_LEVEL,
                "unique_property": self.aggregation == "unique"
                and self.unique_property,
            },
        )
        flat = self.charge_model == "stairstep"
        price = self._make_product(
            self.name,
            meter,
            {
                "currency_id": self.currency_id.id,
                "charge_model": self.charge_model,
                "unit_price": 0.0 if tiers else self.unit_price,
                "package_size": self.package_size or 1.0,
                "tier_ids": [
                    Command.create(
                        {
                            "sequence": at,
                            "up_to": tier.up_to,
                            "flat_fee" if flat else "unit_price": tier.price,
                        }
                    )
                    for at, tier in enumerate(tiers)
                ],
            },
        )
        return notification(
            self.env._(
                "%(product)s can now be added to subscriptions: %(price)s.",
                product=self.name,
                price=price.description,
            ),
            next=CLOSE,
        )

    @api.model
    def _make_meter(self, name, values):
        return self.env["metered.meter"].create(
            {
                "name": name,
                "code": self._code(name),
                "company_id": self.env.company.id,
                **values,
            }
        )

    @api.model
    def _make_product(self, name, meter, values):
        """Make the price of a meter, and the product that is sold at it.

        :return: ``metered.price``
        """
        price = self.env["metered.price"].create(
            {
                "name": name,
                "meter_id": meter.id,
                "company_id": self.env.company.id,
                **values,
            }
        )
        # Who sets up what is billed need not be a manager of products.
        (
            self.env["product.template"]
            .sudo()
            .create(
                {
                    "name": name,
                    "type": "service",
                    "list_price": 0.0,
                    "company_id": self.env.company.id,
                    "metered_meter_id": meter.id,
                    "metered_price_id": price.id,
                }
            )
        )
        return price

    @api.model
    def _code_of(self, name):
        return self.env["ir.http"]._slugify(name).replace("-", "_") or "usage"

    @api.model
    def _code(self, name):
        """A name as files and interfaces write it, one that is not taken."""
        code = self._code_of(name)
        meters = self.env["metered.meter"].with_context(active_test=False).sudo()
        taken = set(meters.search([("code", "=like", f"{code}%")]).mapped("code"))
        numbered = (f"{code}_{number}" for number in range(2, len(taken) + 3))
        return next(each for each in (code, *numbered) if each not in taken)


class MeteredUsageSetupTier(models.TransientModel):
    _name = "metered.usage.setup.tier"
    _description = "Other Usage Tier"
    _inherit = ["metered.guarded"]
    _order = "id"

    setup_id = fields.Many2one("metered.usage.setup", required=True, ondelete="cascade")
    up_to = fields.Float(
        digits=0, help="The last quantity in this tier. 0 means no upper limit."
    )
    price = fields.Float(
        digits=0,
        min_display_digits=2,
        help="Price per unit in this tier. For stairstep pricing, price of the "
        "whole step.",
    )
