# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ...ingest.load_lines import line_keys, lines_domain
from ...ingest.usage_calls import USAGE_SAMPLES

#: billing periods back from the running one that are shown
MOST_PERIODS_BACK = 120
#: how records become one quantity, for a query on records ``cdr``
COMBINED = {
    "sum": SQL("sum(cdr.quantity)"),
    "count": SQL("count(*)"),
    "max": SQL("max(cdr.quantity)"),
    "min": SQL("min(cdr.quantity)"),
    "average": SQL("avg(cdr.quantity)"),
    "last": SQL(
        "(array_agg(cdr.quantity ORDER BY cdr.start_time DESC, cdr.id DESC))[1]"
    ),
}


class SaleSubscriptionLine(models.Model):
    """What a line of a subscription used, and what others call the line."""

    _inherit = "sale.subscription.line"

    metered_external_key = fields.Char(
        string="External Key",
        copy=False,
        index="btree_not_null",
        help="The name of this line in other programs. They can send its usage with "
        "this key instead of the line's ID.",
    )

    @api.constrains("metered_external_key", "sale_subscription_id")
    def _check_external_key(self):
        for line in self.filtered("metered_external_key"):
            others = self.sudo().search(
                [
                    ("metered_external_key", "=", line.metered_external_key),
                    ("company_id", "=", line.company_id.id),
                    ("id", "!=", line.id),
                ],
                limit=1,
            )
            if others:
                raise ValidationError(
                    self.env._(
                        "The external key %(key)s already belongs to a line of "
                        "%(subscription)s. Enter a different key.",
                        key=line.metered_external_key,
                        subscription=others.sale_subscription_id.display_name,
                    )
                )

    @api.model
    def _metered_lines_of(self, company, domain=()):
        """The lines of a company's subscriptions that are billed by usage.

        :param domain: which of them
        :return: ``sale.subscription.line``, those of closed subscriptions as well
        """
        return self.search(
            [*lines_domain(company.id), *domain],
            order="id",
        )

    def _metered_key_targets(self):
        """Records that name these lines."""
        return [
            (
                company,
                {
                    "reasons": ["unknown_customer"],
                    "tried": [
                        f"{target} {key}"
                        for line in lines
                        for target, some in line_keys(line).items()
                        for key in some
                    ],
                },
            )
            for company, lines in self.filtered("metered_meter_id")
            .grouped("company_id")
            .items()
        ]

    # === WHAT IT USED === #

    def _metered_line_usage(self, date_from, date_to):
        """The usage that is billed by this line, of some days.

        :param date_from, date_to: dates, the last one not included
        :return: ``metered.usage`` with all rights
        """
        self.ensure_one()
        subscription = self.sale_subscription_id.sudo()
        subscription = subscription.with_company(subscription.company_id)
        owner = subscription.partner_id.commercial_partner_id
        household = owner._metered_households().get(owner.id)
        domain = Domain(
            [
                ("company_id", "=", subscription.company_id.id),
                ("meter_id", "=", self.sudo().metered_meter_id.id),
                ("day", ">=", date_from),
                ("day", "<", date_to),
            ]
        )
        whose = Domain("subscription_id", "=", subscription.id)
        if household and household.implied:
            whose |= Domain("subscription_id", "=", False) & Domain(
                "partner_id", "in", list(household.implied)
            )
        return subscription.env["metered.usage"].search(domain & whose)

    def _metered_combined(self, usage, group=None, condition=None):
        """Usage as the quantities that its meter makes of it.

        :param usage: ``metered.usage``
        :param group: SQL that parts the records; None: all are one
        :param condition: SQL about records ``cdr``
        :return: list of (part, quantity as text with all its digits)
        """
        meter = self.sudo().metered_meter_id
        if meter.kind == "counter":
            return self._metered_summed(usage, group is not None)
        combined = COMBINED.get(self._metered_shown_aggregation())
        if not combined:
            combined = SQL(
                "count(DISTINCT cdr.properties ->> %s)", meter.unique_property
            )
        self.env["metered.cdr"].flush_model()
        return [
            (part, text or "0")
            for part, text in self.env.execute_query(
                SQL(
                    "SELECT %s, trim_scale((%s)::numeric)::text FROM %s WHERE %s %s",
                    group or SQL("NULL"),
                    combined,
                    SQL(USAGE_SAMPLES, usage=usage.ids),
                    condition or SQL("TRUE"),
                    SQL("GROUP BY 1 ORDER BY 1") if group else SQL(),
                )
            )
        ]

    def _metered_shown_aggregation(self):
        """How a chart combines the records: of a level it shows the peaks."""
        aggregation = self.sudo().metered_meter_id.aggregation
        known = aggregation in COMBINED or aggregation == "unique"
        return aggregation if known else "max"

    @api.model
    def _metered_summed(self, usage, by_day):
        """What counters counted: it is in the days, and in no record."""
        self.env["metered.usage"].flush_model()
        return [
            (part, text or "0")
            for part, text in self.env.execute_query(
                SQL(
                    "SELECT %s, trim_scale(sum(quantity))::text FROM metered_usage"
                    " WHERE id = ANY(%s) %s",
                    SQL("day") if by_day else SQL("NULL"),
                    usage.ids,
                    SQL("GROUP BY 1 ORDER BY 1") if by_day else SQL(),
                )
            )
        ]

    # === THE CHART === #

    def metered_usage_chart(self, back=0):
        """What was sent for this line, by day, for its chart.

        :param int back: billing periods before the running one
        :return: dict for the chart; amounts are texts with all their digits
        """
        self.ensure_one()
        self.check_access("read")
        back = back if isinstance(back, int) else 0
        back = min(max(back, 0), MOST_PERIODS_BACK)
        begin, end = self.sudo()._metered_period_back(back)
        usage = self._metered_line_usage(begin, end)
        of_days = dict(
            self._metered_combined(
                usage,
                SQL(
                    "(SELECT day FROM metered_usage WHERE id = cdr.usage_id)",
                ),
            )
        )
        total = self._metered_combined(usage)
        days = [begin + timedelta(days=at) for at in range((end - begin).days)]
        meter = self.sudo().metered_meter_id
        return {
            "title": self.sudo().product_id.display_name or "",
            "unit": meter.unit or "",
            "combined": dict(
                meter._fields["aggregation"]._description_selection(self.env)
            )[self._metered_shown_aggregation()],
            "period": self.env._(
                "%(first)s through %(last)s",
                first=format_date(self.env, begin),
                last=format_date(self.env, end - timedelta(days=1)),
            ),
            "days": [
                {
                    "name": format_date(self.env, day, date_format="MMM d"),
                    "quantity": of_days.get(day, "0"),
                }
                for day in days
            ],
            "total": total[0][1] if total else "0",
            "back": back,
        }

    def _metered_period_back(self, back):
        """A billing period of the line's subscription, counted from the running one.

        :return: (first day, first day after it)
        """
        subscription = self.sale_subscription_id
        today = subscription.company_id._metered_today()
        end = subscription.recurring_next_date or today + timedelta(days=1)
        begin = subscription._metered_period_start(end)
        for _period in range(back):
            if subscription.date_start and begin <= subscription.date_start:
                break
            begin, end = subscription._metered_period_of_day(
                begin - timedelta(days=1), begin, end
            )
        return begin, max(end, begin + timedelta(days=1))
