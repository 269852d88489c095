# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .metered_price_basis import BY_SERVICE

#: what is kept on the price
TERMS = ("charge_basis", "unit_price", "free_units", "whole_items")


class MeteredMeasuredService(models.Model):
    """What a customer, or a group of customers, is charged for a level that it holds.

    It sets up a metered price, which all that prices meters takes; nothing is priced
    here. Those of a group are read through: a customer has them until it has one of its
    own for the same meter.
    """

    _name = "metered.measured.service"
    _description = "Measured Service"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "metered.golden.guard",
        "analytic.mixin",
    ]
    _order = "meter_id, id"

    _golden_kinds = frozenset({"usage"})
    _pricing = frozenset(
        {*TERMS, "active", "company_id", "partner_id", "group_id"}
        | {"meter_id", "product_id", "date_from"}
    )

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        ondelete="cascade",
        index="btree_not_null",
        check_company=True,
    )
    group_id = fields.Many2one(
        "metered.customer.group",
        string="Customer Group",
        ondelete="cascade",
        index="btree_not_null",
        check_company=True,
    )
    meter_id = fields.Many2one(
        "metered.meter",
        string="Measured Parameter",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('kind', '=', 'gauge'), ('company_id', 'in', [False, company_id])]",
        check_company=True,
        help="The level to charge: a meter of the kind Samples of a level.",
    )
    price_id = fields.Many2one(
        "metered.price",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        check_company=True,
    )
    charge_basis = fields.Selection(
        selection=lambda self: (
            self.env["metered.price"]
            ._fields["charge_basis"]
            ._description_selection(self.env)
        ),
        string="Charge Based On",
        compute="_compute_charge_basis",
        inverse="_inverse_terms",
        required=True,
        default="none",
        help="Which level of the billing period is charged. Do not charge: the levels "
        "are only statistics. Average by time: each level counts for as long as it "
        "lasted. 95th percentile: the highest levels during 5% of the time are free.",
    )
    unit_price = fields.Float(
        string="Price per Item",
        compute="_compute_unit_price",
        inverse="_inverse_terms",
        digits=0,
        min_display_digits=2,
        aggregator=None,
    )
    free_units = fields.Float(
        string="Items Free of Charge",
        compute="_compute_free_units",
        inverse="_inverse_terms",
        digits=0,
        aggregator=None,
        help="The first items of each billing period are free.",
    )
    whole_items = fields.Boolean(
        compute="_compute_whole_items",
        inverse="_inverse_terms",
        help="Round the level up to whole items before it is charged. Otherwise an "
        "average of 4.5 items is charged as 4.5 items.",
    )
    charge_model = fields.Selection(related="price_id.charge_model")
    currency_id = fields.Many2one(related="price_id.currency_id")
    price_text = fields.Char(
        string="Price Description",
        related="price_id.description",
        help="The price, including tiers and minimum if it has any.",
    )
    rate_code = fields.Char(help="Shown on the invoice line, before the name.")
    product_id = fields.Many2one(
        "product.product",
        string="Service",
        ondelete="restrict",
        check_company=True,
        help="Product of the invoice line, which determines the account and taxes. "
        "Leave empty to use the invoice product of the measured parameter.",
    )
    date_from = fields.Date(
        string="Active From",
        required=True,
        default=lambda self: self._this_month(),
        help="First day that is charged. Earlier levels are not charged.",
    )

    status = fields.Selection(
        [("own", "Own"), ("overridden", "Overridden"), ("inherited", "Inherited")],
        compute="_compute_status",
        help="Inherited: as set on the customer group. Overridden: the customer has "
        "its own instead of the group's. Own: the group has none.",
    )

    _one_owner = models.Constraint(
        "CHECK ((partner_id IS NULL) != (group_id IS NULL))",
        "A measured service belongs to a customer or to a customer group.",
    )
    _partner_uniq = models.UniqueIndex(
        "(partner_id, meter_id, company_id) WHERE active AND partner_id IS NOT NULL",
        "The customer already has a measured service for this parameter.",
    )
    _group_uniq = models.UniqueIndex(
        "(group_id, meter_id, company_id) WHERE active AND group_id IS NOT NULL",
        "The customer group already has a measured service for this parameter.",
    )

    # === TERMS: THEY ARE ON THE PRICE === #

    @api.model
    def _this_month(self):
        return fields.Date.start_of(fields.Date.context_today(self), "month")

    # One for each: what is written of them leaves the others as they are.
    @api.depends("price_id.charge_basis")
    def _compute_charge_basis(self):
        for service in self:
            service.charge_basis = service.price_id.charge_basis or "none"

    @api.depends("price_id.unit_price")
    def _compute_unit_price(self):
        for service in self:
            service.unit_price = service.price_id.unit_price

    @api.depends("price_id.free_units")
    def _compute_free_units(self):
        for service in self:
            service.free_units = service.price_id.free_units

    @api.depends("price_id.quantity_rounding")
    def _compute_whole_items(self):
        for service in self:
            service.whole_items = service.price_id.quantity_rounding == "up"

    def _inverse_terms(self):
        """Write the terms on the price; make it where there is none yet."""
        for service in self:
            terms = {name: service[name] for name in TERMS}
            if terms.pop("whole_items"):
                terms.update(quantity_rounding="up", quantity_decimals=0)
            elif service.price_id.quantity_rounding in (False, "up"):
                terms["quantity_rounding"] = "none"
            if not service.price_id:
                price = service._make_price(terms)
                service._set_as_program({"price_id": price.id})
                continue
            price = service.price_id
            changed = {k: v for k, v in terms.items() if price[k] != v}
            if changed:
                with BY_SERVICE.said():
                    price.write(changed)

    def _make_price(self, terms):
        """The price of a new service: like the group's, where it overrides that.

        :param terms: values of metered.price
        """
        self.ensure_one()
        owner = self.partner_id or self.group_id
        name = self.env._(
            "%(meter)s: %(owner)s",
            meter=self.meter_id.name,
            owner=owner.display_name,
        )
        inherited = self._overridden().price_id
        if inherited:
            values = {"name": name, "company_id": self.company_id.id, **terms}
            return inherited._copy_with_versions(values)
        return self.env["metered.price"].create(
            {
                "name": name,
                "company_id": self.company_id.id,
                "currency_id": self.company_id.currency_id.id,
                "meter_id": self.meter_id.id,
                "charge_model": "standard",
                **terms,
            }
        )

    def _overridden(self):
        """The service of the customer's group that this one takes the place of."""
        self.ensure_one()
        if not self.partner_id:
            return self.browse()
        partner = self.partner_id.with_company(self.company_id)
        services = partner._metered_group_services()
        return services.filtered(lambda one: one.meter_id == self.meter_id)[:1]

    @api.constrains("meter_id")
    def _check_meter(self):
        for service in self:
            if service.meter_id.kind != "gauge":
                raise ValidationError(
                    self.env._(
                        "%(meter)s cannot be charged by its level. Choose a meter of "
                        "the kind Samples of a level.",
                        meter=service.meter_id.name,
                    )
                )
            if service.price_id and service.price_id.meter_id != service.meter_id:
                raise ValidationError(
                    self.env._(
                        "The measured parameter of a measured service cannot be "
                        "changed. Remove the measured service and add another one."
                    )
                )

    @api.constrains("partner_id")
    def _check_customer(self):
        for service in self.filtered("partner_id"):
            payer = service.partner_id.commercial_partner_id
            if payer != service.partner_id:
                raise ValidationError(
                    self.env._(
                        "Measured services of %(contact)s are those of its company. "
                        "Add them to %(customer)s.",
                        contact=service.partner_id.display_name,
                        customer=payer.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        """Customers without it are not charged for what it measures from then on."""
        services = super().create(vals_list)
        meters = services.meter_id.filtered(lambda meter: not meter.is_measured)
        meters._set_as_program({"is_measured": True})
        return services

    def write(self, vals):
        """A charge that begins does not charge what was measured before."""
        if vals.get("charge_basis", "none") != "none" and "date_from" not in vals:
            begins = self.filtered(
                lambda one: one.charge_basis == "none" and not one.price_id.date_from
            )
            if begins:
                super(MeteredMeasuredService, begins).write(
                    {**vals, "date_from": self._this_month()}
                )
            self = self - begins  # noqa: PLW0642
        return super().write(vals) if self else True

    def unlink(self):
        """Take the prices along that no invoice needs."""
        prices = self.price_id
        done = super().unlink()
        kept = prices.filtered("invoiced")
        kept.active = False
        (prices - kept).unlink()
        return done

    # === ON SCREEN === #

    @api.depends("partner_id.metered_group_id", "group_id", "meter_id")
    def _compute_status(self):
        for service in self:
            service.status = "inherited"
            if not service.group_id:
                service.status = "overridden" if service._overridden() else "own"

    @api.onchange("charge_basis")
    def _onchange_charge_basis(self):
        """What was measured before is not charged."""
        before = self._origin
        if before.charge_basis == "none" and not before.price_id.date_from:
            self.date_from = self._this_month()

    def action_edit(self):
        """Open it; of a group's, open what will take its place for one customer."""
        self.ensure_one()
        title = self.env._("Measured Service")
        customer = self.env.context.get("default_partner_id")
        if not self.group_id or not customer:
            return self._get_records_action(name=title, target="new", context={})
        values = {name: self[name] for name in (*TERMS, "rate_code")}
        values["partner_id"] = customer
        values["company_id"] = self.company_id.id
        values["meter_id"] = self.meter_id.id
        values["product_id"] = self.product_id.id
        values["analytic_distribution"] = self.analytic_distribution
        return self.browse()._get_records_action(
            name=title,
            target="new",
            views=[(False, "form")],
            context={f"default_{name}": value for name, value in values.items()},
        )

    def action_change(self):
        """Ask from which day on its price is to be another one."""
        self.ensure_one()
        return self.price_id.action_change()

    def action_view_level(self):
        """Open the graphs of the level, of the customer on whose tab it is."""
        self.ensure_one()
        self.check_access("read")
        customer = self.partner_id.id or self.env.context.get("default_partner_id")
        return self.meter_id._level_action(customer, self.company_id)

    def action_open_price(self):
        """Open its price, for tiers, a minimum, and the like."""
        self.ensure_one()
        return self.price_id._get_records_action(target="current", context={})

    def action_remove(self):
        """Remove it from its customer.

        :raises UserError: it is the group's
        """
        for service in self:
            if service.group_id:
                raise UserError(
                    self.env._(
                        "%(meter)s is inherited from the customer group "
                        "%(group)s and can only be removed there. To stop charging "
                        "this customer, edit it and choose Do not charge.",
                        meter=service.meter_id.name,
                        group=service.group_id.name,
                    )
                )
        self.unlink()

    @api.model
    def _add_usual(self, owner):
        """Give a customer or a group the usual parameters that it does not have.

        :param owner: ``res.partner`` or ``metered.customer.group``
        """
        name = "partner_id" if owner._name == "res.partner" else "group_id"
        company = owner.company_id if name == "group_id" else self.env.company
        known = self.search(
            [(name, "=", owner.id), ("company_id", "=", company.id)]
        ).meter_id
        if name == "partner_id":
            known |= owner._metered_group_services().meter_id
        self.create(
            [
                {name: owner.id, "company_id": company.id, "meter_id": meter.id}
                for meter in self.env["metered.meter"]._usual_parameters(company)
                if meter not in known
            ]
        )

    @api.depends("meter_id", "partner_id", "group_id")
    def _compute_display_name(self):
        for service in self:
            owner = service.partner_id or service.group_id
            service.display_name = self.env._(
                "%(meter)s: %(owner)s",
                meter=service.meter_id.name or "",
                owner=owner.display_name or "",
            )

    def _audit_home(self):
        return self.partner_id or self.group_id

    def _golden_domain(self):
        return [
            ("company_id", "in", self.company_id.ids),
            ("meter_id", "in", self.meter_id.ids),
        ]

    def _golden_records(self):
        return self.price_id
