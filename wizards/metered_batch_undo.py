# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.tools.misc import formatLang

from ..models.screen.actions import CLOSE, notification

#: customers that are shown one by one
MOST_LINES = 50


class MeteredBatchUndo(models.TransientModel):
    """What an undo of an import would do, before it is done."""

    _name = "metered.batch.undo"
    _description = "Undo Import"
    _inherit = ["metered.guarded"]

    batch_id = fields.Many2one("metered.batch", required=True, ondelete="cascade")
    file_name = fields.Char(related="batch_id.file_name", string="File")
    source_id = fields.Many2one(related="batch_id.source_id")
    rated = fields.Integer(string="Rated Records")
    amount = fields.Char(help="Charges that will be reversed.")
    not_billable = fields.Integer()
    exceptions = fields.Integer()
    customers = fields.Integer(help="Customers whose open usage will decrease.")
    usage_rows = fields.Integer(
        string="Days of Usage", help="Usage lines that will decrease or be removed."
    )
    invoices = fields.Char(help="Invoices that include records of this import.")
    invoiced = fields.Integer(string="Invoiced Records")
    as_job = fields.Boolean()
    line_ids = fields.One2many("metered.batch.undo.line", "wizard_id")

    @api.model
    def default_get(self, fields):
        """Count what there is to take back."""
        values = super().default_get(fields)
        batch = self.env["metered.batch"].browse(values.get("batch_id"))
        if not batch:
            return values
        batch.check_access("write")
        # Stored usage and calls are nobody's to write, but everybody's to count.
        batch._verify()
        self.env.cr.execute(
            """
            SELECT partner_id, CASE WHEN charge IS NOT NULL THEN currency_id END,
                   count(*), coalesce(sum(charge), 0)::text,
                   count(DISTINCT usage_id)
              FROM metered_cdr
             WHERE batch_id = %s AND usage_id IS NOT NULL
             GROUP BY 1, 2
             ORDER BY coalesce(sum(charge), 0) DESC, partner_id
            """,
            (batch.id,),
        )
        rows = self.env.cr.fetchall()
        amounts = {}
        for _partner, currency_id, _calls, charge, _usage in rows:
            # Usage of a meter has its price when it is invoiced.
            if currency_id:
                amounts[currency_id] = amounts.get(currency_id, 0) + float(charge)
        invoices = batch._invoices(limit=100)
        moves = self.env["account.move"].sudo().browse(row[0] for row in invoices)
        values.update(
            rated=sum(row[2] for row in rows),
            amount=" + ".join(
                formatLang(self.env, amount, digits=4)
                + f" {self.env['res.currency'].browse(currency_id).name}"
                for currency_id, amount in amounts.items()
            ),
            not_billable=batch.stored_not_billable,
            exceptions=batch.stored_exceptions,
            customers=len({row[0] for row in rows}),
            usage_rows=sum(row[4] for row in rows),
            invoices=", ".join(moves[:10].mapped("display_name"))
            + (", …" if len(moves) > 10 else ""),
            invoiced=sum(row[1] for row in invoices),
            as_job=batch._undo_total() > batch._undo_at_once(),
            line_ids=[
                Command.create(
                    {
                        "partner_id": partner_id,
                        "currency_id": currency_id,
                        "records": records,
                        "amount": float(charge),
                        "usage_rows": usage_rows,
                    }
                )
                for partner_id, currency_id, records, charge, usage_rows in rows[
                    :MOST_LINES
                ]
            ],
        )
        return values

    def action_undo(self):
        """Take the import back, and show it as it is then."""
        self.ensure_one()
        batch = self.batch_id
        batch.action_undo()
        return notification(
            self.env._(
                "%(file)s was undone: %(rated)s rated records and %(exceptions)s "
                "exceptions were reversed.",
                file=batch.file_name,
                rated=batch.undone_rated,
                exceptions=batch.undone_exceptions,
            )
            if batch.state == "undone"
            else self.env._("%s is being undone in the background.", batch.file_name),
            "success" if batch.state == "undone" else "info",
            next=CLOSE,
        )


class MeteredBatchUndoLine(models.TransientModel):
    _name = "metered.batch.undo.line"
    _description = "Customer Affected by Undo"
    _inherit = ["metered.guarded"]

    wizard_id = fields.Many2one("metered.batch.undo", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", string="Customer")
    currency_id = fields.Many2one("res.currency")
    records = fields.Integer()
    amount = fields.Float(digits=0, min_display_digits=4)
    usage_rows = fields.Integer(string="Days of Usage")
