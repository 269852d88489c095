# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ...connectors.harmless import shown

#: characters of a text that somebody else wrote
MOST_CHARACTERS = 500


class MeteredBatch(models.Model):
    """Other programs are told what was imported, and what could not be rated."""

    _inherit = "metered.batch"

    def _tell_imported(self):
        """Tell other programs that these imports are done."""
        webhooks = self.env["metered.webhook"]
        webhooks._tell(
            "usage.imported",
            ((batch.company_id, batch._told(), batch) for batch in self),
        )
        webhooks._tell(
            "exception.raised",
            (
                (
                    batch.company_id,
                    {**batch._told(), "reasons": batch._told_reasons()},
                    batch,
                )
                for batch in self
                if batch.exceptions
            ),
        )

    def _told(self):
        """What other programs are told of an import.

        :return: dict of JSON
        """
        self.ensure_one()
        return {
            "import": self.id,
            "source": self.source_id._told(),
            "file": shown(self.file_name or None, MOST_CHARACTERS),
            "records": self.records,
            "rated": self.rated,
            "not_billable": self.not_billable,
            "duplicates": self.duplicates,
            "exceptions": self.exceptions,
        }

    def _told_reasons(self):
        """How many records wait for which reason.

        :return: dict code of the reason -> count
        """
        self.ensure_one()
        found = (
            self.env["metered.exception"]
            .sudo()
            ._read_group(
                [("batch_id", "=", self.id), ("state", "!=", "resolved")],
                ["reason"],
                ["__count"],
            )
        )
        return {reason: count for reason, count in found if reason}


class MeteredSource(models.Model):
    _inherit = "metered.source"

    def _told(self):
        """What other programs are told of a source.

        :return: dict of JSON
        """
        self.ensure_one()
        return {"id": self.id, "name": shown(self.name, MOST_CHARACTERS)}


class MeteredSync(models.Model):
    _inherit = "metered.sync"

    def _tell_failed(self, message):
        """Tell other programs that syncs of one source failed.

        :param str message: why, in words for a person
        """
        first = self[:1]
        self.env["metered.webhook"]._tell(
            "sync.failed",
            [
                (
                    first.company_id,
                    {
                        "sync": first.id,
                        "source": first.source_id._told(),
                        "syncs": len(self),
                        "error": shown(message, MOST_CHARACTERS),
                    },
                    first,
                )
            ],
        )
