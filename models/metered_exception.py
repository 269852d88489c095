# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ..ingest.retry import retry_exceptions

REASONS = [
    ("unparsable", "Line cannot be read"),
    ("column_count", "Wrong number of columns"),
    ("invalid_time", "Start time cannot be read"),
    ("invalid_duration", "Duration cannot be read"),
    ("absurd_duration", "Call is longer than the source allows"),
    ("future", "Call lies in the future"),
    ("too_old", "Call is older than the source allows"),
    ("declared", "A charging rule made it an exception"),
    ("unknown_customer", "Nobody is known to pay for it"),
    ("no_destination", "No destination fits the called number"),
    ("no_rate", "No rate fits the call"),
    ("too_large", "The charge is too large to be right"),
]


class MeteredException(models.Model):
    _name = "metered.exception"
    _description = "Exception"
    _order = "id desc"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="restrict"
    )
    batch_id = fields.Many2one(
        "metered.batch",
        string="Import",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    line = fields.Integer(
        readonly=True, aggregator=None, help="Line in the imported file."
    )
    call_id = fields.Char(string="Call ID", required=True, readonly=True)
    reason = fields.Selection(REASONS, required=True, readonly=True, index=True)
    detail = fields.Char(
        readonly=True, help="The number, identifier or text that it is about."
    )
    message = fields.Char(
        compute="_compute_message", help="What is wrong, and what to do about it."
    )
    raw = fields.Text(readonly=True, help="The record as it came.")
    readable = fields.Boolean(
        readonly=True, help="Its columns could be told apart, so it can be tried again."
    )
    partner_id = fields.Many2one(
        "res.partner", string="Customer", readonly=True, index="btree_not_null"
    )
    start_time = fields.Datetime(string="Start", readonly=True)
    seconds = fields.Integer(readonly=True, aggregator=None)
    state = fields.Selection(
        [("open", "Open"), ("resolved", "Resolved"), ("dismissed", "Dismissed")],
        required=True,
        default="open",
        readonly=True,
        index=True,
    )
    attempts = fields.Integer(
        string="Tried Again",
        readonly=True,
        aggregator=None,
        help="How often it was tried again.",
    )
    file_name = fields.Char(related="batch_id.file_name", string="File")

    _call_uniq = models.UniqueIndex(
        "(source_id, call_id)", "This record is an exception already."
    )

    @api.depends("reason", "detail")
    def _compute_message(self):
        for exception in self:
            exception.message = exception._describe()

    def _describe(self):
        """What is wrong and what to do, in a sentence."""
        self.ensure_one()
        detail = self.detail or self.env._("(empty)")
        texts = {
            "unparsable": self.env._("The line cannot be read: %s", detail),
            "column_count": self.env._("The line does not fit the others: %s", detail),
            "invalid_time": self.env._(
                "%s is not a time that the source's format and time zone know.", detail
            ),
            "invalid_duration": self.env._("%s is not a duration in seconds.", detail),
            "absurd_duration": self.env._(
                "%s seconds are more than the source's longest call allows.", detail
            ),
            "future": self.env._("The call begins later than now."),
            "too_old": self.env._("The call is older than the source takes in."),
            "declared": self.env._("A charging rule of the source says so."),
            "unknown_customer": self.env._(
                "Nobody has the identifier %s: add it to a customer.", detail
            ),
            "no_destination": self.env._(
                "No destination fits %s: add a destination with its prefix.", detail
            ),
            "too_large": self.env._(
                "The price of %s gives a charge beyond all measure: look at its rate.",
                detail,
            ),
            "no_rate": self.env._(
                "No rate fits %s: add one to the customer's rate deck or the "
                "company's.",
                detail,
            ),
        }
        return texts.get(self.reason, detail)

    @api.depends("reason", "detail")
    def _compute_display_name(self):
        labels = dict(self._fields["reason"]._description_selection(self.env))
        for exception in self:
            exception.display_name = labels.get(exception.reason, exception.call_id)

    def action_retry(self):
        """Take these records through the import once more.

        What is cured becomes a CDR of its original import; the rest stays open, with
        its reason as it is now.

        :return: notification that says how many were cured
        """
        cured = self._retry()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if cured else "warning",
                "message": self.env._(
                    "%(cured)s of %(count)s records are rated now.",
                    cured=cured,
                    count=len(self),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _retry(self):
        """Rate open exceptions again.

        :return: number of records that are no exceptions any more
        """
        return retry_exceptions(self)
