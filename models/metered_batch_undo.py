# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError


class MeteredBatch(models.Model):
    """Taking an import back."""

    _inherit = "metered.batch"

    def action_undo(self):
        """Take the whole import back: CDRs, usage and exceptions, as one act.

        The batch stays, with its counters and a note, as the trace of it.

        :raises UserError: when some of it is invoiced, with the invoices' names
        """
        for batch in self:
            batch._undo()
        return True

    def _undo(self):
        self.ensure_one()
        if self.state in ("queued", "running") and self.records:
            raise UserError(
                self.env._(
                    "%(file)s is still being imported. Undo it when it is done.",
                    file=self.file_name,
                )
            )
        self.env.flush_all()
        self._check_not_invoiced()
        cr = self.env.cr
        cr.execute(
            """
            WITH gone AS (
                DELETE FROM metered_cdr WHERE batch_id = %s
             RETURNING usage_id, quantity, billed_quantity, charge
            ), sums AS (
                SELECT usage_id, count(*) AS records, sum(quantity) AS quantity,
                       sum(billed_quantity) AS billed_quantity, sum(charge) AS amount
                  FROM gone WHERE usage_id IS NOT NULL GROUP BY usage_id
            )
            UPDATE metered_usage usage
               SET records = usage.records - sums.records,
                   quantity = usage.quantity - sums.quantity,
                   billed_quantity = usage.billed_quantity - sums.billed_quantity,
                   amount = usage.amount - sums.amount
              FROM sums WHERE usage.id = sums.usage_id
         RETURNING usage.id
            """,
            (self.id,),
        )
        touched = [row[0] for row in cr.fetchall()]
        if touched:
            cr.execute(
                "DELETE FROM metered_usage WHERE id = ANY(%s) AND records = 0",
                (touched,),
            )
        cr.execute("DELETE FROM metered_exception WHERE batch_id = %s", (self.id,))
        self.env.invalidate_all()
        self.message_post(
            body=self.env._(
                "Undone: %(rated)s rated, %(not_billable)s not billable records and "
                "%(exceptions)s exceptions were taken back.",
                rated=self.rated,
                not_billable=self.not_billable,
                exceptions=self.exceptions,
            )
        )
        self.write({"state": "undone"})

    def _check_not_invoiced(self):
        """Refuse to undo what is on an invoice, naming it."""
        self.env.cr.execute(
            """
            SELECT DISTINCT line.move_id
              FROM metered_cdr cdr
              JOIN metered_usage usage ON usage.id = cdr.usage_id
              JOIN account_move_line line ON line.id = usage.invoice_line_id
             WHERE cdr.batch_id = %s
             LIMIT 6
            """,
            (self.id,),
        )
        invoices = self.env["account.move"].browse(
            row[0] for row in self.env.cr.fetchall()
        )
        if invoices:
            names = ", ".join(
                invoice.sudo().display_name for invoice in invoices.sorted("id")[:5]
            )
            raise UserError(
                self.env._(
                    "Records of %(file)s are on invoices: %(invoices)s. Delete or "
                    "credit these first.",
                    file=self.file_name,
                    invoices=names + (", …" if len(invoices) > 5 else ""),
                )
            )
