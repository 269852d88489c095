# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

from odoo import api, models
from odoo.exceptions import UserError

from ...rating.exact import exact, number
from ...rating.thresholds import Threshold
from ...stored.alert_sums import Asked, Sums, sums_of


@dataclass
class RunningPeriod:
    """A billing period of a subscription that is not invoiced, and its usage so far.

    :ivar usage: domain of ``metered.usage`` that it bills, of meters that are no calls
    :ivar sold: ids of meters that are priced also without usage
    :ivar meters: dict ``metered.meter`` -> list of ``PricedMeter``
    """

    subscription: models.BaseModel
    date_from: object
    date_to: object
    asked: Asked
    usage: list
    sold: set
    sums: Sums = None
    meters: dict = field(default_factory=dict)


class MeteredAlert(models.Model):
    """What the running periods have come to, and which thresholds that reaches."""

    _inherit = "metered.alert"

    @api.model
    def _check_owners(self, company, moments):
        """Check the subscriptions of customers.

        :param company: ``res.company`` in whose environment this runs
        :param moments: dict ``res.partner``, commercial entity -> when its newest
            records were stored
        """
        alerts = self.search([("company_id", "=", company.id), ("active", "=", True)])
        if not alerts:
            return
        owners = self.env["res.partner"].union(*moments)
        subscriptions = self.env["sale.subscription"].search(
            [
                *alerts._running_domain(),
                ("partner_id.commercial_partner_id", "in", owners.ids),
            ],
            order="recurring_next_date, id",
        )
        concerned = {
            subscription: alerts.filtered(lambda one, s=subscription: one._concerns(s))
            for subscription in subscriptions
        }
        periods = self._running_periods(company, subscriptions, concerned)
        for period, sums in zip(
            periods,
            sums_of(self.env.cr, company.id, [period.asked for period in periods]),
            strict=True,
        ):
            period.sums = sums
        found = []
        allowances = self._allowance_figures(company, concerned)
        for period in periods:
            subscription = period.subscription
            moment = moments[subscription.partner_id.commercial_partner_id]
            for alert in concerned[subscription]:
                if alert.basis == "allowance" and not alert.meter_id:
                    continue
                figure, problem = alert._figure(period)
                days = period.date_from, period.date_to
                found.append((alert, subscription, *days, figure, problem, moment))
        for (alert, subscription, *days), figure in allowances.items():
            moment = moments[subscription.partner_id.commercial_partner_id]
            found.append((alert, subscription, *days, figure, "", moment))
        self.env["metered.alert.state"]._note(found)

    # === PERIODS === #

    @api.model
    def _running_periods(self, company, subscriptions, wanted):
        """Periods of subscriptions that are not invoiced, up to today's.

        :param subscriptions: all that run of their customers, as they are due
        :param wanted: those of them that are looked at
        :return: list of :class:`RunningPeriod`
        """
        today = company._metered_today()
        owners = subscriptions.partner_id.commercial_partner_id
        households = owners._metered_households()
        lines = self._sold_meters(company, subscriptions, today)
        found = []
        for owner, own in subscriptions.grouped(
            lambda one: one.partner_id.commercial_partner_id
        ).items():
            household, taken = households[owner.id], set()
            for place, subscription in enumerate(own):
                others = set().union(*(lines[one] for one in own - subscription))
                meters = (
                    (lines[subscription] - taken)
                    if place
                    else (others - lines[subscription])
                )
                taken |= lines[subscription]
                if not wanted.get(subscription):
                    continue
                for begin, end in subscription._metered_running_days(today):
                    asked = Asked(
                        subscription.id, begin, end, household, not place, meters
                    )
                    usage = self._usage_domain(company, asked)
                    found.append(
                        RunningPeriod(
                            subscription, begin, end, asked, usage, lines[subscription]
                        )
                    )
        return found

    @api.model
    def _sold_meters(self, company, subscriptions, today):
        """Meters that subscriptions have a line for, or whose levels they bill.

        :return: dict ``sale.subscription`` -> set of ids
        """
        found = {
            one: set(one._metered_lines().metered_meter_id.ids) for one in subscriptions
        }
        services = self.env["metered.measured.service"]
        if services.search_count([("company_id", "=", company.id)], limit=1):
            for one, meters in found.items():
                for begin, end in one._metered_running_days(today):
                    meters.update(one._metered_levels_billed(begin, end).ids)
        return found

    @api.model
    def _usage_domain(self, company, asked):
        """Usage of a period; the same that ``stored.alert_sums`` adds up."""
        operator = "not in" if asked.is_first else "in"
        return [
            ("company_id", "=", company.id),
            "|",
            ("invoice_line_id", "=", False),
            (
                "invoice_line_id.metered_subscription_id",
                "in",
                [False, asked.subscription_id],
            ),
            ("records", ">", 0),
            ("meter_id.kind", "!=", "call"),
            ("day", ">=", asked.date_from),
            ("day", "<", asked.date_to),
            ("partner_id", "in", list(asked.household.named)),
            "|",
            ("subscription_id", "=", asked.subscription_id),
            "&",
            "&",
            ("subscription_id", "=", False),
            ("partner_id", "in", list(asked.household.implied)),
            ("meter_id", operator, list(asked.meters)),
        ]

    # === FIGURES === #

    def _figure(self, period):
        """What a period has come to, in what the alert is based on.

        :param period: :class:`RunningPeriod`
        :return: (Fraction, why some of it has no price, or "")
        """
        self.ensure_one()
        if self.basis == "amount":
            return self._amount_figure(period)
        if self.meter_id.kind == "call":
            return period.sums.seconds.get(self.meter_id.id, Fraction(0)) / 60, ""
        try:
            priced = self._priced(period, self.meter_id)
        except UserError as error:
            return Fraction(0), str(error)
        quantity = sum((one.priced.quantity for one in priced), Fraction(0))
        if self.basis == "quantity":
            return quantity, ""
        granted = sum(
            (
                one.price._usage_price(one.date_to).free_units
                * one.usage._share_of_period(one)
                for one in priced
            ),
            Fraction(0),
        )
        return 100 * quantity / granted if granted else Fraction(0), ""

    def _amount_figure(self, period):
        """Usage before tax in its currency: calls as rated, meters as of now."""
        amounts, problems = dict(period.sums.amounts), []
        meters = self.env["metered.meter"].browse(period.sold | period.sums.others)
        for meter in meters.sorted("id"):
            try:
                priced = self._priced(period, meter)
            except UserError as error:
                problems.append(str(error))
                continue
            for one in priced:
                key = one.currency.id
                amounts[key] = amounts.get(key, Fraction(0)) + one.priced.due()
        total = Fraction(0)
        for currency_id, amount in amounts.items():
            currency = self.env["res.currency"].browse(currency_id)
            if currency != self.currency_id:
                company = self.company_id
                rate = currency._get_conversion_rate(
                    currency, self.currency_id, company, company._metered_today()
                )
                amount *= exact(number(rate))
            total += amount
        return total, " ".join(problems)

    @api.model
    def _priced(self, period, meter):
        """What the usage of a meter comes to, by what prices it for an invoice.

        :return: list of ``PricedMeter`` of the period
        :raises UserError: when it has no price
        """
        if meter not in period.meters:
            usage = self.env["metered.usage"].search(
                [*period.usage, ("meter_id", "=", meter.id)]
            )
            period.meters[meter] = [
                one
                for one in usage._price_meters(
                    period.subscription.company_id,
                    period.date_from,
                    period.date_to,
                    period.subscription,
                    meter,
                )
                if (one.date_from, one.date_to) == (period.date_from, period.date_to)
            ]
        return period.meters[meter]

    @api.model
    def _allowance_figures(self, company, concerned):
        """Parts of allowances that are used, in %.

        :param concerned: dict ``sale.subscription`` -> the alerts that look at it
        :return: dict (alert, subscription, first day, day after the last one) ->
            Fraction
        """
        of_plans = {
            subscription: alerts.filtered(
                lambda one: one.basis == "allowance" and not one.meter_id
            )
            for subscription, alerts in concerned.items()
        }
        ids = [subscription.id for subscription, alerts in of_plans.items() if alerts]
        if not ids:
            return {}
        today, found = company._metered_today(), {}
        balances = self.env["metered.allowance.balance"].search(
            [
                ("subscription_id", "in", ids),
                ("date_from", "<=", today),
                # Records of its last hours come in when the next one has begun.
                ("date_to", ">", today - timedelta(days=3)),
                ("unlimited", "=", False),
            ]
        )
        for balance in balances:
            total = number(balance.granted) + number(balance.rolled_in)
            if total <= 0:
                continue
            part = 100 * Fraction(number(balance.used)) / Fraction(total)
            for alert in of_plans[balance.subscription_id]:
                if alert.allowance_id in (
                    balance.allowance_id,
                    balance.allowance_id.browse(),
                ):
                    days = balance.date_from, balance.date_to
                    key = (alert, balance.subscription_id, *days)
                    found[key] = max(part, found.get(key, part))
        return found

    def _as_thresholds(self):
        """The thresholds as ``rating.thresholds`` takes them."""
        self.ensure_one()
        return [
            Threshold(
                line.id,
                Fraction(number(line.value)),
                Fraction(number(line.step or 0)),
            )
            for line in self.threshold_ids
        ]


class SaleSubscription(models.Model):
    _inherit = "sale.subscription"

    def _metered_running_days(self, today):
        """The days of the period that is invoiced next, and of the one that runs.

        They are two only while the renewal of the first is overdue.

        :param today: date
        :return: list of (first day, day after the last one)
        """
        self.ensure_one()
        end = self.recurring_next_date
        begin = self._metered_period_start(end)
        found = [(begin, end)] if begin < end else []
        if today >= end:
            found.append(self._metered_period_of_day(today, begin, end))
        return found
