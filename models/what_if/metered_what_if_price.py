# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pandas as pd

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...rating.exact import in_micro
from ...stored.charged_levels import CHARGED
from ...stored.simulate import KEYS, SUMS
from ..price.metered_usage_pricing import PricedMeter
from .metered_what_if_run import Portion

DAY = timedelta(days=1)


class MeteredWhatIf(models.Model):
    """A price tried on usage of its meter: whole billing periods, as they are billed.

    A period counts to the days on which it ends. What it is charged now is what was
    billed, and what is not billed yet at the price of today. The price that is tried
    is taken as it stands, as if it held for all of the period.
    """

    _inherit = "metered.simulation"

    def _portions_of_prices(self, _tried, _worth, position):
        """Usage of the price's meter, one customer after the other."""
        company = self.company_id.with_company(self.company_id)
        owners = [owner for owner in self._priced_customers() if owner > position]
        for owner in owners:
            partner = self.env["res.partner"].browse(owner)
            rows, read = [], 0
            for subscription, begin, end in self._priced_periods(partner):
                values, records = self._try_price(
                    company, partner, subscription, begin, end
                )
                read += records
                rows += values
            sums = pd.DataFrame(rows, columns=[*KEYS, *SUMS])
            yield Portion(sums, read, {"position_id": owner}, owner == owners[-1])

    def _priced_customers(self):
        """Ids of the customers with usage of the meter, or who are charged for it."""
        meter = self.price_id.meter_id
        found = self.env["metered.usage"]._read_group(
            [*self._usage_domain(), ("meter_id", "=", meter.id)], ["partner_id"]
        )
        partners = self.env["res.partner"].union(*(partner for [partner] in found))
        chosen = self._chosen_partners()
        for subscription in self._priced_subscriptions():
            if chosen is None or subscription.partner_id.id in chosen:
                partners |= subscription.partner_id
        payers = partners.with_company(self.company_id)._metered_payers()
        return sorted({payer.id for payer in payers.values()})

    def _priced_subscriptions(self, partner=None):
        """Subscriptions with a line for the meter, or that bill it as measured."""
        domain = [
            ("company_id", "=", self.company_id.id),
            (
                "sale_subscription_line_ids.product_id.metered_meter_id",
                "=",
                self.price_id.meter_id.id,
            ),
            "|",
            ("in_progress", "=", True),
            ("metered_period_ids", "!=", False),
        ]
        if partner:
            domain.append(("partner_id.commercial_partner_id", "=", partner.id))
        found = self.env["sale.subscription"].search(domain, order="id")
        return found | self._measuring_subscriptions(partner)

    def _measuring_subscriptions(self, partner=None):
        """Subscriptions that bill the meter without a line: of measured services.

        The number of calls at one time, and a level that holds, has no usage.
        """
        meter, company = self.price_id.meter_id, self.company_id
        found = self.env["sale.subscription"]
        if not meter.is_measured:
            return found
        for name in ("metered.measured.service", "metered.price", "res.partner"):
            self.env[name].flush_model()
        self.env.cr.execute(
            SQL(
                "WITH %s SELECT payer_id FROM charged"
                " WHERE company_id = %s AND meter_id = %s",
                SQL(CHARGED),
                company.id,
                meter.id,
            )
        )
        payers = [key for (key,) in self.env.cr.fetchall()]
        running = found.search(
            [
                ("company_id", "=", company.id),
                ("in_progress", "=", True),
                (
                    "partner_id.commercial_partner_id",
                    "in",
                    [key for key in payers if not partner or key == partner.id],
                ),
            ],
            order="id",
        )
        by_payer = running.grouped(lambda one: one.partner_id.commercial_partner_id)
        return found.union(
            *(
                own[0]._metered_biller_of_levels(own, self.date_from)
                for own in by_payer.values()
                if meter not in own._metered_lines().metered_meter_id
            )
        )

    def _priced_periods(self, partner):
        """A customer's billing periods that end on these days.

        :return: list of (``sale.subscription``, first day, first day after)
        """
        owners = self._priced_subscriptions(partner)
        usage = self.env["metered.usage"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("partner_id", "in", self._family_of(partner).ids),
                ("meter_id", "=", self.price_id.meter_id.id),
                ("day", ">=", self.date_from),
                ("day", "<=", self.date_to),
            ]
        )
        own = {}
        for row in usage:
            key = (row.partner_id, row.subscription_id)
            if key not in own:
                own[key] = row._metered_owner()
        found = set(owners) | set(own.values())
        periods = []
        for owner in sorted(found, key=lambda owner: owner.id or 0):
            day = self.date_from
            while day <= self.date_to:
                begin, end = owner._metered_period_of_day(
                    day, self.date_from, self.date_to + DAY
                )
                starts = owner.date_start
                if end - DAY <= self.date_to and not (starts and end <= starts):
                    periods.append((owner, begin, end))
                day = end
        return periods

    def _try_price(self, company, partner, subscription, begin, end):
        """What the usage of one period is charged, and would be.

        :return: (rows of ``simulate.KEYS`` and ``SUMS``, number of records)
        """
        Usage = self.env["metered.usage"]
        meter = self.price_id.meter_id
        who = subscription.partner_id or partner
        terms = (meter, subscription, who, company, begin, end)
        usage = self._open_usage(partner, subscription, begin, end)
        billed = Usage._billed_usage(*terms)
        records = sum((usage | billed).mapped("records"))
        try:
            found = Usage._price_meter(*terms, usage)
        except UserError:
            # Without a price now it is charged nothing but what was billed.
            found = PricedMeter(
                meter=meter,
                price=self.price_id,
                versions=self.price_id.browse(),
                product=meter.product_id,
                subscription=subscription,
                subscription_line=self.env["sale.subscription.line"],
                date_from=begin,
                date_to=end,
                late=False,
                usage=usage,
                billed_usage=billed,
            )
            Usage._read_billed(found, end)
        replaced = self.price_replaces_id
        if replaced and (found.priced is None or found.price != replaced):
            return [], records
        before = found.billed
        if found.priced is not None and (usage or not found.billed_usage):
            before = Fraction(found.priced.amount)
        then = replace(found, price=self.price_id, versions=self.price_id.browse())
        try:
            after = Usage._price_rows(then, billed | found.records, alone=True)
            amount = Fraction(after.amount)
        except ValueError:
            after, amount = None, Fraction(0)
        if not records and not before and not amount:
            return [], 0
        row = {
            "partner_id": who.id,
            "meter_id": meter.id,
            "destination_id": 0,
            "currency_id": found.currency.id,
            "to_currency_id": self.price_id.currency_id.id,
            "calls": records,
            "seconds": 0,
            "before_micro": in_micro(before),
            "after_micro": in_micro(amount),
            "unrated": records if after is None else 0,
            "below": 0,
            "lost": 0,
        }
        return [row], records

    def _family_of(self, partner):
        """Whose usage is billed to a customer; a subscription has one price for all."""
        return partner.with_company(self.company_id)._metered_family()

    def _open_usage(self, partner, subscription, begin, end):
        """Usage of a customer and period that is not billed yet."""
        usage = self.env["metered.usage"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("partner_id", "in", self._family_of(partner).ids),
                ("meter_id", "=", self.price_id.meter_id.id),
                ("day", ">=", begin),
                ("day", "<", end),
                ("invoice_line_id", "=", False),
                ("records", "!=", 0),
            ]
        )
        if not usage:
            return usage
        unnamed = usage.filtered(lambda row: not row.subscription_id)
        taken = usage.filtered(lambda row: row.subscription_id == subscription)
        if unnamed and unnamed[0]._metered_owner() == subscription:
            taken |= unnamed
        return taken
