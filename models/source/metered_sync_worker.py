# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ...ingest.aside import Aside
from .metered_sync_job import KEPT_SETTINGS

#: first key of the locks that limit how many syncs of a source run ("mbsl")
SLOT_LOCK_CLASS = 0x6D62736C
#: second key of these: the source's id times this, and the slot
SLOTS = 64
#: those that have run the least come first
ORDER = "run_seconds NULLS FIRST, id"
#: the place that a worker holds among those of the source
SLOT = Aside("metered_slot")


class MeteredSync(models.Model):
    """Who works syncs off, and how many of one source at the same time."""

    _inherit = "metered.sync"

    def _enqueue(self, at=None):
        """Have these worked off soon: by the job runner, or the scheduled action."""
        if at:
            self._trigger_cron(at)
            return
        waiting = self.filtered_domain(self._due_domain())
        if not waiting:
            return
        if self.env["metered.source"]._has_job_runner():
            waiting.source_id._delay_workers()
        else:
            self._trigger_cron()

    def _cron_id(self):
        return "metered_billing.ir_cron_sync"

    @api.model
    def _trigger_cron(self, at=None):
        self.env.ref(self._cron_id()).sudo()._trigger(at)

    @api.model
    def _due_domain(self):
        """Syncs that can be worked on now."""
        return [
            ("state", "in", ("queued", "running")),
            "|",
            ("not_before", "=", False),
            ("not_before", "<=", fields.Datetime.now()),
        ]

    @api.model
    def _cron_process_syncs(self):
        """Work on what waits, for a slice of time; Odoo calls again for the rest.

        Where jobs of queue_job do that, only see that there are such jobs.
        """
        if self.env["metered.source"]._has_job_runner():
            self.search(self._due_domain()).source_id._delay_workers()
        else:
            with KEPT_SETTINGS.said({}):
                # A source with a single account does not wait for another's thousand.
                self._work_off(self._due_domain(), "_process", ORDER, turns="source_id")

    # === LIMIT === #

    def _take_slot(self, commit):
        """One of the places that the source allows at the same time.

        Without ``commit`` it is held until the end of the transaction.

        :return: its number; None when all are taken
        """
        held = SLOT.heard()
        if held is not None:
            return held
        for slot in range(self.source_id._parallel_syncs()):
            if self.source_id._lock_slot(slot, commit):
                return slot
        return None

    def _free_slot(self, slot, commit):
        """Let others have the place; see :meth:`_take_slot`."""
        if SLOT.heard() is None:
            self.source_id._unlock_slot(slot, commit)
