# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    """Statements of an invoice."""

    _inherit = "account.move"

    metered_statement_ids = fields.One2many(
        "metered.statement", "invoice_id", string="Usage Statements", readonly=True
    )

    def action_metered_statement(self):
        """Open the statement of this invoice; make it where there is none yet.

        :raises UserError: unless it is a posted invoice with usage
        """
        self.ensure_one()
        self.check_access("read")
        self.env["metered.statement"].check_access("read")
        statement = self.sudo().metered_statement_ids.filtered("is_current")
        if not statement:
            if self.state != "posted" or not self.metered_usage_count:
                raise UserError(
                    self.env._(
                        "Only posted invoices with usage have a statement. Post the "
                        "invoice first."
                    )
                )
            statement = self._metered_make_statements()
        return statement[:1].with_env(self.env)._get_records_action()

    def _metered_make_statements(self):
        """Have a statement made for each invoice, in the background."""
        return self.env["metered.statement"].sudo()._start_for(self)

    def _metered_statements_after_post(self):
        """Have statements made of what was posted, where the company wants it.

        What was posted before, and has a statement, gets another one in any case.
        """
        found = self.sudo().filtered(
            lambda move: (
                move.is_sale_document()
                and move.metered_usage_count
                and (
                    move.company_id.metered_statement_auto
                    or move.metered_statement_ids.filtered("is_current")
                )
            )
        )
        if found:
            found._metered_make_statements()

    def _metered_statement_to_mail(self):
        """The statement that may be sent with this invoice, none if it must not be."""
        if self.company_id.metered_statement_mailed == "none":
            return self.env["metered.statement"]
        return self.metered_statement_ids.filtered(
            lambda made: made.is_current and not made._is_unfit()
        )[:1]
