# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .metered_approval import POSTING


class AccountMove(models.Model):
    """What was decided about an invoice when its run was reviewed.

    Whatever becomes of the invoice, and whoever does it, its row in the review says so.
    """

    _inherit = "account.move"

    metered_review_state = fields.Selection(
        selection="_metered_review_states",
        string="Review",
        compute="_compute_metered_review",
        compute_sudo=True,
    )
    metered_hold = fields.Char(
        string="On Hold",
        compute="_compute_metered_review",
        compute_sudo=True,
        help="Who put it on hold, when and why.",
    )
    metered_approved = fields.Char(
        string="Approved",
        compute="_compute_metered_review",
        compute_sudo=True,
        help="Who approved it, when, and for how much.",
    )

    @api.model
    def _metered_review_states(self):
        states = self.env["metered.review"]._fields["state"]
        return states._description_selection(self.env)

    def _metered_reviews(self):
        """The rows of these in the review, with all rights."""
        reviews = self.env["metered.review"].sudo()
        return reviews.search([("invoice_id", "in", self.ids)]) if self.ids else reviews

    @api.depends_context("lang")
    def _compute_metered_review(self):
        rows = self._metered_reviews().grouped("invoice_id")
        for move in self:
            row = rows.get(move._origin, self.env["metered.review"])
            move.metered_review_state = row.state
            move.metered_hold = row._held_text() if row.state == "held" else False
            move.metered_approved = row._approved_text()

    def _metered_open_row(self):
        """The row of this invoice, as its user may see it.

        :raises UserError: there is none
        """
        self.ensure_one()
        self.check_access("read")
        row = self._metered_reviews()
        if not row:
            raise UserError(
                self.env._(
                    "%s is not an invoice of a renewal run, so it cannot be reviewed.",
                    self._metered_label(),
                )
            )
        return row.sudo(False)

    def action_metered_hold(self):
        """Ask why this invoice is to be put on hold."""
        return self._metered_open_row().action_open_hold()

    def action_metered_release(self):
        """Let this invoice be posted again."""
        return self._metered_open_row().action_release()

    # === WHAT HAPPENS TO IT === #

    def _metered_check_held(self):
        """Refuse to post what a person put on hold.

        What a run holds by itself, because records may be missing, may be posted by
        whoever has looked at it.

        :raises UserError: with the reason, and how it is released
        """
        held = self._metered_reviews().filtered(
            lambda row: row.state == "held" and row.held_uid
        )
        if held:
            raise UserError(
                "\n".join(
                    self.env._(
                        "%(invoice)s is on hold and cannot be posted. %(why)s Click "
                        "Release on the invoice first.",
                        invoice=row.display_name,
                        why=row._held_text(),
                    )
                    for row in held
                )
            )

    def _metered_review_posted(self):
        """Note that these are posted, by the approval or by a person."""
        for row in self._metered_reviews():
            values = {
                "state": "posted",
                "posted_date": fields.Datetime.now(),
                "posted_amount": row.invoice_id.amount_total,
                "hold_reason": False,
                "held_uid": False,
                "held_date": False,
                "error": False,
                "note": False,
            }
            if not (POSTING.heard() and row.state == "approved"):
                values |= {
                    "approval_id": False,
                    "approved_uid": self.env.uid,
                    "approved_date": fields.Datetime.now(),
                    "approved_amount": row.invoice_id.amount_total,
                    "note": self.env._(
                        "%s posted this invoice manually.", self.env.user.name
                    ),
                }
            row.write(values)

    def _metered_review_state(self, state):
        """Note that these are drafts again, or cancelled.

        :param str state: that was written
        """
        rows = self._metered_reviews()
        if state == "cancel":
            rows._gone(
                self.env._(
                    "%s canceled the invoice. Its fees will not be billed unless you "
                    "bill its period again on the subscription.",
                    self.env.user.name,
                )
            )
            return
        again = rows.filtered(lambda row: row.state in ("posted", "gone"))
        again._back_to_review(
            self.env._("%s reset the invoice to draft.", self.env.user.name)
        )

    def _metered_review_deleted(self):
        """Note that these are deleted now."""
        rows = self._metered_reviews()
        rows._gone(
            self.env._(
                "%s deleted the invoice. Its fees will not be billed unless you bill "
                "its period again on the subscription.",
                self.env.user.name,
            )
        )


class MeteredReview(models.Model):
    _inherit = "metered.review"

    def _gone(self, note):
        """Note that the invoices of these are no more; what was known about them stays.

        Their periods are on no invoice then, which is told where it is mended: Bill
        This Period Again.
        """
        self.write({"state": "gone", "note": note})

    def _held_text(self):
        """Who put it on hold, when and why."""
        self.ensure_one()
        values = {
            "day": format_date(self.env, self.held_date),
            "reason": self.hold_reason or "",
        }
        if not self.held_uid:
            return self.env._("On hold since %(day)s: %(reason)s.", **values)
        return self.env._(
            "On hold since %(day)s by %(user)s: %(reason)s.",
            user=self.held_uid.name,
            **values,
        )

    def _approved_text(self):
        """Who approved it, when, and for how much; False where nobody did."""
        if not self.approved_uid:
            return False
        return self.env._(
            "%(user)s on %(day)s for %(amount)s",
            user=self.approved_uid.name,
            day=format_date(self.env, self.approved_date),
            amount=self.currency_id.format(self.approved_amount),
        )
