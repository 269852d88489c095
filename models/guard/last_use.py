# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""When and from where a token or a key was used last."""

from datetime import timedelta

from odoo import fields
from odoo.tools import SQL

#: uses are noted so often: each would lock the row
NOTED_SECONDS = 60


def note_use(record, address, secure):
    """Note that something was used to get in, unless that was noted just now.

    :param record: with the fields ``last_used``, ``last_address``, ``last_secure``
    :param str address: where it came from
    :param bool secure: whether it came over TLS
    """
    now = fields.Datetime.now()
    before = now - timedelta(seconds=NOTED_SECONDS)
    if record.last_used and record.last_used > before:
        return
    table = SQL.identifier(record._table)
    # Whoever uses it at the same time notes it, too: none waits for another.
    record.env.cr.execute(
        SQL(
            """
            UPDATE %(table)s
               SET last_used = %(now)s, last_address = %(address)s,
                   last_secure = %(secure)s
             WHERE id IN (SELECT id FROM %(table)s WHERE id = %(id)s
                             FOR NO KEY UPDATE SKIP LOCKED)
            """,
            table=table,
            now=now,
            address=address,
            secure=secure,
            id=record.id,
        )
    )
    record.invalidate_recordset(["last_used", "last_address", "last_secure"])
