# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..models.billing.sale_subscription_quote import period_text


class MeteredQuote(models.TransientModel):
    """What the next invoice of subscriptions would be now, as it is shown."""

    _name = "metered.quote"
    _description = "Quote for the Current Period"
    _inherit = ["metered.guarded"]

    partner_id = fields.Many2one("res.partner", string="Customer")
    line_ids = fields.One2many("metered.quote.line", "quote_id")
    untaxed = fields.Char(string="Untaxed Amount")
    tax = fields.Char(string="Taxes")
    total = fields.Char()
    periods = fields.Text(string="Next Invoices")
    allowances = fields.Text(string="Remaining Allowances")
    notes = fields.Text()

    @api.model
    def _open(self, subscriptions):
        """Make the quote of some subscriptions, and show it.

        :param subscriptions: ``sale.subscription`` of one customer
        :raises UserError: one of them could not be invoiced
        """
        self.check_access("create")
        quotes = subscriptions._metered_quotes()
        if not quotes:
            raise UserError(
                self.env._(
                    "There is no next invoice: no subscription is in progress and has "
                    "a next invoice date."
                )
            )
        quote = self.create(
            {
                "partner_id": subscriptions[:1].partner_id.id,
                "untaxed": self._sum(quotes, "untaxed"),
                "tax": self._sum(quotes, "tax"),
                "total": self._sum(quotes, "total"),
                "periods": "\n".join(map(self._period, quotes)),
                "allowances": "\n".join(
                    self._allowance(one) for q in quotes for one in q["allowances"]
                ),
                "notes": "\n".join(q["billed"] for q in quotes if q["billed"]),
                "line_ids": [
                    Command.create(
                        {
                            "subscription": q["subscription"].display_name,
                            "currency_id": q["currency"].id,
                            **{
                                name: line[name]
                                for name in ("name", "quantity", "unit_price", "amount")
                            },
                        }
                    )
                    for q in quotes
                    for line in q["lines"]
                ],
            }
        )
        return quote._get_records_action(
            name=self.env._("Quote for the Current Period"), target="new", context={}
        )

    def _sum(self, quotes, name):
        """The sum of something in each currency, as text."""
        sums = {}
        for quote in quotes:
            currency = quote["currency"]
            sums[currency] = sums.get(currency, 0) + quote[name]
        return " + ".join(
            currency.format(currency.round(amount)) for currency, amount in sums.items()
        )

    def _period(self, quote):
        return self.env._(
            "%(subscription)s on %(day)s, with usage of %(period)s",
            subscription=quote["subscription"].display_name,
            day=format_date(self.env, quote["invoice_date"]),
            period=period_text(self.env, quote),
        )

    def _allowance(self, allowance):
        if allowance["is_unlimited"]:
            return self.env._("%s: unlimited", allowance["name"])
        return self.env._(
            "%(allowance)s: %(left)s %(unit)s",
            allowance=allowance["name"],
            left=allowance["left"],
            unit=allowance["unit"],
        )


class MeteredQuoteLine(models.TransientModel):
    _name = "metered.quote.line"
    _description = "Quote Line"
    _inherit = ["metered.guarded"]

    quote_id = fields.Many2one("metered.quote", required=True, ondelete="cascade")
    subscription = fields.Char()
    currency_id = fields.Many2one("res.currency")
    name = fields.Text(string="Description")
    quantity = fields.Float(digits="Product Unit")
    unit_price = fields.Float(
        digits="Product Price", min_display_digits="Product Price"
    )
    amount = fields.Monetary()
