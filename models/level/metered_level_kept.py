# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time

from odoo import api, fields, models
from odoo.tools import SQL

from ...ingest.conflicts import StillInTheWay, again
from ...ingest.store import lock_source
from ...stored.thin_samples import thin, thinnable
from ..guard.unchecked_many2one import UncheckedMany2one

_logger = logging.getLogger(__name__)

#: seconds that the scheduled action works at a time
SLICE_SECONDS = 40
#: Of each sample, in the order of their times: its id and that of its instant, level
#: and 64 bits of what it is known by.
_PACKED = {
    "kept_id": "bigint[]",
    "kept_time": "timestamp[]",
    "kept_quantity": "numeric[]",
    "kept_key": "bigint[]",
    "kept_print": "bigint[]",
    "kept_content": "bigint[]",
}


class MeteredLevelKept(models.Model):
    """Samples that were thinned: those of a day's usage, a source, and a level.

    A sample takes a twentieth of the room that its record took. Its time and its level
    stay, not only what the samples of an hour came to together: a late sample, another
    price, or another policy for gaps need them, and what is billed must not depend on
    the age of what it is billed for. See ``ingest/kept_samples.py``.
    """

    _name = "metered.level.kept"
    _description = "Thinned Samples"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "id desc"
    _rec_name = "level_of"

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    usage_id = fields.Many2one(
        "metered.usage", required=True, readonly=True, ondelete="restrict", index=True
    )
    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="restrict"
    )
    meter_id = fields.Many2one(
        "metered.meter", required=True, readonly=True, ondelete="restrict", index=True
    )
    level_property = fields.Char(readonly=True)
    level_of = fields.Char(readonly=True)
    samples = fields.Integer(readonly=True)
    first_time = fields.Datetime(string="First Sample", readonly=True)
    last_time = fields.Datetime(string="Last Sample", readonly=True)

    _newest_idx = models.Index("(source_id, last_time)")

    def init(self):
        """Add what no field of Odoo's holds: the samples themselves."""
        cr = self.env.cr
        for name, kind in _PACKED.items():
            cr.execute(
                SQL(
                    "ALTER TABLE metered_level_kept ADD COLUMN IF NOT EXISTS %s %s",
                    SQL.identifier(name),
                    SQL(kind),
                )
            )
        for name in ("kept_key", "kept_print"):
            cr.execute(
                SQL(
                    "CREATE INDEX IF NOT EXISTS %s ON metered_level_kept"
                    " USING gin (%s) WITH (fastupdate = off)",
                    SQL.identifier(f"metered_level_{name}_idx"),
                    SQL.identifier(name),
                )
            )

    # === THINNING === #

    @api.model
    def _cron_thin_samples(self):
        """Thin the old samples of every company, for a slice of time."""
        begun, done = time.monotonic(), True
        for company in self.env["res.company"].search([("active", "=", True)]):
            seconds = SLICE_SECONDS - (time.monotonic() - begun)
            done = self._thin(company, self.env.cr.commit, seconds) and done
        self.env["ir.cron"]._commit_progress(remaining=int(not done))

    @api.model
    def _thin(self, company, commit=None, seconds=None, before=None, noted=None):
        """Thin what a company does not keep any longer, portion by portion.

        :param commit: function that commits each portion; None: the caller's
            transaction has it all
        :param seconds: stop before a further portion after this time
        :param before: first day that stays as it is; None: as the company says
        :param noted: function that is told how many samples of how many rows of usage
            a portion had, before it is committed
        :return: whether nothing is left for now
        """
        months, today = company.metered_samples_months, company._metered_today()
        if before is None and months <= 0:
            return True
        begun = time.monotonic()
        before = before or fields.Date.subtract(today, months=months)
        meters = self.env["metered.meter"].sudo()._thinned_meters()
        self.env.flush_all()
        wanted = (self.env.cr, company.id, meters.ids, before, today)
        portions, end = thinnable(*wanted)
        while end:
            for source_id, meter_id, usage_ids in portions:
                if seconds is not None and time.monotonic() - begun > seconds:
                    return False
                prop = meters.browse(meter_id).level_property
                try:
                    self._thin_portion(source_id, usage_ids, prop, commit, noted)
                except StillInTheWay as error:
                    # The next night finds it again.
                    _logger.info("Source %s is thinned later: %s", source_id, error)
            portions, end = thinnable(*wanted, end)
        return True

    @api.model
    def _thin_portion(self, source_id, usage_ids, level_property, commit, noted):
        """Thin one portion and commit, again where others were in the way."""

        def work(_failed):
            # Whoever imports the same samples waits, and then finds them thinned.
            with lock_source(self.env.cr, source_id, commit):
                samples = thin(self.env.cr, source_id, usage_ids, level_property)
                if noted:
                    noted(samples, len(usage_ids))
                if commit:
                    commit()

        again(self.env.cr, work, commit)
        for model in ("metered.cdr", "metered.batch", "metered.level.kept"):
            self.env[model].invalidate_model(flush=False)
