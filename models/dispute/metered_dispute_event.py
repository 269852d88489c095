# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.http import request

from ...statement.chain import VERSION, broken, link
from ..guard.metered_append_only import said

#: where an event came from
ORIGINS = [
    ("office", "Back office"),
    ("portal", "Portal"),
    ("program", "Automatic"),
]
#: what the digest of a row is about; another list is another version
_HASHED = (
    "dispute_id",
    "position",
    "moment",
    "who",
    "user_number",
    "origin",
    "address",
    "state_from",
    "state_to",
    "amounts",
    "details",
    "text",
)


class MeteredDisputeEvent(models.Model):
    """What happened to a dispute: written once, and never changed.

    Neither by Python nor by SQL: a trigger refuses it. Who owns the database can take
    the trigger away; then the chain of digests says which rows are not what they were.

    Whose act it was is kept as text and number, without a foreign key: a user who is
    deleted, or a contact who is merged, leaves the log as it is.
    """

    _name = "metered.dispute.event"
    _description = "Dispute Event"
    _inherit = ["metered.append.only", "metered.guarded"]
    _log_access = False
    _order = "dispute_id, position"
    _rec_name = "position"

    dispute_id = fields.Many2one(
        "metered.dispute",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    position = fields.Integer(
        string="No.", required=True, readonly=True, aggregator=None
    )
    moment = fields.Datetime(string="Time", required=True, readonly=True)
    who = fields.Char(string="By", readonly=True)
    user_number = fields.Integer(string="User ID", readonly=True, aggregator=None)
    origin = fields.Selection(ORIGINS, string="From Where", readonly=True)
    address = fields.Char(string="IP Address", readonly=True)
    state_from = fields.Char(string="Status Before", readonly=True)
    state_to = fields.Char(string="Status After", readonly=True)
    amounts = fields.Json(
        string="Amounts Before and After",
        readonly=True,
        help="Disputed, approved and credited amounts, before and after.",
    )
    details = fields.Json(readonly=True, help="The decisions, line by line.")
    text = fields.Text(readonly=True)
    version = fields.Integer(readonly=True, aggregator=None)
    previous = fields.Char(string="Previous Digest", readonly=True)
    digest = fields.Char(readonly=True)
    amounts_text = fields.Char(string="Amounts", compute="_compute_words")
    step = fields.Char(string="Status", compute="_compute_words")

    _position_uniq = models.UniqueIndex(
        "(dispute_id, position)", "This event of the dispute is already logged."
    )

    @api.depends("state_from", "state_to", "amounts")
    @api.depends_context("lang")
    def _compute_words(self):
        states = dict(
            self.env["metered.dispute"]
            ._fields["state"]
            ._description_selection(self.env)
        )
        amounts = {
            "disputed": self.env._("Disputed"),
            "approved": self.env._("Approved"),
            "credited": self.env._("Credited"),
        }
        for event in self:
            names = [event.state_from, event.state_to]
            shown = [states.get(name, name) for name in names if name]
            event.step = " → ".join(dict.fromkeys(shown))
            event.amounts_text = ", ".join(
                f"{amounts[name]}: {before} → {after}"
                if before != after
                else f"{amounts[name]}: {after}"
                for name, (before, after) in sorted((event.amounts or {}).items())
                if name in amounts and (before != after or name == "disputed")
            )

    # === THE CHAIN === #

    def _record(self):
        """What a row says, as it is hashed."""
        self.ensure_one()
        return said(_HASHED, self)

    @api.model
    def _append(self, dispute, values):
        """Write what happened to a dispute, whose row is locked by the caller.

        :param values: what the event's fields are to be
        :return: the event
        """
        values = {
            "dispute_id": dispute.id,
            "position": dispute.event_count + 1,
            "moment": fields.Datetime.now(),
            "version": VERSION,
            "previous": dispute.event_head or "",
            **values,
        }
        record = said(_HASHED, values)
        values["digest"] = link(values["previous"], record)
        event = self.create(values)
        dispute._set_as_program(
            {"event_count": values["position"], "event_head": values["digest"]}
        )
        return event

    @api.model
    def _broken(self, dispute):
        """What does not fit in the log of a dispute; see ``statement.chain``."""
        self.flush_model()
        self.invalidate_model()
        dispute.invalidate_recordset(["event_count", "event_head"])
        events = self.search([("dispute_id", "=", dispute.id)], order="position")
        return broken(
            (
                (
                    event.position,
                    event.previous or "",
                    event.digest,
                    event._record(),
                    event.version,
                )
                for event in events
            ),
            dispute.event_count,
            dispute.event_head or "",
        )


def request_address():
    """The IP address from which a request came; False outside of one."""
    return request.httprequest.remote_addr if request else False
