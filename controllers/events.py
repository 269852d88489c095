# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import Counter

from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from odoo import http
from odoo.http import request

from ..connectors.events.body import MOST_BYTES, RequestFault, too_large, unpacked
from ..connectors.events.cloud_event import read_events
from ..connectors.events.reading import Refused
from ..ingest.conflicts import make_lasting
from .freeswitch import RETRY_SECONDS, given_token
from .problems import ApiDispatcher, answered, problem

#: events that are tried, or priced before they are answered
MOST_TRIED = 100
YES = ("true", "1")


class Events(http.Controller):
    """Where programs push events.

    200 means: what it says is accepted is stored and on disk. What is wrong with one
    event is said with its index, and keeps no other one out.
    """

    @http.route(
        "/metered/v1/events",
        type=ApiDispatcher.routing_type,
        auth="none",
        save_session=False,
        readonly=False,
        max_content_length=MOST_BYTES,
    )
    def push(self):
        try:
            return self._push()
        except RequestFault as fault:
            return problem(fault.status, fault.detail, fault.headers)

    def _push(self):
        check_request()
        key = admitted("may_push")
        source = self._source(key)
        # Kept: a transaction that met another one is tried again with it.
        found = read_events(
            unpacked(
                request.httprequest.get_data(cache=True),
                request.httprequest.headers.get("Content-Encoding", ""),
            ),
            request.httprequest.content_type or "",
            request.httprequest.headers.items(),
        )
        events = [one for one in found if not isinstance(one, Refused)]
        if request.httprequest.args.get("validate", "") in YES:
            return answered(results(found, self._tried(source, events)))
        begin_receiving(request.env.cr)
        outcomes = source._receive_events(events)
        if outcomes is None:
            raise RequestFault(
                503,
                "Too many events are waiting to be rated. Send them again later.",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        make_lasting(request.env.cr)
        return answered(results(found, [{"status": one} for one in outcomes]))

    def _source(self, key):
        source = key._push_source(request.httprequest.args.get("source", ""))
        if not source and request.httprequest.args.get("source"):
            raise RequestFault(403, "The key does not have access to this source.")
        if not source:
            raise RequestFault(
                403 if not key.source_ids else 400,
                "Specify the source: add ?source= with the number of a source the key "
                "has access to.",
            )
        return source

    def _tried(self, source, events):
        if len(events) > MOST_TRIED:
            raise RequestFault(
                422, f"At most {MOST_TRIED} events can be validated at once."
            )
        return source._try_events(events)


def check_request():
    """Refuse what should not be read.

    :raise RequestFault: 405, 411 or 413
    """
    if request.httprequest.method != "POST":
        # Odoo lets OPTIONS through to every method.
        raise RequestFault(405, "Events must be sent with POST.", {"Allow": "POST"})
    length = request.httprequest.content_length
    if length is None:
        raise RequestFault(411, "The request does not say how long it is.")
    if length > MOST_BYTES:
        raise too_large()


def admitted(scope):
    """The key that a request came with.

    :param str scope: name of the field that says whether it may
    :return: ``metered.api.key``, with all rights
    :raise RequestFault: 401, 403 or 429
    """
    sent = request.httprequest
    key, wait = request.env["metered.api.key"]._admit(
        given_token(sent.headers.get("Authorization", "")),
        sent.remote_addr or "",
        sent.is_secure,
    )
    if wait:
        raise RequestFault(
            429,
            "Too many requests with this key." if key else "Too many invalid keys.",
            {"Retry-After": str(wait)},
        )
    if not key:
        raise RequestFault(
            401,
            "The key is invalid, expired or revoked.",
            {"WWW-Authenticate": 'Bearer realm="metered billing"'},
        )
    if not key[scope]:
        raise RequestFault(403, "The key does not have this permission.")
    return key


def begin_receiving(cr):
    """Begin a transaction that sees what others commit meanwhile.

    Two that store the same event at the same moment would be refused otherwise.

    :param cr: cursor; what it did before is committed
    """
    cr.commit()
    if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def results(found, outcomes):
    """What an answer says of each event, and how many there are of each kind.

    :param found: list of events and ``Refused``, as they came
    :param outcomes: list of dicts with ``status``, one for each event
    """
    outcomes = iter(outcomes)
    each = [
        {"index": at, "status": "rejected", "reason": one.reason}
        if isinstance(one, Refused)
        else {"index": at, "event": one.key, **next(outcomes)}
        for at, one in enumerate(found)
    ]
    return {"counts": Counter(one["status"] for one in each), "events": each}
