# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, timedelta

from odoo import api, fields, models

from ...connectors.request_rate import MINUTE, RequestRate

KEPT_MINUTES = 60
_rate = RequestRate()


class MeteredApiUse(models.Model):
    """How many requests came with a key in a minute, of all processes together."""

    _name = "metered.api.use"
    _description = "Requests With an API Key"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "id desc"

    key_id = fields.Many2one(
        "metered.api.key", required=True, readonly=True, ondelete="cascade"
    )
    minute = fields.Datetime(required=True, readonly=True, index=True)
    requests = fields.Integer(readonly=True)

    _minute_uniq = models.UniqueIndex(
        "(key_id, minute)", "The requests of this minute are already counted."
    )

    @api.model
    def _count(self, key):
        """Count a request.

        :param key: ``metered.api.key``
        :return: seconds after which to try again; 0: it is within the limit
        """
        registry, key_id = self.env.registry, key.id

        def share(minute, new):
            moment = datetime.fromtimestamp(minute * MINUTE, UTC).replace(tzinfo=None)
            # A transaction of its own: nobody waits for it until a request is over.
            with registry.cursor() as cr:
                cr.execute("SET LOCAL synchronous_commit = off")
                cr.execute(
                    """
                    INSERT INTO metered_api_use AS use (key_id, minute, requests)
                    VALUES (%s, %s, %s)
                        ON CONFLICT (key_id, minute) DO UPDATE
                       SET requests = use.requests + excluded.requests
                    RETURNING requests
                    """,
                    (key_id, moment, new),
                )
                [requests] = cr.fetchone()
            return requests

        return _rate.admit((self.env.cr.dbname, key_id), key.requests_per_minute, share)

    @api.autovacuum
    def _gc_uses(self):
        limit = fields.Datetime.now() - timedelta(minutes=KEPT_MINUTES)
        self.search([("minute", "<", limit)]).unlink()
