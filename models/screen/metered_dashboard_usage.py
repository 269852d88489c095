# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

from .metered_dashboard import TOP

USAGE = "metered_billing.action_metered_usage"
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
    """The figures that are made of daily usage: sums, days, meters and customers."""

    _inherit = "metered.dashboard"

    @api.model
    def _read_usage(self, span):
        """Sums of the period and the previous one, per day, call type and currency.

        :return: list of dict
        """
        groups = self.env["metered.usage"]._read_group(
            [
                ("company_id", "in", self.env.companies.ids),
                ("day", ">=", span["previous_from"]),
                ("day", "<", span["to"]),
            ],
            ["day:day", "meter_id", "currency_id"],
            ["records:sum", "billed_quantity:sum", "amount:sum"],
        )
        return [
            {
                "day": day,
                "meter": meter,
                "currency_id": currency.id,
                "calls": records if meter.kind == "call" else 0,
                "others": 0 if meter.kind == "call" else records,
                "minutes": quantity / 60 if meter.kind == "call" else 0.0,
                "amount": amount or 0.0,
            }
            for day, meter, currency, records, quantity, amount in groups
        ]

    @api.model
    def _choose_currency(self, rows, currency_id):
        calls = defaultdict(int)
        for row in rows:
            calls[row["currency_id"]] += row["calls"] + row["others"]
        company_currency = self.env.company.currency_id
        if currency_id in calls:
            return self.env["res.currency"].browse(currency_id)
        if not calls or company_currency.id in calls:
            return company_currency
        return self.env["res.currency"].browse(max(calls, key=calls.get))

    @api.model
    def _describe_currencies(self, rows, chosen):
        """The currencies to choose from, by name."""
        ids = {row["currency_id"] for row in rows} | {chosen.id}
        currencies = self.env["res.currency"].browse(ids).sorted("name")
        return [{"id": currency.id, "name": currency.name} for currency in currencies]

    @api.model
    def _usage_domain(self, span, *more):
        return [
            ("company_id", "in", self.env.companies.ids),
            ("day", ">=", fields.Date.to_string(span["from"])),
            ("day", "<", fields.Date.to_string(span["to"])),
            *more,
        ]

    @api.model
    def _totals(self, span, rows, currency, priced):
        """Sums of the period, each with that of the comparable days before."""
        sums = {"calls": [0, 0], "others": [0, 0], "minutes": [0.0, 0.0]}
        amounts = defaultdict(lambda: [0.0, 0.0])
        so_far = set()
        for row in rows:
            if row["day"] >= span["from"]:
                place = 0
            elif row["day"] < span["compared_to"]:
                place = 1
            else:
                continue
            amounts[row["currency_id"]][place] += row["amount"]
            if not place and row.get("so_far"):
                so_far.add(row["currency_id"])
            for name, sum_ in sums.items():
                sum_[place] += row[name]
        period = self._days_text(span["from"], span["to"])
        usage = self._link(
            USAGE, self.env._("Usage, %s", period), self._usage_domain(span)
        )
        open_usage = [
            ("company_id", "in", self.env.companies.ids),
            ("invoice_line_id", "=", False),
        ]
        open_amounts = self._add_open(
            self.env["metered.usage"]._read_group(
                open_usage, ["currency_id"], ["amount:sum"]
            ),
            priced,
        )
        return {
            **{
                name: {"value": value, "previous": previous, "link": usage}
                for name, (value, previous) in sums.items()
            },
            "amounts": [
                {
                    "currency_id": key,
                    "value": value,
                    "previous": previous,
                    "so_far": key in so_far,
                    "link": self._link(
                        USAGE,
                        self.env._("Usage, %s", period),
                        self._usage_domain(span, ("currency_id", "=", key)),
                    ),
                }
                for key, (value, previous) in sorted(
                    {currency.id: amounts[currency.id], **amounts}.items(),
                    key=lambda item: item[0] != currency.id,
                )
            ],
            "open": [
                {
                    "currency_id": key.id,
                    "value": amount,
                    "so_far": some_so_far,
                    "link": self._link(
                        USAGE,
                        self.env._("Usage to Invoice"),
                        [*open_usage, ("currency_id", "=", key.id)],
                    ),
                }
                for key, amount, some_so_far in sorted(
                    open_amounts, key=lambda item: item[0] != currency
                )
            ],
        }

    @api.model
    def _days(self, span, rows, currency):
        """Labels of the period's days, and the previous period's sums beside them."""
        count = (span["to"] - span["from"]).days
        previous = {name: [0.0] * count for name in ("amount", "calls", "minutes")}
        for row in rows:
            place = (row["day"] - span["previous_from"]).days
            if row["day"] < span["from"] and place < count:
                previous["calls"][place] += row["calls"] + row["others"]
                previous["minutes"][place] += row["minutes"]
                if row["currency_id"] == currency.id:
                    previous["amount"][place] += row["amount"]
        days = [span["from"] + timedelta(days=place) for place in range(count)]
        return {
            "dates": [fields.Date.to_string(day) for day in days],
            "labels": [format_date(self.env, day, date_format="d MMM") for day in days],
            "previous": previous,
            "previous_name": self._days_text(
                span["previous_from"], span["previous_to"]
            ),
            "link": self._link(USAGE, self.env._("Usage"), self._usage_domain(span)),
        }

    @api.model
    def _meters(self, span, rows, currency):
        """Per meter: sums of the period, of the days before, and day by day.

        What is called ``calls`` here counts the records of other meters, too.
        """
        count = (span["to"] - span["from"]).days
        meters = {}
        for row in rows:
            meter = row["meter"]
            sums = meters.setdefault(
                meter,
                {
                    "id": meter.id,
                    "name": meter.name,
                    "previous": 0.0,
                    "so_far": False,
                    **{name: [0.0] * count for name in ("amount", "calls", "minutes")},
                },
            )
            amount = row["amount"] if row["currency_id"] == currency.id else 0.0
            if row["day"] >= span["from"]:
                place = (row["day"] - span["from"]).days
                sums["calls"][place] += row["calls"] + row["others"]
                sums["so_far"] |= bool(amount) and row.get("so_far", False)
                sums["minutes"][place] += row["minutes"]
                sums["amount"][place] += amount
            elif row["day"] < span["compared_to"]:
                sums["previous"] += amount
        for meter, sums in meters.items():
            sums["totals"] = {
                name: sum(sums[name]) for name in ("amount", "calls", "minutes")
            }
            sums["link"] = self._link(
                USAGE,
                meter.name,
                self._usage_domain(span, ("meter_id", "=", meter.id)),
            )
        return sorted(
            meters.values(),
            key=lambda sums: (-sums["totals"]["amount"], -sums["totals"]["calls"]),
        )

    @api.model
    def _customers(self, span, currency, priced):
        """The customers with the largest amounts."""
        domain = self._usage_domain(span, ("currency_id", "=", currency.id))
        groups = self.env["metered.usage"]._read_group(
            domain,
            ["partner_id"],
            ["amount:sum", "records:sum"],
            order="amount:sum desc, partner_id",
            limit=TOP,
        )
        groups = self._add_customers(groups, domain, span, currency, priced)
        return [
            {
                "id": partner.id,
                "name": partner.display_name,
                "amount": amount or 0.0,
                "calls": calls,
                "link": self._link(
                    USAGE,
                    partner.display_name,
                    [*domain, ("partner_id", "=", partner.id)],
                ),
            }
            for partner, amount, calls in sorted(
                groups, key=lambda group: (-(group[1] or 0.0), group[0].id)
            )[:TOP]
        ]

    # === SO FAR === #

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
