# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

#: kind of data -> the company's field with the last day of which it is not there
GONE_UNTIL = {
    **{"calls": "metered_details_until", "numbers": "metered_details_until"},
    "events": "metered_records_until",
}


class ResCompany(models.Model):
    """Until when a company has call details, and records of meters."""

    _inherit = "res.company"

    metered_details_until = fields.Date(
        string="Call Details Deleted Until",
        readonly=True,
        copy=False,
        help="Last day of which call details were masked or deleted under retention.",
    )

    metered_records_until = fields.Date(
        string="Records of Meters Gone Until",
        readonly=True,
        copy=False,
        help="Last day of which events of meters were deleted under retention.",
    )

    def _metered_no_details_text(self, day, kind="calls"):
        """What to say of days of which details were deleted; "" of later ones.

        :param day: first day that is asked about
        :param kind: of data, as retention rules have it
        """
        # What is only previewed may have no company.
        until = self[GONE_UNTIL[kind]] if self else None
        if not until or not day or day > until:
            return ""
        if kind == "events":
            return self.env._(
                "Events of meters through %(day)s were deleted under retention.",
                day=format_date(self.env, until),
            )
        return self.env._(
            "Call details through %(day)s were masked or deleted under retention.",
            day=format_date(self.env, until),
        )

    def _metered_check_details(self, day):
        """Refuse to rate calls again that are not there anymore.

        :param day: first day whose calls are rated
        :raises UserError: call details of the day were masked or deleted
        """
        text = self._metered_no_details_text(day)
        if text:
            raise UserError(
                self.env._(
                    "%(reason)s Choose a period that starts on or after %(day)s.",
                    reason=text,
                    day=format_date(
                        self.env,
                        self.metered_details_until + timedelta(days=1),
                    ),
                )
            )
