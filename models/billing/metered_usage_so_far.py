# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import formatLang

from ...rating.exact import to_decimal
from ...rating.shares import finite_amount, shares


@dataclass
class SoFar:
    """What open usage of meters comes to, priced as if it were invoiced now.

    :ivar amounts: dict id of ``metered.usage`` -> (Decimal, ``res.currency``); each is
        the row's share of the price of its meter and billing period
    :ivar priced: dict id of ``metered.usage`` -> ``PricedMeter`` of its period
    :ivar problems: dict id of ``metered.usage`` -> why it has no price
    :ivar left_out: customers that were not looked at, because there are too many
    """

    amounts: dict = field(default_factory=dict)
    priced: dict = field(default_factory=dict)
    problems: dict = field(default_factory=dict)
    left_out: int = 0


class MeteredUsage(models.Model):
    """What open usage of meters comes to so far; nothing of it is written.

    A meter's price is that of the whole billing period, so it is known when the period
    is billed. Until then it is found by what makes the invoice, whenever it is asked.
    """

    _inherit = "metered.usage"

    so_far = fields.Char(
        compute="_compute_so_far",
        compute_sudo=True,
        help="Amount so far of meter usage that is not invoiced yet: its share of the "
        "price of the billing period. It changes with each new record in the "
        "period.",
    )

    @api.depends("amount_so_far", "amount_note", "so_far_currency_id")
    def _compute_so_far(self):
        for usage in self:
            usage.so_far = usage.amount_note == "unpriced" and self.env._("no price")
            if usage.amount_note == "so_far":
                currency = usage.so_far_currency_id
                usage.so_far = formatLang(
                    self.env,
                    usage.amount_so_far,
                    digits=currency.decimal_places,
                    currency_obj=currency,
                )

    @api.model
    def _priced_later_domain(self):
        """Open usage whose amount is found when it is invoiced."""
        return [("invoice_line_id", "=", False), ("meter_id.kind", "!=", "call")]

    @api.model
    def _so_far_domain(self):
        """That of it which has records: others are of an invoice that is no more."""
        return [*self._priced_later_domain(), ("records", ">", 0)]

    @api.model
    def _so_far_of(self, domain, limit):
        """What open usage of meters comes to so far, of the busiest customers.

        :param domain: which usage
        :param limit: most (customer, meter) that are looked at
        :return: :class:`SoFar`
        """
        domain = [*domain, *self._so_far_domain()]
        groups = self._read_group(
            domain,
            ["partner_id", "meter_id"],
            ["id:array_agg"],
            order="records:sum desc, partner_id, meter_id",
            limit=limit,
        )
        ids = [key for _partner, _meter, keys in groups for key in keys]
        found = self.browse(ids)._price_so_far()
        if len(groups) == limit:
            [[customers]] = self._read_group(domain, [], ["partner_id:count_distinct"])
            found.left_out = customers - len({partner.id for partner, *_ in groups})
        return found

    def _price_so_far(self):
        """Price these rows of open usage of meters as of now.

        All of the open usage of the same customers and meters is priced, whether it is
        among these or not: the price is that of the whole period.

        :return: :class:`SoFar`, about these rows alone
        """
        found = SoFar()
        if not self:
            return found
        wanted = set(self.ids)
        usage = self.sudo()
        payers = usage._payers()
        rows = usage.search(
            [
                *self._so_far_domain(),
                ("company_id", "in", usage.company_id.ids),
                (
                    "partner_id",
                    "child_of",
                    list({payer.id for payer in payers.values()}),
                ),
                ("meter_id", "in", usage.meter_id.ids),
            ]
        )
        payers = rows._payers()
        groups = rows.grouped(
            lambda row: (
                row.company_id,
                payers[row.company_id, row.partner_id.commercial_partner_id],
                row.meter_id,
            )
        )
        for (company, _partner, _meter), of_meter in groups.items():
            if wanted.isdisjoint(of_meter.ids):
                continue
            days = of_meter.mapped("day")
            try:
                priced = of_meter._price_meters(
                    company, min(days), fields.Date.add(max(days), days=1)
                )
            except UserError as error:
                found.problems.update(
                    (key, str(error)) for key in of_meter.ids if key in wanted
                )
                continue
            for meter in priced:
                for key, amount in meter.usage._shares_of(meter).items():
                    if key in wanted:
                        found.amounts[key] = (amount, meter.currency)
                        found.priced[key] = meter
        return found

    def _payers(self):
        """Who pays for these.

        :return: dict (``res.company``, commercial entity of the customer) ->
            ``res.partner``
        """
        return {
            (company, owner): payer
            for company, rows in self.grouped("company_id").items()
            for owner, payer in rows.partner_id.with_company(company)
            ._metered_payers()
            .items()
        }

    @api.model
    def _shares_of(self, found):
        """What each row has of the price that is due, as an invoice shares it out.

        :param found: ``PricedMeter``
        :return: dict id -> Decimal
        """
        rows = found.records
        if not rows:
            return {}
        due = finite_amount(found.due(found.currency))
        rows, weights = rows._weights(found.meter)
        return dict(zip(rows.ids, shares(due, weights), strict=True))

    @api.model
    def _due_so_far(self, found):
        """What is due of a price as of now, as an invoice in its currency says.

        :param found: ``PricedMeter``
        :return: (Decimal amount, Fraction: quantity in the priced unit)
        """
        due = finite_amount(found.due(found.currency))
        return to_decimal(due), found.due_quantity
