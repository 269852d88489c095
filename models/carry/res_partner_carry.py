# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError

from ..customer.res_partner import USER
from ..screen.actions import RELOAD, notification


class ResPartner(models.Model):
    """What a customer carries forward."""

    _inherit = "res.partner"

    metered_carried_info = fields.Char(
        string="Carried Forward",
        compute="_compute_metered_carried_info",
        groups=USER,
        help="Usage that came to less than the smallest invoice, since when, and by "
        "currency. It will be billed with later usage.",
    )

    def _compute_metered_carried_info(self):
        for partner in self:
            found = partner._origin._metered_carried(self.env.company)
            partner.metered_carried_info = ", ".join(
                self.env["metered.period"]._describe_carried(
                    one["amount"], one["currency"], one["since"], one["problem"]
                )
                for one in found
            )

    def action_metered_bill_carried(self):
        """Bill what is carried forward of this customer, and open the drafts.

        :raises UserError: usage has no price
        """
        self.ensure_one()
        periods = self.env["metered.period"]
        periods.check_access("read")
        customer = self.commercial_partner_id
        carried = periods._find_carried(
            [
                ("company_id", "=", self.env.company.id),
                ("subscription_id.partner_id.commercial_partner_id", "=", customer.id),
            ]
        )
        invoices = carried.sudo().subscription_id._metered_bill_carried()
        if len(invoices) == 1:
            return invoices._metered_open_made()
        if invoices:
            return self.env["account.move"]._metered_invoices_action(
                [("id", "in", invoices.ids)]
            )
        return notification(
            self.env._("Nothing is carried forward, so no invoice was created."),
            "info",
            next=RELOAD,
        )

    def _metered_carried(self, company=None):
        """What is carried forward of this customer, as it would be invoiced today.

        Nothing is written.

        :param company: ``res.company``; None: of all
        :return: list of dicts, one for each company and currency: ``company``,
            ``currency`` (records), ``amount`` (float of the currency: the exact sum of
            what each line is rounded to), ``since`` (first day of the oldest period),
            ``periods`` (list of (first day, last day, amount)), ``usage_ids`` (of
            ``metered.usage``), ``problem`` (text: why usage of some subscription has
            no price and is left out, or empty); empty for nothing
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
        found, problems, taken, usage_ids = {}, {}, [], {}
        for subscription, own in periods.grouped("subscription_id").items():
            subscription = subscription.with_company(subscription.company_id)
            key = subscription.company_id, subscription.currency_id
            before = len(taken)
            try:
                some = subscription._metered_carried_amounts(own, taken)
            except UserError as error:
                problems[key] = str(error)
                some = []
            found.setdefault(key, []).extend(some)
            usage_ids.setdefault(key, []).extend(taken[before:])
        return [
            {
                "company": key[0],
                "currency": key[1],
                "amount": float(sum((one[2] for one in some), Decimal(0))),
                "since": min(one[0] for one in some),
                "periods": [(*days, float(amount)) for *days, amount in sorted(some)],
                "usage_ids": usage_ids[key],
                "problem": problems.get(key, ""),
            }
            for key, some in found.items()
            if some
        ]
