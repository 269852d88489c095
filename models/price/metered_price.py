# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

#: charge models that are made of tiers
TIERED = ("graduated", "volume", "stairstep", "graduated_percentage")


class MeteredPrice(models.Model):
    """What the usage of a meter in a billing period costs.

    A price that changes from a day on keeps what it was before as records of this
    same model, its versions (``current_id`` is set on them): the record itself is the
    newest one. How a change within a period counts is said by ``rating``'s
    ``price_versions``.
    """

    _name = "metered.price"
    _description = "Metered Price"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "metered.golden.guard",
    ]
    _order = "name, date_from desc, id"

    _golden_kinds = frozenset({"usage"})
    _pricing = frozenset(
        {
            *("active", "company_id", "currency_id", "meter_id", "partner_ids"),
            *("date_from", "current_id", "charge_model", "unit_price"),
            "charge_basis",
            *("package_size", "package_rounding", "tier_ids", "fee_at_zero"),
            *("beyond", "rate", "fixed_fee", "free_events", "free_amount"),
            *("event_minimum", "event_maximum", "conversion_operation"),
            *("conversion_factor", "quantity_rounding", "quantity_decimals"),
            *("free_units", "minimum", "has_maximum", "maximum", "rounding"),
        }
    )

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self._default_company(),
        help="Leave empty to share it with all companies.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        tracking=True,
        help="Currency of all amounts of this price. Invoices in another currency are "
        "converted once, on the invoice line, at the invoice date.",
    )
    meter_id = fields.Many2one(
        "metered.meter",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('kind', '!=', 'call')]",
        check_company=True,
        help="The usage to price. The meter determines how the records of a period "
        "are combined into one quantity; this price determines what the quantity "
        "costs.",
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Only for Customers",
        check_company=True,
        help="For these customers and their contacts, this price replaces the "
        "product's price. A price on a subscription line takes precedence.",
    )
    # --- the charge model
    charge_model = fields.Selection(
        [
            ("standard", "Standard: every unit at one price"),
            ("graduated", "Graduated: each unit at the price of its tier"),
            ("volume", "Volume: all units at the price of the tier reached"),
            ("package", "Package: one price per started package"),
            ("stairstep", "Stairstep: one price for the step reached"),
            ("percentage", "Percentage of each event's amount"),
            ("graduated_percentage", "Graduated percentage of the amount"),
        ],
        required=True,
        default="standard",
        tracking=True,
        help="Standard: quantity × price. Graduated: for each tier reached, its units "
        "× its price + its flat fee. Volume: quantity × price of the tier the "
        "total falls in + its flat fee. Package: number of packages × price, "
        "where a started package counts in full. Stairstep: the fee of the step "
        "reached, regardless of the quantity within it. Percentage: for each "
        "billable event, its amount × rate + fixed fee, within the minimum and "
        "maximum per event. Graduated percentage: for each tier reached, its "
        "share of the amount × its rate + its flat fee.",
    )
    unit_price = fields.Float(
        digits=0,
        min_display_digits=2,
        aggregator=None,
        tracking=True,
        help="Standard: price per unit. Package: price per package.",
    )
    package_size = fields.Float(
        digits=0,
        aggregator=None,
        default=1.0,
        help="Number of units in a package.",
    )
    package_rounding = fields.Selection(
        [
            ("up", "Charged in full"),
            ("half_up", "Charged if at least half used"),
            ("down", "Not charged"),
        ],
        string="Started Package",
        required=True,
        default="up",
        help="How to charge a package that is only partly used.",
    )
    tier_ids = fields.One2many("metered.price.tier", "price_id", copy=True)
    fee_at_zero = fields.Boolean(
        string="First Fee Without Usage",
        default=True,
        help="Whether the flat fee of the first tier or the first step is charged in "
        "a period without usage.",
    )
    beyond = fields.Selection(
        [
            ("refuse", "Do not invoice: report an error"),
            ("last", "Use the last price"),
        ],
        string="Above the Last Tier",
        required=True,
        default="refuse",
        help="How to price a quantity above the end of the last tier. Ignored if the "
        "last tier has no end.",
    )
    rate = fields.Float(
        string="Rate (%)",
        digits=0,
        aggregator=None,
        help="Percentage of the event's amount: 2.9 means 2.9%.",
    )
    fixed_fee = fields.Float(
        string="Fee per Event",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Charged for each billable event in addition to the rate.",
    )
    free_events = fields.Integer(
        aggregator=None,
        help="Number of free events at the start of each period. 0 means no free "
        "events by number. If there is also a free amount, events are free while "
        "both limits allow it.",
    )
    free_amount = fields.Float(
        digits=0,
        aggregator=None,
        help="Events are free up to this total amount per period. For an event that "
        "exceeds it, only the excess is charged. 0 means no limit.",
    )
    event_minimum = fields.Float(
        string="Minimum per Event",
        digits=0,
        aggregator=None,
        help="Minimum charge per billable event. 0 means no minimum.",
    )
    event_maximum = fields.Float(
        string="Maximum per Event",
        digits=0,
        aggregator=None,
        help="Maximum charge per billable event. 0 means no maximum.",
    )
    # --- after the charge model
    minimum = fields.Float(
        string="Minimum per Period",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        tracking=True,
        help="Minimum charge per period, even without usage. 0 means no minimum.",
    )
    has_maximum = fields.Boolean(help="Whether there is a maximum charge per period.")
    maximum = fields.Float(
        string="Maximum per Period",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Maximum charge per period, regardless of usage.",
    )
    prorate = fields.Boolean(
        string="Prorate Partial Periods",
        help="In a partial period (the first or last one), free units, minimum and "
        "maximum are reduced in proportion to its days. Tiers and packages "
        "always apply in full.",
    )
    rounding = fields.Selection(
        [
            ("half_up", "Half up"),
            ("up", "Always up"),
            ("down", "Always down"),
            ("half_even", "Half to even"),
        ],
        string="Amount Rounding",
        required=True,
        default="half_up",
        help="The amount for the period is rounded once, to the decimals of the "
        "currency.",
    )
    description = fields.Char(
        string="Price",
        compute="_compute_description",
        help="Short description of the price.",
    )
    invoiced = fields.Boolean(
        compute="_compute_invoiced", help="Whether invoices already use this price."
    )
    # --- the live example
    example_quantity = fields.Float(
        string="Quantity to Try",
        digits=0,
        aggregator=None,
        default=150,
        help="A measured quantity for a full period, to try out the price.",
    )
    example = fields.Html(compute="_compute_example", sanitize=False)

    conversion_operation = fields.Selection(
        [("multiply", "Multiply by"), ("divide", "Divide by")],
        string="Unit Conversion",
        required=True,
        default="multiply",
        help="How the measured quantity is converted to the priced quantity, for "
        "example bytes divided by 1000000000 are gigabytes. Counts have no unit "
        "and are not converted.",
    )
    conversion_factor = fields.Float(
        digits=0,
        aggregator=None,
        default=1.0,
        required=True,
        help="1 if the measured unit is also the priced unit.",
    )
    unit = fields.Char(
        string="Priced Unit",
        help="Name of the unit on the invoice, for example GB. Leave empty to use the "
        "unit of the meter.",
    )
    quantity_rounding = fields.Selection(
        [
            ("none", "No rounding"),
            ("up", "Up"),
            ("down", "Down"),
            ("half_up", "To the nearest, half up"),
            ("half_even", "To the nearest, half to even"),
        ],
        required=True,
        default="none",
        help="The quantity of the full period is rounded once, after conversion.",
    )
    quantity_decimals = fields.Integer(
        aggregator=None, help="Number of decimals to round to."
    )
    free_units = fields.Float(
        digits=0,
        aggregator=None,
        tracking=True,
        help="The first units of each period are free, in the priced unit. Usage "
        "beyond them starts in the first tier.",
    )

    date_from = fields.Date(
        string="Valid From",
        tracking=True,
        help="First day of this price, as days of usage are counted. Leave empty for "
        "no start date. A period in which the price changes is priced with both "
        "versions, as the charge model says.",
    )
    current_id = fields.Many2one(
        "metered.price",
        string="Earlier Version Of",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        copy=False,
    )
    version_ids = fields.One2many(
        "metered.price",
        "current_id",
        string="Earlier Versions",
        readonly=True,
        help="Earlier versions of the price, each valid until the next one starts.",
    )

    _dates_uniq = models.UniqueIndex(
        "(current_id, date_from) WHERE current_id IS NOT NULL",
        "Two versions of the price start on the same day.",
    )

    # === WHAT IS SHOWN === #

    @api.depends("name", "current_id", "date_from")
    def _compute_display_name(self):
        for price in self:
            if not price.current_id:
                price.display_name = price.name
            elif price.date_from:
                price.display_name = self.env._(
                    "%(price)s, from %(day)s",
                    price=price.name,
                    day=format_date(self.env, price.date_from),
                )
            else:
                price.display_name = self.env._(
                    "%(price)s, initial version", price=price.name
                )

    def _compute_invoiced(self):
        lines = self.env["account.move.line"].sudo()
        used = lines._read_group(
            [("metered_price_id", "in", self.ids)], ["metered_price_id"]
        )
        used = {price.id for (price,) in used}
        for price in self:
            price.invoiced = price._origin.id in used

    # === CHECKS === #

    @api.onchange("tier_ids")
    def _onchange_tiers(self):
        """Begin each tier where the one before ends."""
        end = 0.0
        for number, tier in enumerate(self.tier_ids):
            if number:
                # What followed the tier above follows it still; in whole units the
                # next number may be written as well.
                step = 1 if tier.above and tier.first == tier.above + 1 else 0
                if not tier.first or tier.first == tier.above + step:
                    tier.first = end + step
            tier.above, end = end, tier.up_to

    @api.onchange("charge_model")
    def _onchange_charge_model(self):
        """Begin with two tiers: what a tier is shows by itself."""
        if self.charge_model in TIERED and not self.tier_ids:
            self.tier_ids = [
                Command.create({"up_to": 100.0}),
                Command.create({"first": 100.0}),
            ]

    @api.onchange("meter_id")
    def _onchange_meter(self):
        if self.meter_id and not self.name:
            self.name = self.meter_id.name

    @api.constrains(
        "charge_model",
        "tier_ids",
        "unit_price",
        "package_size",
        "rate",
        "free_events",
        "free_amount",
        "event_minimum",
        "event_maximum",
        "conversion_factor",
        "free_units",
        "minimum",
        "has_maximum",
        "maximum",
        "meter_id",
    )
    def _check_price(self):
        """Refuse what has no meaning: the engine says what is wrong with it."""
        for price in self:
            try:
                price._usage_price()
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "The price %(price)s cannot be used. %(reason)s.",
                        price=price.name,
                        reason=self.env["metered.explanation"]._error(error),
                    )
                ) from error
            if price.meter_id.kind == "call":
                raise ValidationError(
                    self.env._(
                        "%(meter)s is a call type, and calls are priced by rate decks.",
                        meter=price.meter_id.name,
                    )
                )

    @api.constrains("partner_ids", "meter_id", "company_id", "current_id", "active")
    def _check_customers(self):
        """A customer has one price of its own for a meter."""
        for price in self:
            if price.current_id or not price.partner_ids or not price.active:
                continue
            other = self.search(
                [
                    ("id", "!=", price.id),
                    ("current_id", "=", False),
                    ("meter_id", "=", price.meter_id.id),
                    ("partner_ids", "in", price.partner_ids.ids),
                    ("company_id", "=", price.company_id.id),
                ],
                limit=1,
            )
            if other:
                raise ValidationError(
                    self.env._(
                        "%(customers)s already has its own price for %(meter)s: "
                        "%(other)s.",
                        customers=", ".join(
                            (other.partner_ids & price.partner_ids).mapped("name")
                        ),
                        other=other.name,
                        meter=price.meter_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        prices = super().create(vals_list)
        prices._fill_tiers()
        return prices

    def write(self, vals):
        """Note in the price's history what it was, where a tier changes it, too."""
        before = {price: price.description for price in self}
        begins = self._charges_that_begin(vals)
        result = super().write(vals)
        self._charge_from_this_month(begins)
        if "tier_ids" in vals:
            self._fill_tiers()
        if self._pricing & set(vals):
            for price, was in before.items():
                if price.description != was:
                    price._message_log(
                        body=self.env._(
                            "Previous price: %(before)s. New price: %(now)s.",
                            before=was,
                            now=price.description,
                        )
                    )
        return result

    def _fill_tiers(self):
        """Write where tiers begin, where nobody said it."""
        for price in self:
            end = 0.0
            for number, tier in enumerate(price.tier_ids.sorted()):
                if number and not tier.first and end:
                    tier.first = end
                end = tier.up_to

    @api.ondelete(at_uninstall=False)
    def _unlink_except_invoiced(self):
        for price in self:
            if price.invoiced:
                raise UserError(
                    self.env._(
                        "The price %(price)s cannot be deleted because invoices use "
                        "it. Archive it instead.",
                        price=price.name,
                    )
                )

    def copy_data(self, default=None):
        """Name a copy as one, but not a version of the price."""
        vals_list = super().copy_data(default)
        if "name" not in (default or {}):
            for price, vals in zip(self, vals_list, strict=True):
                vals["name"] = self.env._("%s (copy)", price.name)
                vals["partner_ids"] = False
        return vals_list

    # === VERSIONS === #

    def action_change(self):
        """Ask from which day on the price is to be another one."""
        self.ensure_one()
        return self.env["metered.price.change"]._get_records_action(
            name=self.env._("Change the Price from a Date"),
            target="new",
            context={"default_price_id": self.id},
        )

    def _keep_until(self, date):
        """Keep the price as it is until a day, so that it can change from then on.

        :param date: first day of what the price will be
        :raises UserError: when the day is not after the one on which it began
        """
        self.ensure_one()
        if self.current_id:
            raise UserError(
                self.env._(
                    "%(version)s has ended. Change %(price)s instead.",
                    version=self.display_name,
                    price=self.current_id.name,
                )
            )
        if self.date_from and date <= self.date_from:
            raise UserError(
                self.env._(
                    "The price is valid from %(day)s. It can only be changed from a "
                    "later day on.",
                    day=format_date(self.env, self.date_from),
                )
            )
        self._copy_as_version_of(self)
        self.date_from = date

    def _copy_as_version_of(self, price):
        """Copy this price, with its first day, as an earlier version of one."""
        self.sudo().copy(
            {
                "current_id": price.id,
                "name": price.name,
                "partner_ids": False,
                "date_from": self.date_from,
                "active": price.active,
            }
        )

    def _copy_with_versions(self, values):
        """A price like this one, that was what this one was on each day.

        :param values: what it is to have of its own, among it a name
        """
        self.ensure_one()
        price = self.copy({"date_from": self.date_from, **values})
        for version in self.with_context(active_test=False).version_ids:
            version._copy_as_version_of(price)
        return price
