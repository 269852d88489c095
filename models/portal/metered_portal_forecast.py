# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models
from odoo.exceptions import UserError

from ..billing.sale_subscription_quote import paired_lines, period_text


class MeteredPortal(models.AbstractModel):
    """What a customer's next invoices would be now, and at the end of the period."""

    _inherit = "metered.portal"

    @api.model
    def _forecast(self, user):
        """The next invoices of a portal user's customer, as texts.

        They are made and taken back, which takes a moment.

        :return: list of dicts: `name`, `period`, `lines` (`name`, `now`, `later`),
            `sums` (the same), `notes`; empty where none is to be made, or none can be
        """
        customer = self._customer(user)
        found = []
        for company in self._companies(user) if customer else ():
            subscriptions = (
                customer.with_company(company)
                ._metered_subscriptions()
                .filtered(lambda one: one.partner_id.commercial_partner_id == customer)
            )
            try:
                quotes = subscriptions._metered_quotes()
                later = subscriptions._metered_quotes(forecast=True)
            except UserError:
                # What is missing is for the operator to know.
                continue
            found += map(self._forecast_of, quotes, later)
        return found

    @api.model
    def _forecast_of(self, quote, later):
        def money(one, name):
            return self._money(one[name], quote["currency"]) if one else ""

        words = {
            "untaxed": self.env._("Total before tax"),
            "tax": self.env._("Taxes"),
            "total": self.env._("Total"),
        }
        return {
            "name": quote["subscription"].display_name,
            "period": period_text(self.env, quote),
            "lines": [
                {
                    "name": (new or old)["name"].partition("\n")[0],
                    "now": money(old, "amount"),
                    "later": money(new, "amount"),
                }
                for old, new in paired_lines(quote, later)
            ],
            "sums": [
                {"name": text, "now": money(quote, key), "later": money(later, key)}
                for key, text in words.items()
            ],
            "notes": later["forecast"] or [],
        }
