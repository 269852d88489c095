# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.tools import format_date

from ...rating.exact import exact_text


class AccountMoveLine(models.Model):
    """Why a line bills a difference to usage, and what was billed to a line since."""

    _inherit = "account.move.line"

    def _metered_differences_billed(self):
        """The differences that this line bills, with all rights."""
        self.ensure_one()
        lines = self.metered_corrected_line_id.sudo()._metered_charged_together()
        return self.move_id._metered_differences().filtered(
            lambda difference: difference.invoice_line_id in lines
        )

    def _metered_explain_difference(self):
        """The explanation of a line that corrects another one, as HTML."""
        words = self.env["metered.explanation"]
        differences = self._metered_differences_billed()
        run, currency = differences.rerate_id[:1], differences.currency_id[:1]
        rows = []
        texts = {
            "before": self.env._("Charged before"),
            "after": self.env._("Charged now"),
            "difference": self.env._("Difference"),
        }
        steps = self._metered_price_steps()
        days = words._days(len(set(differences.mapped("day"))))
        # A meter's price is that of the period, which the line names.
        what = "" if steps else self.env._("What changes: %s", days)
        for name, title in texts.items():
            amount = exact_text(differences._sum_exactly(name))
            text = what if name == "before" else ""
            rows.append(
                words._row(
                    name, title, text, f"{words._number(amount)} {currency.name}"
                )
            )
        rows.append(
            words._row(
                "approved",
                self.env._("Approved"),
                self.env._(
                    "%(who)s, %(date)s: %(reason)s",
                    who=run.applied_uid.name,
                    date=format_date(self.env, run.applied_date),
                    reason=run.reason,
                ),
            )
        )
        rows += self._metered_rows_to_invoice([(currency,)])
        return words._render(
            before=[
                words._row(
                    "line", self.env._("Invoice line"), self._metered_one_line()
                ),
            ],
            rows=words._rows(steps, currency, company=self.company_id) + rows,
        )

    def _metered_rows_corrected(self):
        """What was billed in addition to this line, or taken back, since."""
        differences = self.env["metered.rerate.difference"].sudo()
        found = differences.search([("invoice_line_id", "=", self.id)])._counting()
        words, rows = self.env["metered.explanation"], []
        for move, billed in found.grouped("move_id").items():
            amount = words._number(exact_text(billed._sum_exactly("difference")))
            rows.append(
                words._row(
                    "corrected",
                    self.env._("Billed since"),
                    self.env._(
                        "The difference of rating it again, on %s",
                        move._metered_label(),
                    ),
                    f"{amount} {billed.currency_id[:1].name}",
                )
            )
        return rows
