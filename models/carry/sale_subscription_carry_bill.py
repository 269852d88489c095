# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
from datetime import timedelta

from odoo import Command, api, models
from odoo.exceptions import UserError

from ...ingest.conflicts import is_temporary
from ..billing.sale_subscription_dates import PAST_RENEWALS
from ..billing.sale_subscription_renew import Renewal
from ..guard.untrusted import own_context

#: days that a renewal that is due has to decide itself
LEFT_TO_RENEWAL = timedelta(days=7)
#: the problem that what is carried for long enough cannot be billed
PROBLEM = "carried"

_logger = logging.getLogger(__name__)


class SaleSubscription(models.Model):
    """What is carried forward and billed without a renewal: by hand, or by its age."""

    _inherit = "sale.subscription"

    def action_metered_bill_carried(self):
        """Bill what this subscription carries forward, and open the draft.

        :raises UserError: nothing is carried forward, or its usage has no price
        """
        self.ensure_one()
        self.check_access("write")
        invoice = self._metered_bill_carried()
        if not invoice:
            raise UserError(
                self.env._("%s carries nothing forward.", self.display_name)
            )
        return invoice._metered_open_made()

    def _metered_bill_carried(self):
        """Bill what these carry forward, whatever it comes to.

        What other subscriptions of the same customer carry is on the same invoices.

        :return: drafts, ``account.move`` with all rights
        """
        invoices = self.env["account.move"].sudo()
        for subscription in own_context(self).sudo():
            subscription = subscription.with_company(subscription.company_id)
            carried = subscription._metered_carried_periods()
            if carried:
                invoices |= subscription._metered_bill_carried_of(carried, "manual")
        return invoices

    def _metered_bill_carried_of(self, carried, reason):
        """Bill carried periods of this subscription.

        :param reason: of ``carry_end``; less than zero waits unless it is "manual",
            and the invoice is posted as the template says
        :return: ``account.move`` with all rights; empty for nothing
        """
        last = max(carried.mapped("date_to"))
        today = self.company_id._metered_today()
        renewal = Renewal(self, last, last, period=carried[-1:], fees=False, date=today)
        by_hand = reason == "manual"
        with PAST_RENEWALS.said({self.id: today}):
            self._metered_claim_usage([renewal])
            key, terms = self._metered_carry_key(), self._metered_carry_terms()
            with_these = []
            for one in renewal.waiting.values():
                other = one.subscription
                if (other._metered_carry_key(), other._metered_carry_terms()) == (
                    key,
                    terms,
                ):
                    self._metered_carried_lines(one, today)
                    with_these.append(one)
            self._metered_bill_together(renewal, [], with_these, reason)
            if not by_hand and self._metered_untaxed(renewal.usage_lines) <= 0:
                self._metered_forget(renewal.usage_lines)
                renewal.usage_lines = []
            if not renewal.usage_lines:
                return self.env["account.move"].sudo()
            values = self._prepare_account_move(
                [Command.create(line) for line, _ids in renewal.usage_lines]
            )
            renewal.invoice = self._metered_create_moves(
                [{**values, "metered_period_id": renewal.period.id}]
            )
        usage = self.env["metered.usage"].sudo()
        usage._link_to_invoice(renewal.invoice, renewal.usage_lines)
        renewal.carried._bill_carried(
            renewal.invoice, renewal.usage_lines, renewal.carry_end
        )
        if not by_hand:
            self._metered_post_and_send([renewal])
        self._metered_note([renewal])
        self._metered_review(renewal.invoice)
        return renewal.invoice

    # === BY AGE, WITHOUT A RENEWAL === #

    @api.model
    def _cron_bill_aged(self):
        """Bill what is carried for long enough and is not renewed now, such as that of
        paused subscriptions.
        """
        self._metered_bill_aged(self.env.cr.commit)

    @api.model
    def _metered_bill_aged(self, commit=None):
        """See :meth:`_cron_bill_aged`.

        :param commit: function that commits after each subscription
        :return: the invoices, ``account.move`` with all rights
        """
        invoices = self.env["account.move"].sudo()
        subscriptions = own_context(self).sudo()
        companies = self.env["res.company"].sudo()
        for company in companies.search([("active", "=", True)]):
            for subscription in subscriptions.with_company(company)._metered_aged():
                try:
                    with self.env.cr.savepoint():
                        invoices |= subscription._metered_bill_carried_by_age()
                        subscription._metered_close(
                            PROBLEM, self.env._("The carried balance was billed.")
                        )
                except Exception as error:
                    if is_temporary(error):
                        _logger.info("%s is billed later: %s", subscription, error)
                    else:
                        subscription._metered_tell_not_billed(error)
                if commit:
                    commit()
        return invoices

    @api.model
    def _metered_aged(self):
        """Subscriptions of the company that carry what is to be billed by its age.

        Not those whose renewal is due: it decides, with the fees of the next period.
        """
        company = self.env.company
        today, waiting = company._metered_today(), company._metered_carry_waiting()
        periods = self.env["metered.period"].sudo()
        aged = (
            periods._find_carried([("company_id", "=", company.id)])
            .filtered(lambda period: waiting.is_over(period.date_from, today))
            .subscription_id
        )
        due = aged.filtered(
            lambda one: (
                one.in_progress
                and one.recurring_next_date
                and one.recurring_next_date <= today
                and today < one.recurring_next_date + LEFT_TO_RENEWAL
            )
        )
        keys = {one._metered_carry_key() for one in due}
        return aged.filtered(lambda one: one._metered_carry_key() not in keys).sorted(
            "id"
        )

    def _metered_bill_carried_by_age(self):
        """Bill what this carries, unless the invoice of another one has taken it."""
        carried = self._metered_carried_periods()
        if not carried or self._metered_waits_for_usage():
            return self.env["account.move"].sudo()
        return self._metered_bill_carried_of(carried, "age")

    def _metered_tell_not_billed(self, error):
        """Tell a person that what is carried could not be billed."""
        if isinstance(error, UserError):
            reason = str(error)
        else:
            _logger.error("%s could not be billed", self, exc_info=error)
            reason = self.env._("An error occurred.")
        self._metered_raise(
            PROBLEM,
            self.env._("Carried balance not billed"),
            self.env._(
                "It has been carried forward for long enough, and could not be billed: "
                "%(reason)s Click Bill Carried Balance when this is solved.",
                reason=reason,
            ),
        )
