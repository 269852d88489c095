# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import api, fields, models

from ...rating.exact import exact, exact_text, number


class MeteredReview(models.Model):
    """What an invoice is made of, also for who may not see accounting."""

    _inherit = "metered.review"

    explanation = fields.Html(
        compute="_compute_explanation",
        sanitize=False,
        help="The lines of the invoice and how their usage was charged.",
    )

    @api.depends_context("uid", "lang", "tz")
    def _compute_explanation(self):
        for review in self:
            review.explanation = review._explain()

    def _explain(self):
        """The lines of the invoice as HTML, those of usage explained."""
        self.ensure_one()
        self.check_access("read")
        parts = []
        for line in self.sudo().invoice_id.invoice_line_ids.sorted("sequence"):
            if line.display_type != "product":
                continue
            quantity = exact_text(exact(number(line.quantity)))
            parts.append(
                Markup("<h5 class='mt-3'>%s</h5><p>%s × %s = <b>%s</b></p>")
                % (
                    (line.name or "").partition("\n")[0],
                    self.env["metered.explanation"]._number(quantity),
                    self.currency_id.format(line.price_unit),
                    self.currency_id.format(line.price_subtotal),
                )
            )
            if line.metered_explained:
                parts.append(line._metered_explain())
        if not parts:
            return Markup("<p>%s</p>") % self.env._("The invoice has no lines.")
        return Markup().join(parts)

    def action_explain(self):
        """Show what the invoice is made of."""
        self.ensure_one()
        self.check_access("read")
        view = self.env.ref("metered_billing.metered_review_view_form_explain")
        return self._get_records_action(
            name=self.env._("Why This Amount?"),
            views=[(view.id, "form")],
            target="new",
            context={"dialog_size": "extra-large"},
        )
