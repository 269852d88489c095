# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import formatLang

from ..screen.actions import window_action
from .metered_review import APPROVABLE, UNPOSTED

#: invoices that are shown as the largest, of each currency
LARGEST = 5


class MeteredRenewal(models.Model):
    """What a run came to, and what of it waits for a person."""

    _inherit = "metered.renewal"

    review_ids = fields.One2many(
        "metered.review", "renewal_id", string="Invoices of This Run", readonly=True
    )
    totals = fields.Text(
        compute="_compute_totals",
        help="Total of the invoices per currency, including taxes, and the total of "
        "the same subscriptions in the previous period.",
    )
    largest_ids = fields.Many2many(
        "metered.review",
        string="Largest Invoices",
        compute="_compute_totals",
        help="The five largest invoices in each currency.",
    )
    to_approve = fields.Integer(compute="_compute_review_counts")
    on_hold = fields.Integer(compute="_compute_review_counts")
    not_posted = fields.Integer(compute="_compute_review_counts")
    unassigned = fields.Char(
        string="Unassigned Records",
        compute="_compute_unassigned",
        help="Open exceptions of the company with no known customer. Some of them may "
        "belong on these invoices.",
    )

    def _compute_totals(self):
        groups = self.env["metered.review"]._read_group(
            [("renewal_id", "in", self.ids), ("state", "!=", "gone")],
            ["renewal_id", "currency_id", "has_last"],
            ["__count", "amount:sum", "last_amount:sum"],
        )
        by_run = {}
        for run, currency, has_last, count, amount, last in groups:
            sums = by_run.setdefault(run, {}).setdefault(currency, [0, 0, 0, 0])
            sums[0] += count
            sums[1] += amount
            if has_last:
                sums[2] += amount
                sums[3] += last
        for run in self:
            by_currency = by_run.get(run._origin, {})
            run.totals = "\n".join(
                run._describe_total(currency, *sums)
                for currency, sums in by_currency.items()
            )
            largest = self.env["metered.review"]
            for currency in by_currency:
                largest |= largest.search(
                    [
                        ("renewal_id", "=", run._origin.id),
                        ("currency_id", "=", currency.id),
                        ("state", "!=", "gone"),
                    ],
                    order="amount desc, id",
                    limit=LARGEST,
                )
            run.largest_ids = largest

    def _describe_total(self, currency, count, amount, compared, last):
        """The total of a currency in words.

        :param compared: amount of those that were billed in the period before, too
        :param last: what those came to then
        """
        invoices = self.env["metered.review"]._count_words(count)
        text = self.env._(
            "%(currency)s: %(amount)s, %(invoices)s.",
            currency=currency.name,
            amount=currency.format(amount),
            invoices=invoices,
        )
        if not compared and not last:
            return text
        change = compared - last
        signed = ("+" if change > 0 else "") + currency.format(change)
        if last:
            percent = formatLang(self.env, 100 * change / abs(last), digits=1)
            signed = self.env._(
                "%(change)s (%(percent)s%%)",
                change=signed,
                percent=("+" if change > 0 else "") + percent,
            )
        return (
            text
            + " "
            + self.env._(
                "Subscriptions also billed last period: %(now)s, previously %(last)s, "
                "%(change)s.",
                now=currency.format(compared),
                last=currency.format(last),
                change=signed,
            )
        )

    def _compute_review_counts(self):
        groups = self.env["metered.review"]._read_group(
            [("renewal_id", "in", self.ids)], ["renewal_id", "state"], ["__count"]
        )
        counts = {(run.id, state): count for run, state, count in groups}
        # What waits for usage cannot be approved yet.
        waiting = (
            self.env["metered.review"]
            .sudo()
            ._read_group(
                [
                    ("renewal_id", "in", self.ids),
                    ("state", "in", APPROVABLE),
                    ("invoice_id.metered_pending", "!=", False),
                    ("invoice_id.state", "=", "draft"),
                ],
                ["renewal_id"],
                ["__count"],
            )
        )
        waiting = {run.id: count for run, count in waiting}
        for run in self:
            run.to_approve = sum(
                counts.get((run._origin.id, state), 0) for state in APPROVABLE
            ) - waiting.get(run._origin.id, 0)
            run.on_hold = counts.get((run._origin.id, "held"), 0)
            run.not_posted = counts.get((run._origin.id, "failed"), 0)

    @api.depends_context("lang")
    def _compute_unassigned(self):
        groups = self.env["metered.exception"]._read_group(
            [
                ("company_id", "in", self.company_id.ids),
                ("state", "=", "open"),
                ("partner_id", "=", False),
            ],
            ["company_id"],
            ["__count", "estimate:sum"],
        )
        found = {company: values for company, *values in groups}
        for run in self:
            count, money = found.get(run.company_id, (0, 0))
            run.unassigned = False
            if count:
                run.unassigned = self.env._(
                    "Not assigned to a customer: %(records)s, worth about %(money)s.",
                    records=self.env["metered.explanation"]._records(count),
                    money=run.company_id.currency_id.format(money or 0),
                )

    # === ACTIONS === #

    def action_review(self):
        """Open the invoices of this run, the worst first, with fresh figures."""
        self.ensure_one()
        self.check_access("read")
        self.review_ids.filtered(lambda row: row.state in UNPOSTED)._refresh()
        return window_action(
            self.env,
            "action_metered_review",
            [("renewal_id", "=", self.id)],
            context={},
            display_name=self.display_name,
        )

    def action_approve_all(self):
        """Show what approving all of this run would post, and ask."""
        self.ensure_one()
        self.check_access("read")
        self.env["metered.review"]._check_may_approve()
        return self.env["metered.review.approve"]._get_records_action(
            name=self.env._("Approve and Post"),
            target="new",
            context={"default_renewal_id": self.id, "default_scope": "run"},
        )

    def action_view_unassigned(self):
        """Open the exceptions that no customer is known for."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_exception",
            [
                ("company_id", "=", self.company_id.id),
                ("state", "=", "open"),
                ("partner_id", "=", False),
            ],
            context={},
        )

    def action_view_subscriptions(self):
        """Open the subscriptions that this run renewed."""
        self.ensure_one()
        self.check_access("read")
        return window_action(
            self.env,
            "subscription_oca.sale_subscription_action",
            [("id", "in", self.sudo().period_ids.subscription_id.ids)],
            context={},
        )
