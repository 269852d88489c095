# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.billing.metered_review import APPROVABLE
from ..models.screen.actions import notification

SCOPES = [
    ("selected", "The selected invoices"),
    ("others", "All invoices of the same runs except the selected ones"),
    ("customer", "All invoices of the same customers"),
    ("run", "All invoices of the same runs"),
]


class MeteredReviewChoice(models.AbstractModel):
    """Which invoices of a review a decision is about."""

    _name = "metered.review.choice"
    _description = "Invoices to Decide On"
    _inherit = ["metered.guarded"]

    review_ids = fields.Many2many("metered.review", string="Selected Invoices")
    renewal_id = fields.Many2one("metered.renewal", string="Renewal Run")
    scope = fields.Selection(
        SCOPES, string="Approve", required=True, default="selected"
    )

    def _reviews(self):
        """The rows that the decision is about, whatever their state."""
        self.ensure_one()
        chosen = self.review_ids._origin
        runs = chosen.renewal_id | self.renewal_id._origin
        if self.scope == "selected":
            return chosen
        if self.scope == "customer":
            return chosen.search(
                [
                    ("partner_id", "in", chosen.partner_id.ids),
                    ("company_id", "in", chosen.company_id.ids),
                ]
            )
        of_runs = chosen.search([("renewal_id", "in", runs.ids)])
        return of_runs - chosen if self.scope == "others" else of_runs


class MeteredReviewApprove(models.TransientModel):
    """What approving would post: how many, how much, and what is left out."""

    _name = "metered.review.approve"
    _description = "Approve and Post Invoices"
    _inherit = ["metered.review.choice"]

    summary = fields.Text(compute="_compute_summary")
    warning = fields.Text(compute="_compute_summary")

    @api.depends("review_ids", "renewal_id", "scope")
    @api.depends_context("lang")
    def _compute_summary(self):
        for wizard in self:
            rows = wizard._reviews()
            chosen = rows.filtered(
                lambda row: row.state in APPROVABLE and not row.is_pending
            )
            wizard.summary = wizard._describe(chosen)
            wizard.warning = wizard._warn(rows, chosen)

    def _describe(self, chosen):
        """What is posted and sent, in sentences."""
        if not chosen:
            return self.env._("None of these invoices is waiting for approval.")
        words = self.env["metered.review"]
        lines = [
            self.env._(
                "%(invoices)s will be posted, %(amount)s including taxes.",
                invoices=words._count_words(len(rows)),
                amount=currency.format(sum(rows.mapped("amount"))),
            )
            for currency, rows in chosen.grouped("currency_id").items()
        ]
        sent = chosen.sudo().filtered(lambda row: row._is_sent())
        if sent:
            lines.append(
                self.env._(
                    "%s will be sent by email, as set on the subscription template.",
                    words._count_words(len(sent)),
                )
            )
        return "\n".join(lines)

    def _warn(self, rows, chosen):
        """What is left out, and what of the chosen ones is to be looked at."""
        words = self.env["metered.review"]
        said = [
            (
                rows.filtered(lambda row: row.state == "held"),
                self.env._("On hold and excluded: %s."),
            ),
            (
                rows.filtered("is_pending"),
                self.env._("Waiting for usage and excluded: %s."),
            ),
            (
                chosen.filtered("missing_days"),
                self.env._("With missing records on some days: %s."),
            ),
            (
                chosen.filtered("exceptions"),
                self.env._("With open exceptions: %s."),
            ),
            (chosen.filtered("is_outlier"), self.env._("Outliers: %s.")),
            (chosen.filtered("is_zero"), self.env._("Zero invoices: %s.")),
        ]
        lines = [text % words._count_words(len(some)) for some, text in said if some]
        runs = rows.sudo().renewal_id
        runs = runs.filtered(lambda run: run.state in ("queued", "running"))
        if runs:
            lines.append(
                self.env._(
                    "The run is still in progress. Invoices it creates later will "
                    "wait for approval."
                )
            )
        return "\n".join(lines)

    def action_approve(self):
        """Approve, and have it posted in the background."""
        self.ensure_one()
        approvals, left = self._reviews()._approve()
        if not approvals:
            raise UserError(
                self.env._(
                    "None of these invoices is waiting for approval. Someone else has "
                    "approved them, or they are on hold or waiting for usage."
                )
            )
        words = self.env["metered.review"]
        count = sum(approvals.mapped("expected"))
        text = self.env._(
            "Approved: %s. The invoices are being posted in the background.",
            words._count_words(count),
        )
        if left:
            text = self.env._(
                "%(text)s Excluded: %(invoices)s.",
                text=text,
                invoices=words._count_words(len(left)),
            )
        action = approvals.sudo(False)._get_records_action(context={})
        return notification(text, next=action)
