# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...ingest.usage_calls import USAGE_SAMPLES
from ...rating.usage_price import PricedUsage, price_usage
from ...stored.payers import Household
from ..billing.sale_subscription_forecast import EXPECTED_HIGH
from ..billing.sale_subscription_quote import GIVEN
from .metered_price_engine import day_us

#: Records (id, instant, value, how many) of usage rows, where the sums of the days do
#: not tell what a meter comes to: what `rating.aggregations` needs of them, and none
#: that cannot change it. `last` is read on the clock of the world: contacts of a
#: customer may live in several time zones.
_DECIDING = {
    "max": f"SELECT cdr.usage_id, 0, max(cdr.quantity)::text, count(*)"
    f" FROM {USAGE_SAMPLES} GROUP BY cdr.usage_id",
    "min": f"SELECT cdr.usage_id, 0, min(cdr.quantity)::text, count(*)"
    f" FROM {USAGE_SAMPLES} GROUP BY cdr.usage_id",
    "last": "SELECT DISTINCT ON (cdr.usage_id) cdr.id,"
    " (extract(epoch FROM cdr.start_time) * 1000000)::bigint, cdr.quantity::text, 1"
    f" FROM {USAGE_SAMPLES} ORDER BY cdr.usage_id, cdr.start_time DESC, cdr.id DESC",
    # a record without the property has no value of it
    "unique": "SELECT cdr.properties ->> %(property)s AS value, 0,"
    f" cdr.properties ->> %(property)s, count(*) FROM {USAGE_SAMPLES}"
    " WHERE cdr.properties ->> %(property)s IS NOT NULL GROUP BY value",
}


@dataclass(slots=True)
class PricedMeter:
    """The usage of one meter in one billing period, and what it costs.

    The whole period is priced, with what was billed of it before; what is due is the
    difference. So nothing depends on how a period was cut into invoices.
    """

    meter: models.BaseModel
    #: the ``metered.price``, with its versions in force in the period
    price: models.BaseModel
    versions: models.BaseModel
    #: of the invoice line; the subscription and its line may be empty
    product: models.BaseModel
    subscription: models.BaseModel
    subscription_line: models.BaseModel
    #: first day, and first day after the period
    date_from: object
    date_to: object
    #: whether all of it came in when its period had been invoiced
    late: bool
    #: open usage, that is billed now; rows without records were made by an invoice
    usage: models.BaseModel
    priced: PricedUsage = None
    #: the usage of the period that is on invoices
    billed_usage: models.BaseModel = None
    #: of it: exact sum, with the differences billed since, and its priced quantity
    billed: Fraction = Fraction(0)
    billed_quantity: Fraction = Fraction(0)
    steps: list = field(default_factory=list)
    #: the ``metered.measured.service`` whose price it is; may be empty
    service: models.BaseModel = ()
    #: first day whose levels count; None: that of the period
    measured_from: object = None
    #: (aggregation, percent) of the price, see ``metered.price``'s ``_level_basis``
    basis: tuple = ()
    #: whose it is
    partner: models.BaseModel = None
    company: models.BaseModel = None

    @property
    def currency(self):
        """The currency in which it is priced."""
        return self.price.currency_id

    @property
    def records(self):
        """The open rows that have records."""
        return self.usage.filtered("records")

    def due(self, currency):
        """What is to be billed, exactly.

        Rounded by the price where the invoice has its currency; where not, it is
        rounded once, when it is converted.

        :param currency: of the invoice
        :return: Fraction
        """
        return self.priced.due(self.billed, is_rounded=currency == self.currency)

    @property
    def due_quantity(self):
        """How much of the priced quantity is not billed yet, a Fraction."""
        return self.priced.quantity - self.billed_quantity


class MeteredUsage(models.Model):
    """What the usage of meters costs that are no call types."""

    _inherit = "metered.usage"

    def _price_meters(
        self,
        company,
        date_from,
        date_to,
        subscription=None,
        only_meter=None,
        carried=(),
        held=(),
    ):
        """Price this open usage: one price for each meter and billing period.

        :param company: ``res.company``
        :param date_from: first day of the period that is billed
        :param date_to: first day after it
        :param subscription: the ``sale.subscription`` that is renewed: its metered
            lines are priced also without usage. None: each row's own one is found.
        :param only_meter: of the subscription's lines only those of this meter
        :param carried: earlier periods that no invoice has yet: list of (first day,
            first day after). They are not late.
        :param held: (customer, meters) without a subscription, whose levels are priced
            also without usage, of the days that are billed
        :return: list of :class:`PricedMeter`
        :raises UserError: when usage has no price, or none for its quantity
        """
        groups, order, owners = {}, [], {}
        for usage in self.sorted(lambda u: (u.day, u.id)):
            who = (
                usage.subscription_id,
                usage.company_id,
                usage.partner_id.commercial_partner_id,
                usage.meter_id,
            )
            if not subscription and who not in owners:
                owners[who] = usage._metered_owner()
            owner = subscription or owners[who]
            period = (date_from, date_to)
            if not date_from <= usage.day < date_to or not subscription:
                period = owner._metered_period_of_day(usage.day, date_from, date_to)
            key = (usage.meter_id, owner, *period)
            if key not in groups:
                order.append(key)
            groups.setdefault(key, []).append(usage.id)
        for meter, owner, _begin, end in list(order):
            for after in self._periods_after(owner, meter, end, date_from, date_to):
                key = (meter, owner, *after)
                if key not in groups:
                    order.append(key)
                    groups[key] = []
        current = [(date_from, date_to)] if date_from < date_to else []
        for days in (*carried, *current) if subscription else ():
            for key in self._sold_periods(subscription, *days):
                if key not in groups and only_meter in (None, key[0]):
                    order.append(key)
                    groups[key] = []
        customer, meters = held or (self.env["res.partner"], ())
        nobody = self.env["sale.subscription"]
        alone = [(meter, nobody, date_from, date_to) for meter in meters]
        order += [key for key in alone if key not in groups]
        found = []
        for key in order:
            meter, owner, begin, end = key
            usage = self.browse(groups.get(key, ()))
            partner = owner.partner_id or usage.partner_id[:1] or customer
            if not self._is_charged(meter, owner, partner, company, begin, end):
                continue
            priced = self._price_meter(
                meter, owner, partner, company, begin, end, usage
            )
            # Usage whose invoice is gone did not come in late.
            priced.late = (
                end <= date_from
                and (begin, end) not in carried
                and not any(priced.records.mapped("billed_in_time"))
            )
            # With usage, or billed before, there is a line that shows it.
            # A program that counts the usage of a subscription finds the charge there.
            shown = meter.shows_zero or (
                subscription and subscription._metered_waits_for_usage()
            )
            if priced.service and not priced.late:
                shown = shown or priced.priced.quantity
            zero = shown and not priced.billed_usage
            if usage or priced.priced.due(priced.billed, is_rounded=False) or zero:
                found.append(priced)
        return sorted(
            found,
            key=lambda p: (
                p.date_to > date_from,
                p.meter.sequence,
                p.meter.id,
                p.date_from,
            ),
        )

    @api.model
    def _sold_periods(self, subscription, date_from, date_to):
        """What a renewal prices also without usage: lines and measured services.

        :return: list of (``metered.meter``, subscription, first day, first day after)
        """
        keys = []
        for meter in (
            *subscription._metered_lines().mapped("metered_meter_id"),
            *subscription._metered_levels_billed(date_from, date_to),
        ):
            keys.append((meter, subscription, date_from, date_to))
            keys += [
                (meter, subscription, *period)
                for period in self._periods_with_other_calls(
                    subscription, meter, date_from
                )
            ]
        return keys

    def _metered_owner(self):
        """The subscription in whose periods this usage is priced; may be empty."""
        self.ensure_one()
        if self.subscription_id:
            return self.subscription_id
        subscriptions = (
            self.env["sale.subscription"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    (
                        "partner_id.commercial_partner_id",
                        "=",
                        self.partner_id.with_company(self.company_id)
                        ._metered_payer()
                        .id,
                    ),
                    ("in_progress", "=", True),
                    ("active", "=", True),
                ],
                order="id",
            )
        )
        with_line = subscriptions.filtered(
            lambda s: self.meter_id in s._metered_lines().metered_meter_id
        )
        return (with_line or subscriptions)[:1]

    @api.model
    def _price_meter(self, meter, owner, partner, company, begin, end, usage):
        """Price one meter and period; see :meth:`_price_meters`."""
        found = self._find_price(meter, owner, partner, company, begin, end, usage)
        found.billed_usage = self._billed_usage(
            meter, owner, partner, company, begin, end
        )
        self._read_billed(found, end)
        self._price_found(found, partner, found.billed_usage | found.records)
        return found

    @api.model
    def _find_price(
        self, meter, owner, partner, company, begin, end, usage, product=None
    ):
        """The price of a meter and period, not reckoned yet.

        :param product: what it was sold as, where the subscription has no line for it
        :return: :class:`PricedMeter`
        :raises UserError: when there is no price
        """
        lines = owner._metered_lines()
        line = lines.filtered(lambda line: line.metered_meter_id == meter)[:1]
        found = PricedMeter(
            meter=meter,
            price=None,
            versions=None,
            product=line.product_id or product or meter.product_id,
            subscription=owner,
            subscription_line=line,
            date_from=begin,
            date_to=end,
            late=False,
            usage=usage,
            partner=partner,
            company=company,
        )
        service = not line and self._find_measured(found, partner, company)
        if service:
            found.product = product or service.product_id or meter.product_id
            found.price = service.price_id
        else:
            found.price = meter._price_for(line, partner, company, found.product)
        found.versions = found.price._versions_in(begin, end)
        return found

    def _price_found(self, found, partner, rows):
        """Reckon what rows of usage cost by the price that was found for them.

        :raises UserError: when there is none for their quantity
        """
        try:
            found.priced = self._price_rows(found, rows)
        except ValueError as error:
            raise UserError(
                self.env._(
                    "%(meter)s of %(customer)s, %(first)s to %(last)s, cannot be "
                    "priced with %(price)s. %(reason)s.",
                    meter=found.meter.name,
                    customer=partner.display_name,
                    first=found.date_from,
                    last=fields.Date.subtract(found.date_to, days=1),
                    price=found.price.name,
                    reason=self.env["metered.explanation"]._error(error),
                )
            ) from error

    @api.model
    def _billed_usage(self, meter, owner, partner, company, begin, end):
        """Usage of a meter and period that is on invoices already."""
        usage = self.search(
            [
                *self._billed_domain(meter, partner, company, begin, end),
                (
                    "invoice_line_id.metered_subscription_id",
                    "in",
                    [False, *owner.ids],
                ),
            ]
        )
        return usage | self._billed_levels(meter, owner, partner, company, begin, end)

    @api.model
    def _billed_domain(self, meter, partner, company, begin, end):
        """Usage of a customer's meter and days that is on invoices, whoever bills."""
        payer = partner.with_company(company).commercial_partner_id
        household = payer._metered_households().get(payer.id, Household())
        return [
            ("company_id", "=", company.id),
            # What a company was billed here stays so when it has a subscription of
            # its own later.
            ("partner_id", "in", list(household.named)),
            ("meter_id", "=", meter.id),
            ("day", ">=", begin),
            ("day", "<", end),
            ("invoice_line_id", "!=", False),
        ]

    def _read_billed(self, found, date):
        """Sum up what is billed, differences to it too, in the price's currency."""
        billed = found.billed_usage
        self.flush_model()
        self.env.cr.execute(
            "SELECT currency_id, sum(amount)::text, sum(billed_quantity)::text"
            " FROM metered_usage WHERE id = ANY(%s) GROUP BY currency_id",
            (billed.ids,),
        )
        sums = self.env.cr.fetchall()
        company = billed.company_id[:1]
        corrections = self.env["metered.rerate.difference"].sudo()._billed_of(billed)
        for usage in billed.filtered(lambda row: row.id in corrections):
            sums.append((usage.currency_id.id, corrections[usage.id], 0))
        for currency_id, amount, quantity in sums:
            amount = Fraction(Decimal(amount))
            currency = self.env["res.currency"].browse(currency_id)
            if currency != found.currency:
                rate = currency._get_conversion_rate(
                    currency, found.currency, company, date
                )
                amount *= Fraction(Decimal(repr(rate)))
            found.billed += amount
            found.billed_quantity += Fraction(Decimal(quantity))

    def _price_rows(self, found, rows, alone=False):
        """Price the records of usage rows, all of a meter and a period.

        :param found: :class:`PricedMeter`
        :param rows: ``metered.usage`` records
        :param alone: the price as it stands, without the dates of its versions
        :return: ``rating.usage_price.PricedUsage``
        :raises ValueError: when there is no price for it
        """
        price, terms = self._price_terms(found, alone)
        period = (found.meter.id, found.subscription.id, found.date_from)
        given = GIVEN.heard().get(period)
        high = EXPECTED_HIGH.heard().get(period)
        if not found.meter._prices_level(found.basis[0]):
            if found.measured_from:
                rows = rows.filtered(lambda row: row.day >= found.measured_from)
            records = (
                self._read_records(found, rows)
                if given is None
                else found.meter._given_records(found.price, given)
            )
            if high is not None:
                records.loc[len(records)] = [-1, 0, high, 1]
            return price_usage(price, records=records, **terms)
        if given is not None:
            return price_usage(price, quantity=given, **terms)
        level, step = self._measure_level(found, rows)
        if high is not None:
            level = max(level, high)
        priced = price_usage(price, quantity=level, **terms)
        return replace(priced, steps=(step, *priced.steps))

    @api.model
    def _price_terms(self, found, alone=False):
        """The price of a period, and what it is applied with; its basis is kept.

        :param found, alone: as :meth:`_price_rows`
        :return: (``rating.usage_price.UsagePrice``, dict)
        """
        days = () if alone else (found.date_to, found.date_from)
        price = found.price._usage_price(*days)
        version = found.price._deciding(*days) if days else found.price
        found.basis = version._level_basis()
        return price, {
            "period_us": (day_us(found.date_from), day_us(found.date_to)),
            "share": self._share_of_period(found),
        }

    @api.model
    def _share_of_period(self, found):
        """The share of a whole period that this one is, by its days."""
        version = found.versions[-1:] or found.price
        if not version.prorate or not found.subscription:
            return Fraction(1)
        days = (found.date_to - (found.measured_from or found.date_from)).days
        whole = found.subscription._metered_whole_period(found.date_to)
        return min(Fraction(days, whole), Fraction(1))

    def _read_records(self, found, rows):
        """What the price of a meter needs to know of the records of usage rows.

        :return: DataFrame as ``rating.aggregations`` takes it
        """
        how, _percent = found.basis
        if how in _DECIDING or found.price._prices_events():
            rows._check_records_kept()
        if how in ("sum", "count") and found.price._prices_events():
            records = self._read_events(rows)
        elif how in _DECIDING:
            values = {"usage": rows.ids, "property": found.meter.unique_property}
            self.env.cr.execute(_DECIDING[how], values)
            records = self.env.cr.fetchall()
        else:
            records = self._read_days(rows)
        if how != "unique":
            records = [(key, at, Decimal(value), of) for key, at, value, of in records]
        return pd.DataFrame(records, columns=["id", "at_us", "value", "records"])

    def _read_days(self, rows):
        """One record a usage row, at the beginning of its day."""
        self.env.cr.execute(
            "SELECT id, day, quantity::text, records FROM metered_usage"
            " WHERE id = ANY(%s) ORDER BY day, id",
            (rows.ids,),
        )
        return [
            (key, day_us(day), value, records)
            for key, day, value, records in self.env.cr.fetchall()
        ]

    def _read_events(self, rows):
        """Every record of usage rows, in order of (day, time, id).

        The day is the customer's, as the usage counts it; within a day the instants
        are mere ranks.
        """
        self.env.cr.execute(
            f"""
            SELECT cdr.id, usage.day,
                   row_number() OVER (PARTITION BY usage.day
                                      ORDER BY cdr.start_time, cdr.id),
                   cdr.quantity::text
              FROM {USAGE_SAMPLES}
              JOIN metered_usage usage ON usage.id = cdr.usage_id
            """,  # noqa: S608 - ours
            {"usage": rows.ids},
        )
        return [
            (key, day_us(day) + rank, value, 1)
            for key, day, rank, value in self.env.cr.fetchall()
        ]
