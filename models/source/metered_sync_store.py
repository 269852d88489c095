# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import tempfile
from datetime import UTC, datetime

from odoo import models
from odoo.exceptions import UserError

from ...connectors.errors import SourceError, SourceFileError, SourceUnreachable
from ...connectors.file_ledger import Ledger
from ..job.ir_attachment import DiskError


class MeteredSync(models.Model):
    """Syncs of file stores: each new file becomes an import of its own.

    A file, its import and its line in the ledger are committed together, before
    anything is done with the file itself.
    """

    _inherit = "metered.sync"

    def _run_files(self, commit, seconds):
        source = self.source_id
        with source._open_file_store() as (store, redact):
            ledger = Ledger(
                {
                    "name": row.name,
                    "size": int(row.size),
                    "modified": row.changed,
                    "sha256": row.checksum or f"none-{row.id}",
                }
                for row in source.file_ids.sorted("id")
            )
            look = store.look(ledger, source.store_seen, datetime.now(UTC))
            source.store_seen = look.seen
            self.expected = len(look.ready)
            self._note(
                self.env._(
                    "%(ready)s new files, %(waiting)s still being written, %(known)s "
                    "already imported.",
                    ready=len(look.ready),
                    waiting=len(look.waiting),
                    known=len(look.known),
                )
            )
            for name in look.misnamed:
                self._note(
                    self.env._(
                        "%(name)s was not imported because its name contains "
                        "unreadable characters. Rename the file.",
                        name=name,
                    ),
                    "error",
                )
            for file in look.ready:
                batch = self._take_file(store, ledger, file, redact)
                if commit:
                    commit()
                if batch:
                    # What is left of a large one, the imports' own action does.
                    batch._process(commit, seconds)
            source._put_away(
                store, commit, {file.name for file in look.known + look.ready}
            )
        return True

    def _note_files(self):
        self._note(
            self.env._("Done: %s new files.", self.records)
            if self.records
            else self.env._("Done: nothing new in the folder.")
        )

    def _take_file(self, store, ledger, file, redact):
        """Copy a file here and queue its import, or note why it is none.

        :return: ``metered.batch``; empty where there is nothing to import
        """
        source = self.source_id
        batch = self.env["metered.batch"]
        values = {
            "source_id": source.id,
            "name": file.name,
            "size": file.size,
            "changed": file.modified,
        }
        with tempfile.NamedTemporaryFile() as copy:
            try:
                fetched = store.fetch(file, copy.name)
            except (SourceError, SourceFileError) as error:
                if getattr(error, "retry", False):
                    # Next time: perhaps it is still being written.
                    self._note(redact(error), "warning")
                    return batch
                self._refuse_file(values, redact(error))
                return batch
            values["checksum"] = fetched.sha256
            same = ledger.same_content(fetched.sha256)
            if same:
                values["same_as"] = same
                self._note(
                    self.env._(
                        "%(name)s has the same content as %(same)s, which was already "
                        "imported.",
                        name=file.name,
                        same=same,
                    )
                )
            else:
                try:
                    with self.env.cr.savepoint():
                        batch = self.env["metered.batch"]._create_for_path(
                            source, fetched.path, file.name.rpartition("/")[2]
                        )
                except DiskError as error:
                    # Ours: nothing is wrong with the file.
                    raise SourceUnreachable(str(error)) from error
                except UserError as error:
                    self._refuse_file(values, str(error))
                    return self.env["metered.batch"]
                values["batch_id"] = batch.id
                self._note(self.env._("%s is being imported.", file.name))
        self.env["metered.source.file"].create(values)
        ledger.add(file, fetched.sha256)
        self._add_to_counters(records=1)
        return batch

    def _refuse_file(self, values, message):
        """Keep that a file cannot be imported, and tell a person."""
        self.env["metered.source.file"].create({**values, "error": message})
        self._note(f"{values['name']}: {message}", "error")
        self.source_id._metered_raise(
            "file",
            self.env._("File not imported"),
            self.env._(
                "%(name)s: %(error)s It is tried again when the file changes.",
                name=values["name"],
                error=message,
            ),
        )
