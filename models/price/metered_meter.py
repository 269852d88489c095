# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from ...rating.exact import exact_text


class MeteredMeter(models.Model):
    _name = "metered.meter"
    _description = "Meter"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "metered.cure",
        "metered.golden.guard",
    ]
    _order = "sequence, name"

    _curing = frozenset(
        {
            "call_class",
            "active",
            "kind",
            "company_id",
            "code",
            "digits",
            "most_percent",
            "most_per_day",
        }
    )
    _golden_kinds = frozenset({"usage"})
    # There is no agreed usage of a new meter.
    _prices_when_new = False
    _pricing = frozenset(
        {
            "aggregation",
            "unique_property",
            "unit",
            "kind",
            "product_id",
            "company_id",
            "level_source",
            "level_holds",
            "percentile",
            "most_hours_held",
            "gap_policy",
            "level_property",
        }
    )

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help="Short name used in imports and interfaces, for example "
        "international or gb.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self._default_company(),
        help="Leave empty to share it with all companies.",
    )
    kind = fields.Selection(
        [
            ("call", "Call type"),
            ("event", "Events, counted or summed"),
            ("gauge", "Samples of a level"),
            ("counter", "Readings of a counter"),
        ],
        required=True,
        default="call",
        help="A call type is a meter for phone calls. For a counter, such as a water "
        "or electricity meter, the increase between readings is billed.",
    )
    call_class = fields.Selection(
        [
            ("local", "Local"),
            ("national", "National"),
            ("mobile", "Mobile"),
            ("international", "International"),
            ("toll_free", "Toll-free"),
            ("premium", "Premium"),
            ("inbound", "Inbound"),
            ("internal", "Internal"),
        ],
        string="Matches Calls",
        help="Calls of this class belong to this call type. Leave empty if only "
        "destinations refer to it.",
    )
    unit = fields.Char(
        required=True,
        default="second",
        help="What one unit is, for example second, gigabyte, kWh or request.",
    )
    product_id = fields.Many2one(
        "product.product",
        string="Invoice Product",
        ondelete="restrict",
        check_company=True,
        help="Product of the invoice line, which determines the account and taxes. "
        "For meters other than call types: used, with its price, if no "
        "subscription line is for this meter.",
    )
    aggregation = fields.Selection(
        [
            ("sum", "Sum of the quantities"),
            ("count", "Number of records"),
            ("max", "Highest quantity"),
            ("min", "Lowest quantity"),
            ("average", "Average quantity"),
            ("last", "Last quantity"),
            ("unique", "Number of distinct values of a property"),
            ("time_average", "Average level, weighted by time"),
            ("percentile", "Percentile of the level, by time"),
        ],
        required=True,
        default="sum",
        help="How the records of a billing period are combined into the quantity to "
        "price. Average: sum of the quantities divided by the number of records. "
        "Last: quantity of the record with the latest time; at the same time, "
        "the one stored last. Highest, lowest, average and last are 0 without "
        "records, unless the level continues between samples.",
    )
    unique_property = fields.Char(
        string="Property",
        help="Name of the property whose distinct values are counted, for example "
        "user or device. It is stored with each record, as a column of the "
        "source or in its properties.",
    )
    presentation = fields.Selection(
        [
            ("sum", "One line with the total"),
            ("detail", "One line per tier or unit price"),
        ],
        string="On the Invoice",
        required=True,
        default="sum",
        help="One line per tier shows quantity × price if that is exact, and "
        "otherwise the amount. The total is the same in both cases.",
    )

    shows_zero = fields.Boolean(
        string="Show Line Without Usage",
        help="Always show a line for this meter on invoices of the subscription, with "
        "0 if there was no usage. Otherwise the line is left out.",
    )

    _code_uniq = models.UniqueIndex(
        "(code, coalesce(company_id, 0))", "There is already a meter with this code."
    )
    _class_uniq = models.UniqueIndex(
        "(call_class, coalesce(company_id, 0)) WHERE active AND call_class IS NOT NULL",
        "Another call type already matches these calls.",
    )

    _unique_has_property = models.Constraint(
        "CHECK (aggregation != 'unique' OR unique_property IS NOT NULL)",
        "Enter the property whose distinct values are counted.",
    )

    def write(self, vals):
        """What registers showed may come to another quantity, and samples to others."""
        before = self._counter_before()
        levels = self._levels_before(vals)
        done = super().write(vals)
        self._counter_after(before)
        self._levels_after(levels)
        return done

    @api.onchange("name")
    def _onchange_name(self):
        """Propose a code: most people have no reason to think of one."""
        if self.name and not self.code:
            self.code = self.env["ir.http"]._slugify(self.name).replace("-", "_")

    @api.onchange("kind")
    def _onchange_kind(self):
        """A level is sampled: its highest sample is what is mostly sold."""
        self.aggregation = "max" if self.kind == "gauge" else "sum"
        if self.kind != "call" and self.unit == "second":
            self.unit = False

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = (
            self.env["metered.usage"]
            .sudo()
            .search([("meter_id", "in", self.ids)], limit=1)
        )
        if used:
            raise UserError(
                self.env._(
                    "%(meter)s cannot be deleted because it has usage. Archive it "
                    "instead.",
                    meter=used.meter_id.name,
                )
            )

    def _price_for(self, line, partner, company, product=None):
        """What usage of this meter costs a customer.

        The price of the subscription line, else the customer's own, else the
        product's: of the line, or where there is none, of the meter.

        :param line: ``sale.subscription.line``, may be empty
        :param partner: the customer
        :param company: ``res.company``
        :param product: what it is sold as without a line; None: the meter's product
        :return: ``metered.price``
        :raises UserError: when there is none
        """
        self.ensure_one()
        if line.metered_price_id:
            return line.metered_price_id
        own = (
            self.env["metered.price"]
            .sudo()
            .search(
                [
                    ("meter_id", "=", self.id),
                    ("current_id", "=", False),
                    ("company_id", "in", [False, company.id]),
                    ("partner_ids", "parent_of", partner.ids),
                ]
            )
        )
        if own:
            # The nearest contact's, and the company's own before one of all.
            return own.sorted(
                lambda price: (
                    partner not in price.partner_ids,
                    not price.company_id,
                    price.id,
                )
            )[0]
        product = line.product_id or product or self.product_id
        price = product.metered_price_id
        if price.meter_id == self:
            return price
        raise UserError(
            self.env._(
                "There is no price for %(meter)s of %(customer)s. Set one on the "
                "product or on the subscription line.",
                meter=self.name,
                customer=partner.display_name,
            )
        )

    def _describe_usage(self, first, last, records, billed, late=False):
        """The text of an invoice line, in the language of the context.

        What it is stands on a line of its own: screens leave it out where it is the
        name of the product.

        :param first: first day
        :param last: last day
        :param records: number of calls or records
        :param billed: billed quantity as text: seconds for calls
        :param late: whether it came in when its period had been invoiced
        """
        self.ensure_one()
        values = {
            "meter": self.name,
            "first": format_date(self.env, first),
            "last": format_date(self.env, last),
        }
        if self.kind == "call":
            minutes = Decimal(billed) / 60
            values["minutes"] = formatLang(self.env, float(minutes), digits=1)
            values["calls"] = self.env["metered.explanation"]._calls(records)
            if late:
                return self.env._(
                    "%(meter)s\n%(first)s – %(last)s (recorded late): %(calls)s, "
                    "%(minutes)s minutes",
                    **values,
                )
            return self.env._(
                "%(meter)s\n%(first)s – %(last)s: %(calls)s, %(minutes)s minutes",
                **values,
            )
        values["quantity"] = exact_text(Decimal(billed))
        values["unit"] = self.unit
        return self.env._(
            "%(meter)s\n%(first)s – %(last)s: %(quantity)s %(unit)s", **values
        )

    def _cure_targets(self):
        """Calls that no call type took, and records of a meter that was unknown."""
        companies = self.company_id
        if not all(meter.company_id for meter in self):
            companies = self._every_company()
        return [
            (companies, {"reasons": ["no_destination", "unknown_meter"]}),
            (companies, {"reasons": ["negative_increase", "no_reading"]}),
        ]

    # === GOLDEN CALLS === #

    def _golden_domain(self):
        return [("meter_id", "in", self.ids)]

    def _golden_measure(self):
        """How records become the quantity that is priced, as text."""
        self.ensure_one()
        fields = self.fields_get(["aggregation"], ["selection"])
        how = dict(fields["aggregation"]["selection"]).get(self.aggregation, "")
        if self.aggregation == "unique":
            how += f" ({self.unique_property})"
        return f"{how}, {self.unit}"
