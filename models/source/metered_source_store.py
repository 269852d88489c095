# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from contextlib import contextmanager

from odoo import fields, models

from ...connectors.file_store import FileStore
from ...connectors.file_systems import open_file_system
from ...connectors.interface import attempt
from ...ingest.aside import Aside

ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: said where somebody waits for an answer
HURRIED = Aside("metered_hurried")


class MeteredSource(models.Model):
    """Settings of a source whose files lie in a folder somewhere."""

    _inherit = "metered.source"

    store_kind = fields.Selection(
        [
            ("local", "Folder of this server"),
            ("sftp", "SFTP server"),
            ("s3", "S3 bucket"),
            ("fs_storage", "Storage set up in Odoo (fs_storage)"),
        ],
        string="Files Are In",
        default="sftp",
        groups=ADMINISTRATOR,
        help="A folder of this server must lie below one that whoever runs it named in "
        "the environment variable METERED_FOLDERS. Storages of OCA's module fs_storage "
        "can be used where it is installed.",
    )
    store_folder = fields.Char(
        string="Folder",
        groups=ADMINISTRATOR,
        help="For S3: the bucket, and what the names begin with: bucket/cdr",
    )
    store_pattern = fields.Char(
        string="Names of Files",
        default="*.csv, *.csv.gz",
        groups=ADMINISTRATOR,
        help="Separated by commas; * stands for any text.",
    )
    store_afterwards = fields.Selection(
        [
            ("keep", "Stay where they are"),
            ("move", "Are moved into another folder"),
            ("delete", "Are deleted"),
        ],
        string="Imported Files",
        default="keep",
        groups=ADMINISTRATOR,
    )
    store_done_folder = fields.Char(
        string="Moved Into",
        default="done",
        groups=ADMINISTRATOR,
        help="A folder within the folder.",
    )
    store_settle_seconds = fields.Integer(
        string="Left Alone For (seconds)",
        default=60,
        groups=ADMINISTRATOR,
        help="A file that was changed more recently may still be written.",
    )
    store_subfolders = fields.Boolean(string="Subfolders, Too", groups=ADMINISTRATOR)
    store_host_key = fields.Text(
        string="Server's Key",
        groups=ADMINISTRATOR,
        help="The public key of the SFTP server, such as ssh-ed25519 AAAA… . A server "
        "with another key is not trusted. The test shows the key of the server: "
        "compare its fingerprint before you enter it.",
    )
    store_region = fields.Char(string="Region", groups=ADMINISTRATOR)
    store_seen = fields.Json(
        readonly=True, copy=False, help="What the last look into the folder saw."
    )
    file_ids = fields.One2many(
        "metered.source.file",
        "source_id",
        string="Files",
        readonly=True,
    )

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

        name = self.env._("The file store can be opened")
        opened = []
        if attempt(opened, name, look):
            return [*opened, *checks]
        return opened


class MeteredSourceFile(models.Model):
    """A file that was taken from a file store: what makes it known the next time."""

    _name = "metered.source.file"
    _description = "File of a Source"
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
        readonly=True, help="Its content was imported under this name before."
    )
    error = fields.Char(
        string="Problem",
        readonly=True,
        help="Why it was not imported. It is tried again when the file changes.",
    )
    afterwards = fields.Char(
        readonly=True, help="What was done with it after the import."
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
