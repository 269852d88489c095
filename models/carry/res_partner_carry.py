# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import models
from odoo.exceptions import UserError


class ResPartner(models.Model):
    """What a customer carries forward."""

    _inherit = "res.partner"

    def _metered_carried(self, company=None):
        """What is carried forward of this customer, as it would be invoiced today.

        Nothing is written.

        :param company: ``res.company``; None: of all
        :return: list of dicts, one for each company and currency: ``company``,
            ``currency`` (records), ``amount`` (float of the currency: the exact sum of
            what each line is rounded to), ``since`` (first day of the oldest period),
            ``periods`` (list of (first day, last day, amount)), ``problem`` (text: why
            usage of some subscription has no price and is left out, or empty); empty
            for nothing
        """
        customers = self.commercial_partner_id
        if not customers.ids:
            return []
        domain = [
            ("subscription_id.partner_id.commercial_partner_id", "in", customers.ids)
        ]
        if company:
            domain.append(("company_id", "=", company.id))
        periods = self.env["metered.period"].sudo()._find_carried(domain)
        found, problems, taken = {}, {}, []
        for subscription, own in periods.grouped("subscription_id").items():
            subscription = subscription.with_company(subscription.company_id)
            key = subscription.company_id, subscription.currency_id
            try:
                some = subscription._metered_carried_amounts(own, taken)
            except UserError as error:
                problems[key] = str(error)
                some = []
            found.setdefault(key, []).extend(some)
        return [
            {
                "company": key[0],
                "currency": key[1],
                "amount": float(sum((one[2] for one in some), Decimal(0))),
                "since": min(one[0] for one in some),
                "periods": [(*days, float(amount)) for *days, amount in sorted(some)],
                "problem": problems.get(key, ""),
            }
            for key, some in found.items()
            if some
        ]
