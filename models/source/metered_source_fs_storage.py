# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ...connectors.credentials import Redaction
from ...connectors.errors import SourceSettingsError, SourceUnreachable

#: parts of the names of options that hold credentials
SECRETS = ("pass", "secret", "token", "key", "auth", "credential")


class MeteredSource(models.Model):
    """Files in a storage of OCA's module fs_storage, where that is installed.

    Such a storage is set up, credentials included, by those who set up the server, and
    used by other modules as well. So only they choose one for a source; what a metered
    administrator can enter alone are the kinds of this module itself, whose addresses
    are checked.
    """

    _inherit = "metered.source"

    store_code = fields.Selection(
        "_selection_store_code",
        string="Storage",
        groups="base.group_system",
        copy=False,
        help="One of those in Settings, Technical, FS Storages, of the module "
        "fs_storage. Its credentials stay there.",
    )

    @api.model
    def _selection_store_code(self):
        if "fs.storage" not in self.env:
            return []
        storages = self.env["fs.storage"].sudo().search([("code", "!=", False)])
        return [(storage.code, storage.name) for storage in storages]

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
                remedy="Install it, or let the source say itself where its files are.",
            )
        code = self.sudo().store_code
        storage = self.env["fs.storage"].sudo().search([("code", "=", code)], limit=1)
        if not code or not storage:
            raise SourceSettingsError(
                f"There is no storage {code}." if code else "No storage is chosen.",
                remedy="Whoever may change the settings of this Odoo chooses one on "
                "the source.",
            )
        return storage


def _secrets(options):
    """The texts in options of a file system that nobody is to read."""
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _secrets(value)
        elif isinstance(value, str) and any(part in name.lower() for part in SECRETS):
            yield value
