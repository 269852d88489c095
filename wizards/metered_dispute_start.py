# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import formatLang

from ..models.dispute.metered_dispute import CHANNELS, REASONS

#: what can be disputed -> the key of its ids
DISPUTED = {"metered.cdr": "cdr", "metered.usage": "usage"}


class MeteredDisputeStart(models.TransientModel):
    """Say why charges that a customer questions are disputed."""

    _name = "metered.dispute.start"
    _description = "New Dispute"
    _inherit = ["metered.guarded"]

    partner_id = fields.Many2one(
        "res.partner", string="Raised By", required=True, help="Customer or contact."
    )
    reason = fields.Selection(REASONS, required=True, default="not_mine")
    channel = fields.Selection(
        [(code, name) for code, name in CHANNELS if code != "portal"],
        required=True,
        default="phone",
    )
    text = fields.Text(
        string="Description", help="What the customer wrote or said. It is kept as is."
    )
    records = fields.Json(help="IDs of what is disputed, by kind.")
    what = fields.Char(string="Charges", compute="_compute_what")

    @api.model
    def _open(self, records):
        """The dialog for records that the user chose.

        :param records: ``metered.cdr`` or ``metered.usage``
        """
        partner = records.partner_id.commercial_partner_id
        if len(partner) != 1:
            raise UserError(self.env._("Select charges of one customer."))
        return self._get_records_action(
            name=self.env._("New Dispute"),
            target="new",
            context={
                "default_partner_id": partner.id,
                "default_records": {DISPUTED[records._name]: records.ids},
            },
        )

    @api.depends("records")
    def _compute_what(self):
        for dialog in self:
            found = [records for records in dialog._records().values() if records]
            dialog.what = self.env._(
                "%(count)s: %(amount)s",
                count=sum(map(len, found)),
                amount=", ".join(
                    f"{formatLang(self.env, amount, digits=4)} {currency.name}"
                    for records in found
                    for currency, amount in (
                        (currency, sum(some.mapped(AMOUNT[records._name])))
                        for currency, some in records.grouped("currency_id").items()
                    )
                ),
            )

    def _records(self):
        """What is disputed, as far as the user may see it: dict key -> records."""
        self.ensure_one()
        given = self.records if isinstance(self.records, dict) else {}
        found = {}
        for model, key in DISPUTED.items():
            ids = given.get(key) or []
            if not isinstance(ids, list) or any(type(one) is not int for one in ids):
                raise UserError(self.env._("Select the disputed charges."))
            found[key] = self.env[model].browse(ids).exists()
            found[key].check_access("read")
        return found

    def action_open(self):
        """Open the dispute."""
        self.ensure_one()
        self.env["metered.dispute"].check_access("write")
        found = self._records()
        self.partner_id.check_access("read")
        dispute = self.env["metered.dispute"]._dispute_calls(
            self.partner_id,
            found["cdr"].ids,
            found["usage"].ids,
            self.reason,
            self.text,
            self.channel,
        )
        return dispute.with_env(self.env)._get_records_action(context={})


#: field with what a record charges
AMOUNT = {"metered.cdr": "charge", "metered.usage": "amount"}


class MeteredDisputeChange(models.TransientModel):
    """Say why the status of disputes changes."""

    _name = "metered.dispute.change"
    _description = "Change Disputes"
    _inherit = ["metered.guarded"]

    dispute_ids = fields.Many2many("metered.dispute", readonly=True)
    state = fields.Selection(
        [
            ("pending", "Wait for Customer"),
            ("held", "Put on Hold"),
            ("rejected", "Reject"),
            ("cancelled", "Cancel"),
            ("closed", "Close"),
            ("in_progress", "Reopen"),
        ],
        string="Step",
        required=True,
        default="pending",
    )
    text = fields.Text(
        string="Comment", required=True, help="Kept in the log of the dispute."
    )

    def action_change(self):
        """Change the status, with the comment in the log."""
        self.ensure_one()
        self.dispute_ids._change(self.state, self.text)
        return {"type": "ir.actions.act_window_close"}
