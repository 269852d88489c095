# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records of usage as they are sent, as events of a source.

A record names a line of a subscription, a value, and perhaps how values make up that of
a period (``type``), a period, and a key of its own. Two records with the same key are
one. A record without a key is told apart by what the caller says, so that sending it
twice counts twice.

Times have no zone and are read in that of the source. ``to`` is inclusive. A record
counts at the beginning of its period; without one, when it came.
"""

import hashlib
import json
import re

from ..events.body import RequestFault
from ..events.cloud_event import Event, event_key
from ..events.reading import Refused, documents
from ..records import text

#: type of a record -> how a meter makes one quantity of those of a period
AGGREGATIONS = {"add": "sum", "max": "max", "lat": "last"}
#: types that exist, and whose meaning is not told anywhere
UNKNOWN_TYPES = ("pia", "pas", "dlt")
MOST_BULK = 1_000
MOST_CUSTOM = 20
#: of text in one field
MOST_TEXT = 1_000
CUSTOM = tuple(f"custom_{number}" for number in range(1, MOST_CUSTOM + 1))
KEPT = ("line_item_id", "usage_value", "type", "from", "to", "external_key", *CUSTOM)
#: columns by which a record may name its line, the first that is not empty counts
LINE = ("line_item_id", "line_item_external_key")
NAMED = "customer_external_key", "item_external_key"
#: a quantity
VALUE = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
#: an object whose only value is a list: what the list is called is not told anywhere
_WRAPPED = re.compile(rb'\s*\{\s*"[^"\\]{0,100}"\s*:\s*(\[.*\])\s*\}\s*', re.DOTALL)
_NUMBER_BITS = 52
_DIGEST_BYTES = 16


class Unusable(ValueError):
    """Why a record cannot be taken, as a sentence."""


def read_one(body):
    """The document of a request with one record.

    :raise RequestFault: 400 or 413
    """
    found = documents(body)
    if len(found) != 1 or body.lstrip()[:1] == b"[":
        raise RequestFault(400, "Send one record as a JSON object.")
    return found[0]


def read_bulk(body):
    """The documents of a request with many records.

    :return: list of values and ``Refused``
    :raise RequestFault: 400 or 413
    """
    wrapped = _WRAPPED.fullmatch(body)
    body = wrapped[1] if wrapped else body
    if body.lstrip()[:1] != b"[":
        raise RequestFault(400, "Send a JSON list of records.")
    found = documents(body)
    if not found:
        raise RequestFault(400, "The list of records is empty.")
    if len(found) > MOST_BULK:
        raise RequestFault(400, f"A request can contain at most {MOST_BULK:,} records.")
    return found


def usage_fields(document):
    """What a record says: dict, name -> text without spaces around it.

    :param document: as ``documents`` has it
    :raise Unusable: it cannot be taken
    """
    if document.__class__ is Refused:
        raise Unusable(document.reason)
    if document.__class__ is not dict:
        raise Unusable("It is not a JSON object.")
    fields = {
        name: _text(name, document.get(name))
        for name in (*KEPT, *LINE[1:])
        if document.get(name) is not None
    }
    for outer, inner, name in (
        ("customer", "external_key", NAMED[0]),
        ("line_item", "item_external_key", NAMED[1]),
    ):
        found = document.get(outer)
        value = found.get(inner) if found.__class__ is dict else None
        flat = document.get(f"{outer}.{inner}", value)
        if flat is not None:
            fields[name] = _text(f"{outer}.{inner}", flat)
    _check(fields)
    return {name: value for name, value in fields.items() if value}


def _text(name, value):
    if isinstance(value, dict | list):
        raise Unusable(f"{name} is not a text or a number.")
    found = text(value)
    if len(found) > MOST_TEXT:
        raise Unusable(f"{name} is longer than {MOST_TEXT:,} characters.")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise Unusable(f"{name} is not valid UTF-8.") from None
    if "\0" in found:
        raise Unusable(f"{name} contains a null character.")
    return found


def _check(fields):
    if not VALUE.fullmatch(fields.get("usage_value", "")):
        raise Unusable("usage_value is missing, or is not a number.")
    kind = fields.get("type", "")
    if kind in UNKNOWN_TYPES:
        raise Unusable(f"The type {kind} is not supported. Use add, max or lat.")
    if kind and kind not in AGGREGATIONS:
        raise Unusable(f"{kind[:20]} is not a type. Use add, max or lat.")
    for name in ("from", "to"):
        if fields.get(name) and not _TIME.fullmatch(fields[name]):
            raise Unusable(f"{name} is not a time such as 2026-10-31 23:59:59.")
    if (
        fields.get("from")
        and fields.get("to")
        and _day(fields, "to") < _day(fields, "from")
    ):
        raise Unusable("from is after to.")
    if not any(fields.get(name) for name in LINE) and not all(
        fields.get(name) for name in NAMED
    ):
        raise Unusable(
            "The line is missing: send line_item_id, line_item_external_key, or "
            "customer.external_key with line_item.item_external_key."
        )


def _day(fields, name):
    return fields[name][:10]


def usage_event(fields, line_id, moment, key):
    """A record as an event, which the source's columns read.

    :param dict fields: of :func:`usage_fields`
    :param int line_id: the line that it names
    :param str moment: time of arrival, ISO 8601
    :param str key: what tells it from others where it has no ``external_key``
    :return: ``connectors.events.cloud_event.Event``
    """
    said = {name: fields[name] for name in KEPT if name in fields}
    said["line_item_id"] = str(line_id)
    # What was sent is compared, and not when: the same record again is the same.
    digest = hashlib.blake2b(
        json.dumps(said, ensure_ascii=False, sort_keys=True).encode(),
        digest_size=_DIGEST_BYTES,
    ).hexdigest()
    record = {
        **{name: said.get(name, "") for name in ("line_item_id", "type")},
        "usage_value": said["usage_value"],
        "time": said.get("from") or said.get("to") or moment,
        "properties": json.dumps(said, ensure_ascii=False, sort_keys=True),
    }
    return Event(
        event_key(fields.get("external_key") or key),
        digest,
        json.dumps(record, ensure_ascii=False, sort_keys=True),
    )


def usage_number(key):
    """The number of a record: a whole number below 2^52, the same for the same key.

    :param str key: of its event
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) >> (64 - _NUMBER_BITS)
