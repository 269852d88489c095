# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..models.billing.sale_subscription_quote import paired_lines, period_text


class MeteredQuote(models.TransientModel):
    """What the next invoice of subscriptions would be now, and is expected to be."""

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
    forecast_for = fields.Char(
        string="Last Day", help="End of the billing periods that are forecast."
    )
    forecast_untaxed = fields.Char(string="Forecast Untaxed Amount")
    forecast_tax = fields.Char(string="Forecast Taxes")
    forecast_total = fields.Char()
    forecast_notes = fields.Text(string="About the Forecast")

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
        forecasts, problem = self._forecasts(subscriptions)
        quote = self.create(
            {
                **self._forecast_values(forecasts),
                "forecast_notes": problem
                or "\n".join(
                    dict.fromkeys(note for q in forecasts for note in q["forecast"])
                ),
                "partner_id": subscriptions[:1].partner_id.id,
                "untaxed": self._sum(quotes, "untaxed"),
                "tax": self._sum(quotes, "tax"),
                "total": self._sum(quotes, "total"),
                "periods": "\n".join(map(self._period, quotes)),
                "allowances": "\n".join(
                    self._allowance(one) for q in quotes for one in q["allowances"]
                ),
                "notes": "\n".join(
                    note for q in quotes for note in (q["billed"], q["carried"]) if note
                ),
                "line_ids": [
                    Command.create(
                        {
                            "subscription": q["subscription"].display_name,
                            "currency_id": q["currency"].id,
                            **line,
                        }
                    )
                    for place, q in enumerate(quotes)
                    for line in self._lines(q, forecasts and forecasts[place])
                ],
            }
        )
        return quote._get_records_action(
            name=self.env._("Quote for the Current Period"), target="new", context={}
        )

    def _forecasts(self, subscriptions):
        """Quotes of the periods' ends; what prevents them leaves the quote of today.

        :return: (list of quotes, text of the problem)
        """
        try:
            return subscriptions._metered_quotes(forecast=True), ""
        except UserError as error:
            return [], self.env._("There is no forecast. %(reason)s", reason=str(error))

    def _forecast_values(self, forecasts):
        if not forecasts:
            return {}
        days = {q["date_to"] - timedelta(days=1) for q in forecasts}
        return {
            "forecast_for": ", ".join(format_date(self.env, d) for d in sorted(days)),
            "forecast_untaxed": self._sum(forecasts, "untaxed"),
            "forecast_tax": self._sum(forecasts, "tax"),
            "forecast_total": self._sum(forecasts, "total"),
        }

    def _lines(self, quote, forecast):
        """Values of the lines of a quote, beside those of its forecast."""
        pairs = paired_lines(quote, forecast) if forecast else ()
        for now, then in pairs or [(line, None) for line in quote["lines"]]:
            shown = now or {"name": then["name"], "quantity": 0, "amount": 0}
            yield {
                "name": shown["name"],
                "quantity": shown["quantity"],
                "unit_price": shown.get("unit_price", 0),
                "amount": shown["amount"],
                "forecast_quantity": then["quantity"] if then else 0,
                "forecast_amount": then["amount"] if then else 0,
            }

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
    amount = fields.Monetary(string="Now")
    forecast_quantity = fields.Float(digits="Product Unit")
    forecast_amount = fields.Monetary(string="Forecast")
