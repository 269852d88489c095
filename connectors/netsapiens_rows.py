# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""NetSapiens' call legs as the pipeline takes them.

A row keeps all the vendor's fields, under the names of API v2 also where v1 sent it,
and gets these before them, which ``ingest.presets.NETSAPIENS`` reads:

===================  ===================================================================
``call_id``          the leg's id, the same from v1, v2 and v2's short rows
``start_time``       ISO 8601 with an offset
``talking_seconds``  conversation, without ringing and hold
``connected_seconds``  from answer to end, hold included, 0 unless somebody talked
``total_seconds``    everything, ringing included
``direction``        outbound, inbound or internal
``network``          on-net: both ends are users of this switch's domain; else off-net
``answered``         yes when somebody talked. A queue or an auto attendant answers,
                     too, so the time of the answer says nothing
``caller, callee``   the numbers; for a forwarded leg who called first, and the target
``extension``        user@domain that the leg belongs to: who called, was called, or
                     had forwarded
``payer_number``     that user's number, where the leg has it
``forwarded_by``     user@domain that had the call forwarded out of the switch
``account``          the domain
``noise``            registration, self or hidden: no call that anybody made
===================  ===================================================================

Sources: the vendor's OpenAPI description of ns-api v2, 45.0; field mappings v1 to v2
as published by NetSapiens and its resellers; meanings of ``call-direction`` as clients
of live servers found them (0 placed by a user, 1 inbound, 2 inbound and missed, 3
within the switch).
"""

from datetime import UTC, datetime
from itertools import chain

from .records import text, whole_number
from .windows import utc_text

DERIVED = (
    "call_id",
    "start_time",
    "talking_seconds",
    "connected_seconds",
    "total_seconds",
    "direction",
    "network",
    "answered",
    "caller",
    "callee",
    "extension",
    "payer_number",
    "forwarded_by",
    "account",
    "noise",
)

UTC_ENDINGS = ("Z", "+00:00")
REGISTRATION = "reg expired"  # seen as "Term: Reg Expired"

# v1 name -> v2 name, where v2 did not simply put "call-" before it.
V1_NAMES = {
    "cdr_id": "id",
    "territory": "reseller",
    "type": "call-direction",
    "time_start": "call-start-datetime",
    "time_ringing": "call-ringing-datetime",
    "time_answer": "call-answer-datetime",
    "time_release": "call-disconnect-datetime",
    "time_insert": "call-record-creation-datetime",
    "time_talking": "call-talking-duration-seconds",
    "time_holding": "call-on-hold-duration-seconds",
    "duration": "call-total-duration-seconds",
    "orig_sub": "call-orig-user",
    "orig_id": "call-orig-caller-id",
    "orig_group": "call-orig-department",
    "orig_domain": "call-orig-domain",
    "orig_site": "call-orig-site",
    "orig_callid": "call-orig-call-id",
    "orig_ip": "call-orig-ip-address",
    "orig_match": "call-orig-match-uri",
    "orig_from_uri": "call-orig-from-uri",
    "orig_from_name": "call-orig-from-name",
    "orig_from_user": "call-orig-from-user",
    "orig_from_host": "call-orig-from-host",
    "orig_req_uri": "call-orig-request-uri",
    "orig_req_user": "call-orig-request-user",
    "orig_req_host": "call-orig-request-host",
    "orig_to_uri": "call-orig-to-uri",
    "orig_to_user": "call-orig-to-user",
    "orig_to_host": "call-orig-to-host",
    "orig_territory": "call-orig-reseller",
    "term_sub": "call-term-user",
    "term_id": "call-term-caller-id",
    "term_group": "call-term-department",
    "term_domain": "call-term-domain",
    "term_site": "call-term-site",
    "term_callid": "call-term-call-id",
    "term_ip": "call-term-ip-address",
    "term_match": "call-term-match-uri",
    "term_to_uri": "call-term-to-uri",
    "term_territory": "call-term-reseller",
    "by_action": "call-through-action",
    "by_sub": "call-through-user",
    "by_id": "call-through-caller-id",
    "by_group": "call-through-department",
    "by_domain": "call-through-domain",
    "by_uri": "call-through-uri",
    "by_callid": "call-through-call-id",
    "by_site": "call-through-site",
    "by_territory": "call-through-reseller",
    "release_code": "call-batch-sequence-marker",
    "release_text": "call-disconnect-reason-text",
    "batch_tim_beg": "call-batch-start-datetime",
    "batch_tim_ans": "call-batch-answer-datetime",
    "batch_dura": "call-batch-total-duration-seconds",
    "batch_hold": "call-batch-on-hold-duration-seconds",
    "cdr_index": "call-leg-ordinal-index",
    "pac": "call-account-code",
    "codec": "call-audio-codec",
    "route_to": "call-routing-match-uri",
    "route_class": "call-routing-class",
    "hide": "hide-from-results",
    "tag": "call-tag",
    "hostname": "core-server",
    "mac": "call-server-mac-address",
    "servedCallId": "call-parent-call-id",
    "expected_trace": "is-trace-expected",
}


def text_rows(rows, domain, window, local=None):
    """v2 rows with the derived columns before them.

    :param rows: list of dicts as the API answers them
    :param domain: that was asked for
    :param window: ``windows.Window`` that was asked for
    :param local: ``ZoneInfo`` of a server that answers local times without offset
    """
    names = dict.fromkeys(chain.from_iterable(rows))
    moments = [name for name in names if name.endswith("-datetime")]
    return [_leg(row, domain, window, local, moments) for row in rows]


def from_v1(row):
    """A v1 row under v2's names; the nested leg fills what the row itself lacks.

    :param row: dict, all values text or null, times in epoch seconds
    """
    nested = row.get("CdrR")
    result = {}
    for part in (row, nested if isinstance(nested, dict) else {}):
        for name, value in part.items():
            if name == "CdrR" or (part is nested and name == "id"):
                continue
            name = V1_NAMES.get(name, name)
            if name.endswith("-datetime"):
                value = _from_epoch(value)
            if result.get(name) in (None, ""):
                result[name] = value
    return result


def row_key(row):
    """What tells a v2 row from others: its id, or that of its leg in a short row."""
    return text(row.get("id")) or text(row.get("call-parent-cdr-id"))


def _from_epoch(value):
    value = text(value)
    seconds = whole_number(value)
    if seconds is None:
        return value  # null, or already a date
    if not seconds:
        return ""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return value  # no time: the pipeline will say so
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _leg(row, domain, window, local, moments):
    """A row with the derived columns before it.

    :param moments: names of the columns that are times
    """

    def get(name):
        return text(row.get(name))

    times = {name: _moment(get(name), window, local) for name in moments if name in row}
    domain = get("domain") or domain
    code = get("call-direction")
    orig = _user(get, "orig", domain)
    term = _user(get, "term", domain)
    through = _user(get, "through", domain)
    forwarded = bool(through) and not term
    internal = not forwarded and (
        code == "3"
        or get("onnet") == "1"  # v1 only
        or bool(orig and term)
        or (code == "0" and not term and get("call-term-domain") == domain)
    )
    if internal:
        direction = "internal"
    elif forwarded or code == "0":
        direction = "outbound"
    else:
        direction = "inbound"
    dialled = get("call-orig-request-user") or get("call-orig-to-user")
    caller = get("call-orig-caller-id") or get("call-orig-from-user")
    if direction == "outbound":
        # What went out to the carrier; users dial in many ways.
        callee = get("call-term-caller-id") or get("call-orig-to-user") or dialled
        owner = through if forwarded else orig
        payer = get("call-through-caller-id") if forwarded else caller
    else:
        callee = dialled or get("call-term-caller-id")
        owner = orig if internal else term
        payer = caller if internal else callee
    talking = get("call-talking-duration-seconds")
    answered = talking not in ("", "0")
    return {
        "call_id": row_key(row),
        "start_time": times.get("call-start-datetime", ""),
        "talking_seconds": talking,
        "connected_seconds": _connected(times) if answered else "0",
        "total_seconds": get("call-total-duration-seconds"),
        "direction": direction,
        "network": "on-net" if internal else "off-net",
        "answered": "yes" if answered else "no",
        "caller": caller,
        "callee": callee,
        "extension": owner,
        "payer_number": payer,
        "forwarded_by": through if forwarded else "",
        "account": domain,
        "noise": _noise(get, orig, term),
        **row,
        **times,
    }


def _user(get, side, domain):
    """``user@domain`` of one side, empty where it is nobody of the switch."""
    user = get(f"call-{side}-user")
    if not user or user == "*":
        return ""
    host = get(f"call-{side}-domain")
    return f"{user}@{host if host not in ('', '*') else domain}"


def _moment(value, window, local):
    """A time with its offset; empty for the zero date, which stands for none."""
    if not value or value.startswith("0000"):
        return ""
    if value.endswith(UTC_ENDINGS):
        return value
    if local is not None:
        return utc_text(value, local, window)
    # Asked for in UTC, it answers in UTC.
    return utc_text(value, UTC)


def _connected(times):
    """Seconds from answer to end as text, empty when one is not known."""
    try:
        begun, ended = (
            datetime.fromisoformat(times[name].replace("Z", "+00:00"))
            for name in ("call-answer-datetime", "call-disconnect-datetime")
        )
        seconds = int((ended - begun).total_seconds())
    except (KeyError, ValueError, TypeError):  # none, or one of them without offset
        return ""
    return str(max(0, seconds))


def _noise(get, orig, term):
    if REGISTRATION in get("call-disconnect-reason-text").lower():
        return "registration"
    if orig and orig == term:
        return "self"
    return "hidden" if get("hide-from-results") in ("1", "true", "yes") else ""
