# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time

from odoo import models
from odoo.exceptions import UserError

from ...ingest.aside import Aside
from ..billing.metered_renewal import ASKED

#: said while what is done is taken back afterwards: nobody outside hears of it
DRY_RUN = Aside("metered_dry_run")
#: billing periods of one subscription that are asked for before a run
MOST_PERIODS = 24


class SaleSubscription(models.Model):
    """Lines whose usage another program tells: it is asked before they are invoiced."""

    _inherit = "sale.subscription"

    def _metered_asking_lines(self):
        """The lines that have a usage URL."""
        return self._metered_lines().filtered("metered_usage_url_id")

    def _metered_due_periods(self, today):
        """The billing periods that a renewal run of this day bills, in order.

        :return: list of (first day, first day after it)
        """
        self.ensure_one()
        found, end = [], self.recurring_next_date
        if not self.in_progress or self.is_paused:
            return found
        begin = end and self._metered_period_start(end)
        last = self._metered_ends() and self.date
        while end and end <= today and not (last and end >= last):
            if len(found) == MOST_PERIODS:
                break
            found.append((begin, end))
            begin, end = end, self._get_next_invoice_date(end)
        return found

    def _metered_take_answers(self, renewals):
        """Have the usage that usage URLs tell, before it is claimed.

        A run has asked them before; what was not asked is asked now. A dry run asks
        nobody: it is of the usage that there is.

        :param renewals: list of ``Renewal``
        :raises UserError: one does not answer, and the renewal is held for that
        """
        if DRY_RUN.heard():
            return
        asked = False
        for renewal in renewals:
            for line in renewal.subscription.sudo()._metered_asking_lines():
                source = line.metered_usage_url_id
                requests = source._ask_usage_url(
                    line, renewal.date_from, renewal.date_to, ASKED.heard()
                )
                held = requests.filtered(lambda one: one.state == "held")[:1]
                if held:
                    raise UserError(held._held_text(is_last=not renewal.fees))
                asked = True
        if asked:
            lines = self.env["metered.source"].sudo()
            for renewal in renewals:
                lines |= (
                    renewal.subscription.sudo()
                    ._metered_asking_lines()
                    .metered_usage_url_id
                )
            lines._rate_answers()


class MeteredSource(models.Model):
    _inherit = "metered.source"

    def _rate_answers(self):
        """Rate the answers that wait, in the transaction that invoices them."""
        for source in self:
            if source._has_posted():
                sync = source._reopened_sync("schedule") or source._start_syncs(
                    "invoice"
                )
                sync[:1]._process()
        self.env.invalidate_all()


class MeteredRenewal(models.Model):
    _inherit = "metered.renewal"

    def _ask_usage_urls(self, commit, seconds):
        """Ask the usage URLs of what is due, one after the other.

        :param commit: function that commits each answer; None: nobody does
        :param seconds: after which to go on another time; None: never
        :return: whether all were asked
        """
        begun = time.monotonic()
        subscriptions = self.env["sale.subscription"].with_company(self.company_id)
        due = subscriptions.search(
            [
                *self._due_domain(),
                ("sale_subscription_line_ids.metered_usage_url_id", "!=", False),
            ],
            order="id",
        )
        for subscription in due:
            for begin, end in subscription._metered_due_periods(self.date):
                for line in subscription._metered_asking_lines():
                    line.metered_usage_url_id._ask_usage_url(
                        line, begin, end, self.create_date
                    )
                    if commit:
                        commit()
            spent = time.monotonic() - begun
            if seconds is not None and spent > seconds and subscription != due[-1]:
                return False
        return True
