# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
from datetime import timedelta

from odoo import api, fields, models

from ...ingest.conflicts import again
from ...stored.fraud_days import check_waiting
from ..guard.unchecked_many2one import UncheckedMany2one
from ..job.metered_job import SLICE_SECONDS

DAY = timedelta(days=1)


class MeteredFraudWait(models.Model):
    """Calls of a customer that were stored, and wait to be checked for fraud.

    Only what began within the last day is checked while it is stored. What is older is
    checked a moment later, when its days are summed: an import of a month does not wait
    for it.
    """

    _name = "metered.fraud.wait"
    _description = "Calls to Check for Fraud"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    source_id = UncheckedMany2one("metered.source", required=True, readonly=True)
    partner_id = UncheckedMany2one("res.partner", required=True, readonly=True)
    first_call = fields.Datetime(required=True, readonly=True)
    last_call = fields.Datetime(required=True, readonly=True)

    _partner_idx = models.Index("(company_id, partner_id)")

    @api.model
    def _check_soon(self):
        """Have what waits checked by the scheduled action; nobody waits for it."""
        if self.sudo().search_count([], limit=1):
            self.env.ref("metered_billing.ir_cron_check_fraud").sudo()._trigger()

    @api.model
    def _cron_check(self):  # the name that databases have stored
        """Sum the days of what waits, and check it."""
        end = time.monotonic() + SLICE_SECONDS
        done = self.sudo()._check_companies(self.env.cr.commit, end)
        self.env["ir.cron"]._commit_progress(remaining=0 if done else 1)

    @api.model
    def _check_companies(self, commit=None, end=None):
        """Sum the days of what waits, and check it; whether all of it is done.

        :param commit, end: as of ``metered.fraud.day``
        """
        days, done = self.env["metered.fraud.day"], True
        for company, first in self._read_group([], ["company_id"], ["first_call:min"]):
            known = days._fraud_settings(company)
            if known is None:
                self.env.cr.execute(
                    "DELETE FROM metered_fraud_wait WHERE company_id = %s",
                    (company.id,),
                )
                continue
            since = first.date() - 2 * DAY
            if days._sum_marked(company, known, commit, end, since):
                self._check_waiting(company, known, commit)
            else:
                done = False
        return done

    @api.model
    def _check_waiting(self, company, known, commit=None):
        """Check all that waits of a company, and raise alarms.

        :param known: ``ingest.fraud_settings.FraudSettings``
        :param commit: function that commits after each portion; None: the caller's
            transaction has it all
        """
        alarms, after = self.env["metered.fraud.alarm"], 0

        def work(_failed):
            found, last = check_waiting(self.env.cr, known, after)
            for source_id, suspicions in sorted(found.items()):
                source = self.env["metered.source"].browse(source_id)
                alarms._raise(source, suspicions)
            if commit:
                commit()
            return last

        while after is not None:
            after = again(self.env.cr, work, commit)
        self.invalidate_model()
