# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from dataclasses import dataclass, field

from odoo import api, models

#: (customer, meter) that are priced for the dashboard; a price takes some milliseconds
MOST_PRICED = 60


@dataclass
class OpenPriced:
    """What open usage of meters adds to the figures, that its rows do not say.

    :ivar rows: list of dicts as ``metered.dashboard._read_usage`` returns them, without
        records; with the customer
    :ivar left_out: customers whose usage of meters is not in it
    """

    rows: list = field(default_factory=list)
    left_out: int = 0

    def of(self, span, currency=None):
        """Those rows that are of a period and the one before."""
        return [
            row
            for row in self.rows
            if span["previous_from"] <= row["day"] < span["to"]
            and (not currency or row["currency_id"] == currency.id)
        ]


class MeteredDashboard(models.AbstractModel):
    """Amounts of usage that is priced when it is invoiced: what they are so far."""

    _inherit = "metered.dashboard"

    @api.model
    def _open_priced(self):
        """What open usage of meters comes to as of now.

        :return: :class:`OpenPriced`
        """
        Usage = self.env["metered.usage"]
        company = ("company_id", "in", self.env.companies.ids)
        found = Usage._so_far_of([company], MOST_PRICED)
        # What an invoice that is no more had made of it does not count any longer.
        rows = Usage.search(
            [
                company,
                ("invoice_line_id", "=", False),
                ("meter_id.kind", "!=", "call"),
                "|",
                ("id", "in", list(found.amounts)),
                ("amount", "!=", 0),
            ]
        )
        priced = OpenPriced(left_out=found.left_out)
        for usage in rows:
            parts = defaultdict(float)
            parts[usage.currency_id.id] -= usage.amount
            if usage.id in found.amounts:
                amount, currency = found.amounts[usage.id]
                parts[currency.id] += float(amount)
            priced.rows += [
                {
                    "day": usage.day,
                    "meter": usage.meter_id,
                    "partner": usage.partner_id,
                    "currency_id": currency_id,
                    "calls": 0,
                    "others": 0,
                    "minutes": 0.0,
                    "amount": amount,
                    "so_far": True,
                }
                for currency_id, amount in parts.items()
                if amount
            ]
        return priced

    @api.model
    def _add_open(self, groups, priced):
        """Add it to the sums of what is not invoiced.

        :param groups: list of (``res.currency``, amount)
        :return: list of (``res.currency``, amount, whether some of it is so far)
        """
        sums = {currency.id: amount or 0.0 for currency, amount in groups}
        so_far = {row["currency_id"] for row in priced.rows}
        for row in priced.rows:
            sums[row["currency_id"]] = sums.get(row["currency_id"], 0.0) + row["amount"]
        currencies = self.env["res.currency"].browse(sums)
        return [
            (currency, sums[currency.id], currency.id in so_far)
            for currency in currencies
        ]

    @api.model
    def _add_customers(self, groups, domain, span, currency, priced):
        """Add it to the sums of the customers.

        :param groups: list of (``res.partner``, amount, records), the largest
        :param domain: of the usage that they are the sums of
        :return: such a list, in no order
        """
        sums = defaultdict(float)
        for row in priced.of(span, currency):
            if row["day"] >= span["from"]:
                sums[row["partner"]] += row["amount"]
        known = {partner for partner, *_sums in groups}
        others = [partner.id for partner in sums if partner not in known]
        if others:
            groups = groups + self.env["metered.usage"]._read_group(
                [*domain, ("partner_id", "in", others)],
                ["partner_id"],
                ["amount:sum", "records:sum"],
            )
            known = {partner for partner, *_sums in groups}
        groups += [(partner, 0.0, 0) for partner in sums if partner not in known]
        return [
            (partner, (amount or 0.0) + sums.get(partner, 0.0), records)
            for partner, amount, records in groups
        ]
