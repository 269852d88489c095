# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import re
from datetime import date, timedelta

from odoo import http
from odoo.http import request

from ..connectors.events.body import RequestFault
from .api_request import admitted, api_route, argument
from .problems import answered

MOST_DAYS = 366
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Usage(http.Controller):
    """What customers used, for programs that may read it."""

    @api_route("/metered/v1/usage", "GET")
    def usage(self):
        key = admitted("may_read")
        subject = argument("subject")
        date_from, date_to = a_day("from"), a_day("to")
        if not timedelta() <= date_to - date_from <= timedelta(days=MOST_DAYS):
            raise RequestFault(
                422, f"From is before to, and at most {MOST_DAYS} days before it."
            )
        rows = (
            request.env["metered.api"].sudo()._usage(key, subject, date_from, date_to)
        )
        if rows is None:
            raise RequestFault(404, "No customer has this identifier.")
        return answered({"subject": subject, "usage": rows})


def a_day(name):
    """A day that the address names.

    :raise RequestFault: 422
    """
    text = argument(name)
    try:
        if not DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise RequestFault(422, f"{name} is no day such as 2026-01-31.") from None
