# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class MeteredHold(models.Model):
    """Records that must not be deleted or masked, whatever their age.

    For a dispute, or because an authority or a court has ordered it. Nothing deletes a
    hold: it is lifted, and says by whom and when.
    """

    _name = "metered.hold"
    _description = "Retention Hold"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "lifted_on desc, id desc"

    name = fields.Char(
        string="Reference",
        required=True,
        help="For example, the number of the dispute or of the order.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    reason = fields.Selection(
        [("dispute", "Dispute"), ("order", "Order of an authority or court")],
        required=True,
        default="dispute",
    )
    note = fields.Text(string="Legal Basis")
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        help="Includes its contacts. Leave empty to hold records of all customers.",
    )
    day_from = fields.Date(string="Records From")
    day_to = fields.Date(string="Records Until", help="Last day of the records.")
    invoice_id = fields.Many2one(
        "account.move",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        domain="[('move_type', 'in', ('out_invoice', 'out_refund'))]",
        help="Leave empty to hold records regardless of their invoice.",
    )
    batch_id = fields.Many2one(
        "metered.batch",
        string="Import",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        help="Leave empty to hold records of all imports.",
    )
    hold_from = fields.Date(
        string="From", required=True, default=fields.Date.context_today
    )
    hold_until = fields.Date(
        string="Until", help="Leave empty to hold them until the hold is lifted."
    )
    user_id = fields.Many2one(
        "res.users",
        string="Held By",
        readonly=True,
        default=lambda self: self.env.user,
        copy=False,
    )
    lifted_on = fields.Datetime(readonly=True, copy=False)
    lifted_uid = fields.Many2one(
        "res.users", string="Lifted By", readonly=True, copy=False
    )

    @api.constrains("day_from", "day_to", "hold_from", "hold_until")
    def _check_days(self):
        for hold in self:
            for first, last in (
                (hold.day_from, hold.day_to),
                (hold.hold_from, hold.hold_until),
            ):
                if first and last and first > last:
                    raise ValidationError(
                        self.env._("The first day is after the last day.")
                    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_trace(self):
        if self:
            raise UserError(
                self.env._("A hold cannot be deleted. Click Lift Hold instead.")
            )

    def action_lift(self):
        """End the hold; the next run of the retention may delete what it held."""
        self.check_access("write")
        for hold in self.filtered(lambda hold: not hold.lifted_on):
            hold._set_as_program(
                {"lifted_on": fields.Datetime.now(), "lifted_uid": self.env.uid}
            )
            hold.message_post(body=self.env._("The hold was lifted."))
        return True

    @api.model
    def _disputed_cdr_ids(self, _company):
        """Ids of records under open dispute, which are held without a hold.

        :return: list
        """
        self.env["metered.dispute.line"].flush_model()
        held = self.env["metered.dispute"]._held_records()
        return [cdr_id for (cdr_id,) in self.env.execute_query(held)]
