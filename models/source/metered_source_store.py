# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
from contextlib import contextmanager

from odoo import api, fields, models

from ...connectors.credentials import Redaction
from ...connectors.errors import SourceError, SourceSettingsError, SourceUnreachable
from ...connectors.file_ledger import StoredFile
from ...connectors.file_store import FileStore
from ...connectors.file_systems import open_file_system
from ...connectors.interface import attempt
from ...ingest.aside import Aside
from ...ingest.conflicts import make_lasting

ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: said where somebody waits for an answer
HURRIED = Aside("metered_hurried")
#: parts of the names of options that hold credentials
SECRETS = ("pass", "secret", "token", "key", "auth", "credential")
_logger = logging.getLogger(__name__)


class MeteredSource(models.Model):
    """A source whose files lie in a folder somewhere, and what becomes of them.

    A storage of OCA's module fs_storage, where that is installed, is set up by those
    who set up the server, credentials included, and used by other modules as well. So
    only they choose one for a source; what a metered administrator can enter alone are
    the kinds of this module itself, whose addresses are checked.
    """

    _inherit = "metered.source"

    store_kind = fields.Selection(
        [
            ("local", "Folder on this server"),
            ("sftp", "SFTP server"),
            ("s3", "S3 bucket"),
            ("fs_storage", "Storage configured in Odoo (fs_storage)"),
        ],
        string="File Location",
        default="sftp",
        groups=ADMINISTRATOR,
        help="A folder on this server must be inside a folder that the server "
        "administrator has listed in the environment variable METERED_FOLDERS. "
        "Storages of the OCA module fs_storage can be used if it is installed.",
    )
    store_folder = fields.Char(
        string="Folder",
        groups=ADMINISTRATOR,
        help="For S3: the bucket and the prefix of the names, for example bucket/cdr",
    )
    store_pattern = fields.Char(
        string="File Names",
        default="*.csv, *.csv.gz",
        groups=ADMINISTRATOR,
        help="Separated by commas; * matches any text.",
    )
    store_afterwards = fields.Selection(
        [
            ("keep", "Leave in place"),
            ("move", "Move to another folder"),
            ("delete", "Delete"),
        ],
        string="Imported Files",
        default="keep",
        groups=ADMINISTRATOR,
    )
    store_done_folder = fields.Char(
        string="Move To",
        default="done",
        groups=ADMINISTRATOR,
        help="A subfolder of the folder.",
    )
    store_settle_seconds = fields.Integer(
        string="Minimum Age (seconds)",
        default=60,
        groups=ADMINISTRATOR,
        help="Files changed more recently are skipped because they may still be "
        "written to.",
    )
    store_subfolders = fields.Boolean(string="Include Subfolders", groups=ADMINISTRATOR)
    store_host_key = fields.Text(
        string="Server Key",
        groups=ADMINISTRATOR,
        help="The public key of the SFTP server, for example ssh-ed25519 AAAA… . "
        "Servers with a different key are not trusted. The connection test shows "
        "the server's key: check its fingerprint before you enter it.",
    )
    store_region = fields.Char(string="Region", groups=ADMINISTRATOR)
    store_seen = fields.Json(
        readonly=True, copy=False, help="Result of the last check of the folder."
    )
    file_ids = fields.One2many(
        "metered.source.file",
        "source_id",
        string="Files",
        readonly=True,
    )

    store_code = fields.Selection(
        "_selection_store_code",
        string="Storage",
        groups="base.group_system",
        copy=False,
        help="A storage from Settings, Technical, FS Storages, of the module "
        "fs_storage. Its credentials stay there.",
    )

    @api.model
    def _selection_store_code(self):
        if "fs.storage" not in self.env:
            return []
        storages = self.env["fs.storage"].sudo().search([("code", "!=", False)])
        return [(storage.code, storage.name) for storage in storages]

    @contextmanager
    def _open_file_store(self):
        """The folder of this source.

        :return: context manager of (:class:`~..connectors.file_store.FileStore`, what
            hides credentials in texts)
        :raises SourceError: it cannot be opened
        """
        source = self.sudo()
        system, folder, redact, close = self._open_file_system()
        try:
            yield (
                FileStore(
                    system,
                    folder,
                    source.store_pattern or "*",
                    source.store_afterwards,
                    source.store_done_folder or "done",
                    source.store_settle_seconds,
                    source.store_subfolders,
                ),
                redact,
            )
        finally:
            close()

    def _open_file_system(self):
        """Connect to where the files are.

        :return: (fsspec file system, folder, :class:`~..credentials.Redaction`,
            function that closes the connection)
        :raises SourceError: it cannot be opened
        """
        source = self.sudo()
        if source.store_kind == "fs_storage":
            return self._open_fs_storage()
        settings = {
            **source._get_secrets(),
            "kind": source.store_kind,
            "folder": source.store_folder or "",
            "host": source.host,
            "port": source.port,
            "username": source.username,
            "address": source.address,
            "region": source.store_region,
            "host_key": source.store_host_key,
            "allowed_networks": source.allowed_networks,
            "hurried": HURRIED.heard(),
        }
        system, folder, redact = open_file_system(settings)

        def close():
            client = getattr(system, "client", None)
            if client is not None:
                client.close()

        return system, folder, redact, close

    def _look_files(self):
        """Look into the folder now; see :meth:`_look_connection`."""
        checks = []

        def look():
            with HURRIED.said(), self._open_file_store() as (store, _redact):
                checks.extend(store.check())

        name = self.env._("File storage accessible")
        opened = []
        if attempt(opened, name, look):
            return [*opened, *checks]
        return opened

    # === A STORAGE OF FS_STORAGE === #

    def _open_fs_storage(self):
        """Open the chosen storage; see :meth:`_open_file_system`."""
        storage = self._fs_storage()
        redact = Redaction()
        redact.add(*_secrets(storage.json_options or {}))
        try:
            # A connection that is shared with others, and is theirs to close.
            return storage.fs, self.sudo().store_folder or "", redact, lambda: None
        except Exception as error:
            # Each file system has exceptions of its own, which need not be installed.
            raise SourceUnreachable(
                f"The storage {storage.name} cannot be opened: {redact(error)[:300]}.",
                storage.code,
                "Test it in Settings, Technical, FS Storages.",
            ) from None

    def _fs_storage(self):
        """The chosen record of ``fs.storage``, with all rights.

        :raises SourceSettingsError: there is none
        """
        if "fs.storage" not in self.env:
            raise SourceSettingsError(
                "The module fs_storage is not installed.",
                remedy="Install it, or enter the file location on the source.",
            )
        code = self.sudo().store_code
        storage = self.env["fs.storage"].sudo().search([("code", "=", code)], limit=1)
        if not code or not storage:
            raise SourceSettingsError(
                f"There is no storage {code}." if code else "No storage selected.",
                remedy="Someone with access to Settings has to choose one on the "
                "source.",
            )
        return storage

    # === AFTER THE IMPORT === #

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
            make_lasting(self.env.cr)
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


class MeteredSourceFile(models.Model):
    """A file that was taken from a file store: what makes it known the next time."""

    _name = "metered.source.file"
    _description = "Source File"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    name = fields.Char(string="File", required=True, readonly=True)
    size = fields.Float(digits=(16, 0), readonly=True, help="In bytes.")
    changed = fields.Char(readonly=True, help="Last change, in UTC.")
    checksum = fields.Char(readonly=True, index=True, help="SHA-256 of its content.")
    batch_id = fields.Many2one(
        "metered.batch",
        string="Import",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    same_as = fields.Char(
        readonly=True, help="The same content was already imported under this name."
    )
    error = fields.Char(
        string="Problem",
        readonly=True,
        help="Why the file was not imported. It is tried again when the file changes.",
    )
    afterwards = fields.Char(
        readonly=True,
        help="What was done with the file after the import.",
        string="After Import",
    )

    def _is_imported(self):
        """Whether everything of it is stored, so that it can be put away.

        What is the same as another file is as safe as that one is.
        """
        batches = self.batch_id
        if self.same_as:
            batches = self.search(
                [
                    ("source_id", "=", self.source_id.id),
                    ("checksum", "=", self.checksum),
                ]
            ).batch_id
        return any(batch.state == "done" and batch.balance == "ok" for batch in batches)


class MeteredBatch(models.Model):
    _inherit = "metered.batch"

    def _put_away_later(self):
        """Have the file put away that was imported; see ``_put_away_imported``."""
        source = self.source_id.sudo()
        if source.brings_files and source.store_afterwards != "keep":
            self.env["metered.sync"]._trigger_cron()


def _secrets(options):
    """The texts in options of a file system that nobody is to read."""
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _secrets(value)
        elif isinstance(value, str) and any(part in name.lower() for part in SECRETS):
            yield value
