# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
import json

from odoo import http
from odoo.http import request

from ..connectors.errors import SourceError
from ..connectors.freeswitch_json import MOST_BYTES, document_record, read_body
from ..ingest.conflicts import make_lasting
from .dispatching import dispatcher_of


def answer(status, message, headers=None):
    """An answer in JSON."""
    return http.Response(
        json.dumps({"message": message}),
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
    )


#: errors are JSON, as all answers are
PostDispatcher = dispatcher_of("metered_post", answer)


class FreeSwitch(http.Controller):
    """Where FreeSWITCH's mod_json_cdr posts its calls.

    200 means: stored and on disk, do not send it again. Everything else makes the
    switch keep the record and try again; the answer says why, and nothing else.
    """

    @http.route(
        "/metered/freeswitch/<int:source_id>",
        type=PostDispatcher.routing_type,
        auth="none",
        methods=["POST"],
        save_session=False,
        readonly=False,
        max_content_length=MOST_BYTES,
    )
    def receive(self, source_id):
        if request.httprequest.method != "POST":
            # Odoo lets OPTIONS through to every method.
            return answer(405, "Records are posted.", {"Allow": "POST"})
        length = request.httprequest.content_length
        if length is None:
            return answer(411, "The request has no content length.")
        if length > MOST_BYTES:
            return answer(413, f"Records can be at most {MOST_BYTES // 2**20} MiB.")
        source, wait = request.env["metered.source.token"]._admit(
            source_id,
            given_token(request.httprequest.headers.get("Authorization", "")),
            request.httprequest.remote_addr or "",
            request.httprequest.is_secure,
        )
        if wait:
            return answer(
                429,
                "Too many invalid tokens.",
                {"Retry-After": str(wait)},
            )
        if not source:
            return answer(
                401,
                "The token is invalid, or the source does not exist.",
                {"WWW-Authenticate": 'Basic realm="metered billing"'},
            )
        # Kept: a transaction that met another one is tried again with it.
        body = request.httprequest.get_data(cache=True)
        try:
            record = document_record(
                read_body(body, request.httprequest.content_type or "")
            )
        except SourceError as error:
            return answer(400, str(error))
        source._receive(record)
        make_lasting(request.env.cr)
        return answer(200, "stored")


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
