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
        help="Empty: for all companies.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        tracking=True,
        help="Currency of all amounts of this price. An invoice in another currency is "
        "converted once, on its line, at its date.",
    )
    meter_id = fields.Many2one(
        "metered.meter",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('kind', '!=', 'call')]",
        check_company=True,
        help="What is priced. The meter says how the records of a period become one "
        "quantity; this price says what the quantity costs.",
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Only for Customers",
        check_company=True,
        help="For these customers, and the contacts below them, this price takes the "
        "place of the product's. One set on a subscription line goes before it.",
    )
    # --- the charge model
    charge_model = fields.Selection(
        [
            ("standard", "Standard: every unit at one price"),
            ("graduated", "Graduated: each unit at the price of its tier"),
            ("volume", "Volume: all units at one tier's price"),
            ("package", "Package: so much for each started one"),
            ("stairstep", "Stairstep: one price for the step reached"),
            ("percentage", "Percentage of each event's amount"),
            ("graduated_percentage", "Graduated percentage of the amount"),
        ],
        required=True,
        default="standard",
        tracking=True,
        help="Standard: quantity x price.\n"
        "Graduated: for each tier entered, its units x its price + its flat fee.\n"
        "Volume: quantity x price of the tier that the total falls in + its flat fee.\n"
        "Package: packages x price; packages = quantity / size, a started one is "
        "whole.\n"
        "Stairstep: the fee of the step that the quantity reaches, whatever the "
        "quantity within it.\n"
        "Percentage: for each paying event its amount x rate + fixed fee, raised to "
        "the minimum and lowered to the maximum per event.\n"
        "Graduated percentage: for each tier entered, its share of the amount x its "
        "rate + its flat fee.",
    )
    unit_price = fields.Float(
        digits=0,
        min_display_digits=2,
        aggregator=None,
        tracking=True,
        help="Standard: price of one unit. Package: price of one package.",
    )
    package_size = fields.Float(
        digits=0,
        aggregator=None,
        default=1.0,
        help="Units of a package.",
    )
    package_rounding = fields.Selection(
        [
            ("up", "Counts as a whole one"),
            ("half_up", "Counts from its half on"),
            ("down", "Is not charged"),
        ],
        string="A Started Package",
        required=True,
        default="up",
        help="What a package that is not used up costs.",
    )
    tier_ids = fields.One2many("metered.price.tier", "price_id", copy=True)
    fee_at_zero = fields.Boolean(
        string="First Fee without Usage",
        default=True,
        help="Whether the flat fee of the first tier, or the first step, is due in a "
        "period without usage.",
    )
    beyond = fields.Selection(
        [
            ("refuse", "Is not invoiced: an error"),
            ("last", "Has the last price"),
        ],
        string="Above the Last Tier",
        required=True,
        default="refuse",
        help="What a quantity above the end of the last tier is; of no meaning where "
        "the last tier has no end.",
    )
    rate = fields.Float(
        string="Rate (%)",
        digits=0,
        aggregator=None,
        help="Percent of an event's amount: 2.9 is 2.9 %.",
    )
    fixed_fee = fields.Float(
        string="Fee per Event",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Charged for each paying event beside the rate.",
    )
    free_events = fields.Integer(
        aggregator=None,
        help="So many first events of a period are free. 0: none is for its number. "
        "With a free amount beside it, free is what is within both.",
    )
    free_amount = fields.Float(
        digits=0,
        aggregator=None,
        help="Events are free up to this sum of their amounts in a period. An event "
        "that passes it pays for its rest. 0: no such limit.",
    )
    event_minimum = fields.Float(
        string="Minimum per Event",
        digits=0,
        aggregator=None,
        help="A paying event costs at least this. 0: no minimum.",
    )
    event_maximum = fields.Float(
        string="Maximum per Event",
        digits=0,
        aggregator=None,
        help="A paying event costs at most this. 0: no maximum.",
    )
    # --- after the charge model
    minimum = fields.Float(
        string="Minimum per Period",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        tracking=True,
        help="A period costs at least this, also without usage. 0: no minimum.",
    )
    has_maximum = fields.Boolean(
        string="With a Maximum", help="Whether a period has a most that it can cost."
    )
    maximum = fields.Float(
        string="Maximum per Period",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="A period costs at most this, however much is used.",
    )
    prorate = fields.Boolean(
        string="Prorate a Part Period",
        help="In a period shorter than a whole one (the first, the last), free units, "
        "minimum and maximum count for their share of its days. Tiers and packages "
        "always count in full.",
    )
    rounding = fields.Selection(
        [
            ("half_up", "Half up"),
            ("up", "Always up"),
            ("down", "Always down"),
            ("half_even", "Half to even"),
        ],
        string="Amount Is Rounded",
        required=True,
        default="half_up",
        help="The amount of the period, once, to the decimals of the currency.",
    )
    description = fields.Char(
        string="Price",
        compute="_compute_description",
        help="The price in short.",
    )
    invoiced = fields.Boolean(
        compute="_compute_invoiced", help="Whether an invoice rests on it."
    )
    # --- the live example
    example_quantity = fields.Float(
        string="A Quantity of",
        digits=0,
        aggregator=None,
        default=150,
        help="A measured quantity of a whole period, to try the price out with.",
    )
    example = fields.Html(compute="_compute_example", sanitize=False)

    conversion_operation = fields.Selection(
        [("multiply", "Multiplied by"), ("divide", "Divided by")],
        string="Measured Quantity Is",
        required=True,
        default="multiply",
        help="How the measured quantity becomes the priced one: bytes divided by "
        "1000000000 are gigabytes. A count has no unit, and is not converted.",
    )
    conversion_factor = fields.Float(
        digits=0,
        aggregator=None,
        default=1.0,
        required=True,
        help="1: the unit that is measured is the unit that is priced.",
    )
    unit = fields.Char(
        string="Priced Unit",
        help="What a quantity of 1 is called on the invoice: GB. Empty: the unit of "
        "the meter.",
    )
    quantity_rounding = fields.Selection(
        [
            ("none", "Not at all"),
            ("up", "Up"),
            ("down", "Down"),
            ("half_up", "To the nearest, half up"),
            ("half_even", "To the nearest, half to even"),
        ],
        string="Quantity Is Rounded",
        required=True,
        default="none",
        help="The quantity of the whole period, once, after its conversion.",
    )
    quantity_decimals = fields.Integer(
        aggregator=None, help="Decimals that the rounded quantity keeps."
    )
    free_units = fields.Float(
        digits=0,
        aggregator=None,
        tracking=True,
        help="The first units of each period cost nothing; what comes after begins in "
        "the first tier. In the priced unit.",
    )

    date_from = fields.Date(
        string="Valid From",
        tracking=True,
        help="First day of this price, as the usage counts its days. Empty: always "
        "was. A period in which it begins is priced by both, as the charge model says.",
    )
    current_id = fields.Many2one(
        "metered.price",
        string="Earlier Version of",
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
        help="What the price was before, each until the next one begins.",
    )

    _dates_uniq = models.UniqueIndex(
        "(current_id, date_from) WHERE current_id IS NOT NULL",
        "Two versions of the price begin on the same day.",
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
                price.display_name = self.env._("%(price)s, at first", price=price.name)

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
                        "%(meter)s is a call type: its calls are priced by rate decks.",
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
                        "%(customers)s already has %(other)s as its own price of "
                        "%(meter)s.",
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
        result = super().write(vals)
        if "tier_ids" in vals:
            self._fill_tiers()
        if self._pricing & set(vals):
            for price, was in before.items():
                if price.description != was:
                    price._message_log(
                        body=self.env._(
                            "It was: %(before)s. Now it is: %(now)s.",
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
                        "Invoices rest on the price %(price)s, so it cannot be "
                        "deleted. Archive it instead.",
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
            name=self.env._("Change the Price from a Day"),
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
                    "%(version)s is over. Change %(price)s instead.",
                    version=self.display_name,
                    price=self.current_id.name,
                )
            )
        if self.date_from and date <= self.date_from:
            raise UserError(
                self.env._(
                    "The price began on %(day)s. It can change on a later day only.",
                    day=format_date(self.env, self.date_from),
                )
            )
        self.sudo().copy(
            {
                "current_id": self.id,
                "name": self.name,
                "partner_ids": False,
                "date_from": self.date_from,
                "active": self.active,
            }
        )
        self.date_from = date
