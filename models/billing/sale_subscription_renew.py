# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field
from datetime import timedelta

from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ...ingest.aside import Aside
from ..guard.untrusted import own_context

#: ids of the subscriptions that are being closed
CLOSING = Aside("metered_closing", default=frozenset())


@dataclass(slots=True)
class Renewal:
    """What one subscription is invoiced when it is renewed or closed."""

    subscription: models.BaseModel
    date_from: object
    date_to: object
    period: models.BaseModel = None
    #: the invoices that bill the period already
    billed: models.BaseModel = None
    #: whether its flat fees are billed, or its usage alone
    fees: bool = True
    #: whether nothing of it is kept: no sale order is confirmed for it
    is_quote: bool = False
    #: at which sums are converted; None: the first day after its period
    date: object = None
    #: half-open days within it whose usage is billed elsewhere
    apart: list = field(default_factory=list)
    #: (values of an invoice line, ids of its usage)
    usage_lines: list = field(default_factory=list)
    invoice: models.BaseModel = None
    note: str = ""
    #: periods that were carried forward and are billed with it
    carried: models.BaseModel = None
    #: why these are billed now: of ``metered.period``'s ``carry_end``
    carry_end: str = "manual"
    #: of other subscriptions of the same customers: id -> ``Carried``
    waiting: dict = field(default_factory=dict)
    #: the one on whose invoice its usage is
    host: object = None
    #: (amount, ``metered.invoice.floor``) where its usage waits for more
    below: tuple = ()

    def billed_message(self):
        """Says which invoice bills the period."""
        return self.subscription.env._(
            "The period until %(date)s of %(subscription)s is already billed by "
            "%(invoice)s. Delete, cancel or credit that invoice first.",
            date=self.date_to,
            subscription=self.subscription.name,
            invoice=self.billed._metered_label(),
        )


class SaleSubscription(models.Model):
    """Renewing subscriptions, many at a time.

    All in here is one act: when one of them fails, none is renewed. What calls it
    (``metered.renewal``) then takes them one by one.
    """

    _inherit = "sale.subscription"

    def _metered_renew(self, run=None):
        """Invoice the period that is due of each, and set the next dates.

        :param run: the ``metered.renewal`` record that this is part of
        :return: the invoices, ``account.move``
        :raises UserError: when one of them cannot be invoiced
        """
        self = own_context(self)  # noqa: PLW0642
        invoices = self.env["account.move"]
        for company, subscriptions in self.grouped("company_id").items():
            renewals = subscriptions.with_company(company)._metered_renew_in_company()
            if run:
                self.env["metered.period"].browse(
                    renewal.period.id for renewal in renewals
                ).sudo().renewal_id = run
            for renewal in renewals:
                if renewal.invoice:
                    invoices |= renewal.invoice
        self._metered_review(invoices, run)
        return invoices

    def _metered_renew_in_company(self):
        renewals = self._metered_claim_periods()
        open_renewals = [renewal for renewal in renewals if not renewal.billed]
        self._metered_claim_usage(open_renewals)
        self._metered_carry_forward(open_renewals)
        self._metered_invoice(open_renewals)
        for renewal in renewals:
            renewal.subscription._set_next_invoice_date_after_invoice()
        self._metered_note(renewals)
        return renewals

    def _metered_bill_final(self):
        """Bill the usage that is left of subscriptions that are being closed.

        :return: the invoices, ``account.move``; none where nothing is left
        """
        with CLOSING.said(frozenset(self.ids)):
            return self._metered_bill_what_is_left()

    def _metered_bill_what_is_left(self):
        self._metered_end_plans()
        invoices = self.env["account.move"]
        for subscription in own_context(self):
            subscription = subscription.with_company(subscription.company_id)
            today = subscription.company_id._metered_today()
            date_to = today + timedelta(days=1)
            renewal = Renewal(
                subscription,
                subscription._metered_period_start(date_to),
                date_to,
                fees=False,
            )
            subscription._metered_claim_usage([renewal])
            if not renewal.usage_lines:
                continue
            subscription._metered_claim([renewal])
            if renewal.billed or subscription._metered_waive_rest(renewal):
                continue
            renewal.carry_end = "closing"
            values = subscription._prepare_account_move(
                [Command.create(line) for line, _ids in renewal.usage_lines]
            )
            values["invoice_date"] = today
            renewal.invoice = subscription._metered_create_moves([values])
            subscription._metered_link([renewal])
            subscription._metered_post_and_send([renewal])
            subscription._metered_note([renewal])
            invoices |= renewal.invoice
        self._metered_review(invoices)
        return invoices

    # === CLAIMING === #

    def _metered_claim_periods(self):
        """Claim the period of each that is due.

        :return: list of :class:`Renewal`, in the order of the records
        """
        renewals = []
        for subscription in self:
            date_to = subscription.recurring_next_date
            if not date_to:
                raise UserError(
                    self.env._(
                        "%(subscription)s has no next invoice date. Set one, or close "
                        "the subscription.",
                        subscription=subscription.display_name,
                    )
                )
            renewals.append(
                Renewal(
                    subscription, subscription._metered_period_start(date_to), date_to
                )
            )
        self._metered_claim(renewals)
        return renewals

    def _metered_claim(self, renewals):
        periods = (
            self.env["metered.period"]
            .sudo()
            ._claim([(r.subscription, r.date_from, r.date_to) for r in renewals])
        )
        living = self.env["metered.period"].union(*periods.values())._living_invoices()
        for renewal in renewals:
            renewal.period = periods[renewal.subscription.id]
            renewal.billed = living.get(renewal.period.id)

    def _metered_claim_usage(self, renewals):
        """Lock the usage of claimed periods, and prepare its invoice lines.

        Two subscriptions of one customer in one go: the first takes the usage.
        """
        # A quote asks nobody: it is of the usage that there is.
        self._metered_take_answers([one for one in renewals if not one.is_quote])
        usage_model = self.env["metered.usage"].sudo()
        owners = self.env["res.partner"].union(
            *(r.subscription.partner_id.commercial_partner_id for r in renewals)
        )
        households = owners._metered_households()
        everybody = owners.browse(
            sorted({key for some in households.values() for key in some.named})
        )
        self.env["metered.register"]._book_for(
            everybody, [(r.subscription, r.date_to) for r in renewals]
        )
        # All of it at once, and first: always in the same order, and before imports
        # have changed what this transaction sees.
        if renewals:
            usage_model._lock(
                [
                    ("company_id", "in", self.company_id.ids),
                    ("partner_id", "in", everybody.ids),
                    ("day", "<", max(renewal.date_to for renewal in renewals)),
                ]
            )
        self.env["metered.plan.mark"]._apply_plans_to(everybody)
        carried = self._metered_carried_by(renewals, households)
        taken = [key for one in carried.values() for key in one.usage.ids]
        for renewal in renewals:
            subscription = renewal.subscription
            own = carried.pop(subscription.id, None)
            household = households[subscription.partner_id.commercial_partner_id.id]
            usage = usage_model._lock_open(
                [
                    *subscription._metered_usage_domain(renewal.date_to, household),
                    *(
                        condition
                        for begin, end in renewal.apart
                        for condition in ("|", ("day", "<", begin), ("day", ">=", end))
                    ),
                    ("id", "not in", taken),
                ]
            )
            taken += usage.ids
            renewal.waiting = carried
            renewal.carried = own.periods if own else self.env["metered.period"].sudo()
            if own:
                usage |= own.usage
            renewal.usage_lines = usage._prepare_invoice_lines(
                company=subscription.company_id,
                currency=subscription.currency_id,
                partner=subscription.partner_invoice_id or subscription.partner_id,
                date_from=renewal.date_from,
                date_to=renewal.date_to,
                date=renewal.date,
                subscription=subscription,
                carried=renewal.carried._days(),
            )
            renewal.carried = renewal.carried._keep_charged(renewal.usage_lines)
            subscription._metered_within_charge(renewal)

    def _metered_usage_domain(self, date_to, household):
        """Open usage that a renewal on ``date_to`` bills.

        Usage of an earlier period that came in late is part of it; usage from before
        the subscription began is not. ``metered.usage.no_renewal`` is the other side
        of it: what is changed here is changed there.

        :param household: :class:`~.res_partner_payer.Household` of its customer
        """
        self.ensure_one()
        # Ids, not a condition on the contact: the index on customer and day is taken
        # then, whatever the statistics of a table say that has just grown.
        domain = [
            ("company_id", "=", self.company_id.id),
            ("invoice_line_id", "=", False),
            ("waived_period_id", "=", False),
            ("day", "<", date_to),
            ("subscription_id", "in", [False, self.id]),
            ("partner_id", "in", list(household.named)),
        ]
        if household.implied != household.named:
            domain += [
                "|",
                ("subscription_id", "=", self.id),
                ("partner_id", "in", list(household.implied)),
            ]
        elsewhere = self._metered_meters_of_others()
        if elsewhere:
            domain += [
                "|",
                ("subscription_id", "=", self.id),
                ("meter_id", "not in", elsewhere.ids),
            ]
        if self.date_start:
            domain.append(("day", ">=", self.date_start))
        return domain

    # === INVOICING === #

    def _metered_invoice(self, renewals):
        """Make, link, post and send the invoices as the templates say."""
        self._metered_make_invoices(renewals)
        self._metered_post_and_send(renewals)

    def _metered_make_invoices(self, renewals):
        """Make the drafts, and point periods and usage to them."""
        direct, values_list = [], []
        for renewal in renewals:
            subscription = renewal.subscription
            renewal.invoice = self.env["account.move"].sudo()
            by_order, _post, _send = subscription.template_id._metered_invoicing()
            flat = renewal.fees and subscription._metered_flat_lines() or ()
            if renewal.host:
                continue
            if renewal.is_quote and renewal.period.order_id.state != "sale":
                flat = flat._metered_as_ordered() if by_order and flat else flat
            elif by_order and flat:
                renewal.invoice = subscription._metered_invoice_by_order(renewal)
                continue
            commands = [
                Command.create(line._prepare_account_move_line()) for line in flat
            ] + [Command.create(values) for values, _ids in renewal.usage_lines]
            if commands:
                direct.append(renewal)
                values = subscription._prepare_account_move(commands)
                values_list.append({**values, "metered_period_id": renewal.period.id})
        for renewal, move in zip(
            direct, self._metered_create_moves(values_list), strict=True
        ):
            renewal.invoice = move
        for renewal in renewals:
            if renewal.host:
                renewal.invoice = renewal.host.invoice
        self._metered_link(renewals)

    def _metered_create_moves(self, values_list):
        return (
            self.env["account.move"]
            .sudo()
            .with_context(default_move_type="out_invoice", journal_type="sale")
            .create(values_list)
        )

    def _metered_invoice_by_order(self, renewal):
        """The invoice of a sale order for the flat fees, with the usage added.

        Where the order has nothing to invoice yet (it is invoiced by delivery), the
        usage has an invoice of its own.
        """
        self.ensure_one()
        order = renewal.period.order_id
        if order.state != "sale":
            order = self.create_sale_order()
            order.action_confirm()
            order.action_lock()
            renewal.period.order_id = order
        lines = [Command.create(values) for values, _ids in renewal.usage_lines]
        if order._get_invoiceable_lines():
            invoice = order._create_invoices()
            invoice.sudo().write(
                {
                    "invoice_date": self._metered_billing_date(),
                    "invoice_origin": f"{order.name}, {self.name}",
                    "invoice_line_ids": lines,
                }
            )
            return invoice.sudo()
        if not lines:
            return self.env["account.move"].sudo()
        return self._metered_create_moves([self._prepare_account_move(lines)])

    def _metered_link(self, renewals):
        """Point periods and usage to the invoices that were made for them."""
        usage = self.env["metered.usage"].sudo()
        for renewal in renewals:
            if renewal.invoice:
                if not renewal.invoice.metered_period_id:
                    renewal.invoice.metered_period_id = renewal.period
                renewal.period.write(
                    {
                        "invoice_id": renewal.invoice.id,
                        "was_billed": True,
                        "is_waived": False,
                        "without_fees": not renewal.fees,
                        "fees": renewal.fees
                        and renewal.subscription._metered_fees_now(),
                    }
                )
                usage._link_to_invoice(renewal.invoice, renewal.usage_lines)
                renewal.carried._bill_carried(
                    renewal.invoice, renewal.usage_lines, renewal.carry_end
                )
                waits = renewal.subscription._metered_waits_for_usage()
                if waits and not renewal.is_quote:
                    renewal.invoice._metered_begin_waiting()

    def _metered_post_and_send(self, renewals):
        """Post and send what neither is held nor waits for approval."""
        to_post = to_send = self.env["account.move"].sudo()
        for renewal in self._metered_complete(renewals):
            template = renewal.subscription.template_id
            _order, post, send = template._metered_invoicing()
            if renewal.invoice and renewal.invoice.metered_pending:
                renewal.note = self.env._("It is waiting for usage.")
                continue
            if not renewal.invoice or not post:
                continue
            if renewal.invoice.amount_total < 0:
                renewal.note = self.env._(
                    "It credits more than it charges. Convert it to a credit note and "
                    "post that."
                )
                continue
            if template._metered_waits():
                renewal.note = self.env._("It is waiting for approval.")
                continue
            to_post |= renewal.invoice
            if send:
                to_send |= renewal.invoice
        if to_post:
            to_post.action_post()
        unsent = to_send._metered_queue_mail(self.env.user)
        for renewal in renewals:
            if renewal.invoice and renewal.invoice in unsent:
                renewal.note = renewal.invoice._metered_unsent_text()

    def _metered_waits(self):
        """Whether its invoices wait for a person; of none: no."""
        return bool(self) and self.template_id._metered_waits()

    def _metered_waits_for_usage(self):
        """Whether its invoices wait for usage that a program counts; of none: no."""
        return bool(self) and self.template_id._metered_waits_for_usage()

    def _metered_review(self, invoices, run=None):
        """Have invoices in the review: all of a run, and others that are to wait.

        :param run: the ``metered.renewal`` that made them
        """
        invoices = invoices.sudo()
        if not run:
            drafts = invoices.filtered(lambda move: move.state == "draft")
            invoices = drafts.filtered(
                lambda move: move.metered_period_id.subscription_id._metered_waits()
            )
        if invoices:
            invoices.env["metered.review"]._add(invoices, run)

    def _metered_note(self, renewals):
        """Say on each subscription what was done."""
        self._message_log_batch(
            {
                renewal.subscription.id: renewal.subscription._metered_note_text(
                    renewal
                )
                for renewal in renewals
            }
        )

    def _metered_note_text(self, renewal):
        if renewal.billed:
            return renewal.billed_message()
        invoice = renewal.invoice
        if renewal.below:
            return self._metered_carried_text(renewal)
        if not invoice:
            return self.env._(
                "Nothing to invoice for the period until %(date)s.",
                date=fields.Date.to_string(renewal.date_to),
            )
        link = Markup("<a href=# data-oe-model=account.move data-oe-id=%s>%s</a>") % (
            invoice.id,
            invoice.name if invoice.state == "posted" else self.env._("To validate"),
        )
        text = Markup("<b>%s</b> %s") % (
            self.env._("Created invoice with reference"),
            link,
        )
        return text + Markup(" %s") % renewal.note if renewal.note else text

    # === WHAT IS DUE === #

    def action_metered_renew(self):
        """Renew what of these is due, in the background, and show the runs.

        :raises UserError: none of them is due
        """
        self.check_access("write")
        self.env["metered.renewal"].check_access("read")
        runs = self.env["metered.renewal"].sudo()
        for subscriptions in self.grouped("company_id").values():
            runs |= runs._start_chosen(subscriptions)
        if not runs:
            raise UserError(
                self.env._(
                    "None of these subscriptions is due today, so nothing was renewed."
                )
            )
        runs._enqueue()
        return runs.sudo(False)._get_records_action(context={})

    @api.model
    def cron_subscription_management(self):
        """Resume, start, renew and close what is due, company by company.

        subscription_oca does this for all subscriptions in one transaction, in which
        one error is the end of it for the others. Here it is a job: see
        ``metered.renewal``.
        """
        # It is public, and who may read subscriptions may not renew them.
        self.check_access("write")
        self._cron_resume_due_subscriptions()
        renewals = self.env["metered.renewal"]
        for (company,) in self._read_group(
            [("stage_id.type", "!=", "post")], ["company_id"]
        ):
            renewals._start(company)
        renewals._cron_process_renewals()

    @api.model
    def _metered_due_domain(self, company, today):
        """Subscriptions that have something due in a company: a superset of them."""
        return [
            ("company_id", "=", company.id),
            ("active", "=", True),
            "|",
            "&",
            ("in_progress", "=", True),
            "|",
            "&",
            ("is_paused", "=", False),
            "|",
            ("recurring_next_date", "=", False),
            ("recurring_next_date", "<=", today),
            "&",
            ("recurring_rule_boundary", "=", False),
            ("date", "<=", today),
            "&",
            ("stage_id.type", "=", "pre"),
            ("date_start", "<=", today),
        ]


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def group_subscription_lines(self):
        """The order of a renewal is what a subscription sells, and starts no other."""
        if self.order_subscription_id:
            return {}
        return super().group_subscription_lines()
