# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
import re
import uuid
from datetime import UTC, datetime

from odoo import http
from odoo.http import request

from ..connectors.chargeover.signature import read_signature
from ..connectors.chargeover.usage import (
    NAMED,
    Unusable,
    read_bulk,
    read_one,
    usage_event,
    usage_fields,
    usage_number,
)
from ..connectors.events.body import RequestFault, unpacked
from ..ingest.conflicts import make_lasting
from ..ingest.event_inbox import CONFLICT
from .api_request import admitted, api_route, begin_receiving, permitted
from .chargeover_document import BASE, document
from .dispatching import RETRY_SECONDS, dispatcher_of
from .problems import answered

#: of an id of the database
MOST_DIGITS = 9
WHERE = re.compile(r"([a-z_]{1,40}):EQUALS:([^,]{1,300})")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}:[0-9]{2})?")
MOST_SHOWN = 1_000
#: bytes of a question about the usage of a line
MOST_QUESTION = 65_536


def envelope(status, response, message="", details=None, headers=None):
    """An answer as ChargeOver's clients expect it.

    :param int status: of HTTP, which the answer repeats
    :param response: what is told; False where there was an error
    """
    return answered(
        {
            "code": status,
            "status": "OK" if status < 400 else "Error",
            "message": message,
            "details": details or {},
            "response": response,
        },
        status,
        headers,
    )


def fault(status, message, headers=None):
    """The answer to a request that could not be served."""
    return envelope(status, False, message, headers=headers)


Envelopes = dispatcher_of("metered_chargeover", fault)


def route(path, *methods):
    return api_route(BASE + path, *methods, dispatcher=Envelopes)


class ChargeOver(http.Controller):
    """Where programs work that were written for ChargeOver's API.

    201 means that the usage is stored and on disk.
    """

    @route("/openapi.json", "GET")
    def contract(self):
        return answered(document(request.httprequest.host_url.rstrip("/")))

    # === LINES === #

    @route("/api/v3/package/<string:package>", "GET")
    def package(self, package):
        key = sender("may_read")
        found = []
        if package.isascii() and package.isdecimal() and len(package) <= MOST_DIGITS:
            found = key.env["metered.chargeover"]._packages(key, package=int(package))
        if not found:
            raise RequestFault(404, "There is no package with this ID.")
        return envelope(200, found[0])

    @route("/api/v3/package", "GET")
    def packages(self):
        key = sender("may_read")
        wanted = filters({"external_key"})
        if not wanted:
            raise RequestFault(
                400, "Specify the package: add ?where=external_key:EQUALS:…"
            )
        found = key.env["metered.chargeover"]._packages(
            key, external=wanted["external_key"]
        )
        return envelope(200, found)

    # === USAGE === #

    @route("/api/v3/usage", "POST", "GET")
    def usage(self):
        if request.httprequest.method == "GET":
            return self._tell()
        key = sender("may_push")
        [told] = self._store(key, [read_one(sent_body())])
        if told["message"]:
            return envelope(400, False, told["message"])
        return envelope(201, {"id": told["id"]})

    @route("/api/v3/usage/_action/bulk", "POST")
    def bulk(self):
        key = sender("may_push")
        told = self._store(key, read_bulk(sent_body()))
        rejected = [
            {"index": at, "message": one["message"]}
            for at, one in enumerate(told)
            if one["message"]
        ]
        stored = [{"id": one["id"]} if not one["message"] else None for one in told]
        details = {"rejected": rejected} if rejected else {}
        if len(rejected) == len(told):
            return envelope(400, False, "No record could be stored.", details)
        message = f"Records not stored: {len(rejected)}." if rejected else ""
        return envelope(201, stored, message, details)

    def _store(self, key, documents):
        """Put records into the inbox of the key's source.

        :return: list of dicts ``id`` and ``message``, one for each; the message is
            empty where the record is stored
        """
        source = self._source(key)
        told = [{"id": None, "message": ""} for _document in documents]
        read = {}
        for at, sent in enumerate(documents):
            try:
                read[at] = usage_fields(sent)
            except Unusable as error:
                told[at]["message"] = str(error)
        begin_receiving(request.env.cr, request.env.cr.commit)
        lines = key.env["metered.chargeover"]._lines(key.company_id, [*read.values()])
        events, now = {}, datetime.now(UTC).isoformat(timespec="seconds")
        unique = self._unique()
        for (at, fields), line in zip(read.items(), lines, strict=True):
            if isinstance(line, Unusable):
                told[at]["message"] = str(line)
                continue
            events[at] = usage_event(fields, line.id, now, f"{unique} {at}")
        outcomes = source._receive_events([*events.values()])
        if outcomes is None:
            raise RequestFault(
                503,
                "Too much usage is waiting to be rated. Send it again later.",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        make_lasting(request.env.cr)
        for (at, event), outcome in zip(events.items(), outcomes, strict=True):
            told[at]["id"] = usage_number(event.key)
            if outcome == CONFLICT:
                told[at]["message"] = (
                    "Another record has this external_key. Both are kept: this one is "
                    "an exception."
                )
        return told

    def _unique(self):
        """What tells the records of this request from those of all others.

        A signed request that somebody sends once more is the same.
        """
        signature = read_signature(request.httprequest.headers.get("Authorization", ""))
        if signature:
            return f"signed {signature.digest.lower()}"
        return f"usage {uuid.uuid4().hex}"

    def _source(self, key):
        source = key._push_source("", has_lines=True)
        if not source:
            raise RequestFault(
                403,
                "The key must have access to exactly one source of the type Usage per "
                "subscription line.",
            )
        return source

    def _tell(self):
        key = sender("may_read")
        wanted = filters({"line_item_id", "external_key", "from", "to"})
        for name in ("from", "to"):
            if name in wanted and not is_time(wanted[name]):
                raise RequestFault(
                    400, f"{name} is not a time such as 2026-10-31 23:59:59."
                )
        if "line_item_id" not in wanted and "external_key" not in wanted:
            raise RequestFault(400, "Specify line_item_id or external_key.")
        rows = key.env["metered.chargeover"]._history(
            key,
            wanted.get("line_item_id"),
            wanted.get("external_key"),
            wanted.get("from"),
            wanted.get("to"),
            whole("limit", MOST_SHOWN),
            whole("offset", 0),
        )
        return envelope(200, rows)

    # === ONE THAT ASKS US === #

    @route("/usage_url", "POST")
    def usage_url(self):
        """Answer a ChargeOver, or whoever asks as it does: the key is in the body."""
        sent = request.httprequest
        # Whoever asks is not known yet: little is read, and nothing is unpacked.
        if (sent.content_length or 0) > MOST_QUESTION or sent.headers.get(
            "Content-Encoding"
        ):
            raise RequestFault(
                413, f"Send at most {MOST_QUESTION // 1024} KiB, uncompressed."
            )
        asked = read_one(sent_body())
        if asked.__class__ is not dict:
            raise RequestFault(400, "Send one JSON object.")
        token = asked.get("security_token")
        found = request.env["metered.api.key"]._admit(
            token if isinstance(token, str) and token.isprintable() else "",
            sent.remote_addr or "",
            sent.is_secure,
        )
        key = permitted(*found, "may_read")
        try:
            amount = key.env["metered.chargeover"]._answer(key, question(asked))
        except Unusable as error:
            raise RequestFault(400, str(error)) from error
        # As it is: through a float it would lose digits.
        return http.Response(
            f'{{"line_items": [{{"usage_amount": {amount}}}]}}',
            headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
        )


def question(asked):
    """What somebody wants to know: the line's keys, and the period.

    :param dict asked: a JSON object
    :raise Unusable: a part of it is no text
    """

    def told(value, *names):
        for name in names:
            value = value.get(name) if value.__class__ is dict else None
        if value is None:
            return ""
        if value.__class__ is not str or "\0" in value:
            raise Unusable(f"{'.'.join(names)} is not a text.")
        return value.encode("utf-8", "replace").decode().strip()

    return {
        "line_item_external_key": told(asked, "this_line_item", "external_key"),
        NAMED[0]: told(asked, "customer", "external_key"),
        NAMED[1]: told(asked, "this_line_item", "item_external_key"),
        "begin": told(asked, "from_datetime"),
        "end": told(asked, "to_datetime"),
    }


def sent_body():
    """The body of a request, unpacked."""
    # Kept: a transaction that met another one is tried again with it.
    return unpacked(
        request.httprequest.get_data(cache=True),
        request.httprequest.headers.get("Content-Encoding", ""),
    )


def sender(*scopes):
    """The key of a request, sent by basic authentication or as a signature.

    :raise RequestFault: 401, 403 or 429
    """
    sent = request.httprequest
    signature = read_signature(sent.headers.get("Authorization", ""))
    if not signature:
        return admitted(*scopes)
    found = request.env["metered.api.key"]._admit_signed(
        signature,
        addresses(),
        sent.get_data(cache=True),
        sent.remote_addr or "",
        sent.is_secure,
    )
    return permitted(*found, *scopes)


def addresses():
    """What the address of this request may be to whoever sent it.

    Only addresses of this server: what a request says that it is called would let one
    that was signed for another server in here.
    """
    sent = request.httprequest
    raw = (
        sent.environ.get("REQUEST_URI") or sent.environ.get("RAW_URI") or sent.full_path
    )
    if raw.startswith(("http://", "https://")):
        raw = raw.split("/", 3)[3:]
        raw = "/" + "".join(raw)
    path = raw.rstrip("?")
    return [base + path for base in request.env["metered.api.key"]._own_addresses()]


def filters(names):
    """What the address asks for: ``name=value`` or ``where=name:EQUALS:value``.

    :param set names: that can be asked for
    :return: dict
    :raise RequestFault: 400
    """
    sent = request.httprequest.args
    found = {name: sent[name] for name in names if sent.get(name)}
    for condition in filter(None, sent.get("where", "").split(",")):
        match = WHERE.fullmatch(condition)
        if not match or match[1] not in names:
            raise RequestFault(
                400,
                "where supports name:EQUALS:value with these names: "
                f"{', '.join(sorted(names))}.",
            )
        found[match[1]] = match[2]
    if any("\0" in value for value in found.values()):
        raise RequestFault(400, "The address contains a null character.")
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise RequestFault(400, "The address is not valid UTF-8.") from None
    return found


def is_time(text):
    """Whether it is a time that there is, as ChargeOver writes them."""
    try:
        return bool(TIME.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def whole(name, default):
    """A whole number of the address.

    :raise RequestFault: 400
    """
    text = request.httprequest.args.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise RequestFault(400, f"{name} is not a whole number.")
    return min(int(text), MOST_SHOWN) if name == "limit" else int(text)
