# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import hashlib

from odoo import models
from odoo.exceptions import AccessError

#: of a file that are in memory at a time, a few times over
PORTION_BYTES = 8 * 2**20


class IrAttachment(models.Model):
    """Large files where Odoo keeps attachments in its database, portion by portion."""

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
                self.env._("%s is not a file that you have just uploaded.", self.name)
            )
        attachment.write({"res_model": record._name, "res_id": record.id})

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
