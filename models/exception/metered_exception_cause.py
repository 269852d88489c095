# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...ingest.causes import NO_KEY, destination_prefix
from ...ingest.direction_columns import UNREAD
from ...ingest.outcome import SAME_ID
from ..screen.actions import window_action
from .metered_exception import KINDS, REASONS, STATES

#: reason -> what cures it
CURES = {
    "unknown_customer": "assign",
    "no_rate": "rate",
    "too_large": "look",
    "no_destination": "destination",
    "declared": "look",
    "unknown_direction": "word",
    "same_id": "other",
    "absurd_duration": "limit",
    "future": "limit",
    "too_old": "limit",
}


class MeteredExceptionCause(models.Model):
    """What keeps records from being billed, each cause once.

    Nothing is stored: the list is what the exceptions are at the moment, summed up
    along one index. A cause's id is that of its oldest exception.
    """

    _name = "metered.exception.cause"
    _description = "Exception Cause"
    _inherit = ["metered.guarded"]
    _auto = False
    _order = "estimate desc nulls last, records desc, id"
    _depends = {
        "metered.exception": [
            "company_id",
            "state",
            "reason",
            "cause",
            "source_id",
            "partner_id",
            "seconds",
            "start_time",
            "estimate",
            "readable",
        ],
        "res.company": ["currency_id"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    kind = fields.Selection(
        KINDS,
        string="What Happened",
        readonly=True,
        help="Whether the system could not process the records, or a charging rule of "
        "the source marked them as errors.",
    )
    state = fields.Selection(STATES, string="Status", readonly=True)
    reason = fields.Selection(REASONS, readonly=True)
    cause = fields.Char(string="Cause Key", readonly=True)
    source_id = fields.Many2one(
        "metered.source",
        readonly=True,
        help="Empty if the records belong to several sources.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        readonly=True,
        help="Empty if no customer is known, or the records belong to several "
        "customers.",
    )
    records = fields.Integer(readonly=True, help="Number of affected records.")
    seconds = fields.Float(
        digits=0, readonly=True, help="Connected seconds of these records."
    )
    oldest = fields.Datetime(readonly=True, help="Start of the oldest record.")
    newest = fields.Datetime(readonly=True, help="Start of the newest record.")
    estimate = fields.Monetary(
        string="At Stake (estimate)",
        readonly=True,
        help="Estimated charge of the records at the rates of their customers or "
        "company. Without a rate, the duration at the recent average price of "
        "the same call type. Records that cannot be estimated are not included. "
        "Empty if no record can be estimated.",
    )
    estimated = fields.Boolean(
        readonly=True, help="The charge could be estimated for some of the records."
    )
    readable = fields.Boolean(
        readonly=True, help="The records can be tried again unchanged."
    )
    name = fields.Char(string="Cause", compute="_compute_name")
    cure = fields.Selection(
        [
            ("assign", "Assign it to a customer"),
            ("rate", "Add a rate"),
            ("destination", "Add a destination"),
            ("word", "Add the word to the source's direction words"),
            ("other", "Import as a different call, or dismiss"),
            ("limit", "Change the source's limit, correct or dismiss"),
            ("look", "Review the records, then correct or dismiss them"),
            ("correct", "Correct the records, or the source's columns"),
        ],
        compute="_compute_name",
        string="How to Fix",
    )
    example = fields.Char(
        compute="_compute_name", help="Value from one of the records."
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT cause.*, company.currency_id,
                   CASE WHEN cause.reason = 'declared' THEN 'declared'
                        ELSE 'unprocessed' END AS kind
              FROM (
                SELECT min(exception.id) AS id, exception.company_id,
                       exception.state, exception.reason, exception.cause,
                       CASE WHEN min(exception.source_id) = max(exception.source_id)
                            THEN min(exception.source_id) END AS source_id,
                       CASE WHEN count(exception.partner_id) = count(*)
                             AND min(exception.partner_id) = max(exception.partner_id)
                            THEN min(exception.partner_id) END AS partner_id,
                       count(*)::int AS records,
                       sum(exception.seconds) AS seconds,
                       min(exception.start_time) AS oldest,
                       max(exception.start_time) AS newest,
                       sum(exception.estimate) AS estimate,
                       count(exception.estimate) > 0 AS estimated,
                       bool_or(exception.readable) AS readable
                  FROM metered_exception exception
                 WHERE exception.state != 'resolved'
                 GROUP BY exception.company_id, exception.state, exception.reason,
                          exception.cause
              ) AS cause
              JOIN res_company company ON company.id = cause.company_id
            """
        )

    @api.depends("reason", "cause")
    def _compute_name(self):
        examples = {
            exception.id: exception
            for exception in self.env["metered.exception"].browse(self.ids).exists()
        }
        tried = self.env["metered.exception"].browse(self.ids)._tried_kinds()
        for cause in self:
            example = examples.get(cause.id, self.env["metered.exception"])
            cause.example = example.detail
            cause.cure = CURES.get(cause.reason, "correct")
            nameless = cause.cure == "assign" and cause.cause == NO_KEY
            if nameless or (
                cause.cure == "destination" and not destination_prefix(cause.cause)
            ):
                cause.cure = "correct"
            cause.name = cause._title(example, tried.get(cause.id, []))

    @api.depends("name")
    def _compute_display_name(self):
        for cause in self:
            cause.display_name = cause.name

    def _title(self, example, tried):
        """What is missing or wrong, in a few words.

        :param example: one ``metered.exception`` of the cause, or none
        :param tried: kinds of identifier that it was looked for as
        """
        self.ensure_one()
        detail = example.detail or self.env._("(empty)")
        kind, _space, value = (self.cause or "").partition(" ")
        kinds = dict(
            self.env["metered.identifier"]
            ._fields["kind"]
            ._description_selection(self.env)
        )
        where = example.destination_id.name or example.callee or detail
        texts = {
            "unknown_customer": (
                self.env._("No identifier in the records")
                if self.cause == NO_KEY
                else self.env._("No customer has the identifier %s", value)
                if len(tried) > 1
                else self.env._(
                    "No customer has %(value)s (%(kind)s)",
                    kind=kinds.get(kind, kind),
                    value=value,
                )
            ),
            "no_rate": self.env._(
                "No rate for %(destination)s (%(type)s)",
                destination=where,
                type=example.meter_id.name or "–",
            ),
            "too_large": self.env._(
                "Unreasonably large charge at the rate for %s",
                where,
            ),
            "no_destination": self.env._("No destination for %s", self.cause),
            "declared": self.env._(
                "Rule: %s", example.rule_id.name or self.env._("(deleted)")
            ),
            "invalid_time": self.env._("Times like %s cannot be read", detail),
            "invalid_duration": self.env._("Durations like %s cannot be read", detail),
            "invalid_quantity": self.env._("Quantities like %s cannot be read", detail),
            "unclear_time": self.env._("Times like %s: day or month first?", detail),
            "repeated_hour": self.env._("Shown twice by the clock: %s", detail),
            "unclear_duration": self.env._(
                "A column that may change what is charged: %s", detail
            )
            if UNREAD in (detail or "")
            else self.env._("Durations like %s: in what unit?", detail),
            "unclear_quantity": self.env._(
                "A column that may contain the quantity: %s", detail
            )
            if UNREAD in (detail or "")
            else self.env._("Quantities like %s: which decimal sign?", detail),
            "unclear_number": self.env._(
                "Numbers like %s: with the country code or without?", detail
            ),
            "invalid_properties": self.env._("Properties are not a JSON object"),
            "invalid_reading": self.env._("Unknown kind of reading: %s", detail),
            "wrong_type": self.env._("Type %s does not match the meter", detail),
            "no_reading": self.env._("Impossible counter reading: %s", detail),
            "other_reading": self.env._("Two readings at the same time: %s", detail),
            "negative_increase": self.env._("Counter went backward: %s", detail),
            "unknown_meter": self.env._("No meter has the code %s", detail),
            "unknown_direction": self.env._("Unknown direction word: %s", detail),
            "same_id": self.env._("Same ID as a different call: %s", detail),
            "column_count": self.env._("Wrong number of columns: %s", detail),
            "unparsable": self.env._("Unreadable lines: %s", detail),
            "unstorable": self.env._("Records that could not be stored: %s", detail),
            "absurd_duration": self.env._(
                "Longer than the longest call allowed by the source"
            ),
            "future": self.env._("In the future"),
            "too_old": self.env._("Older than the source accepts"),
            "canceled": self.env._("Canceled through the API"),
        }
        return texts.get(self.reason, detail)

    # === ACTIONS === #

    def _target(self):
        """The records of these causes, as jobs name what they work on."""
        return {
            "causes": [
                [cause.company_id.id, cause.state, cause.reason, cause.cause]
                for cause in self.exists()
            ]
        }

    def _exceptions_domain(self):
        """The domain of the records of these causes."""
        return fields.Domain.OR(
            fields.Domain(
                [
                    ("company_id", "=", cause.company_id.id),
                    ("state", "=", cause.state),
                    ("reason", "=", cause.reason),
                    ("cause", "=", cause.cause),
                ]
            )
            for cause in self.exists()
        )

    def action_view_records(self):
        """Open the records of these causes."""
        if not self.exists():
            raise UserError(
                self.env._("No records have this cause anymore. Refresh the list.")
            )
        title = {"name": self.name, "display_name": self.name} if len(self) == 1 else {}
        domain = list(self._exceptions_domain())
        return window_action(
            self.env, "action_metered_exception", domain, context={}, **title
        )

    def action_open_source(self):
        """Open the source, to change its columns, rules or limits."""
        self.ensure_one()
        return self.source_id._get_records_action()

    def action_retry(self):
        """Take the records of these causes through the import once more."""
        return self._start("retry")

    def action_reopen(self):
        """Let the dismissed records of these causes wait for a person again."""
        return self._start("reopen")

    def _start(self, operation):
        self.env["metered.exception"]._check_may_cure()
        target = self._target()
        if operation == "other":
            target["reasons"] = [SAME_ID]
        return self.env["metered.exception.job"]._start(operation, target)

    def action_is_other(self):
        """Import the records of these causes as calls of their own."""
        return self._start("other")

    def action_assign(self):
        """Ask whose these identifiers are."""
        return self._open_cure("action_assign")

    def action_add_rate(self):
        """Ask what these calls cost."""
        return self._open_cure("action_add_rate")

    def action_add_destination(self):
        """Ask where these calls lead to."""
        return self._open_cure("action_add_destination")

    def action_correct(self):
        """Ask what these records should be."""
        return self._open_cure("action_correct")

    def action_dismiss(self):
        """Ask why these records need not be billed."""
        return self._open_cure("action_dismiss")

    def _open_cure(self, method):
        """The wizard that exceptions open, for all records of these causes."""
        target = self._target()
        if not target["causes"]:
            raise UserError(
                self.env._("No records have this cause anymore. Refresh the list.")
            )
        exceptions = self.env["metered.exception"].browse(self.exists().ids)
        action = getattr(exceptions, method)()
        action["context"] = {"default_target": target}
        return action
