# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...connectors.harmless import shown

#: of what was asked for, and of an address
MOST_CHARACTERS = 300
#: kinds of access -> how often a user may do it within MINUTES
LIMITS = {
    "calls": 600,
    "call": 600,
    "download": 20,
    "statement": 60,
    "alerts": 30,
    "forecast": 10,
    "dispute": 30,
    "dispute_view": 600,
}
MINUTES = 10


class MeteredAccessLog(models.Model):
    """Who looked at whose calls in the portal, when, from where, and which.

    Nobody changes it, and nobody deletes from it by hand.
    """

    _name = "metered.access.log"
    _description = "Portal Access"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "id desc"

    time = fields.Datetime(required=True, readonly=True, index=True)
    user_id = fields.Many2one(
        "res.users", required=True, readonly=True, ondelete="restrict"
    )
    contact_id = fields.Many2one(
        "res.partner", readonly=True, ondelete="restrict", index="btree_not_null"
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
        help="Customer whose calls were viewed.",
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    kind = fields.Selection(
        [
            ("calls", "Call list"),
            ("call", "Call"),
            ("download", "Call download"),
            ("statement", "Statement"),
            ("alerts", "Alert settings changed"),
            ("forecast", "Forecast"),
            ("dispute", "Charges questioned"),
            ("dispute_view", "Dispute"),
        ],
        string="Action",
        required=True,
        readonly=True,
    )
    what = fields.Char(
        string="Viewed", readonly=True, help="Filters, or the record that was opened."
    )
    address = fields.Char(string="IP Address", readonly=True)

    _often_idx = models.Index("(user_id, kind, time)")

    @api.depends("kind", "time")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for entry in self:
            entry.display_name = f"{kinds.get(entry.kind)} {entry.time}"

    @api.model
    def _note(self, user, customer, kind, what, address):
        """Note an access.

        :param user: ``res.users``
        :param customer: ``res.partner`` whose calls are handed out
        :param what: text
        :param address: of the computer it comes from
        """
        self.create(
            {
                "time": fields.Datetime.now(),
                "user_id": user.id,
                "contact_id": user.partner_id.id,
                "partner_id": customer.id,
                "company_id": user.company_id.id,
                "kind": kind,
                "what": shown(what, MOST_CHARACTERS),
                "address": shown(address or "", MOST_CHARACTERS),
            }
        )

    @api.model
    def _is_too_often(self, user, kind):
        """Whether a user did it so often just now that it has to wait."""
        since = fields.Datetime.now() - timedelta(minutes=MINUTES)
        domain = [("user_id", "=", user.id), ("kind", "=", kind), ("time", ">", since)]
        most = LIMITS[kind]
        return self.search_count(domain, limit=most) >= most

    def write(self, vals):  # pylint: disable=method-required-super
        """Refuse to change what happened."""
        raise UserError(self.env._("The log of portal access cannot be changed."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_retention(self):
        raise UserError(self.env._("The log of portal access cannot be changed."))
