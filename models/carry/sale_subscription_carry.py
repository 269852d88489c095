# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...rating.carried import decide
from ...rating.exact import number


@dataclass(slots=True)
class Carried:
    """What one subscription carries forward, locked."""

    subscription: models.BaseModel
    periods: models.BaseModel
    #: its open usage
    usage: models.BaseModel
    #: as of a renewal, once they were asked for
    lines: list = field(default_factory=list)


class SaleSubscription(models.Model):
    """Usage that comes to less than the smallest invoice waits for more.

    It is decided for a customer: for all that has the same invoice address, company and
    currency, of the subscriptions that are renewed and of what these and others carry
    already. A period that is carried forward is claimed, as one that is billed is.
    """

    _inherit = "sale.subscription"

    metered_carried_info = fields.Char(
        string="Carried Forward",
        compute="_compute_metered_carried_info",
        compute_sudo=True,
        help="Usage that came to less than the smallest invoice, and since when. It "
        "will be billed with later usage.",
    )

    @api.depends("metered_period_ids.state")
    def _compute_metered_carried_info(self):
        for subscription in self:
            subscription.metered_carried_info = False
            periods = subscription._metered_carried_periods()
            if not periods:
                continue
            own = subscription.with_company(subscription.company_id)
            some, problem = [], ""
            try:
                some = own._metered_carried_amounts(periods, [])
            except UserError as error:
                problem = str(error)
            if some or problem:
                subscription.metered_carried_info = periods._describe_carried(
                    float(sum((amount for *_days, amount in some), Decimal(0))),
                    subscription.currency_id,
                    some[0][0] if some else periods[0].date_from,
                    problem,
                )

    # === WHAT IS CARRIED === #

    def _metered_carried_by(self, renewals, households):
        """What the customers of renewals carry forward, locked.

        :param households: of :meth:`_metered_claim_usage`
        :return: dict id of a subscription -> :class:`Carried`
        """
        renewed = {renewal.subscription: renewal for renewal in renewals}
        invoices = self.env["account.move"].union(
            *(renewal.invoice for renewal in renewals if renewal.invoice)
        )
        periods = (
            self.env["metered.period"]
            .sudo()
            ._find_carried(
                [
                    ("company_id", "in", self.company_id.ids),
                    (
                        "subscription_id.partner_id.commercial_partner_id",
                        "in",
                        list(households),
                    ),
                ],
                invoices,
            )
        )
        periods._lock_carried()
        carried, usage_model = {}, self.env["metered.usage"].sudo()
        # Usage that names no subscription: the first one has it, as when it is renewed.
        taken = []
        for subscription, own in periods.grouped("subscription_id").items():
            renewal = renewed.get(subscription)
            if renewal:
                own = own.filtered(
                    lambda period, day=renewal.date_from: period.date_to <= day
                )
            subscription = subscription.with_company(subscription.company_id)
            household = households[subscription.partner_id.commercial_partner_id.id]
            usage = usage_model.union(
                *(
                    usage_model._lock_open(
                        [
                            *subscription._metered_usage_domain(
                                period.date_to, household
                            ),
                            ("day", ">=", period.date_from),
                            ("id", "not in", taken),
                        ]
                    )
                    for period in own
                )
            )
            taken += usage.ids
            if own:
                carried[subscription.id] = Carried(subscription, own, usage)
        return carried

    def _metered_carried_lines(self, one, day):
        """The lines for what another subscription carries forward.

        :param one: :class:`Carried`
        :param day: of the invoice
        """
        subscription = one.subscription
        after = max(one.periods.mapped("date_to"))
        one.lines = one.usage._prepare_invoice_lines(
            company=subscription.company_id,
            currency=subscription.currency_id,
            partner=subscription.partner_invoice_id or subscription.partner_id,
            date_from=after,
            date_to=after,
            date=day,
            subscription=subscription,
            carried=one.periods._days(),
        )
        one.periods = one.periods._keep_charged(one.lines)
        return one.lines

    def _metered_carried_periods(self):
        """The periods of these that are carried forward, with all rights."""
        periods = self.env["metered.period"].sudo()
        return periods._find_carried([("subscription_id", "in", self.ids)])

    # === WHETHER IT IS BILLED === #

    def _metered_carry_forward(self, renewals):
        """Decide which of renewals are invoiced, and on whose invoice.

        :param renewals: of one company, with their usage claimed
        """
        for renewal in renewals:
            flat = renewal.fees and renewal.subscription._metered_flat_lines()
            renewal.carry_end = "fees" if flat else "reached"
        floors = self.env["metered.invoice.floor"].sudo()._of_company(self.company_id)
        if not floors:
            return
        groups = {}
        for renewal in renewals:
            groups.setdefault(renewal.subscription._metered_carry_key(), []).append(
                renewal
            )
        for key, group in groups.items():
            waiting = [
                one
                for one in group[0].waiting.values()
                if one.subscription._metered_carry_key() == key
            ]
            self._metered_carry_group(group, waiting, floors)

    def _metered_carry_key(self):
        """What is invoiced together: invoice address, company, currency."""
        self.ensure_one()
        address = self.partner_invoice_id or self.partner_id
        return address.id, self.company_id.id, self.currency_id.id

    def _metered_carry_terms(self):
        """What subscriptions have in common whose usage may be on one invoice."""
        self.ensure_one()
        template = self.template_id
        return (
            template._metered_invoicing(),
            template._metered_waits(),
            self.journal_id.id,
            self.fiscal_position_id.id,
        )

    def _metered_carry_group(self, group, waiting, floors):
        """Decide for one customer.

        :param group: renewals
        :param waiting: list of :class:`Carried` of its other subscriptions
        :param floors: ``metered.invoice.floor`` records of the company
        """
        day = max(renewal.date_to for renewal in group)
        hosts, small, totals = [], [], {}
        for renewal in group:
            subscription = renewal.subscription
            if subscription._metered_waits_for_usage():
                # A program has yet to say what it comes to.
                continue
            floor = floors._for(subscription)
            total = subscription._metered_untaxed(renewal.usage_lines)
            if renewal.fees and subscription._metered_flat_lines():
                hosts.append(renewal)
            elif renewal.usage_lines and (
                floor.currency_id.compare_amounts(float(total), floor.amount) >= 0
                if floor
                else True
            ):
                hosts.append(renewal)
            elif renewal.usage_lines:
                small.append(renewal)
                totals[renewal.subscription.id] = total, floor
        if not small and not (hosts and waiting):
            return
        for one in waiting:
            total = self._metered_untaxed(self._metered_carried_lines(one, day))
            totals[one.subscription.id] = total, floors._for(one.subscription)
        waiting = [one for one in waiting if one.periods]
        due = sum((totals[r.subscription.id][0] for r in small), Decimal(0))
        due += sum((totals[one.subscription.id][0] for one in waiting), Decimal(0))
        least = min(
            (floor.amount for _total, floor in totals.values() if floor), default=0.0
        )
        since = min(
            [
                *(one.periods[0].date_from for one in waiting),
                *(r.carried[:1].date_from or r.date_from for r in small),
            ],
            default=day,
        )
        by_terms = {}
        for renewal in (*hosts, *small):
            terms = renewal.subscription._metered_carry_terms()
            by_terms.setdefault(terms, []).append(renewal)
        for terms, some in by_terms.items():
            reason = decide(
                due,
                number(least),
                since,
                day,
                self.company_id._metered_carry_waiting(),
                has_other=any(renewal in hosts for renewal in some),
            )
            of_these = [renewal for renewal in some if renewal in small]
            with_these = [
                one
                for one in waiting
                if one.subscription._metered_carry_terms() == terms
                and totals[one.subscription.id][0] >= 0
            ]
            if not reason:
                for renewal in of_these:
                    renewal.below = totals[renewal.subscription.id]
                self._metered_carry(of_these)
            elif not some[0].is_quote:
                self._metered_bill_together(some[0], of_these, with_these, reason)
        for one in waiting:
            if one.lines:
                self._metered_forget(one.lines)

    def _metered_bill_together(self, host, small, waiting, reason):
        """Have small amounts on the invoice of one renewal.

        :param host: that renewal, which may be one of the small ones
        :param small: list of renewals
        :param waiting: list of :class:`Carried`
        """
        host.carry_end = reason
        for renewal in small:
            renewal.carry_end = reason
            if renewal is not host:
                host.usage_lines = [*host.usage_lines, *renewal.usage_lines]
                host.carried |= renewal.carried
                renewal.host, renewal.usage_lines = host, []
                renewal.carried = renewal.carried.browse()
        for one in waiting:
            host.usage_lines = [*host.usage_lines, *one.lines]
            host.carried |= one.periods
            one.lines = []

    def _metered_carry(self, renewals):
        """Carry the periods of renewals forward; a quote shows them all the same."""
        renewals = [renewal for renewal in renewals if not renewal.is_quote]
        if not renewals:
            return
        # Two runs that carry two subscriptions of a customer: the second begins again,
        # and sees what the first carried.
        addresses = {
            renewal.subscription._metered_carry_key()[0] for renewal in renewals
        }
        self.env.cr.execute(
            "UPDATE res_partner SET write_date = write_date WHERE id = ANY(%s)",
            (sorted(addresses),),
            log_exceptions=False,
        )
        for renewal in renewals:
            self._metered_forget(renewal.usage_lines)
            own = [
                (line, ids)
                for line, ids in renewal.usage_lines
                if not any(period._holds(line) for period in renewal.carried)
            ]
            if own:
                renewal.period._carry(
                    renewal.below[1], renewal.subscription._metered_untaxed(own)
                )
            renewal.usage_lines = []

    def _metered_forget(self, lines):
        """Leave the usage open for which lines were prepared."""
        usage = self.env["metered.usage"].sudo()
        usage.browse(key for _line, ids in lines for key in ids)._forget_prices()

    def _metered_carried_text(self, renewal):
        """Says what waits, and for how much."""
        amount, floor = renewal.below
        return self.env._(
            "%(amount)s is carried forward: the smallest invoice is %(floor)s.",
            amount=self.currency_id.format(float(amount)),
            floor=floor.currency_id.format(floor.amount),
        )

    # === WHAT IT COMES TO === #

    def _metered_untaxed(self, lines):
        """What lines come to without taxes, each rounded as on the invoice.

        :param lines: list of (dict for ``account.move.line``, ids of its usage)
        :return: Decimal
        """
        return sum(
            (self._metered_untaxed_line(values) for values, _ids in lines), Decimal(0)
        )

    def _metered_untaxed_line(self, values):
        currency = self.currency_id[:1]
        price = values["price_unit"] * (1 - values.get("discount", 0) / 100)
        amount = price * values["quantity"]
        product = self.env["product.product"].sudo().browse(values["product_id"])
        if values.get("tax_ids"):
            taxes = self.env["account.tax"].sudo().browse(values["tax_ids"][0][2])
        else:
            taxes = product.taxes_id._filter_taxes_by_company(self.company_id[:1])
            taxes = self.fiscal_position_id[:1].map_tax(taxes)
        if any(taxes.flatten_taxes_hierarchy().mapped("price_include")):
            amount = taxes.compute_all(
                price, currency, values["quantity"], product, self.partner_id[:1]
            )["total_excluded"]
        return number(currency.round(amount))

    def _metered_carried_amounts(self, periods, taken):
        """What is carried as it would be invoiced today; nothing is written.

        Usage of earlier periods that came in late is part of it.

        :param periods: ``metered.period`` records of this subscription
        :param taken: ids of usage that other subscriptions have; added to
        :return: list of (first day, last day, Decimal), the oldest first
        :raises UserError: it has no price any more
        """
        self.ensure_one()
        households = self.partner_id.commercial_partner_id._metered_households()
        [household] = households.values()
        usage = self.env["metered.usage"].sudo()
        usage = usage.search(
            [
                *self._metered_usage_domain(max(periods.mapped("date_to")), household),
                ("id", "not in", taken),
            ]
        )
        taken += usage.ids
        found = {}
        for line in usage._carried_lines(self, periods._days()):
            values = line[0]
            days = values["metered_date_from"], values["metered_date_to"]
            found.setdefault(days, []).append(line)
        return [
            (first, fields.Date.subtract(after, days=1), self._metered_untaxed(lines))
            for (first, after), lines in sorted(found.items())
        ]

    # === THE END === #

    def _metered_waive_rest(self, renewal):
        """Whether what is left of a subscription is too little to be billed at all.

        :param renewal: its last one, whose period is claimed
        """
        self.ensure_one()
        floors = self.env["metered.invoice.floor"].sudo()._of_company(self.company_id)
        floor = floors and floors._for(self)
        if not floor:
            return False
        total = self._metered_untaxed(renewal.usage_lines)
        if not 0 <= total < number(floor.waived_below):
            return False
        note = self.env._(
            "%(amount)s is not billed: less than %(least)s is waived when a "
            "subscription is closed.",
            amount=self.currency_id.format(float(total)),
            least=floor.currency_id.format(floor.waived_below),
        )
        ids = [key for _line, ids in renewal.usage_lines for key in ids]
        usage = self.env["metered.usage"].sudo().browse(ids)
        # Billed again, it has no more fees than now.
        renewal.period.without_fees = not renewal.fees
        (renewal.carried | renewal.period)._waive_carried(usage, note)
        self._message_log(body=note)
        return True
