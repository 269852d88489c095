# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
import time

import numpy as np

from odoo import api, fields, models

from ..connectors.errors import SourceError
from ..connectors.formats import Chunk
from ..connectors.freeswitch_json import COLUMNS
from ..connectors.records import text_frame

#: records that are taken from the inbox, rated and committed together
PORTION = 2_000


class MeteredInbox(models.Model):
    """Records that a switch posted and that are not rated yet.

    A record is committed here before the switch is told so: it is lost by neither. It
    leaves with the transaction that stores its CDR or exception.
    """

    _name = "metered.inbox"
    _description = "Posted Record"
    _inherit = ["metered.guarded"]
    _order = "id"
    _log_access = False

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="cascade", index=True
    )
    record = fields.Text(required=True, help="JSON, column to text.")


class MeteredSource(models.Model):
    _inherit = "metered.source"

    def _receive(self, record):
        """Store a record that was posted; it is rated within minutes.

        :param dict record: column -> text
        """
        self.ensure_one()
        self.env["metered.inbox"].sudo().create(
            {"source_id": self.id, "record": json.dumps(record, ensure_ascii=False)}
        )

    @api.model
    def _start_posted(self, kind="schedule"):
        """Start a sync for each source whose inbox is not empty."""
        syncs = super()._start_posted(kind)
        for source in self.search([("source_type", "=", "freeswitch_json")]):
            if self.env["metered.inbox"].search(
                [("source_id", "=", source.id)], limit=1
            ):
                syncs |= source._start_syncs(kind)
        return syncs

    def _silence(self, now):
        """What was posted and is not rated yet has come in, too."""
        usual, quiet = super()._silence(now)
        if usual is not None and self.env["metered.inbox"].sudo().search(
            [("source_id", "=", self.id)], limit=1
        ):
            quiet = quiet * 0
        return usual, quiet

    def _look_posted(self):
        waiting = (
            self.env["metered.inbox"].sudo().search_count([("source_id", "=", self.id)])
        )
        if waiting:
            return self.env._("%s wait to be rated.", waiting)
        if not self.batch_count:
            raise SourceError(
                self.env._("The switch has not posted any call yet."),
                remedy=self.env._(
                    "Make a call after setting up mod_json_cdr, and test again."
                ),
            )
        return self.env._("None waits to be rated.")


class MeteredSync(models.Model):
    """Syncs of what was posted: the inbox is what is fetched from."""

    _inherit = "metered.sync"

    def _run_kind(self, commit, seconds):
        if self.source_id.source_type == "freeswitch_json":
            return self._run_inbox(commit, seconds)
        return super()._run_kind(commit, seconds)

    def _run_inbox(self, commit, seconds):
        begun = time.monotonic()
        inbox = self.env["metered.inbox"].sudo()
        domain = [("source_id", "=", self.source_id.id)]
        # What is posted meanwhile is left to the next sync, so that this one ends.
        last = inbox.search(domain, order="id desc", limit=1).id
        while True:
            rows = inbox.search([*domain, ("id", "<=", last)], limit=PORTION)
            if not rows:
                return True
            records = [json.loads(text) for text in rows.mapped("record")]
            lines = np.arange(len(rows), dtype=np.int64) + self.records + 1
            chunk = Chunk(text_frame(records, COLUMNS), lines, 0, [])
            self._store_chunks(
                iter([chunk]), commit, lambda _records, taken=rows: taken.unlink()
            )
            if seconds is not None and time.monotonic() - begun > seconds:
                return False
