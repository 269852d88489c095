# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models

from ..job.metered_job import UNFINISHED

#: syncs that are removed in one transaction
PORTION = 1_000
ENDED = ("done", "failed")


class MeteredSync(models.Model):
    """Syncs leave with their logs when they are older than their company keeps them.

    What they brought in stays, and so do the imports that say where it came from: of
    which account, and of which time. An import goes with its sync when everything in it
    had been known before.
    """

    _inherit = "metered.sync"

    @api.autovacuum
    def _gc_syncs(self):
        """Remove a portion of each company's.

        :return: (how many, whether there are more)
        """
        kept = self._kept()
        removed, more = 0, False
        for company in self.env["res.company"].search([("metered_sync_days", ">", 0)]):
            days = timedelta(days=company.metered_sync_days)
            aged = self.search(
                [
                    ("company_id", "=", company.id),
                    ("state", "in", ENDED),
                    ("finished", "<", fields.Datetime.now() - days),
                    ("id", "not in", kept.ids),
                ],
                order="id",
                limit=PORTION,
            )
            removed += len(aged)
            more = more or len(aged) == PORTION
            aged._remove()
        return removed, more

    def _kept(self):
        """What is still looked at, whatever its age.

        The last one of each account tells how it stands with it, and one that failed
        can go on as long as the account has that problem. A renewal waits for its own.
        """
        last = self._newest([("state", "in", ENDED)])
        failed = self._newest([("state", "=", "failed")]).filtered(
            lambda sync: (sync.account_id or sync.source_id).sync_error
        )
        renewals = self.env["metered.renewal"].search(UNFINISHED)
        return last | failed | renewals.sync_ids

    @api.model
    def _newest(self, domain):
        """The newest of these for each account, and each source without accounts."""
        rows = self._read_group(domain, ["source_id", "account_id"], ["id:max"])
        return self.browse([newest for _source, _account, newest in rows])

    def _remove(self):
        batches = self.batch_id
        self.unlink()
        known = batches.filtered(lambda batch: not batch._holds_records())
        known.unlink()
