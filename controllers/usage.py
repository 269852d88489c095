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
#: by what a customer is named whose entitlement is asked for
WHOSE = ("subject", "customer", "subscription")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Usage(http.Controller):
    """What customers used, and what it comes to, for programs that may read it."""

    @api_route("/metered/v1/usage", "GET")
    def usage(self):
        key = admitted("may_read")
        return told("usage", "_usage", key, *days())

    @api_route("/metered/v1/entitlements", "GET")
    def entitlements(self):
        key = admitted("may_read")
        sent = request.httprequest.args
        named = {name: argument(name) for name in WHOSE if name in sent}
        if len(named) != 1:
            raise RequestFault(
                422, "Name one of these in the address: " + ", ".join(WHOSE) + "."
            )
        found = key.env["metered.api"]._entitlements(key, **named)
        if found is None:
            raise RequestFault(404, "There is no such customer or subscription.")
        return answered(found)

    @api_route("/metered/v1/webhook_deliveries", "GET")
    def webhook_deliveries(self):
        key = admitted("may_read", "may_invoice")
        found = key.env["metered.api"]._deliveries(key, *days())
        return answered({"webhook_deliveries": found})

    @api_route("/metered/v1/invoices", "GET")
    def invoices(self):
        key = admitted("may_invoice")
        return told("invoices", "_invoices", key, *days())


def told(name, method, key, *arguments):
    """What a customer's rows are, as an answer.

    :param str name: of the rows in it
    :param str method: of ``metered.api``
    :raise RequestFault: 404
    """
    return told_of(argument("subject"), name, method, key, *arguments)


def told_of(subject, name, method, key, *arguments):
    """The same of a customer that the address does not name.

    :param str subject: a service identifier
    """
    rows = getattr(key.env["metered.api"], method)(key, subject, *arguments)
    if rows is None:
        raise RequestFault(404, "No customer has this identifier.")
    return answered({"subject": subject, name: rows})


def days():
    """The days that the address names.

    :return: (first day, day after the last one)
    :raise RequestFault: 422
    """
    date_from, date_to = a_day("from"), a_day("to")
    if not timedelta() <= date_to - date_from <= timedelta(days=MOST_DAYS):
        raise RequestFault(
            422, f"From is before to, and at most {MOST_DAYS} days before it."
        )
    return date_from, date_to


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
        raise RequestFault(422, f"{name} is not a date such as 2026-01-31.") from None
