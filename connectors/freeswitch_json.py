# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""FreeSWITCH's mod_json_cdr: what it posts, as the records of mod_cdr_csv.

Columns have the names of mod_cdr_csv's template *example*, with ``start_epoch`` and the
other variables of the channel beside them, so that both ways in are one kind of source.

Traps: values of variables are URL-encoded unless ``encode-values`` is off; caller and
destination are reliable in the newest caller profile only; ``direction`` is that of the
leg, *inbound* for a call that a user places, and so is named ``leg_direction`` here.
Sources: mod_json_cdr and mod_cdr_csv in FreeSWITCH's documentation.
"""

import base64
import binascii
import hashlib
import json
from urllib.parse import parse_qs, unquote

from .errors import SourceAnswerError
from .events.body import RequestFault
from .events.cloud_event import Event
from .harmless import harmless, key_text
from .json_text import read_json
from .kinds import Kind, register_kind
from .records import text

COLUMNS = tuple(
    "caller_id_name caller_id_number destination_number context start_stamp"
    " answer_stamp end_stamp duration billsec hangup_cause uuid bleg_uuid accountcode"
    " read_codec write_codec start_epoch leg leg_direction".split()
)
PROFILE = ("caller_id_name", "caller_id_number", "destination_number", "context")
RENAMED = {"direction": "leg_direction", "bridge_uuid": "bleg_uuid"}
MOST_BYTES = 2**20
MOST_FIELDS = 100
REMEDY = "Check the configuration of mod_json_cdr on the switch."


@register_kind
class FreeswitchJson(Kind):
    """FreeSWITCH, which posts each call."""

    key = "freeswitch_json"
    name = "FreeSWITCH, posting JSON"
    preset = "freeswitch"
    is_posted_to = True
    has_tokens = True
    is_pushed_to = True
    posted_columns = COLUMNS
    writes_json = True

    @classmethod
    def asks_for(cls, form):
        return super().asks_for(form) | {"push_address"}

    @classmethod
    def read_pushed(cls, body, content_type, headers=()):
        """The one call of a request: the switch keeps what it is refused."""
        if len(body) > MOST_BYTES:
            raise RequestFault(
                413, f"A record can be at most {MOST_BYTES // 2**20} MiB."
            )
        try:
            return [call_event(document_record(read_body(body, content_type)))]
        except SourceAnswerError as error:
            raise RequestFault(400, str(error)) from error


def read_body(body, content_type=""):
    """The document that a request of mod_json_cdr carries.

    :param body: bytes: JSON, or a form whose field ``cdr`` is it, as ``encode`` says:
        URL-encoded or in base64
    :return: dict
    :raise SourceAnswerError: it is none
    """
    if len(body) > MOST_BYTES:
        raise SourceAnswerError(
            f"The record is larger than {MOST_BYTES / 2**20:g} MiB.", remedy=REMEDY
        )
    try:
        if body.lstrip()[:4] == b"cdr=":
            form = body.lstrip().decode("utf-8", "replace")
            if "base64" in content_type.lower():
                body = base64.b64decode(unquote(form[4:]), validate=True)
            else:
                fields = parse_qs(form, strict_parsing=True, max_num_fields=MOST_FIELDS)
                body = fields["cdr"][0].encode()
        document = read_json(body)
    except (ValueError, KeyError, binascii.Error) as error:
        raise SourceAnswerError(
            "The record is not valid JSON.", remedy=REMEDY
        ) from error
    if not isinstance(document, dict):
        raise SourceAnswerError("The record is not a JSON object.", remedy=REMEDY)
    return document


def document_record(document):
    """A document as one record.

    :param document: dict as :func:`read_body` returns it
    :return: dict, column -> text
    :raise SourceAnswerError: it has no variables, or no id
    """
    variables = document.get("variables")
    if not isinstance(variables, dict):
        raise SourceAnswerError("The record has no variables.", remedy=REMEDY)
    values = {name: text(value) for name, value in variables.items()}
    # A time has colons: their code gives encoded values away, and only those are.
    stamps = values.get("start_stamp", "") + values.get("end_stamp", "")
    if "%3A" in stamps.upper():
        values = {name: unquote(value) for name, value in values.items()}
    if not values.get("uuid"):
        raise SourceAnswerError("The record has no uuid.", remedy=REMEDY)
    record = {RENAMED.get(name, name): value for name, value in values.items()}
    profile = _newest_profile(document)
    for name in PROFILE:
        if text(profile.get(name)):
            record[name] = text(profile[name])
    # The other leg is the one that this one was made for.
    second = values.get("originating_leg_uuid") or values.get("originator")
    record["leg"] = "b" if second else "a"
    if values.get("answer_epoch", "") == "0":
        record["answer_stamp"] = ""
    return {key_text(name): harmless(value) for name, value in record.items()}


def call_event(record):
    """A record as it is stored: told by its uuid, and by what it says of the call.

    The other variables of the channel are kept, and make no other call of it.

    :param dict record: column -> text, as :func:`document_record` returns it
    :return: :class:`~.events.cloud_event.Event`
    """
    said = "\x1f".join(record.get(name, "") for name in COLUMNS)
    digest = hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
    kept = json.dumps(record, ensure_ascii=False, sort_keys=True)
    return Event(key_text(record["uuid"].strip()), digest, kept)


def _newest_profile(document):
    """The caller profile that was in force at the end: the first of the call flow."""
    flow = document.get("callflow")
    flow = flow[0] if isinstance(flow, list) and flow else flow
    profile = flow.get("caller_profile") if isinstance(flow, dict) else None
    return profile if isinstance(profile, dict) else {}
