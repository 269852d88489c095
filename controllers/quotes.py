# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import re
from decimal import Decimal

from odoo import http
from odoo.http import request

from ..connectors.events.body import RequestFault, unpacked
from ..connectors.events.cloud_event import PLAIN
from ..connectors.events.reading import Refused, documents
from ..connectors.harmless import harmless
from .api_request import admitted, api_route, is_said, one_at_a_time
from .usage import told, told_of

#: meters whose quantity can be given
MOST_QUANTITIES = 100
#: as documents have them, whatever was sent
NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
NAMES = frozenset(("subject", "subscription", "quantities"))


class Quotes(http.Controller):
    """What customers' next invoices would be now, or with other quantities."""

    @api_route("/metered/v1/quotes", "GET", "POST")
    def quotes(self):
        key = admitted("may_read")
        one_at_a_time(key)
        if request.httprequest.method == "GET":
            named = request.httprequest.args.get("subscription", "")
            return told("quotes", "_quotes", key, {}, named, is_said("forecast"))
        subject, quantities, named = quote_asked(body_object())
        return told_of(subject, "quotes", "_quotes", key, quantities, named)


def body_object():
    """The one JSON object that was sent; its numbers are text.

    :raise RequestFault: 400, 413, 415 or 422
    """
    sent = request.httprequest
    kind = (sent.content_type or "").partition(";")[0].strip().lower()
    if kind != PLAIN:
        raise RequestFault(415, f"Send {PLAIN}.", {"Accept-Post": PLAIN})
    found = documents(
        unpacked(sent.get_data(cache=True), sent.headers.get("Content-Encoding", ""))
    )
    if len(found) != 1 or not isinstance(found[0], dict):
        refused = next((one for one in found if isinstance(one, Refused)), None)
        raise RequestFault(422, refused.reason if refused else "Send one JSON object.")
    return found[0]


def quote_asked(sent):
    """What a quote is asked of.

    :param dict sent: the body
    :return: (subject, dict code of a meter -> Decimal, id of a subscription or "")
    :raise RequestFault: 422
    """
    if sent.keys() - NAMES:
        raise RequestFault(422, f"The body can only have {', '.join(sorted(NAMES))}.")
    subject, named = sent.get("subject"), sent.get("subscription", "")
    if not is_clean(subject):
        raise RequestFault(422, "The body has no subject.")
    if not isinstance(named, str):
        raise RequestFault(422, "The subscription is not a number.")
    given = sent.get("quantities", {})
    if not isinstance(given, dict) or len(given) > MOST_QUANTITIES:
        raise RequestFault(
            422, f"Send at most {MOST_QUANTITIES} quantities, as an object."
        )
    return subject, {code: quantity(code, given[code]) for code in given}, named


def quantity(code, text):
    """A quantity of a meter.

    :raise RequestFault: 422
    """
    if not is_clean(code):
        raise RequestFault(422, "A quantity has no meter.")
    if not isinstance(text, str) or not NUMBER.fullmatch(text):
        raise RequestFault(422, f"{code}: send a decimal number such as 12.5.")
    return Decimal(text)


def is_clean(text):
    """Whether it is a text that can be looked for."""
    return isinstance(text, str) and bool(text) and harmless(text) == text
