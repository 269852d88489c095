# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from contextlib import nullcontext

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...ingest.aside import Aside
from ...ingest.conflicts import CONFLICTS
from ...rating.exact import exact, exact_text, number
from ..golden.metered_golden_guard import AS_AGREED
from ..guard.untrusted import all_given, given, own_context
from ..screen.actions import window_action
from .sale_subscription_dates import ADVANCING, PAST_RENEWALS
from .sale_subscription_renew import Renewal

#: a day after all usage
LAST = "9999-12-31"
#: the invoice lines of the usage that an invoice is being made with
USAGE_LINES = Aside("metered_usage_lines", default=())
#: what says whose subscription bills for whom
PAYING = frozenset({"active", "partner_id", "stage_id"})


class SaleSubscription(models.Model):
    """The ways into a subscription's invoice: the button, the renewal, the closing.

    It brings what is sold to a customer, calling plans and metered products: it begins,
    changes hands, or has other lines. That it is closed changes no price: the customer
    leaves. What begins or ends by its dates was decided when it was sold, and nobody is
    there to be asked.
    """

    _name = "sale.subscription"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "sale.subscription",
        "metered.golden.guard",
    ]

    # The next renewal is set by each of them.
    _not_audited = frozenset({"recurring_next_date"})
    _audited_too = frozenset({"partner_id", "pricelist_id", "template_id"})

    _golden_kinds = frozenset({"call", "usage"})
    _pricing = frozenset({"partner_id", "stage_id", "sale_subscription_line_ids"})

    metered_period_ids = fields.One2many(
        "metered.period",
        "subscription_id",
        string="Billing Periods",
        readonly=True,
    )
    metered_unbilled = fields.Char(
        string="Periods Without Invoice",
        compute="_compute_metered_unbilled",
        compute_sudo=True,
        help="Billing periods whose invoice was deleted, canceled or credited.",
    )

    metered_has_meters = fields.Boolean(compute="_compute_metered_has_meters")

    @api.depends("metered_period_ids.state")
    def _compute_metered_unbilled(self):
        for subscription in self:
            unbilled = subscription._metered_unbilled_periods()
            subscription.metered_unbilled = unbilled._describe_days()

    @api.depends("sale_subscription_line_ids.metered_meter_id")
    def _compute_metered_has_meters(self):
        for subscription in self:
            subscription.metered_has_meters = bool(subscription._metered_lines())

    def _prepare_account_move(self, line_ids):
        """Add the lines of the claimed usage; metered lines have no fixed charge.

        The currency and the fiscal position are the subscription's: the lines' taxes
        and accounts follow from them.
        """
        usage_lines = USAGE_LINES.heard()
        line_ids = self._metered_without_fixed(line_ids)
        values = super()._prepare_account_move(
            [*line_ids, *(Command.create(line) for line in usage_lines)]
        )
        values["invoice_date"] = self._metered_billing_date()
        values.setdefault("currency_id", self.currency_id.id)
        if self.fiscal_position_id:
            values.setdefault("fiscal_position_id", self.fiscal_position_id.id)
        return values

    def _prepare_sale_order(self, line_ids=False):
        """A sale order has the flat fees; what is metered is invoiced by usage."""
        return super()._prepare_sale_order(self._metered_without_fixed(line_ids or []))

    def create_invoice(self):
        """Create one invoice, a draft, with the usage of the period that ended.

        It is made in the books of the subscription's company, whoever asks for it.

        :raises UserError: when the period is billed already, with the invoice's name
        """
        self.ensure_one()
        subscription = own_context(self).with_company(self.company_id)
        [renewal] = subscription._metered_claim_periods()
        if renewal.billed:
            raise UserError(renewal.billed_message())
        subscription._metered_claim_usage([renewal])
        with USAGE_LINES.said([values for values, _ids in renewal.usage_lines]):
            renewal.invoice = super(SaleSubscription, subscription).create_invoice()
        subscription._metered_link([renewal])
        return renewal.invoice

    def manual_invoice(self):
        """Create the next invoice, unless an earlier period is on none.

        Who deletes an invoice and then presses this button means that period, and
        would get the next one, early, and without the fees of the one that is missing.

        :raises UserError: with the period, and where it is billed again
        """
        self.ensure_one()
        unbilled = self._metered_unbilled_periods().filtered(
            lambda period: period.date_to != self.recurring_next_date
        )
        if unbilled:
            raise UserError(
                self.env._(
                    "No invoice for %(periods)s of %(subscription)s: it was deleted, "
                    "canceled or credited. Create Invoice bills the next renewal on "
                    "%(next)s, not that period. First click Bill This Period Again on "
                    "the subscription, or leave the period unbilled under Metered "
                    "Billing, Billing, Billing Periods.",
                    periods=unbilled._describe_days(),
                    subscription=self.name,
                    next=format_date(self.env, self.recurring_next_date),
                )
            )
        try:
            self.with_company(self.company_id)._metered_claim_periods()
        except CONFLICTS as error:
            # Tried again, it would find the next date moved on, and bill that as well.
            raise UserError(
                self.env._(
                    "%s is being invoiced right now, by someone else or by the "
                    "nightly renewal. Check its invoices before you click Create "
                    "Invoice again, because that bills the next period.",
                    self.name,
                )
            ) from error
        return super().manual_invoice()

    def generate_invoice(self):
        """Renew: invoice the period that is due as the template says.

        Where a living invoice bills the period already, no other one is made: the next
        date moves on.
        """
        self._metered_renew()

    def close_subscription(self, close_reason_id=False):
        """Close, and bill the usage that is left."""
        self._metered_bill_final()
        return super().close_subscription(close_reason_id)

    @api.model_create_multi
    def create(self, vals_list):
        """Remember the day of the month that their next dates mean."""
        subscriptions = super().create(vals_list)
        subscriptions._metered_set_billing_day()
        subscriptions._metered_mark_payers(subscriptions.partner_id)
        return subscriptions

    def unlink(self):
        """Keep who would bill the usage that waits for it.

        Another subscription may bill then what these billed.

        :raises UserError: nobody does
        """
        waiting, names = self._metered_waiting_usage(), self.mapped("name")
        partners = self.partner_id
        self._unlink_except_unbilled()
        # The invoices let go of the periods first, or PostgreSQL finds an invoice of
        # this transaction that lost its subscription and still names the period.
        self.metered_period_ids.sudo().unlink()
        result = super().unlink()
        self._metered_check_waiting(waiting, names)
        self._metered_mark_payers(partners)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_unbilled(self):
        """Keep what is still to be billed: its periods go with it."""
        unbilled = self._metered_unbilled_periods() | self._metered_carried_periods()
        if unbilled:
            raise UserError(
                self.env._(
                    "No invoice for %(periods)s of %(subscription)s, which would no "
                    "longer be billed. First click Bill This Period Again on the "
                    "subscription, or leave the period unbilled under Metered "
                    "Billing, Billing, Billing Periods.",
                    periods=unbilled._describe_days(),
                    subscription=", ".join(unbilled.subscription_id.mapped("name")),
                )
            )

    def write(self, values):
        """Bill what is left when a stage closes it, and keep dates that were agreed.

        subscription_oca begins anew, today, whenever a subscription is moved to a stage
        in progress, also from another one. Golden calls are compared around all that
        follows of a stage, too: that it begins to run.

        :raises UserError: when it gets another customer while usage waits for it
        """
        watched = self._pricing & values.keys()
        with self._golden_watch("write", [values]) if watched else nullcontext():
            payers = self.partner_id if PAYING & values.keys() else None
            before = self._metered_before_change(values)
            result = super().write(values)
            self._metered_after_change(values, *before)
            if payers is not None:
                self._metered_mark_payers(payers | self.partner_id)
        return result

    def _metered_before_change(self, values):
        """Bill what is left of those that a stage closes.

        :param values: as of :meth:`write`
        :return: usage that waits for them, where it could be left behind; those that
            are closed; dict of those that go on running -> the dates that were agreed
        """
        waiting = self.env["metered.usage"].sudo()
        if {"partner_id", "company_id"} & set(values):
            waiting = self._metered_waiting_usage()
        stage = given(self, values, "stage_id")
        running = self.filtered("in_progress") if stage else self.browse()
        closed, dates = self.browse(), {}
        if stage.type == "post":
            closed = running
            for subscription in closed:
                subscription._metered_bill_final()
        elif stage.type == "in_progress":
            names = ("date_start", "recurring_next_date", "metered_billing_day")
            dates = {
                subscription: {name: subscription[name] for name in names}
                for subscription in running
            }
        return waiting, closed, dates

    def _metered_after_change(self, values, waiting, closed, dates):
        """What follows of a change; see :meth:`_metered_before_change`."""
        if values.get("recurring_next_date") and not ADVANCING.heard():
            self._metered_set_billing_day()
        closed.filtered("recurring_next_date").recurring_next_date = False
        for subscription, kept in dates.items():
            with ADVANCING.said():
                subscription._set_as_program(kept)
        self._metered_check_waiting(waiting, self.mapped("name"))
        self._metered_plans_after(values)

    # === WHOSE USAGE IT BILLS === #

    def _metered_waiting_usage(self):
        """Open usage that the coming renewals of these bill.

        :return: ``metered.usage`` with all rights
        """
        usage = self.env["metered.usage"].sudo()
        for subscription in self.filtered("in_progress"):
            owner = subscription.partner_id.commercial_partner_id
            owner = owner.with_company(subscription.company_id)
            household = owner._metered_households()[owner.id]
            usage |= usage.search(
                subscription._metered_usage_domain(fields.Date.to_date(LAST), household)
            )
        return usage

    @api.model
    def _metered_check_waiting(self, usage, names):
        """Refuse a change after which nothing bills usage that was to be billed.

        :param usage: ``metered.usage`` that was to be billed before
        :param names: of the subscriptions that were to bill it
        """
        left = usage.search([("id", "in", usage.ids), ("no_renewal", "=", True)])
        if left:
            raise UserError(
                self.env._(
                    "Usage of %(customer)s (%(records)s) is waiting for the next "
                    "invoice of %(subscription)s and would not be billed after this "
                    "change. Close the subscription, which bills the remaining usage, "
                    "and create a new one. Or invoice the usage first under Metered "
                    "Billing, Billing, Manual Invoicing.",
                    records=self.env["metered.explanation"]._records(
                        sum(left.mapped("records"))
                    ),
                    customer=left.partner_id[0].display_name,
                    subscription=", ".join(names),
                )
            )

    @api.constrains("partner_id", "company_id")
    def _check_metered_identifiers(self):
        """Identifiers that name it stay those of its customer."""
        self.env["metered.identifier"].sudo().with_context(active_test=False).search(
            [("subscription_id", "in", self.ids)]
        )._check_subscription()

    # === BILLING A PERIOD AGAIN === #

    def _metered_unbilled_periods(self):
        """The periods of these that are on no invoice, the oldest first.

        :return: ``metered.period`` with all rights
        """
        return (
            self.env["metered.period"]
            .sudo()
            .search(
                [("subscription_id", "in", self.ids), ("state", "=", "unbilled")],
                order="date_to, id",
            )
        )

    def _metered_fees_now(self):
        """The flat fees as a period remembers them: name, quantity, price, discount."""
        self.ensure_one()
        return [
            [line.name, line.product_uom_qty, line.price_unit, line.discount]
            for line in self._metered_flat_lines()
        ]

    def _metered_bill_again(self, period):
        """Bill a period again that is on no invoice; a draft, whatever the template.

        Fees and usage are those of its renewal, by the subscription as it is now. The
        next invoice date stays. Days of other periods that are on no invoice are left
        to these.

        :param period: ``metered.period`` of this subscription
        :return: ``account.move``, empty where nothing is left to bill
        :raises UserError: when an invoice bills it
        """
        self.ensure_one()
        period._unwaive()
        day = period.date_to
        if period.without_fees:
            # It was billed on the day on which the subscription was closed.
            day = fields.Date.subtract(day, days=1)
        others = self._metered_unbilled_periods() - period
        renewal = Renewal(
            self,
            period.date_from,
            period.date_to,
            fees=not period.without_fees,
            apart=[(other.date_from, other.date_to) for other in others],
        )
        with PAST_RENEWALS.said({self.id: day}):
            self._metered_claim([renewal])
            if renewal.billed:
                raise UserError(renewal.billed_message())
            before, now = period.fees or [], self._metered_fees_now()
            self._metered_claim_usage([renewal])
            self._metered_make_invoices([renewal])
        if not renewal.invoice:
            period.was_billed = False
        elif renewal.fees and before != now:
            renewal.invoice._metered_log(
                self.env._(
                    "The fees are those of the subscription today: %(now)s. When the "
                    "period was first billed, they were %(before)s.",
                    now=self._metered_describe_fees(now),
                    before=self._metered_describe_fees(before),
                )
            )
        self._metered_note([renewal])
        self._metered_review(renewal.invoice, period.renewal_id)
        return renewal.invoice

    def _metered_describe_fees(self, fees):
        texts = []
        for name, quantity, price, discount in fees:
            times, off = (exact_text(exact(number(n))) for n in (quantity, discount))
            text = f"{name}: {times} × {self.currency_id.format(price)}"
            texts.append(f"{text} − {off} %" if discount else text)
        return ", ".join(texts) or self.env._("none")

    def action_metered_bill_again(self):
        """Bill the oldest period again that is on no invoice, and open the draft.

        :raises UserError: where there is none
        """
        self.ensure_one()
        self.check_access("write")
        period = self._metered_unbilled_periods()[:1]
        if not period:
            raise UserError(
                self.env._("All billing periods of %s have invoices.", self.name)
            )
        return period.sudo(False)._open_billed_again(period._bill_again())

    def action_view_account_invoice_ids(self):
        """Open the invoices, by views that a Biller can read."""
        action = super().action_view_account_invoice_ids()
        invoices = self.env["account.move"]
        if not invoices._metered_is_for_biller():
            return action
        return invoices._metered_invoices_action(action["domain"])

    @api.model
    def action_metered_subscriptions(self):
        """Open the subscriptions, by views that read no more than the user may."""
        action = window_action(self.env, "action_metered_subscription")
        if not self.has_access("write"):
            listed = self.env.ref("metered_billing.sale_subscription_view_list_biller")
            action["views"] = [(listed.id, "list"), (self.get_formview_id(), "form")]
        return action

    def get_formview_id(self, access_uid=None):
        """A form that a Biller can read: that of all others reads sale orders, too."""
        if not self.has_access("write"):
            view = self.env.ref("metered_billing.sale_subscription_view_form_biller")
            return view.id
        return super().get_formview_id(access_uid=access_uid)

    def action_view_metered_usage(self):
        """Open the usage that this subscription's invoices hold or will hold."""
        self.ensure_one()
        self.check_access("read")
        subscription = self.sudo()
        invoices = subscription.invoice_ids | subscription.metered_period_ids.invoice_id
        invoiced = invoices.invoice_line_ids.filtered("metered_usage_ids")
        return window_action(
            self.env,
            "action_metered_usage",
            [
                ("company_id", "=", self.company_id.id),
                "|",
                ("subscription_id", "=", self.id),
                "&",
                ("subscription_id", "=", False),
                "|",
                ("invoice_line_id", "in", invoiced.ids),
                "&",
                ("invoice_line_id", "=", False),
                (
                    "partner_id",
                    "in",
                    self.with_company(self.company_id).partner_id._metered_family().ids,
                ),
            ],
        )

    # === GOLDEN CALLS === #

    def _golden_domain(self):
        return []

    def _golden_concerned(self, calls, vals_list):
        if AS_AGREED.heard() or self._golden_is_end(vals_list):
            return calls.browse()
        partners = all_given(self, vals_list, "partner_id")
        return calls._of_families(self.partner_id | partners)

    def _golden_is_end(self, vals_list):
        """Whether all that is written is a stage in which it does not run."""
        return bool(vals_list) and all(
            not (self._pricing - {"stage_id"}) & vals.keys()
            and given(self, vals, "stage_id").type != "in_progress"
            for vals in vals_list
        )

    # === LINES: FLAT FEES AND METERS === #

    def _metered_lines(self):
        """The lines that are invoiced by usage."""
        return self.sale_subscription_line_ids.filtered("metered_meter_id")

    def _metered_flat_lines(self):
        """The lines that are invoiced in advance, quantity x price."""
        return self.sale_subscription_line_ids - self._metered_lines()

    def _metered_without_fixed(self, commands):
        """Commands for lines without those that charge a metered product as it is.

        :param commands: list of ``Command.create``, of an invoice or a sale order
        """
        products = self._metered_lines().product_id.ids
        return [
            command
            for command in commands
            if command[2].get("product_id") not in products
            or command[2].get("metered_date_from")
        ]

    def _metered_meters_of_others(self):
        """Meters whose usage another running subscription of the customer has a line
        for, and this one has not: its usage is not billed here."""
        self.ensure_one()
        lines = (
            self.env["sale.subscription.line"]
            .sudo()
            .search(
                [
                    ("product_id.metered_meter_id", "!=", False),
                    ("company_id", "=", self.company_id.id),
                    ("sale_subscription_id", "!=", self.id),
                    ("sale_subscription_id.in_progress", "=", True),
                    ("sale_subscription_id.active", "=", True),
                    (
                        "sale_subscription_id.partner_id.commercial_partner_id",
                        "=",
                        self.partner_id.commercial_partner_id.id,
                    ),
                ]
            )
        )
        meters = lines.metered_meter_id | self._metered_levels_elsewhere()
        return meters - self._metered_lines().metered_meter_id
