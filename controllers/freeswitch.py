# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
import binascii
import hmac
import json
import logging

from odoo import http
from odoo.http import request

from ..connectors.credentials import credential
from ..connectors.errors import SourceError
from ..connectors.freeswitch_json import MOST_BYTES, document_record, read_body
from ..ingest.conflicts import make_lasting

_logger = logging.getLogger(__name__)


class FreeSwitch(http.Controller):
    """Where FreeSWITCH's mod_json_cdr posts its calls.

    200 means: stored and on disk, do not send it again. Everything else makes the
    switch keep the record and try again; the answer says why, and nothing else.
    """

    @http.route(
        "/metered/freeswitch/<int:source_id>",
        type="http",
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=False,
    )
    def receive(self, source_id, **_parameters):
        source = request.env["metered.source"].sudo().browse(source_id).exists()
        known = (
            source and source.active and source.source_type == "freeswitch_json"
        ) and source
        if not self._is_authorised(known):
            return self._answer(
                401,
                "The token is wrong, or there is no such source.",
                [("WWW-Authenticate", 'Basic realm="metered billing"')],
            )
        length = request.httprequest.content_length
        if length is None:
            return self._answer(411, "The request does not say how long it is.")
        if length > MOST_BYTES:
            return self._answer(
                413, f"A record is at most {MOST_BYTES // 2**20} MiB long."
            )
        body = self._body()
        try:
            record = document_record(read_body(body, request.httprequest.content_type))
        except SourceError as error:
            return self._answer(400, str(error))
        known._receive(record)
        make_lasting(request.env.cr)
        return self._answer(200, "stored")

    def _body(self):
        """What was posted, be it read as a form already or not."""
        form = request.httprequest.form
        if "cdr" in form:
            return (
                b"cdr=" + form["cdr"].encode()
                if self._is_base64()
                else form["cdr"].encode()
            )
        return request.httprequest.get_data(cache=True)

    def _is_base64(self):
        return "base64" in (request.httprequest.content_type or "").lower()

    def _is_authorised(self, source):
        """Whether the token came, as bearer token or as a password."""
        scheme, _space, given = request.httprequest.headers.get(
            "Authorization", ""
        ).partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif scheme.lower() != "bearer":
            return False
        if not source:
            return False
        try:
            token = credential(source._get_secrets().get("push_token"), "token")
        except SourceError:
            _logger.error("The token of %s is not set on this server", source)
            return False
        return bool(token) and hmac.compare_digest(token.encode(), given.encode())

    def _answer(self, status, message, headers=()):
        return request.make_response(
            json.dumps({"message": message}),
            [("Content-Type", "application/json"), *headers],
            status=status,
        )
