# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ...rating.exact import exact_text, number, rounded
from ..screen.actions import notification, window_action
from .metered_dispute_event import request_address

#: of TM Forum's trouble ticket (TMF621), whose inProgress is spelled so there
STATES = [
    ("acknowledged", "Received"),
    ("in_progress", "In Progress"),
    ("pending", "Waiting for Customer"),
    ("held", "On Hold"),
    ("resolved", "Decided"),
    ("closed", "Closed"),
    ("rejected", "Rejected"),
    ("cancelled", "Canceled"),
]
#: status that a person gives a dispute -> those from which
CHANGES = {
    "pending": ("acknowledged", "in_progress", "held"),
    "held": ("acknowledged", "in_progress", "pending"),
    "rejected": ("acknowledged", "in_progress", "pending", "held"),
    "cancelled": ("acknowledged", "in_progress", "pending", "held"),
    "closed": ("resolved",),
    "in_progress": ("pending", "held", "rejected", "cancelled"),
}
#: in which a record cannot be disputed again
OPEN = ("acknowledged", "in_progress", "pending", "held")
REASONS = [
    ("not_mine", "Not made by me"),
    ("duration", "Wrong duration"),
    ("price", "Wrong price"),
    ("plan", "Should be included in the plan"),
    ("duplicate", "Charged twice"),
    ("fault", "Service fault"),
    ("other", "Other"),
]
CHANNELS = [
    ("portal", "Portal"),
    ("email", "Email"),
    ("phone", "Phone"),
    ("other", "Other"),
]
#: name the problems of a dispute that nobody looks at, or that is not decided in time
NEW, PROBLEM = "dispute_new", "dispute_due"
AMOUNTS = ("disputed", "approved", "credited")
#: what keeps an invoice out of reminders: of Odoo, of account_invoice_overdue_reminder
REMINDERS = ("no_followup", "no_overdue_reminder")
ADMINISTRATOR = "metered_billing.group_metered_administrator"
USER = "metered_billing.group_metered_user"


class MeteredDispute(models.Model):
    """A customer's objection to charges, and what was decided about each of them.

    What the customer saw is kept on the lines, whatever becomes of the calls. What
    happens is an event in a log that nobody changes. Usage stays where it is billed:
    what was right about the objection is credited, so that no call is billed twice.
    """

    _name = "metered.dispute"
    _description = "Dispute"
    _inherit = ["metered.guarded", "mail.thread", "mail.activity.mixin"]
    _order = "is_open desc, due_date, id desc"

    name = fields.Char(string="Number", required=True, readonly=True, copy=False)
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    contact_id = fields.Many2one(
        "res.partner", string="Raised By", readonly=True, ondelete="restrict"
    )
    claimant_id = fields.Many2one(
        "res.partner",
        string="On Behalf Of",
        readonly=True,
        index=True,
        ondelete="restrict",
        help="The company of the contact who raised it. Its contacts see the dispute "
        "in the portal, also where another company pays the invoice.",
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    channel = fields.Selection(CHANNELS, required=True, readonly=True, default="other")
    reason = fields.Selection(REASONS, required=True, readonly=True, default="other")
    text = fields.Text(
        string="Description", readonly=True, help="What the customer wrote or said."
    )
    state = fields.Selection(
        STATES,
        string="Status",
        required=True,
        readonly=True,
        default="acknowledged",
        tracking=True,
        index=True,
    )
    is_open = fields.Boolean(string="Open", default=True, readonly=True, index=True)
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        check_company=True,
        tracking=True,
        domain="[('share', '=', False)]",
    )
    received = fields.Datetime(
        required=True, readonly=True, default=fields.Datetime.now
    )
    due_date = fields.Date(
        required=True, readonly=True, default=fields.Date.context_today
    )
    age_days = fields.Integer(
        string="Age",
        readonly=True,
        aggregator=None,
        help="Working days since it was received, or until it was decided.",
    )
    age_class = fields.Selection(
        [
            ("3", "0–3 working days"),
            ("5", "4–5 working days"),
            ("15", "6–15 working days"),
            ("older", "More than 15 working days"),
        ],
        readonly=True,
        default="3",
    )
    disputed = fields.Monetary(compute="_compute_amounts", store=True, aggregator=None)
    approved = fields.Monetary(compute="_compute_amounts", store=True, aggregator=None)
    credited = fields.Monetary(
        compute="_compute_amounts",
        store=True,
        aggregator=None,
        help="On posted credit notes, before taxes.",
    )
    needs_approval = fields.Boolean(
        readonly=True, help="The decision is waiting for a second person."
    )
    answer = fields.Text(
        readonly=True, help="Reason for the rejection. The customer sees it."
    )
    decided_uid = fields.Many2one("res.users", string="Decided By", readonly=True)
    decided_date = fields.Datetime(string="Decided On", readonly=True)
    approved_uid = fields.Many2one("res.users", string="Approved By", readonly=True)
    rerate_id = fields.Many2one(
        "metered.rerate",
        string="Re-rating",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    line_ids = fields.One2many("metered.dispute.line", "dispute_id", string="Charges")
    credit_line_ids = fields.One2many(
        "account.move.line", "metered_dispute_id", readonly=True
    )
    event_ids = fields.One2many(
        "metered.dispute.event", "dispute_id", string="Log", readonly=True
    )
    event_count = fields.Integer(readonly=True, copy=False, aggregator=None)
    event_head = fields.Char(
        readonly=True, copy=False, help="Digest of the last event in the log."
    )
    followup_move_ids = fields.Many2many(
        "account.move",
        "metered_dispute_followup",
        string="Without Reminders",
        readonly=True,
        help="Invoices for which reminders were turned off until this is decided.",
    )
    credit_count = fields.Integer(compute="_compute_counts", compute_sudo=True)
    invoice_count = fields.Integer(compute="_compute_counts", compute_sudo=True)

    _number_uniq = models.UniqueIndex(
        "(company_id, name)", "This dispute number is already in use."
    )

    @api.depends(
        "currency_id",
        "line_ids.charge",
        "line_ids.approved",
        "line_ids.outcome",
        "line_ids.invoice_line_id",
        "credit_line_ids.price_subtotal",
        "credit_line_ids.parent_state",
    )
    def _compute_amounts(self):
        for dispute in self:
            lines = dispute.line_ids
            right = lines.filtered(lambda line: line.outcome == "credit")
            credited = dispute.credit_line_ids.filtered(
                lambda line: line.parent_state == "posted"
            )
            dispute.disputed = dispute._rounded(lines, "charge")
            dispute.approved = dispute._rounded(right, "approved")
            dispute.credited = sum(credited.mapped("price_subtotal"))

    def _rounded(self, lines, name):
        """A sum of lines, of each invoice line rounded once, as it is credited."""
        places = self.currency_id.decimal_places
        return sum(
            float(rounded(sum(number(line[name]) for line in some), places))
            for some in lines.grouped("invoice_line_id").values()
        )

    def _compute_counts(self):
        for dispute in self:
            dispute.credit_count = len(dispute.line_ids.credit_id)
            dispute.invoice_count = len(dispute.line_ids.invoice_line_id.move_id)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_ever(self):
        """Refuse it: a dispute is part of the books, and so is its log."""
        raise UserError(
            self.env._("Disputes cannot be deleted. Cancel the dispute instead.")
        )

    # === LOG === #

    def _lock_rows(self):
        """Have others wait who log something on these."""
        self.flush_recordset()
        self.env.cr.execute(
            "SELECT id FROM metered_dispute WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            (self.ids,),
        )
        self.invalidate_recordset(["event_count", "event_head"])

    def _amounts_text(self):
        """Its amounts, as the log has them."""
        self.ensure_one()
        places = self.currency_id.decimal_places
        return {
            name: exact_text(rounded(number(self[name]), places)) for name in AMOUNTS
        }

    def _log(self, text, before=None, state_from=None, details=None, who=None):
        """Write an event: the status and the amounts are those of now.

        :param text: what was said, may be empty
        :param before: `_amounts_text` of before; None: nothing changed
        :param state_from: the status before; None: it did not change
        :param who: ``res.partner`` who did it in the portal
        """
        self.ensure_one()
        now = self._amounts_text()
        before = before or now
        user = self.env.user
        self.env["metered.dispute.event"].sudo()._append(
            self.sudo(),
            {
                "who": (who or user.partner_id).sudo().display_name,
                "user_number": user.id,
                "origin": "portal"
                if who
                else "program"
                if self.env.uid == SUPERUSER_ID
                else "office",
                "address": request_address(),
                "state_from": state_from or self.state,
                "state_to": self.state,
                "amounts": {name: [before[name], now[name]] for name in AMOUNTS},
                "details": details or False,
                "text": text or False,
            },
        )

    def _move_to(self, state, text, details=None, who=None, **values):
        """Change the status, and log it.

        :param state: one of :data:`STATES`
        :param text: why; for the log
        :param values: other fields that change with it
        """
        self._lock_rows()
        for dispute in self:
            before, state_from = dispute._amounts_text(), dispute.state
            is_open = state in OPEN
            dispute._set_as_program({"state": state, "is_open": is_open, **values})
            dispute.sudo().line_ids.write({"is_open": is_open})
            dispute._log(text, before, state_from, details, who)
            dispute._metered_close(NEW, dict(STATES)[state])
            if not is_open:
                dispute._metered_close(PROBLEM, dict(STATES)[state])
            dispute._set_age()
        self.sudo()._stop_reminders()

    # === REMINDERS === #

    def _stop_reminders(self):
        """Keep invoices with open disputes, and no others, out of reminders.

        An invoice for which somebody turned them off stays as it is.
        """
        moves = self.env["account.move"]
        names = [name for name in REMINDERS if name in moves._fields]
        for dispute in self:
            billed = moves.browse()
            if dispute.is_open:
                # What was not invoiced when it was disputed may be so by now.
                billed = moves.union(
                    *(line._billed_on().move_id for line in dispute.line_ids)
                )
            for move in billed - dispute.followup_move_ids:
                if move._metered_held_disputes() or not any(
                    move[name] for name in names
                ):
                    dispute.followup_move_ids = [fields.Command.link(move.id)]
                    move.write(dict.fromkeys(names, True))
            for move in dispute.followup_move_ids - billed:
                dispute.followup_move_ids = [fields.Command.unlink(move.id)]
                if not move._metered_held_disputes():
                    move.write(dict.fromkeys(names, False))

    # === HELD === #

    @api.model
    def _held_records(self):
        """The records under open disputes, which are to be kept.

        :return: ``SQL`` of a subquery with one column, ``cdr_id``
        """
        return SQL(
            """
            SELECT cdr_id FROM metered_dispute_line
             WHERE is_open AND cdr_id > 0
             UNION ALL
            SELECT cdr.id FROM metered_dispute_line line
              JOIN metered_cdr cdr ON cdr.usage_id = line.usage_id
             WHERE line.is_open AND coalesce(line.cdr_id, 0) = 0
            """
        )

    @api.model
    def _open_cdr_ids(self, cdr_ids):
        """Those of some records that are under an open dispute: a set of ids."""
        self.env["metered.dispute.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT cdr_id FROM metered_dispute_line
                 WHERE is_open AND cdr_id = ANY(%(ids)s)
                 UNION
                SELECT cdr.id FROM metered_cdr cdr
                  JOIN metered_dispute_line line ON line.usage_id = cdr.usage_id
                 WHERE cdr.id = ANY(%(ids)s) AND line.is_open
                       AND coalesce(line.cdr_id, 0) = 0
                """,
                ids=list(cdr_ids),
            )
        )
        return {row[0] for row in rows}

    # === BUTTONS === #

    def _check_acting(self):
        """:raises AccessError: for who may only look at disputes"""
        self.check_access("write")
        if not self.env.user.has_group(USER):
            raise AccessError(self.env._("Only users of Metered Billing can do this."))

    def action_start(self):
        """Take it on: work on it begins."""
        self._check_acting()
        for dispute in self:
            if dispute.state not in OPEN or dispute.needs_approval:
                raise UserError(
                    self.env._(
                        "%s is not open or is waiting for approval.", dispute.name
                    )
                )
            dispute._move_to(
                "in_progress",
                False,
                user_id=dispute.user_id.id or self.env.uid,
            )
        return True

    def action_ask(self):
        """Ask for the text of a change of status; which one, the context says."""
        self._check_acting()
        state = self.env.context.get("metered_state")
        names = dict(self._fields["state"]._description_selection(self.env))
        if state not in names:
            raise UserError(self.env._("Choose what to do with the dispute."))
        return self.env["metered.dispute.change"]._get_records_action(
            name=names[state],
            target="new",
            context={"default_dispute_ids": self.ids, "default_state": state},
        )

    def _change(self, state, text):
        """Change the status by hand.

        :param state: a key of :data:`CHANGES`
        :param text: why; who is asked, or rejected, reads it
        """
        self._check_acting()
        text = (text or "").strip()
        if not text:
            raise UserError(self.env._("Enter a comment."))
        for dispute in self:
            if (
                dispute.state not in CHANGES.get(state, ())
                or dispute.needs_approval
                or (dispute.rerate_id and state != "closed")
            ):
                raise UserError(
                    self.env._(
                        "%(dispute)s cannot be changed this way. Its status is "
                        "%(state)s.",
                        dispute=dispute.name,
                        state=dict(
                            self._fields["state"]._description_selection(self.env)
                        )[dispute.state],
                    )
                )
            if not dispute.is_open and state in OPEN:
                lines = dispute.line_ids
                whole = lines.filtered(lambda line: not line.cdr_id)
                self._check_not_disputed(
                    lines.filtered("cdr_id").mapped("cdr_id"),
                    lines.mapped("usage_id"),
                    whole.mapped("usage_id"),
                )
            values = {}
            if state == "rejected":
                values = {
                    "answer": text,
                    "decided_uid": self.env.uid,
                    "decided_date": fields.Datetime.now(),
                }
            elif state in OPEN:
                values = {"answer": False, "decided_uid": False, "decided_date": False}
            dispute._move_to(state, text, **values)
            if state == "pending":
                dispute._ask_customer(text)
            elif state == "rejected":
                dispute._tell_decided()

    def action_verify(self):
        """Check that the log is what was written."""
        self.check_access("read")
        found = [text for dispute in self for text in dispute.sudo()._verify()]
        if found:
            return notification("\n".join(found), "danger", sticky=True)
        return notification(
            self.env._(
                "The log is complete and unchanged: %s events.",
                sum(self.sudo().mapped("event_count")),
            )
        )

    def _verify(self):
        """What is wrong with the log of a dispute, as sentences."""
        self.ensure_one()
        words = {
            "changed": self.env._("%(dispute)s: event %(number)s was changed."),
            "detached": self.env._(
                "%(dispute)s: event %(number)s does not follow the previous event, "
                "which was changed or replaced."
            ),
            "missing": self.env._("%(dispute)s: event %(number)s is missing."),
            "added": self.env._("%(dispute)s: event %(number)s was added."),
            "head": self.env._(
                "%(dispute)s: event %(number)s is not the latest event."
            ),
        }
        return [
            words[what] % {"dispute": self.name, "number": position}
            for position, what in self.env["metered.dispute.event"]._broken(self)
        ]

    def action_view_credits(self):
        """Open the credit notes of these disputes."""
        self.check_access("read")
        moves = self.sudo().line_ids.credit_id
        return window_action(
            self.env,
            "account.action_move_out_refund_type",
            [("id", "in", moves.ids)],
            context={"create": False},
        )

    def action_view_invoices(self):
        """Open the invoices whose charges are disputed."""
        self.check_access("read")
        moves = self.sudo().line_ids.invoice_line_id.move_id
        return self.env["account.move"]._metered_invoices_action(
            [("id", "in", moves.ids)]
        )

    def action_view_rerate(self):
        """Open the re-rating that was started for a dispute."""
        self.ensure_one()
        return self.rerate_id._get_records_action()
