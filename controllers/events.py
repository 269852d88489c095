# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import Counter

from odoo import http
from odoo.http import request

from ..connectors.events.body import RequestFault, unpacked
from ..connectors.events.reading import Refused
from ..connectors.freeswitch_json import MOST_BYTES as MOST_OF_SWITCH
from ..ingest.conflicts import make_lasting
from .api_request import (
    admitted,
    api_route,
    argument,
    begin_receiving,
    given_token,
    is_said,
    unknown,
)
from .dispatching import RETRY_SECONDS
from .problems import answered

#: events that are tried, or rated before they are answered
MOST_TRIED = 100


class Events(http.Controller):
    """Where programs and switches push records, and hear what became of them.

    What a request carries is read by the kind of its source: events, or a call as
    FreeSWITCH's mod_json_cdr posts it. 200 means: what it says is accepted is stored
    and on disk. What is wrong with one event is said with its index, and keeps no other
    one out.
    """

    @api_route("/metered/v1/events", "POST", "GET", "DELETE")
    def events(self):
        if request.httprequest.method == "GET":
            return self._tell()
        if request.httprequest.method == "DELETE":
            return self._cancel()
        key = admitted("may_push")
        # Records of lines come in by their own address: those are checked otherwise.
        return self._push(self._source(key, has_lines=False), key.may_read)

    @api_route("/metered/freeswitch/<int:source_id>", "POST", most_bytes=MOST_OF_SWITCH)
    def of_switch(self, source_id):
        """The address of one source, for switches: its token stands for a key."""
        sent = request.httprequest
        given = given_token(sent.headers.get("Authorization", ""))
        if request.env["metered.api.key"]._is_shaped(given):
            key = admitted("may_push")
            source = key._push_source(str(source_id), has_lines=False)
            if not source:
                raise RequestFault(403, "The key does not have access to this source.")
            return self._push(source, key.may_read)
        source, wait = request.env["metered.source.token"]._admit(
            source_id, given, sent.remote_addr or "", sent.is_secure
        )
        if wait:
            raise RequestFault(
                429, "Too many invalid tokens.", {"Retry-After": str(wait)}
            )
        if not source:
            raise unknown("Basic")
        return self._push(source)

    def _tell(self):
        key = admitted("may_read", "may_push")
        told = key.env["metered.api"]._event(
            key, argument("event"), request.httprequest.args.get("source", "")
        )
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

    def _push(self, source, may_read=False):
        """Take what a request carries.

        :param source: ``metered.source``, with all rights
        :param bool may_read: whether who sent it may read usage
        """
        api = source.env["metered.api"]
        # Kept: a transaction that met another one is tried again with it.
        found = source._kind().read_pushed(
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
            if not may_read:
                tried = [api._for_sender(one) for one in tried]
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
            keys = [event.key for event in events]
            source._rate_now(request.env.cr.commit, keys)
            became = api._events(source, keys, may_read)
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
