# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date
from odoo.tools.misc import formatLang

#: days of a period after which its pace tells something
LEAST_DAYS = 3
#: months that are shown as bars
MONTHS = 6


class ResPartner(models.Model):
    """A customer's usage that is not invoiced yet, and when it will be."""

    _inherit = "res.partner"

    metered_usage_info = fields.Json(
        string="Usage So Far",
        compute="_compute_metered_usage_info",
        groups="metered_billing.group_metered_user",
        help="Usage that has not been invoiced yet, by billing period and call type.",
    )

    metered_allowance_info = fields.Json(
        string="Plan Allowances",
        compute="_compute_metered_allowance_info",
        groups="metered_billing.group_metered_user",
        help="For each allowance: amount used, left and rolled over, and "
        "expiration date.",
    )

    metered_history_info = fields.Json(
        string="Usage by Month",
        compute="_compute_metered_history_info",
        groups="metered_billing.group_metered_user",
        help="Usage amounts of the last months. Meter usage is priced when it is "
        "invoiced, and included from then on.",
    )

    def _compute_metered_history_info(self):
        for partner in self:
            owner = partner._metered_payer().sudo(False)
            owner = owner._origin or owner
            partner.metered_history_info = {
                "months": owner._metered_history() if owner.id else []
            }

    def _metered_history(self):
        """The last months with what their usage comes to.

        :return: list of dicts: month, amount (texts), percent (of the largest month, in
            the currency of most of it); empty where there was no usage
        """
        this_month = self._metered_today().replace(day=1)
        months = [
            this_month - relativedelta(months=ago) for ago in reversed(range(MONTHS))
        ]
        usage = self.env["metered.usage"]
        usage.flush_model()
        found = self.env.execute_query(
            SQL(
                """
                SELECT date_trunc('month', day)::date, currency_id, sum(amount)
                  FROM metered_usage
                 WHERE id IN %s AND currency_id IS NOT NULL
                 GROUP BY 1, 2 ORDER BY 2
                """,
                usage._search(
                    [*self._metered_domain("metered.usage"), ("day", ">=", months[0])]
                ).subselect(),
            )
        )
        totals, by_month = {}, {}
        for month, currency_id, amount in found:
            totals[currency_id] = totals.get(currency_id, 0) + amount
            by_month.setdefault(month, {})[currency_id] = amount
        if not any(totals.values()):
            return []
        main = max(totals, key=totals.get)
        largest = max(amounts.get(main, 0) for amounts in by_month.values())
        currencies = self.env["res.currency"]
        return [
            {
                "month": format_date(self.env, month, date_format="LLL yyyy"),
                "amount": " + ".join(
                    self._metered_money(amount, currencies.browse(currency_id))
                    for currency_id, amount in by_month.get(month, {main: 0}).items()
                ),
                "percent": round(100 * by_month.get(month, {}).get(main, 0) / largest)
                if largest
                else 0,
                "so_far": month == this_month,
            }
            for month in months
        ]

    def _compute_metered_usage_info(self):
        for partner in self:
            owner = partner._metered_payer().sudo(False)
            owner = owner._origin or owner
            partner.metered_usage_info = {
                "blocks": owner._metered_usage_blocks() if owner.id else []
            }

    def _compute_metered_allowance_info(self):
        for partner in self:
            owner = partner.commercial_partner_id
            owner = owner._origin or owner
            partner.metered_allowance_info = {
                "blocks": owner._metered_allowance_blocks() if owner.id else [],
                "hint": self.env._(
                    "No calling plan. A product with a calling plan on one of this "
                    "customer's subscriptions includes minutes."
                ),
            }

    def _metered_usage_blocks(self):
        """Open usage by the invoice that it will be on.

        :return: list of dicts: title, billed (text), rows (name, records, quantity,
            amount as texts), totals (list of texts)
        """
        subscriptions = self._metered_subscriptions().filtered(
            lambda s: s.recurring_next_date and not s.is_paused
        )
        blocks, pinned = [], [False]
        for subscription in subscriptions:
            # The one due first takes what names no subscription.
            pinned.append(subscription.id)
            blocks += self._metered_subscription_blocks(subscription, pinned)
            pinned = []
        today = self._metered_today()
        first = today.replace(day=1)
        left = [
            *self._metered_domain("metered.usage"),
            ("invoice_line_id", "=", False),
            ("waived_period_id", "=", False),
        ]
        if subscriptions:
            left.append(("subscription_id", "not in", [False, *subscriptions.ids]))
            title = self.env._("Inactive subscriptions")
            billed = self.env._("Not billed by any subscription")
            return [*blocks, *self._metered_block(left, title, billed)]
        billed = self.env._("Not billed: no active subscription")
        next_month = first + relativedelta(months=1)
        return [
            *self._metered_block(
                [*left, ("day", "<", first)],
                self.env._("Before %s", format_date(self.env, first)),
                billed,
            ),
            *self._metered_block(
                [*left, ("day", ">=", first)],
                self._metered_days(first, next_month),
                billed,
                always=True,
            ),
        ]

    def _metered_subscription_blocks(self, subscription, pinned):
        """The blocks of one subscription.

        :param pinned: ids of the subscriptions whose usage it bills, False among them
            for usage that names none
        """
        due = subscription.recurring_next_date
        start = subscription._metered_period_start(due)
        domain = [
            *self._metered_domain("metered.usage"),
            ("invoice_line_id", "=", False),
            ("waived_period_id", "=", False),
            ("subscription_id", "in", pinned),
        ]
        if subscription.date_start:
            domain.append(("day", ">=", subscription.date_start))
        values = {
            "day": format_date(self.env, due),
            "name": subscription.display_name,
        }
        billed = (
            self.env._("Will be billed on %(day)s with %(name)s", **values)
            if due >= self._metered_today()
            else self.env._("Due since %(day)s with %(name)s", **values)
        )
        late = [*domain, ("day", "<", start), ("billed_in_time", "=", False)]
        waits = fields.Domain.OR(
            [("day", ">=", period.date_from), ("day", "<", period.date_to)]
            for period in subscription._metered_carried_periods()
        )
        return [
            *self._metered_block(
                list(waits & fields.Domain(late)),
                self.env._("Carried forward"),
                self.env._("Will be billed with later usage of %s", values["name"]),
            ),
            *self._metered_block(
                [*domain, ("day", "<", start), ("billed_in_time", "=", True)],
                self.env._(
                    "From earlier periods, before %s", format_date(self.env, start)
                ),
                billed,
            ),
            *self._metered_block(
                list(~waits & fields.Domain(late)),
                self.env._("Recorded late (before %s)", format_date(self.env, start)),
                billed,
            ),
            *(
                self._metered_block(
                    [*domain, ("day", ">=", start), ("day", "<", due)],
                    self._metered_days(start, due),
                    billed,
                    always=True,
                    period=(subscription, start, due),
                )
                if start < due
                else []
            ),
            *self._metered_block(
                [*domain, ("day", ">=", due)],
                self.env._("From %s on", format_date(self.env, due)),
                self.env._("Will be billed with the following renewal"),
                # Before the first renewal there may be no period that ends with it.
                always=start >= due,
            ),
        ]

    def _metered_days(self, start, end):
        """A half-open interval of days as text."""
        last = end - timedelta(days=1)
        return f"{format_date(self.env, start)} – {format_date(self.env, last)}"

    def _metered_block(self, domain, title, billed, always=False, period=None):
        """One block of usage; none where there is none, unless ``always``.

        :param period: (``sale.subscription``, first day, first day after it) that is
            renewed with this usage: its metered lines are priced without usage, too
        """
        rows, totals = [], {}
        company = self.env.company
        for meter, currency, records, quantity, exact in self._metered_sums(domain):
            # As an invoice line rounds it: the total is that of the lines.
            amount = self.env["metered.usage"]._convert_once(
                exact, currency, currency, company, None
            )
            totals[currency] = totals.get(currency, 0) + amount
            rows.append(
                {
                    "name": meter.name,
                    "records": formatLang(self.env, records, digits=0),
                    "quantity": self._metered_quantity(meter, quantity),
                    "amount": self._metered_money(amount, currency),
                }
            )
        so_far = self._metered_so_far(domain, period)
        for row, amount, currency in so_far:
            rows.append(row)
            if currency:
                totals[currency] = totals.get(currency, 0) + amount
        if not rows and not always:
            return []
        return [
            {
                "title": title,
                "billed": billed,
                "rows": rows,
                "so_far": bool(so_far),
                "totals": [
                    self._metered_money(amount, currency)
                    for currency, amount in totals.items()
                ],
                "pace": period and self._metered_pace(domain, totals, *period),
            }
        ]

    def _metered_pace(self, domain, totals, subscription, start, due):
        """What a running period comes to if its usage goes on like this, as text.

        In proportion to the days: what is included, and prices that change with the
        quantity, make it another amount.

        :param domain: of the usage
        :param totals: dict ``res.currency`` -> amount so far
        :param start, due: first day of the period, and first day after it
        :return: str; False in the first days, and when the period is over
        """
        today = self._metered_today()
        if not start <= today < due or not any(totals.values()):
            return False
        newest = self.env["metered.usage"].search(domain, order="day desc", limit=1).day
        days = max((today - start).days, newest and (newest - start).days + 1 or 0)
        if days < LEAST_DAYS:
            return False
        share = Decimal((due - start).days) / days
        return self.env._(
            "Forecast: about %(amounts)s by %(day)s",
            amounts=" + ".join(
                self._metered_money(Decimal(amount) * share, currency)
                for currency, amount in totals.items()
            ),
            day=format_date(self.env, due - timedelta(days=1)),
        )

    def _metered_so_far(self, domain, period):
        """What usage of meters comes to as of now, priced as an invoice prices it.

        :param domain: of the usage
        :param period: see :meth:`_metered_block`
        :return: list of (row, Decimal amount, ``res.currency``), without currency
            where there is no price
        """
        Usage = self.env["metered.usage"].sudo()
        usage = Usage.search([*domain, *Usage._so_far_domain()])
        subscription, begin, end = period or (None, None, None)
        if not period:
            if not usage:
                return []
            days = usage.mapped("day")
            begin, end = min(days), max(days) + timedelta(days=1)
        found = []
        meters = usage.meter_id
        if subscription:
            subscription = subscription.sudo()
            meters |= subscription._metered_lines().metered_meter_id
            meters |= subscription._metered_levels_billed(begin, end)
        for meter in meters.sorted(lambda m: (m.sequence, m.id)):
            of_meter = usage.filtered(lambda row, meter=meter: row.meter_id == meter)
            found += self._metered_so_far_of(of_meter, meter, begin, end, subscription)
        return found

    def _metered_so_far_of(self, usage, meter, begin, end, subscription):
        records = formatLang(self.env, sum(usage.mapped("records")), digits=0)
        row = {"name": meter.name, "records": records}
        try:
            priced = usage._price_meters(
                self.env.company.sudo(), begin, end, subscription, meter
            )
        except UserError as error:
            none = {"quantity": "", "amount": self.env._("no price")}
            return [({**row, **none, "problem": str(error)}, 0, None)]
        found = []
        for one in priced:
            amount, quantity = usage._due_so_far(one)
            texts = {
                "records": formatLang(
                    self.env, sum(one.usage.mapped("records")), digits=0
                ),
                "quantity": f"{one.price._format_exact(quantity)} "
                f"{one.price._priced_unit()}",
                "amount": self._metered_money(amount, one.currency),
                "so_far": True,
            }
            found.append(({**row, **texts}, amount, one.currency))
        return found

    def _metered_sums(self, domain):
        """Exact sums of calls by call type and currency.

        :return: list of (``metered.meter``, ``res.currency``, number of records,
            Decimal billed quantity, Decimal amount) in the order of the call types
        """
        usage = self.env["metered.usage"]
        usage.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT meter_id, currency_id, sum(records),
                       sum(billed_quantity)::text, sum(amount)::text
                  FROM metered_usage
                 WHERE id IN %s
                 GROUP BY meter_id, currency_id
                """,
                usage._search([*domain, ("meter_id.kind", "=", "call")]).subselect(),
            )
        )
        sums = [
            (
                self.env["metered.meter"].browse(meter_id),
                self.env["res.currency"].browse(currency_id),
                records,
                Decimal(quantity),
                Decimal(amount),
            )
            for meter_id, currency_id, records, quantity, amount in rows
        ]
        return sorted(sums, key=lambda row: (row[0].sequence, row[0].id, row[1].id))

    def _metered_quantity(self, meter, quantity):
        if meter.kind == "call":
            return self.env._(
                "%s min", formatLang(self.env, float(quantity / 60), digits=1)
            )
        return f"{formatLang(self.env, float(quantity), digits=2)} {meter.unit}"

    def _metered_money(self, amount, currency):
        return formatLang(self.env, float(amount), currency_obj=currency)

    # === ALLOWANCES === #

    def _metered_allowance_blocks(self):
        """Gauges by subscription, with those that a parent company shares."""
        marks = self.env["metered.plan.mark"].sudo()
        if not marks._exist_plans():
            return []
        found = marks._plan_book(marks.env.company).of_customer(self.id)
        subscriptions = marks.env["sale.subscription"].browse(each.id for each in found)
        blocks = [subscription._metered_gauges() for subscription in subscriptions]
        return [block for block in blocks if block]
