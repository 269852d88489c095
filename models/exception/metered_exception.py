# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...ingest.direction_columns import UNREAD
from ...ingest.directions import EMPTY
from ...ingest.outcome import SAME_ID
from ...ingest.quantity_unit import OTHER_UNIT
from ...ingest.same_facts import SAME
from ...ingest.shifted_calls import SHIFTED

REASONS = [
    ("unparsable", "Line cannot be read"),
    ("column_count", "Wrong number of columns"),
    ("invalid_time", "Start time cannot be read"),
    ("invalid_duration", "Duration cannot be read"),
    ("invalid_quantity", "Quantity cannot be read"),
    ("unclear_time", "Ambiguous time"),
    ("repeated_hour", "Time in an hour that the clock shows twice"),
    ("unclear_duration", "Ambiguous duration"),
    ("unclear_quantity", "Ambiguous quantity"),
    ("unclear_number", "Ambiguous called number"),
    ("invalid_properties", "Properties are not a JSON object"),
    ("unknown_meter", "Unknown meter"),
    ("unknown_direction", "Unknown direction word"),
    ("invalid_reading", "Unknown kind of reading"),
    ("wrong_type", "Type does not match the meter"),
    ("no_reading", "Impossible counter reading"),
    ("other_reading", "Conflicting reading at the same time"),
    ("negative_increase", "Counter went backward"),
    ("absurd_duration", "Call is longer than the source allows"),
    ("future", "Call starts in the future"),
    ("too_old", "Call is older than the source allows"),
    ("declared", "Marked as exception by a charging rule"),
    ("unknown_customer", "No customer found"),
    ("no_destination", "No destination for the called number"),
    ("no_rate", "No rate for the call"),
    ("too_large", "Charge is unreasonably large"),
    ("same_id", "Same ID as a different call"),
    ("unstorable", "Record cannot be stored"),
    ("canceled", "Event was canceled"),
]
KINDS = [
    ("unprocessed", "Could not be processed"),
    ("declared", "Marked as error by a rule"),
]
STATES = [("open", "Open"), ("resolved", "Resolved"), ("dismissed", "Dismissed")]


class MeteredException(models.Model):
    """A record that could not be billed, waiting for a person.

    Records that the same act would cure have the same ``cause``, a key that the import
    gives them (see ``ingest/causes.py``); ``metered.exception.cause`` is the list of
    them. What is done about many of them is done by ``metered.exception.job``.
    """

    _name = "metered.exception"
    _description = "Exception"
    _inherit = ["metered.guarded", "metered.number.search"]
    _order = "id desc"
    _number_fields = {"callee": ("",), "detail": ("", "number ")}

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    company_currency_id = fields.Many2one(related="company_id.currency_id")
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
        readonly=True, aggregator=None, help="Line number in the imported file."
    )
    call_id = fields.Char(string="Call ID", required=True, readonly=True)
    kind = fields.Selection(
        KINDS,
        string="What Happened",
        readonly=True,
        help="Whether the system could not process the record, or a charging rule of "
        "the source marked it as an error.",
    )
    reason = fields.Selection(REASONS, required=True, readonly=True)
    detail = fields.Char(
        readonly=True, help="The number, identifier or text the exception is about."
    )
    cause = fields.Char(
        string="Cause Key",
        readonly=True,
        help="Records with the same reason and key can be fixed together.",
    )
    message = fields.Char(
        compute="_compute_message", help="The problem and how to fix it."
    )
    raw = fields.Text(
        readonly=True, help="The original record, or the record after correction."
    )
    readable = fields.Boolean(
        readonly=True,
        help="The columns were identified, so the record can be tried again.",
    )
    partner_id = fields.Many2one(
        "res.partner", string="Customer", readonly=True, index="btree_not_null"
    )
    start_time = fields.Datetime(string="Start", readonly=True)
    seconds = fields.Integer(readonly=True, aggregator="sum")
    callee = fields.Char(
        string="To", readonly=True, help="The called number in international format."
    )
    meter_id = fields.Many2one(
        "metered.meter", string="Call Type", readonly=True, ondelete="set null"
    )
    destination_id = fields.Many2one(
        "metered.destination", readonly=True, ondelete="set null"
    )
    rule_id = fields.Many2one(
        "metered.source.rule",
        string="Charging Rule",
        readonly=True,
        ondelete="set null",
        help="The charging rule that applied to the record.",
    )
    estimate = fields.Float(
        string="At Stake (estimate)",
        digits=0,
        min_display_digits=2,
        readonly=True,
        help="Estimated charge of the call at the rates of its customer or company. "
        "Without a rate, the duration at the recent average price of the same "
        "call type. In the company's currency. Empty if it cannot be estimated.",
    )
    state = fields.Selection(
        STATES, string="Status", required=True, default="open", readonly=True
    )
    attempts = fields.Integer(
        string="Retries",
        readonly=True,
        aggregator=None,
        help="Number of times the record was tried again.",
    )
    # --- what people did about it
    original = fields.Text(
        readonly=True, help="The original record, if it was corrected."
    )
    record_id = fields.Char(
        readonly=True,
        help="The call ID of the line after correction, or the previous call ID of a "
        "record that was imported as a different call.",
    )
    fingerprint = fields.Char(
        readonly=True,
        help="A fingerprint used to recognize records without an ID.",
    )
    is_other = fields.Boolean(
        string="Different Call",
        readonly=True,
        help="A user confirmed that this is a different call, despite its ID.",
    )
    corrected_uid = fields.Many2one("res.users", string="Corrected By", readonly=True)
    corrected_date = fields.Datetime(string="Corrected On", readonly=True)
    dismiss_reason = fields.Char(string="Dismissal Reason", readonly=True)
    dismissed_uid = fields.Many2one("res.users", string="Dismissed By", readonly=True)
    dismissed_date = fields.Datetime(string="Dismissed On", readonly=True)
    file_name = fields.Char(related="batch_id.file_name", string="File")

    _call_uniq = models.UniqueIndex(
        "(source_id, call_id)", "This record is already an exception."
    )
    # Groups what waits by its causes, and walks through one of them in slices,
    # without reading a single record.
    _cause_idx = models.Index(
        "(company_id, state, reason, cause, id)"
        " INCLUDE (source_id, partner_id, seconds, start_time, estimate, readable)"
        " WHERE state != 'resolved'"
    )
    _record_idx = models.Index("(source_id, record_id) WHERE record_id IS NOT NULL")
    _fingerprint_idx = models.Index(
        "(source_id, fingerprint) WHERE fingerprint IS NOT NULL"
    )
    _callee_idx = models.Index("(callee text_pattern_ops) WHERE state = 'open'")

    def init(self):
        """The identifiers that were looked for: an array, which the ORM has not."""
        self.env.cr.execute(
            SQL(
                """
                ALTER TABLE metered_exception ADD COLUMN IF NOT EXISTS tried text[];
                CREATE INDEX IF NOT EXISTS metered_exception_tried_idx
                    ON metered_exception USING gin (tried) WHERE state = 'open'
                """
            )
        )

    # === TEXTS === #

    @api.depends("reason", "detail", "rule_id", "destination_id", "meter_id")
    def _compute_message(self):
        kinds = self._tried_kinds()
        for exception in self:
            exception.message = exception._describe(kinds.get(exception.id))

    @api.model
    def _domain_no_number(self, text):
        """What it is about may be a trunk, a key or a date."""
        return Domain("detail", "ilike", text) | super()._domain_no_number(text)

    def _tried_kinds(self):
        """As what kinds of identifier the text of each was looked for.

        :return: dict id -> list of kinds, in the order of the source's steps; of those
            without a customer only
        """
        if not self._origin:
            return {}
        self.flush_model(["cause", "reason"])
        self.env.cr.execute(
            """
            SELECT id, cause, tried FROM metered_exception
             WHERE id = ANY(%s) AND reason = 'unknown_customer'
            """,
            (self._origin.ids,),
        )
        return {
            exception_id: same_value(cause, tried or [])
            for exception_id, cause, tried in self.env.cr.fetchall()
        }

    def _describe_identifier(self, detail, kinds=None):
        """`endpoint trunk1` with its kind as users know it, where that is known."""
        kind, space, value = detail.partition(" ")
        if len(kinds or ()) > 1:
            return value
        field = self.env["metered.identifier"]._fields["kind"]
        label = dict(field._description_selection(self.env)).get(kind)
        return f"{value} ({label})" if space and label else detail

    def _describe(self, kinds=None):
        """What is wrong and what to do, in a sentence.

        :param kinds: see :meth:`_tried_kinds`
        """
        self.ensure_one()
        detail = self.detail or self.env._("(empty)")
        texts = {
            "unparsable": self.env._("The line cannot be read: %s", detail),
            "column_count": self.env._(
                "The line does not match the other lines: %s", detail
            ),
            "invalid_time": self.env._(
                "%s does not match the time format and time zone of the source. "
                "Correct the record, or change the format on the source.",
                detail,
            ),
            "invalid_duration": self.env._(
                "%s is not a duration in the unit set on the source, or the end is "
                "not after the start. Correct the record, or change the format on the "
                "source.",
                detail,
            ),
            "invalid_quantity": self.env._(
                "%s is not a quantity. Use digits and up to 9 decimals after the "
                "source's decimal separator. Correct the record, or choose another "
                "column on the source.",
                detail,
            ),
            "unclear_time": self.env._(
                "The file specifies a time zone other than the source's: %s. Change "
                "the time zone of the source. If a column means something else, add it "
                "on the Columns page of the source as Keep with the record. Then try "
                "again.",
                detail,
            )
            if UNREAD in (detail or "")
            else self.env._(
                "%s can be read as day first or month first. On the Columns page of "
                "the source, set the format of the start time to dmy or mdy. You can "
                "also import the file again and answer the question there.",
                detail,
            ),
            "repeated_hour": self.env._(
                "When the clock was set back, it showed %s twice. Correct the record "
                "by adding the offset, such as +02:00. Or choose the first or the "
                "second hour on the source, under Repeated Hour.",
                detail,
            ),
            "unclear_duration": self.env._(
                "The source does not read a column that shows that the call may have "
                "been shorter, not answered, or no call to be charged: %s. On the "
                "Columns page of the source, add the column as Answered or not, or as "
                "Chargeable seconds, or as Keep with the record if it is something "
                "else. Or add a charging rule for it. Then try again.",
                detail,
            )
            if UNREAD in (detail or "")
            else self.env._(
                "%s can be read in several units, such as seconds, milliseconds, or "
                "minutes. On the Columns page of the source, set the duration format.",
                detail,
            ),
            "unclear_quantity": self.env._(
                "The source does not read a column that may contain the quantity: %s. "
                "On the Columns page of the source, add the column as Quantity, or as "
                "Keep with the record if it is something else. Then try again.",
                detail,
            )
            if UNREAD in (detail or "")
            else self.env._(
                "The unit in the name of the quantity column differs from the meter's "
                "unit: %s. On the Columns page of the source, enter the number to "
                "multiply quantities by, or 1 to use them as they are.",
                detail,
            )
            if OTHER_UNIT in (detail or "")
            else self.env._(
                "The separator in %s can be a decimal or a thousands separator. On "
                "the Columns page of the source, set the format of the quantity to "
                "point or comma.",
                detail,
            ),
            "unclear_number": self.env._(
                "%s has no prefix, and can be a number with its country code or a "
                "number of this country. On the Columns page of the source, set the "
                "format of the called number to international or national, or correct "
                "the record.",
                detail,
            ),
            "invalid_properties": self.env._(
                '%s is not a JSON object such as {"region": "eu"}. Correct the record.',
                detail,
            ),
            "invalid_reading": self.env._(
                "%s is not a known kind of reading, such as read or estimated. "
                "Correct the record.",
                detail,
            ),
            "wrong_type": self.env._(
                "The type %s does not match how the meter combines the records of a "
                "billing period: add needs the sum, max the highest quantity, lat the "
                "last one. Correct the record, or change the meter.",
                detail,
            ),
            "no_reading": self.env._(
                "%s is negative or has more digits than the meter. Correct the "
                "record, or the number of digits on the meter.",
                detail,
            ),
            "other_reading": self.env._(
                "%s: there is another value for the same counter and time. Correct "
                "the record or the reading, or dismiss the record.",
                detail,
            ),
            "negative_increase": self.env._(
                "The counter went backward: %s. Correct the record or the other "
                "reading, enter it as a reading after a rollover, or replace the "
                "meter.",
                detail,
            ),
            "unknown_meter": self.env._(
                "No meter has the code %s. Add the meter, correct the record, or set "
                "a default meter on the source.",
                detail,
            ),
            "unknown_direction": self._describe_direction(detail),
            "absurd_duration": self.env._(
                "%s seconds is longer than the longest call allowed by the source. "
                "Correct the record, or raise the limit on the source.",
                detail,
            ),
            "future": self.env._(
                "The call starts in the future. Correct the record, or the time zone "
                "of the source."
            ),
            "too_old": self._describe_too_old(),
            "declared": self.env._(
                "The charging rule %s of the source marked this record as an "
                "exception.",
                self.rule_id.name or self.env._("(deleted)"),
            ),
            "unknown_customer": self.env._(
                "No customer has the identifier %s. Assign it to a customer.",
                self._describe_identifier(detail, kinds),
            ),
            "no_destination": self.env._(
                "No destination matches %s. Add a destination with its prefix.", detail
            ),
            "too_large": self.env._(
                "The price of %s results in an unreasonably large charge. Check its "
                "rate.",
                detail,
            ),
            "same_id": self._describe_same_id(detail),
            "unstorable": self.env._(
                "The record could not be stored: %s. Correct it, or try again after "
                "an update.",
                detail,
            ),
            "no_rate": self.env._(
                "No rate for %s. Add a rate to the customer's or the company's rate "
                "deck.",
                detail,
            ),
            "canceled": self.env._(
                "The event was canceled through the API and is not billed."
            ),
        }
        return texts.get(self.reason, detail)

    def _describe_too_old(self):
        """What is older than a limit: the source's, or that of the retention."""
        day = self.start_time and self.start_time.date() - timedelta(days=2)
        company = self.company_id or self.source_id.company_id
        are_calls = self.source_id.record_kind == "call"
        reason = company._metered_no_details_text(
            day, "calls" if are_calls else "events"
        )
        if reason and not are_calls:
            return self.env._(
                "%s So nothing tells whether this record was billed before. Check the "
                "invoices of the customer, then dismiss the exception. If it was not "
                "billed, add it to an invoice as a product line.",
                reason,
            )
        if reason:
            return self.env._(
                "%s It is therefore unknown whether this call was already billed. "
                "Check the customer's invoices, then dismiss the exception. If the "
                "call was not billed, add it to an invoice as a product line.",
                reason,
            )
        return self.env._(
            "The call is older than the source accepts. Correct the record, or raise "
            "the limit on the source."
        )

    def _describe_direction(self, detail):
        """What is not known of the direction, and where to say it."""
        if detail == EMPTY:
            return self.env._(
                "The direction is empty, although other records have one. Add %s to "
                "the direction words of the source to say what it means.",
                detail,
            )
        if UNREAD in (detail or ""):
            return self.env._(
                "The source does not read a column that seems to contain the "
                "direction: %s. On the Columns page of the source, add the column as "
                "Direction, or as Keep with the record if it is something else. Then "
                "try again.",
                detail,
            )
        return self.env._(
            "The direction word %s is unknown. Add it to the direction words of the "
            "source.",
            detail,
        )

    def _describe_same_id(self, detail):
        """Both records, and what can be done."""
        known, sign, own = (detail or "").partition(SAME)
        if sign:
            return self.env._(
                "This call seems to have been imported before, with the ID %(known)s "
                "instead of %(own)s. Import it as a different call, or dismiss it.",
                known=known,
                own=own,
            )
        shift, sign, own = (detail or "").partition(SHIFTED)
        if sign:
            return self.env._(
                "Most calls in the file were imported before with start times that "
                "differ by %(shift)s, including this one: %(own)s. The file may have "
                "been exported again in another time zone. Import it as a different "
                "call, or dismiss it.",
                shift=shift,
                own=own,
            )
        if self.fingerprint:
            return self.env._(
                "Another record in the same file has the same call data but differs "
                "in unused columns: %s. Import it as a different call, or dismiss it.",
                detail,
            )
        known, _sign, own = detail.rpartition(" ≠ ")
        if self.source_id.record_kind == "usage":
            return self.env._(
                "A different record already has this ID: %(known)s. This one is "
                "%(own)s. Import it as a different record, or dismiss it.",
                known=known,
                own=own,
            )
        return self.env._(
            "A different call already has this ID: %(known)s. This call is %(own)s. "
            "Import it as a different call, or dismiss it.",
            known=known,
            own=own,
        )

    @api.depends("reason", "detail")
    def _compute_display_name(self):
        labels = dict(self._fields["reason"]._description_selection(self.env))
        for exception in self:
            exception.display_name = labels.get(exception.reason, exception.call_id)

    # === ACTIONS === #

    def _check_may_cure(self):
        """Refuse who may not see these records, or may only look.

        Nobody writes exceptions directly: their state, their CDR and the counters of
        their import change together, or not at all.
        """
        self.check_access("read")
        if not self.env.user.has_group("metered_billing.group_metered_user"):
            raise AccessError(
                self.env._("Only users of Metered Billing can work on exceptions.")
            )

    def _target(self):
        """These records, as jobs name what they work on."""
        return {"ids": self.ids}

    def action_retry(self):
        """Take these records through the import once more.

        What is cured becomes a CDR of its original import; the rest stays open, with
        its reason as it is now.

        :return: notification that says how many were cured, or the job that does it
        """
        self._check_may_cure()
        return self.env["metered.exception.job"]._start("retry", self._target())

    def _retry(self):
        """Rate these exceptions again, in the caller's transaction.

        :return: number of records that are no exceptions any more
        """
        jobs = self.env["metered.exception.job"]._create_jobs(
            "retry", self._target(), companies=self.company_id
        )
        for job in jobs:
            job._process()
        return sum(jobs.mapped("cured"))

    def action_is_other(self):
        """Import these records as calls of their own, beside those with their ids."""
        self._check_may_cure()
        target = {**self._target(), "reasons": [SAME_ID]}
        return self.env["metered.exception.job"]._start("other", target)

    def action_reopen(self):
        """Let dismissed records wait for a person again."""
        self._check_may_cure()
        return self.env["metered.exception.job"]._start("reopen", self._target())

    def action_dismiss(self):
        """Ask why these records need not be billed."""
        return self._open_cure("metered.exception.dismiss", self.env._("Dismiss"))

    def action_assign(self):
        """Ask whose the identifiers of these records are."""
        return self._open_cure(
            "metered.exception.assign", self.env._("Assign to a Customer")
        )

    def action_add_rate(self):
        """Ask what these calls cost."""
        return self._open_cure("metered.exception.rate", self.env._("Add a Rate"))

    def action_add_destination(self):
        """Ask where these calls lead to."""
        return self._open_cure(
            "metered.exception.destination", self.env._("Add a Destination")
        )

    def action_correct(self):
        """Ask what these records should be."""
        return self._open_cure("metered.exception.correct", self.env._("Correct"))

    def _open_cure(self, wizard, title):
        """Open a wizard that cures these records.

        :raises UserError: when there is nothing to cure
        """
        self._check_may_cure()
        if not self:
            raise UserError(self.env._("Select exceptions first."))
        return self.env[wizard]._get_records_action(
            name=title, target="new", context={"default_target": self._target()}
        )


def same_value(cause, tried):
    """The kinds of identifier that a cause's value was looked for as.

    :param str cause: "kind value"
    :param tried: list of such texts, in the order in which they were looked for
    """
    _kind, _space, value = (cause or "").partition(" ")
    pairs = (text.partition(" ") for text in tried)
    return list(dict.fromkeys(kind for kind, _space, text in pairs if text == value))
