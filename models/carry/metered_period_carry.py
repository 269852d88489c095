# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.tools import format_date


class MeteredPeriod(models.Model):
    """Periods that were renewed and came to too little for an invoice.

    That a period is carried forward is known of it; what it comes to is not: its usage
    is open, and may be re-rated, undone, or added to until it is billed.
    """

    _inherit = "metered.period"

    carried_on = fields.Date(
        string="Carried Forward On",
        readonly=True,
        index="btree_not_null",
        help="Renewal on which the period came to less than the smallest invoice.",
    )
    carried_currency_id = fields.Many2one("res.currency", readonly=True)
    carried_floor = fields.Monetary(
        string="Smallest Invoice",
        currency_field="carried_currency_id",
        readonly=True,
        help="The smallest invoice on that day.",
    )
    carried_amount = fields.Monetary(
        string="Carried Forward",
        currency_field="carried_currency_id",
        readonly=True,
        help="Usage of the period on that day, excluding taxes. The amount may have "
        "changed since: calls can arrive late or be re-rated.",
    )
    carry_end = fields.Selection(
        [
            ("reached", "Reached the smallest invoice"),
            ("fees", "Added to another invoice"),
            ("age", "Time limit reached"),
            ("closing", "Subscription closed"),
            ("manual", "Billed manually"),
            ("waived", "Waived"),
        ],
        string="Carried Until",
        readonly=True,
        help="Why the period was billed when it was.",
    )
    carry_note = fields.Char(string="Reason for Waiving", readonly=True)

    @api.model
    def _find_carried(self, domain, invoices=None):
        """The periods that are carried forward, by subscription, the oldest first.

        :param domain: which periods
        :param invoices: drafts that are made anew: theirs, too
        """
        found = self.search(
            [("carried_on", "!=", False), ("is_waived", "=", False), *domain],
            order="subscription_id, date_from, id",
        )
        known = invoices or self.env["account.move"]
        living = {
            key: moves
            for key, moves in found._living_invoices().items()
            if moves - known
        }
        return found.filtered(lambda period: period.id not in living)

    @api.model
    def _describe_carried(self, amount, currency, since, problem=""):
        """What is carried forward, in words."""
        text = self.env._(
            "%(amount)s since %(day)s",
            amount=currency.format(amount),
            day=format_date(self.env, since),
        )
        return f"{text}. {problem}" if problem else text

    def _lock_carried(self):
        """Have one transaction at a time bill these: see ``metered.usage``'s _lock."""
        if self:
            self.flush_model()
            self.env.cr.execute(
                "SELECT id FROM metered_period WHERE id = ANY(%s)"
                " ORDER BY id FOR UPDATE",
                (self.ids,),
                log_exceptions=False,
            )

    def _days(self):
        """:return: list of (first day, first day after), as invoice lines are made"""
        return [(period.date_from, period.date_to) for period in self]

    def _holds(self, line):
        """Whether a line of an invoice is for the days of this period."""
        return self.date_from <= line["metered_date_from"] < self.date_to

    def _charged_by(self, lines):
        """Those of these that lines are for.

        :param lines: list of (dict for ``account.move.line``, ids of its usage)
        """
        return self.filtered(
            lambda period: any(period._holds(line) for line, _ids in lines)
        )

    def _keep_charged(self, lines):
        """Those of these that lines are for; the others carry nothing any more."""
        kept = self._charged_by(lines)
        if self - kept:
            (self - kept).write({"carried_on": False})
        return kept

    def _carry(self, floor, amount):
        """Carry these forward.

        :param floor: the ``metered.invoice.floor`` that they do not reach
        :param Decimal amount: what each comes to now, without taxes
        """
        for period in self:
            period.write(
                {
                    "carried_on": period.date_to,
                    "carried_floor": floor.amount,
                    "carried_amount": float(amount),
                    "carried_currency_id": floor.currency_id.id,
                    "carry_end": False,
                }
            )

    def _bill_carried(self, invoice, lines, reason):
        """Have these billed by an invoice, as far as it has lines for them.

        :param lines: of its usage, as :meth:`_charged_by`
        :param reason: of ``carry_end``
        """
        billed = self._charged_by(lines)
        if not billed:
            return
        billed.write(
            {"invoice_id": invoice.id, "was_billed": True, "carry_end": reason}
        )
        invoice._metered_log(
            self.env._(
                "Includes usage that was carried forward: %(periods)s.",
                periods=billed._describe_days(),
            )
        )

    # === WAIVING === #

    def _waive_carried(self, usage, note):
        """Bill these no more, and nothing of their usage.

        :param usage: locked ``metered.usage`` of these periods
        :param str note: why
        """
        usage._forget_prices()
        usage = usage.exists()
        for period in self:
            usage._waive(period)
        self.write({"is_waived": True, "carry_end": "waived", "carry_note": note})

    def _waive_by_hand(self):
        """Have a person give away what this carries."""
        self.ensure_one()
        subscription = self.subscription_id.with_company(self.company_id)
        owner = subscription.partner_id.commercial_partner_id
        household = owner._metered_households()[owner.id]
        self._lock_carried()
        usage = self.env["metered.usage"].sudo()
        usage = usage._lock_open(
            [
                *subscription._metered_usage_domain(self.date_to, household),
                ("day", ">=", self.date_from),
            ]
        )
        note = self.env._(
            "%(user)s left %(period)s unbilled.",
            user=self.env.user.name,
            period=self.display_name,
        )
        self._waive_carried(usage, note)
        subscription._message_log(body=note)

    def _unwaive(self):
        """Have the usage of these billed again."""
        self.env["metered.usage"].sudo()._waive_no_more(self)


class MeteredUsage(models.Model):
    """Usage that is given away."""

    _inherit = "metered.usage"

    def _carried_lines(self, subscription, days):
        """What lines these would be on; nothing is written.

        :param subscription: whose carried usage it is
        :param days: list of (first day, first day after), of carried periods
        :return: list of (dict with what an amount depends on, []), as of
            :meth:`_prepare_invoice_lines`
        """
        company, currency = subscription.company_id, subscription.currency_id
        partner = subscription.partner_invoice_id or subscription.partner_id
        today, after = company._metered_today(), max(after for _first, after in days)
        calls = self.filtered(lambda usage: usage.meter_id.kind == "call")
        lines = calls._prepare_call_lines(
            company, currency, partner, after, after, today, days
        )
        others = (self - calls).filtered("records")
        for found in others._price_meters(
            company, after, after, subscription, carried=days
        ):
            line = found.subscription_line
            for shown in others._shown_lines(found, company, currency, today):
                values = {
                    "metered_date_from": found.date_from,
                    "metered_date_to": found.date_to,
                    "product_id": found.product.id,
                    "quantity": float(shown.quantity),
                    "price_unit": float(shown.price_unit),
                }
                if line:
                    values["tax_ids"] = [Command.set(line.tax_ids.ids)]
                    values["discount"] = line.discount
                lines.append((values, []))
        return lines

    def _forget_prices(self):
        """Have these as they were before lines were prepared for them."""
        meters = self.filtered(lambda usage: usage.meter_id.kind != "call")
        if meters:
            meters._forget_price()

    def _waive(self, period):
        """Bill those of these no more that are of a period, or before it."""
        self.flush_model()
        self.env.cr.execute(
            "UPDATE metered_usage SET waived_period_id = %s, collecting = FALSE"
            " WHERE id = ANY(%s) AND day < %s AND waived_period_id IS NULL",
            (period.id, self.ids, period.date_to),
        )
        self.invalidate_model(["waived_period_id", "collecting"], flush=False)

    @api.model
    def _waive_no_more(self, periods):
        self.env.cr.execute(
            "UPDATE metered_usage SET waived_period_id = NULL"
            " WHERE waived_period_id = ANY(%s)",
            (periods.ids,),
        )
        self.invalidate_model(["waived_period_id"], flush=False)
