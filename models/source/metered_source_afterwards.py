# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging

from odoo import api, models

from ...connectors.errors import SourceError
from ...connectors.file_ledger import StoredFile
from ...ingest.conflicts import make_lasting

_logger = logging.getLogger(__name__)


class MeteredSource(models.Model):
    """What becomes of files in a store when their import has ended."""

    _inherit = "metered.source"

    def _put_away(self, store, commit, names=None):
        """Move or delete files whose records are all stored.

        Killed between doing that and noting it, the next time finds where the file is
        and notes that: it is done once.

        :param store: :class:`~..connectors.file_store.FileStore`
        :param names: of the files that are looked at; None: all
        """
        newest = {row.name: row for row in self.file_ids.sorted("id")}
        for name, row in newest.items():
            if names is not None and name not in names:
                continue
            if row.afterwards or not row._is_imported():
                continue
            # What is on disk here need not be there any more.
            make_lasting(self.env.cr)
            if commit:
                commit()
            row.afterwards = store.finish(
                StoredFile(row.name, int(row.size), row.changed or ""),
                row.checksum or "",
            )
            if commit:
                commit()

    @api.model
    def _put_away_imported(self, commit):
        """Put away what imports left that ended on their own, after their sync."""
        waiting = self.env["metered.source.file"].search(
            [
                ("afterwards", "=", False),
                ("batch_id.state", "=", "done"),
                ("source_id.brings_files", "=", True),
            ]
        )
        for source in waiting.source_id:
            # A sync that runs does it itself.
            if source.sudo().store_afterwards == "keep" or source.sync_ids.filtered(
                lambda sync: sync.state == "running"
            ):
                continue
            try:
                with source._open_file_store() as (store, _redact):
                    source._put_away(store, commit)
            except SourceError:
                # Its next sync tries again, and says what is wrong.
                _logger.info("Files of %s are put away later", source.display_name)


class MeteredBatch(models.Model):
    _inherit = "metered.batch"

    def _put_away_later(self):
        """Have the file put away that was imported; see ``_put_away_imported``."""
        source = self.source_id.sudo()
        if source.brings_files and source.store_afterwards != "keep":
            self.env["metered.sync"]._trigger_cron()
