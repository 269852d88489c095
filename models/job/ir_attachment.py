# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import hashlib
import os
import re
import tempfile
from contextlib import contextmanager, suppress

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from ...ingest.disk import file_digest, identity, is_of_the_disk

#: of a file that are in memory at a time, a few times over
PORTION_BYTES = 8 * 2**20


#: how Odoo names files in its file store: by the SHA-1 of their content
NAMED_BY_CONTENT = re.compile("[0-9a-f]{40}")


class StoredFileError(UserError):
    """A stored file that is gone, or is not what was stored."""


class DiskError(UserError):
    """The server's disk is full or fails: the same works once a person mended it."""


class IrAttachment(models.Model):
    """Stored files that are read later: whole, or not at all.

    Large ones go into Odoo's database, where it keeps attachments, and out of it
    portion by portion.
    """

    _inherit = "ir.attachment"

    def _metered_hand_over(self, record):
        """Make an uploaded file a record's: who may see that may see the file.

        :param record: what was made of it
        :raises AccessError: unless the user uploaded it, and it is no other record's
        """
        self.ensure_one()
        attachment = self.sudo()
        if not self.env.su and (
            attachment.create_uid != self.env.user or attachment.res_id
        ):
            raise AccessError(
                self.env._("%s is not a file you have just uploaded.", self.name)
            )
        attachment.write({"res_model": record._name, "res_id": record.id})

    # === READING === #

    @contextmanager
    def _metered_path(self, sha256=""):
        """The path of the file; of a copy where it is in the database.

        All of it is read and compared when this process sees it for the first time;
        later, and when the caller is done, its size, times and inode tell.

        :param str sha256: of the content; empty: what Odoo noted of it counts
        :raises StoredFileError: it is gone, or not what was stored
        :raises DiskError: it cannot be read now
        """
        self.ensure_one()
        path = self.store_fname and self._full_path(self.store_fname)
        if path and os.path.exists(path):
            before = self._metered_verify(path, sha256)
            yield path
            if identity(path) != before:
                self._metered_refuse(path)
            return
        with self._metered_disk(), tempfile.NamedTemporaryFile() as copy:
            if path:
                # Of a module that keeps files elsewhere; or it is gone.
                copy.write(self.raw or b"")
            else:
                self._metered_copy_from_database(copy)
            copy.flush()
            if path and not os.path.getsize(copy.name) and self.file_size:
                self._metered_refuse(path)
            self._metered_verify(copy.name, sha256)
            yield copy.name

    def _metered_check(self):
        """Refuse a file that cannot be read as it was stored; see above."""
        with self._metered_path():
            return

    def _metered_verify(self, path, sha256=""):
        """Refuse a file that is not what was stored.

        :return: what identifies it as long as it is not changed
        """
        before = identity(path)
        expected = sha256 or self.checksum
        with self._metered_disk():
            found = file_digest(path, "sha256" if sha256 else "sha1")
        if expected and found != expected:
            self._metered_refuse(path)
        return before

    def _metered_refuse(self, path):
        """:raises StoredFileError: that says what to do"""
        if os.path.exists(path):
            raise StoredFileError(
                self.env._(
                    "The stored file %(name)s is incomplete or was changed on the "
                    "server's disk. Upload the same file again to replace it.",
                    name=self.name,
                )
            )
        raise StoredFileError(
            self.env._(
                "The stored file %(name)s is missing from the server's disk. Upload "
                "the same file again to replace it.",
                name=self.name,
            )
        )

    # === WRITING === #

    @contextmanager
    def _metered_disk(self):
        """Say in words what a disk that is full or fails means."""
        try:
            yield
        except OSError as error:
            if not is_of_the_disk(error):
                raise
            raise DiskError(self._metered_disk_text(error)) from error

    @api.model
    def _metered_disk_text(self, error):
        """What to do about a disk, for a person.

        :param error: exception, see :func:`~..ingest.disk.is_of_the_disk`
        """
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        return self.env._(
            "The server's disk is full or failing: %(reason)s. Data that was already "
            "stored is safe. Free up some space, then try again.",
            reason=reason,
        )

    @api.model
    def _metered_is_damaged(self, path, checksum):
        """Whether a file of the file store is there, and not what its name says."""
        return bool(NAMED_BY_CONTENT.fullmatch(checksum)) and (
            file_digest(path, "sha1") not in (None, checksum)
        )

    @api.model
    def _get_path(self, bin_data, sha):
        # Half a file, left by a full disk or a killed process, is no collision.
        fname = f"{sha[:2]}/{sha}"
        path = self._full_path(fname)
        if self._metered_is_damaged(path, sha):
            return fname, path
        with self._metered_disk():
            return super()._get_path(bin_data, sha)

    @api.model
    def _file_write(self, bin_value, checksum):
        path = self._full_path(f"{checksum[:2]}/{checksum}")
        there_before = os.path.exists(path)
        try:
            if self._metered_is_damaged(path, checksum):
                return self._metered_replace_file(path, bin_value, checksum)
            return super()._file_write(bin_value, checksum)
        except OSError as error:
            if not there_before and self._metered_is_damaged(path, checksum):
                with suppress(OSError):
                    os.unlink(path)
            if not is_of_the_disk(error):
                raise
            raise DiskError(self._metered_disk_text(error)) from error

    @api.model
    def _metered_replace_file(self, path, content, checksum):
        """Put a whole file in the place of a damaged one, of which nothing is left."""
        folder = os.path.dirname(path)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as whole:
            try:
                whole.write(content)
                whole.flush()
                os.chmod(whole.name, os.stat(path).st_mode)
                os.replace(whole.name, path)
            except BaseException:
                os.unlink(whole.name)
                raise
        fname = f"{checksum[:2]}/{checksum}"
        self._mark_for_gc(fname)
        return fname

    # === IN THE DATABASE === #

    def _metered_copy_from_database(self, copy):
        """Write the content into a file.

        :param copy: binary file
        """
        self.flush_recordset(["db_datas"])
        done = 0
        while True:
            self.env.cr.execute(
                "SELECT substring(db_datas FROM %s FOR %s)"
                " FROM ir_attachment WHERE id = %s",
                (done + 1, PORTION_BYTES, self.id),
            )
            [portion] = self.env.cr.fetchone() or [None]
            if not portion:
                return
            copy.write(portion)
            done += len(portion)

    def _metered_store_in_database(self, file):
        """Store a file as the content of this attachment, which has none.

        The database puts the portions together.

        :param file: binary file
        """
        cr = self.env.cr
        self.flush_recordset()
        cr.execute("SELECT lo_create(0)")
        [large_object] = cr.fetchone()
        checksum, size = hashlib.sha1(usedforsecurity=False), 0
        while portion := file.read(PORTION_BYTES):
            cr.execute("SELECT lo_put(%s, %s, %s)", (large_object, size, portion))
            checksum.update(portion)
            size += len(portion)
        cr.execute(
            "UPDATE ir_attachment SET db_datas = lo_get(%s), file_size = %s,"
            " checksum = %s WHERE id = %s",
            (large_object, size, checksum.hexdigest(), self.id),
        )
        cr.execute("SELECT lo_unlink(%s)", (large_object,))
        self.invalidate_recordset()
