# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What all requests of the API have in common: who sent them, and how they end."""

import base64
import functools

from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from odoo import http
from odoo.http import request

from ..connectors.events.body import MOST_BYTES, RequestFault, too_large
from .problems import Problems

YES = ("true", "1")
#: until what is computed for a key is probably done
COMPUTE_SECONDS = 5


def api_route(path, *methods, dispatcher=Problems, most_bytes=MOST_BYTES, **options):
    """A route of the API, whose faults are problem documents.

    Odoo would answer other methods itself, in HTML: they are refused here.

    :param methods: of HTTP
    :param dispatcher: says how a fault is told
    :param int most_bytes: of a request
    """

    def decorate(handler):
        @functools.wraps(handler)
        def handle(self, **arguments):
            sent = request.httprequest
            try:
                if sent.method not in methods:
                    allowed = {"Allow": ", ".join(methods)}
                    raise RequestFault(405, "This is not the way to ask.", allowed)
                check_length(sent, most_bytes)
                return handler(self, **arguments)
            except RequestFault as fault:
                return dispatcher.told(fault.status, fault.detail, fault.headers)

        return http.route(
            path,
            type=dispatcher.routing_type,
            auth="none",
            save_session=False,
            readonly=False,
            max_content_length=most_bytes,
            **options,
        )(handle)

    return decorate


def check_length(sent, most_bytes=MOST_BYTES):
    """Refuse what should not be read.

    :param int most_bytes: of the body
    :raise RequestFault: 411 or 413
    """
    length = sent.content_length
    if length is None and sent.method == "POST":
        raise RequestFault(411, "The request has no Content-Length.")
    if (length or 0) > most_bytes:
        raise too_large(most_bytes)


def given_token(header):
    """The token in a header, sent as bearer token or as a password.

    :param str header: ``Authorization``; whatever else it may hold
    :return: text, empty where there is none
    """
    scheme, _space, given = header.partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        token = base64.b64decode(given, validate=True).decode().partition(":")[2]
    except ValueError:  # no base64, no UTF-8, no ASCII to begin with
        return ""
    # No token has a null character, and no database looks for one.
    return token if token.isprintable() else ""


def admitted(*scopes):
    """The key that a request came with.

    :param scopes: names of fields that say whether it may: one of them has to
    :return: ``metered.api.key``, with all rights
    :raise RequestFault: 401, 403 or 429
    """
    sent = request.httprequest
    found = request.env["metered.api.key"]._admit(
        given_token(sent.headers.get("Authorization", "")),
        sent.remote_addr or "",
        sent.is_secure,
    )
    return permitted(*found, *scopes)


def permitted(key, wait, *scopes):
    """The key of a request, where it may make it.

    :param key: ``metered.api.key``, empty where it is wrong
    :param wait: seconds after which to try again, or 0
    :param scopes, return, raise: as :func:`admitted`
    """
    if wait:
        raise RequestFault(
            429,
            "Too many requests with this key." if key else "Too many invalid keys.",
            {"Retry-After": str(wait)},
        )
    if not key:
        raise unknown("Bearer")
    if not any(key[scope] for scope in scopes):
        raise RequestFault(403, "The key does not have this permission.")
    return key


def unknown(scheme):
    """The fault of a request of which nobody knows who sent it.

    :param str scheme: in which who asks should say so
    """
    return RequestFault(
        401,
        "The key is invalid, expired or revoked.",
        {"WWW-Authenticate": f'{scheme} realm="metered billing"'},
    )


def one_at_a_time(key):
    """Have no other request like this one be answered for a key at the same time.

    It computes as long as a renewal does: a program that asks again and again would
    have all workers compute for it.

    :param key: ``metered.api.key``
    :raise RequestFault: 429
    """
    if not key._compute_alone():
        raise RequestFault(
            429,
            "Another quote for this key is still being computed. Request quotes one "
            "after the other.",
            {"Retry-After": str(COMPUTE_SECONDS)},
        )


def argument(name):
    """An argument of the address that has to be there.

    :raise RequestFault: 422
    """
    value = request.httprequest.args.get(name, "")
    if not value or "\0" in value:
        raise RequestFault(422, f"The address has no {name}.")
    return value


def is_said(name):
    """Whether an argument of the address says yes."""
    return request.httprequest.args.get(name, "") in YES


def begin_receiving(cr, commit):
    """Begin a transaction that sees what others commit meanwhile.

    Two that store the same event at the same moment would be refused otherwise.

    :param cr: cursor
    :param commit: function that commits what it did before
    """
    commit()
    if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
