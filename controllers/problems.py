# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Answers of the API: JSON, and problem documents for faults (RFC 9457)."""

from odoo import http

from ..connectors.exact_json import exact_json
from .dispatching import dispatcher_of

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def problem(status, detail, headers=None):
    """A fault of a whole request.

    :param int status: of HTTP
    :param str detail: a sentence: what is wrong, and what to do
    """
    return answered(
        {
            "type": "about:blank",
            "title": TITLES.get(status, "Error"),
            "status": status,
            "detail": detail,
        },
        status,
        {"Content-Type": "application/problem+json", **(headers or {})},
    )


def answered(content, status=200, headers=None):
    """An answer in JSON, which nobody keeps.

    :param content: numbers that are ``Decimal`` keep all their digits
    """
    return http.Response(
        exact_json(content),
        status=status,
        headers={
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            **(headers or {}),
        },
    )


Problems = dispatcher_of("metered_api", problem)
