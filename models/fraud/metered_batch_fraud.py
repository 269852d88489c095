# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import fields, models

from ...fraud import MOST_DAYS

DAY = timedelta(days=1)


class MeteredBatch(models.Model):
    """What an import has to do with toll fraud."""

    _inherit = "metered.batch"

    def _raise_fraud_alarms(self, suspicions):
        """Raise alarms, in the transaction that stored the calls.

        :param suspicions: tuple of ``ingest.fraud_store.Suspicion``
        """
        if suspicions:
            alarms = self.env["metered.fraud.alarm"].sudo()
            alarms._raise(self.source_id, suspicions)

    def _take_back_fraud(self, commit=None):
        """Sum the days of this import again, without what was undone.

        Days that are checked are summed now: the same file may come again. The others
        are only learned from.
        """
        self.ensure_one()
        if not self.first_start:
            return
        days, cr = self.env["metered.fraud.day"].sudo(), self.env.cr
        known = days._fraud_settings(self.company_id)
        if known is None:
            return
        today = fields.Date.today()
        last = min(self.last_start.date() + DAY, today + DAY)
        young = today - timedelta(days=(known.now - known.oldest) // 86_400 + 1)
        first = max(self.first_start.date() - DAY, today - timedelta(days=MOST_DAYS))
        if first <= last:
            cr.execute(
                "INSERT INTO metered_fraud_mark (company_id, day_from, day_to)"
                " VALUES (%s, %s, %s)",
                (self.company_id.id, first, last),
            )
        if last >= young:
            days._sum_marked(self.company_id, known, commit)
        alarms = self.env["metered.fraud.alarm"].sudo()
        alarms.search(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "=", "open"),
                ("first_call", "<=", self.last_start),
                ("last_call", ">=", self.first_start),
            ]
        )._count_again()
        if commit:
            commit()
