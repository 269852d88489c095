# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError

from ..screen.actions import notification


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

    def action_metered_print_statements(self):
        """Download the statement of an invoice; those of several as a ZIP file.

        What has no statement yet gets one.

        :raises UserError: there is nothing to download yet
        """
        self.check_access("read")
        self.env["metered.statement"].check_access("read")
        moves = self.sudo().filtered(
            lambda move: move.state == "posted" and move.metered_usage_count
        )
        if not moves:
            raise UserError(
                self.env._("Only posted invoices with usage have a statement.")
            )
        statements = moves.metered_statement_ids.filtered("is_current")
        statements |= (moves - statements.invoice_id)._metered_make_statements()
        for statement in statements:
            statement._make_now()
        shown = statements.with_env(self.env)
        if len(shown) > 1:
            return shown.action_zip()
        if shown.state != "done":
            return notification(
                self.env._(
                    "%s is being created. Print it again in a few minutes.", shown.name
                ),
                "info",
            )
        return shown.with_context(metered_file="pdf").action_download()

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
