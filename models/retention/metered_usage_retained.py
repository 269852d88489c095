# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..screen.actions import window_action
from .res_company_retention import GONE_UNTIL


class MeteredUsage(models.Model):
    """Usage whose calls were masked or deleted: it stays what it came to.

    If its invoice is deleted or credited, it is open again and billed as it was
    charged. Nothing rates it again, and what its calls took of allowances stays taken:
    so no money is lost, and none is charged twice.
    """

    _inherit = "metered.usage"

    details_gone = fields.Selection(
        [("masked", "Numbers masked"), ("deleted", "Deleted")],
        string="Call Details",
        readonly=True,
        copy=False,
        help="Whether the calls of this usage, or their numbers, were deleted under "
        "retention. The usage keeps its sums and can no longer be re-rated.",
    )
    details_gone_on = fields.Date(string="Deleted On", readonly=True, copy=False)

    def _kept_sums_action(self):
        """The sums of calls that were deleted, where none of these is left.

        :return: action; None where there are calls to be shown
        """
        gone = self.filtered(lambda usage: usage.details_gone == "deleted")
        if not self or gone != self:
            return None
        return window_action(
            self.env,
            "action_metered_retention_sum",
            [("usage_id", "in", self.ids), ("kind", "in", ("calls", "events"))],
            context={},
        )

    def _details_gone_text(self):
        """A sentence on calls of this usage that were deleted or masked, or ""."""
        gone = self.filtered("details_gone")
        if not gone:
            return ""
        words = self.env["metered.explanation"]
        deleted = gone.filtered(lambda usage: usage.details_gone == "deleted")
        newest = max((deleted or gone).mapped("details_gone_on"))
        values = {
            "records": words._records(sum((deleted or gone).mapped("records"))),
            "day": format_date(self.env, newest),
        }
        if "event" in deleted.meter_id.mapped("kind"):
            return self.env._(
                "Events were deleted under retention, last on %(day)s: %(records)s. "
                "Their sums are kept, and the amount is unchanged.",
                **values,
            )
        if deleted:
            return self.env._(
                "Call details were deleted under retention, last on %(day)s: "
                "%(records)s. Their sums are kept, and the amount is unchanged.",
                **values,
            )
        return self.env._(
            "Numbers of the calls were masked under retention, last on %(day)s: "
            "%(records)s. The amount is unchanged.",
            **values,
        )

    def _check_records_kept(self):
        """Refuse a price that needs records which are not there anymore.

        No rule deletes them while a price needs them: that has changed since.

        :raises UserError: they were deleted
        """
        text = self.filtered(
            lambda usage: usage.details_gone == "deleted"
        )._details_gone_text()
        if text:
            raise UserError(
                self.env._(
                    "%(reason)s This price needs each of them. Use a price that needs "
                    "their sum or their number only.",
                    reason=text,
                )
            )


class MeteredCdr(models.Model):
    """Details of days of which there are none anymore."""

    _inherit = "metered.cdr"

    @api.model
    def get_empty_list_help(self, help_message):
        """Say that older call details were deleted, where that may be why none is."""
        said = super().get_empty_list_help(help_message)
        company = self.env.company
        texts = (
            company._metered_no_details_text(company[name], kind)
            for kind, name in GONE_UNTIL.items()
        )
        text = " ".join(dict.fromkeys(filter(None, texts)))
        if not text:
            return said
        more = self.env._(
            "%s The sums are kept under Usage, and under Billing, Deleted Call "
            "Details.",
            text,
        )
        return Markup("%s<p>%s</p>") % (Markup(said or ""), more)

    def _masked_text(self):
        """What is said of a call whose numbers were masked, or ""."""
        usage = self.sudo().usage_id
        return usage._details_gone_text() if usage.details_gone == "masked" else ""
