# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Documents as events: records of text, each with its key and a digest of its content.

An event has the columns ``id``, ``source``, ``type``, ``subject`` and ``time``, those
of its extensions, and ``data.…`` for what it carries, however deep. A plain object
without ``data`` is taken in the same way: what is none of these is what it carries.

Traps: CloudEvents are told apart by ``source`` and ``id`` together; ``time`` and
``subject`` may be missing; in binary mode values of headers are percent-encoded.
"""

import base64
import hashlib
import json
from urllib.parse import unquote

from ..harmless import MOST_KEY, REPLACEMENT, harmless
from ..records import text
from .body import RequestFault
from .reading import Refused, documents

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PLAIN = "application/json"
LINES = frozenset(("application/x-ndjson", "application/ndjson", "application/jsonl"))
#: columns that hold what tells an event apart, and the digest of all that it says
KEY, CONTENT = "(event)", "(content)"
#: columns that each event has, empty where it says nothing
ATTRIBUTES = ("id", "source", "type", "subject", "time")
#: other names of these in plain objects
PLAIN_NAMES = {"timestamp": "time", "meter": "type", "customer": "subject"}
#: what says how an event is written, and nothing about it
FORMAL = frozenset(("specversion", "datacontenttype", "dataschema"))
REQUIRED = ("id", "source", "type")
#: columns of one event
MOST_FIELDS = 200
_MOST_HEADERS = 100
_DIGEST_BYTES = 16


class Event:
    """An event as it is stored.

    :ivar str key: tells it from the others of its source: ``source id``, or its id
    :ivar str content: digest of all that it says, the same for the same values
    :ivar str record: JSON object, column to text
    """

    __slots__ = ("content", "key", "record")

    def __init__(self, key, content, record):
        self.key = key
        self.content = content
        self.record = record

    def columns(self):
        """The record as the pipeline takes it: dict, column -> text."""
        return {**json.loads(self.record), KEY: self.key, CONTENT: self.content}


class _Unusable(ValueError):
    """Why a document is no event, as a sentence."""


def read_events(body, content_type, headers=()):
    """The events of a request.

    :param bytes body: unpacked
    :param str content_type: ``Content-Type``
    :param headers: pairs of name and value
    :return: list of :class:`Event` or ``reading.Refused``, in order
    :raise RequestFault: nothing of it can be read
    """
    kind, _semicolon, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    _check_charset(parameters)
    attributes = _attributes_of_headers(headers)
    if "specversion" in attributes and kind not in (STRUCTURED, BATCH):
        return [_binary(body, kind, attributes)]
    if kind not in (STRUCTURED, BATCH, PLAIN, *LINES):
        raise RequestFault(
            415,
            "Send events as application/json, application/cloudevents+json, "
            "application/cloudevents-batch+json or application/x-ndjson.",
            {"Accept-Post": ", ".join((PLAIN, STRUCTURED, BATCH, *sorted(LINES)))},
        )
    found = documents(body, kind in LINES)
    is_cloud = kind in (STRUCTURED, BATCH)
    return [event_of(document, is_cloud) for document in found]


def event_of(document, is_cloud=False):
    """A document as an event.

    :param document: as of :func:`~.reading.documents`
    :param bool is_cloud: nothing but a CloudEvent is one
    :return: :class:`Event` or ``reading.Refused``
    """
    if document.__class__ is Refused:
        return document
    try:
        return _event(document, is_cloud)
    except _Unusable as error:
        return Refused(str(error))


def _event(document, is_cloud):
    if document.__class__ is not dict:
        raise _Unusable("It is not a JSON object.")
    if is_cloud or "specversion" in document:
        if document.get("specversion") != "1.0":
            raise _Unusable("Its specversion is not 1.0.")
        named = REQUIRED
    else:
        named = ("id",)
        document = _like_a_cloud_event(document)
    fields = _fields(document)
    for name in named:
        if not fields.get(name):
            raise _Unusable(f"It has no {name}.")
    source = fields.get("source", "")
    if len(source.split()) > 1:
        raise _Unusable("Its source contains spaces.")
    record = json.dumps(fields, ensure_ascii=False, sort_keys=True)
    try:
        encoded = record.encode()
    except UnicodeEncodeError:
        raise _Unusable("It is not valid UTF-8.") from None
    digest = hashlib.blake2b(encoded, digest_size=_DIGEST_BYTES).hexdigest()
    return Event(event_key(fields["id"], source), digest, record)


def event_key(event_id, source=""):
    """What tells an event from the others of a source.

    :return: text that an index can hold, as it is
    """
    key = f"{source} {event_id}" if source else event_id
    size = len(key) if key.isascii() else len(key.encode("utf-8", "surrogatepass"))
    if size <= MOST_KEY and REPLACEMENT not in harmless(key):
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"sha256:{digest}"


def _like_a_cloud_event(document):
    """A plain object with the names of CloudEvents."""
    made, carried = {}, {}
    for name, value in document.items():
        name = PLAIN_NAMES.get(name, name) if _is_free(name, document) else name
        of_event = name in ATTRIBUTES or "data" in document
        (made if of_event else carried)[name] = value
    if carried:
        made["data"] = carried
    return made


def _is_free(name, document):
    """Whether the other name of an attribute stands for it."""
    return PLAIN_NAMES.get(name, name) not in document


def _fields(document):
    """The columns of an event: dict, name -> text without spaces around it."""
    fields = {}
    waiting = [("", document)]
    while waiting:
        prefix, value = waiting.pop()
        for name, inner in value.items():
            name = f"{prefix}{name}"
            if inner.__class__ is dict and inner:
                waiting.append((f"{name}.", inner))
                continue
            if not prefix and name in FORMAL:
                continue
            if name in fields or name in (KEY, CONTENT):
                raise _Unusable("Two of its values have the same name.")
            fields[name] = inner.strip() if inner.__class__ is str else text(inner)
        if len(fields) + len(waiting) > MOST_FIELDS:
            raise _Unusable(f"It has more than {MOST_FIELDS} values.")
    return fields


# === BINARY MODE === #


def _attributes_of_headers(headers):
    found = {}
    for name, value in headers:
        name = name.lower()
        if name.startswith("ce-"):
            found[name[3:]] = value
            if len(found) > _MOST_HEADERS:
                raise RequestFault(400, "There are too many attributes in the headers.")
    return found


def _binary(body, kind, attributes):
    """The event whose attributes are headers, and whose data is the body."""
    document = {name: _decoded(value) for name, value in attributes.items()}
    if "data" in document:
        return Refused("Its headers contain data, which must be in the body.")
    if kind == PLAIN or kind.endswith("+json") or not kind:
        if body.strip():
            [data, *more] = documents(b"[" + body + b"]") or [None]
            if more:
                raise RequestFault(400, "The body is not valid JSON.")
            if data.__class__ is Refused:
                return data
            document["data"] = data
    else:
        document["data"] = _as_text(body)
    return event_of(document, True)


def _decoded(value):
    """What a header's value says: WSGI hands bytes over as Latin-1."""
    value = value.strip().strip('"')
    if value.isascii():
        return unquote(value, errors="surrogateescape")
    octets = value.encode("latin-1", "replace")
    return unquote(octets.decode("utf-8", "surrogateescape"), errors="surrogateescape")


def _as_text(body):
    try:
        return body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()


def _check_charset(parameters):
    for parameter in parameters.split(";"):
        name, _equals, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
            if charset not in ("utf-8", "utf8", "us-ascii"):
                raise RequestFault(415, "Send JSON in UTF-8.")
