# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""BillForward's way: a program completes the invoices that wait for its usage."""

from odoo import http
from odoo.http import request

from ..connectors.events.body import RequestFault, unpacked
from ..connectors.events.charge_request import (
    id_number,
    read_charge,
    read_charges,
    read_invoice,
    read_quote,
)
from ..ingest.conflicts import make_lasting
from ..models.pending.metered_api_billforward import MOST_RECORDS, STATES
from .api_request import admitted, api_route, one_at_a_time
from .problems import answered

#: records of a page where the address does not say how many
RECORDS = 10
JSON = "application/json"


class BillForward(http.Controller):
    """Every answer is a page, also that of one record, as theirs are."""

    # === INVOICES === #

    @api_route("/metered/billforward/v1/invoices/<string:id_>", "GET")
    def invoice(self, id_):
        key = admitted("may_invoice", "may_issue")
        api = key.env["metered.api"]
        invoice = api._bf_invoice(key, id_number(id_, "INV"))
        return page([api._bf_of_invoice(invoice)])

    @api_route("/metered/billforward/v1/invoices/state/<string:state>", "GET")
    def invoices_of_state(self, state):
        key = admitted("may_invoice", "may_issue")
        if state not in STATES:
            raise RequestFault(404, f"States are {', '.join(STATES)}.")
        return invoices(key, key.env["metered.api"]._bf_state_domain(state))

    @api_route("/metered/billforward/v1/invoices/subscription/<string:id_>", "GET")
    def invoices_of_subscription(self, id_):
        key = admitted("may_invoice", "may_issue")
        number = id_number(id_, "SUB")
        return invoices(key, [("metered_period_id.subscription_id", "=", number)])

    @api_route("/metered/billforward/v1/invoices/<string:id_>/charges", "GET")
    def charges_of_invoice(self, id_):
        key = admitted("may_invoice", "may_issue")
        api = key.env["metered.api"]
        charges = api._bf_invoice(key, id_number(id_, "INV")).metered_charge_ids
        offset, limit = wanted_page()
        told = charges.sorted("id")[offset : offset + limit]
        return page(
            [api._bf_of_charge(charge) for charge in told], len(charges), offset, limit
        )

    @api_route("/metered/billforward/v1/invoices/<string:id_>/recalculate", "POST")
    def recalculate_invoice(self, id_):
        key = admitted("may_issue")
        asked = read_invoice(body())
        invoice = key.env["metered.api"]._bf_recalculate_invoice(
            key, id_number(id_, "INV"), asked.issues, asked.is_dry
        )
        return done([invoice])

    @api_route("/metered/billforward/v1/invoices/<string:id_>/issue", "POST")
    def issue_invoice(self, id_):
        key = admitted("may_issue")
        body()
        api = key.env["metered.api"]
        return done([api._bf_issue(key, id_number(id_, "INV"))])

    # === CHARGES === #

    @api_route("/metered/billforward/v1/charges/<string:id_>", "GET")
    def charge(self, id_):
        key = admitted("may_invoice", "may_issue")
        api = key.env["metered.api"]
        charge = api._bf_charge(key, id_number(id_, "CHG"))
        return page([api._bf_of_charge(charge)])

    @api_route("/metered/billforward/v1/charges/<string:id_>/recalculate", "POST")
    def recalculate_charge(self, id_):
        key = admitted("may_issue")
        asked = read_charge(body())
        [(_none, quantity)] = asked.charges
        charges, _invoices = key.env["metered.api"]._bf_recalculate_charges(
            key,
            [(id_number(id_, "CHG"), quantity)],
            recalculates=False,
            is_dry=asked.is_dry,
        )
        return done(charges)

    @api_route("/metered/billforward/v1/charges/recalculate", "POST")
    def recalculate_charges(self):
        key = admitted("may_issue")
        asked = read_charges(body())
        charges, recalculated = key.env["metered.api"]._bf_recalculate_charges(
            key, asked.charges, asked.recalculates, asked.issues, asked.is_dry
        )
        return done([{"charges": charges, "recalculatedInvoices": recalculated}])

    # === QUOTES === #

    @api_route("/metered/billforward/v1/quotes", "POST")
    def quote(self):
        key = admitted("may_read")
        subscription, quantities = read_quote(body())
        one_at_a_time(key)
        return page([key.env["metered.api"]._bf_quote(key, subscription, quantities)])

    # === NOTIFICATIONS === #

    @api_route("/metered/billforward/v1/notifications", "GET")
    def notifications(self):
        key = admitted("may_invoice", "may_issue")
        api = key.env["metered.api"]
        offset, limit = wanted_page()
        found, total = api._bf_page_of(
            "metered.webhook.delivery",
            api._bf_notifications_domain(key),
            offset,
            limit,
        )
        return page(
            [api._bf_of_notification(one) for one in found], total, offset, limit
        )

    @api_route("/metered/billforward/v1/notifications/<string:id_>", "GET")
    def notification(self, id_):
        key = admitted("may_invoice", "may_issue")
        api = key.env["metered.api"]
        found, _total = api._bf_page_of(
            "metered.webhook.delivery",
            [*api._bf_notifications_domain(key), ("id", "=", id_number(id_, "NOT"))],
            0,
            1,
        )
        return page([api._bf_of_notification(api._bf_found(found))])


def body():
    """The bytes that were posted.

    :raise RequestFault: 400, 413 or 415
    """
    sent = request.httprequest
    kind = (sent.content_type or JSON).partition(";")[0].strip().lower()
    if kind != JSON:
        raise RequestFault(415, "The body must be application/json.")
    # Kept: a transaction that met another one is tried again with it.
    return unpacked(sent.get_data(cache=True), sent.headers.get("Content-Encoding", ""))


def invoices(key, domain):
    """A page of invoices."""
    api = key.env["metered.api"]
    offset, limit = wanted_page()
    found, total = api._bf_page_of(
        "account.move", api._bf_invoices_domain(key, domain), offset, limit
    )
    return page([api._bf_of_invoice(one) for one in found], total, offset, limit)


def wanted_page():
    """Which records the address asks for: (how many are passed over, how many).

    :raise RequestFault: 422
    """
    numbers = []
    for name, default in (("offset", 0), ("records", RECORDS)):
        text = request.httprequest.args.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise RequestFault(422, f"{name} is not a whole number.")
        numbers.append(int(text))
    offset, limit = numbers
    if not 0 < limit <= MOST_RECORDS:
        raise RequestFault(422, f"records must be between 1 and {MOST_RECORDS}.")
    return offset, limit


def done(results):
    """A page about what was changed, which is on disk when it is answered."""
    make_lasting(request.env.cr)
    return page(results)


def page(results, total=None, offset=0, limit=RECORDS):
    """An answer as a page.

    :param results: list of dicts
    :param total: how many there are in all; None: these
    """
    total = len(results) if total is None else total
    return answered(
        {
            "currentPage": offset // limit,
            "currentOffset": offset,
            "recordsRequested": limit,
            "recordsReturned": len(results),
            "totalRecords": total,
            "results": results,
        }
    )
