# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import Counter

from odoo import http
from odoo.http import request

from ..connectors.events.body import RequestFault, unpacked
from ..connectors.events.cloud_event import read_events
from ..connectors.events.reading import Refused
from ..ingest.conflicts import make_lasting
from .api_request import admitted, api_route, argument, begin_receiving, is_said
from .dispatching import RETRY_SECONDS
from .problems import answered

#: events that are tried, or rated before they are answered
MOST_TRIED = 100


class Events(http.Controller):
    """Where programs push events, and hear what became of them.

    200 means: what it says is accepted is stored and on disk. What is wrong with one
    event is said with its index, and keeps no other one out.
    """

    @api_route("/metered/v1/events", "POST", "GET", "DELETE")
    def events(self):
        if request.httprequest.method == "GET":
            return self._tell()
        if request.httprequest.method == "DELETE":
            return self._cancel()
        return self._push()

    def _tell(self):
        key = admitted("may_read", "may_push")
        told = key.env["metered.api"]._event(key, argument("event"))
        if not told:
            raise RequestFault(404, "Nothing is known of this event.")
        return answered(told)

    def _cancel(self):
        key = admitted("may_push")
        source, event = self._source(key), argument("event")
        if not source._cancel_event(event, key.name, request.env.cr.commit):
            raise RequestFault(404, "Nothing is known of this event.")
        api = key.env["metered.api"]
        return answered(api._events(source, [event], key.may_read)[event])

    def _push(self):
        key = admitted("may_push")
        # Records of lines come in by their own address: those are checked otherwise.
        source = self._source(key, has_lines=False)
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
        is_tried, is_rated = is_said("validate"), is_said("rated")
        if (is_tried or is_rated) and len(events) > MOST_TRIED:
            raise RequestFault(
                422, f"At most {MOST_TRIED} events can be validated or rated at once."
            )
        if is_tried:
            tried = source._try_events(events)
            if not key.may_read:
                tried = [key.env["metered.api"]._for_sender(one) for one in tried]
            return answered(results(found, tried))
        begin_receiving(request.env.cr, request.env.cr.commit)
        outcomes = source._receive_events(events)
        if outcomes is None:
            raise RequestFault(
                503,
                "Too many events are waiting to be rated. Send them again later.",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        make_lasting(request.env.cr)
        told = [{"status": one} for one in outcomes]
        if is_rated:
            source._rate_now(request.env.cr.commit)
            became = key.env["metered.api"]._events(
                source, [event.key for event in events], key.may_read
            )
            for one, event in zip(told, events, strict=True):
                one["result"] = became.get(event.key)
        return answered(results(found, told))

    def _source(self, key, has_lines=None):
        named = request.httprequest.args.get("source", "")
        source = key._push_source(named, has_lines)
        if not source and named:
            raise RequestFault(403, "The key does not have access to this source.")
        if not source:
            raise RequestFault(
                403 if not key.source_ids else 400,
                "Specify the source: add ?source= with the number of a source the key "
                "has access to.",
            )
        return source


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
