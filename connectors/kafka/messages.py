# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Messages of a topic as records: CloudEvents, plain events, or JSON by its own names.

A record has the columns of its message (those of ``connectors.events`` for events, the
places of its values for other JSON), and where it came from: ``(message)``, which is
topic, partition and offset and no other message has, ``(key)``, and ``(timestamp)``,
the broker's. An event without an ``id`` of its own has the first one. ``(topic)``,
``(partition)`` and ``(offset)`` are there where they are wanted.

Traps: in binary mode attributes are headers ``ce_…`` in UTF-8, which nothing encodes as
in HTTP; a message without a value is a tombstone of a compacted topic; one that begins
with a byte 0 is framed for a schema registry.
"""

import base64
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..arrow_frames import arrow_frame
from ..errors import SourceAnswerError
from ..events.body import RequestFault
from ..events.cloud_event import CONTENT, KEY, REQUIRED, event_key, event_of
from ..events.reading import MOST_EVENT_BYTES, Refused, documents, exact_number
from ..formats import BadLine, Chunk
from ..harmless import MOST_KEY
from ..json_path import flatten
from ..records import join_frames, text, text_frame
from .shapes import shape_of

CLOUD_EVENTS, EVENTS, RECORDS = "cloudevents", "events", "records"
#: where a message came from
TOPIC, PARTITION, OFFSET = "(topic)", "(partition)", "(offset)"
MESSAGE, MESSAGE_KEY, TIMESTAMP = "(message)", "(key)", "(timestamp)"
STRUCTURED = "application/cloudevents"
#: shapes that are known at the same time, and messages of which they are made
MOST_SHAPES, MOST_TRIED = 16, 1_000
#: characters of a text that take this many bytes at most
_BYTES_OF_CHARACTER = 4


@dataclass(frozen=True, slots=True)
class BadMessage(BadLine):
    """A message that cannot be read; what it holds is kept as a whole."""

    note: str = ""

    #: `prepare_rejected` cuts it to no length
    is_whole = True

    @property
    def message(self):
        return self.note


class Decoder:
    """Makes records of messages.

    :param str form: :data:`CLOUD_EVENTS`, :data:`EVENTS` or :data:`RECORDS`
    :param wanted: names of columns, see ``connectors.records.text_frame``
    """

    def __init__(self, form, wanted=()):
        self.form = form
        self.wanted = tuple(wanted)
        self._shapes = []
        self._tried = 0

    def chunk(self, messages, line, places=None):
        """Messages as a chunk of the pipeline.

        :param messages: list of confluent_kafka's messages, none of which is an error
        :param int line: of the first, counted over all
        :param places: their :class:`Places`, where these are known
        :return: :class:`~..formats.Chunk`
        """
        values = [message.value() for message in messages]
        headers = [message.headers() for message in messages]
        binary = [bool(some) and _is_binary(some) for some in headers]
        texts = _texts(values, binary)
        frames, rows = [], []
        waiting = np.flatnonzero(pc.greater(pc.binary_length(texts), 0))
        left = np.setdiff1d(np.arange(len(values)), waiting).tolist()
        for shape in self._shapes:
            waiting = self._matched(shape, texts, waiting, messages, frames, rows)
        records, bad = [], []
        while len(waiting) or left:
            is_text = not left
            if is_text:
                at, waiting = int(waiting[0]), waiting[1:]
            else:
                at = left.pop()
            record = self._record(messages[at], values[at], headers[at])
            if isinstance(record, BadLine):
                bad.append((at, record))
                continue
            records.append((at, record))
            if is_text and self._learn(texts[at].as_py()):
                shape = self._shapes[-1]
                waiting = self._matched(shape, texts, waiting, messages, frames, rows)
        for some in _alike(records, self.wanted):
            frames.append(text_frame([r for _at, r in some], (), self.wanted))
            rows.append([at for at, _r in some])
        places = places or Places(messages)
        return self._joined(messages, places, frames, rows, bad, line)

    def _joined(self, messages, places, frames, rows, bad, line):
        frame = join_frames(frames, self.wanted) if frames else text_frame([])
        order = np.concatenate([np.zeros(0, np.int64), *rows])
        ranks = np.argsort(order, kind="stable")
        if len(frames) > 1 or (ranks != np.arange(len(ranks))).any():
            frame = frame.take(ranks)
        order = order[ranks]
        found = messages
        if len(order) != len(messages):
            found = [messages[at] for at in order.tolist()]
            places = Places(found)
        frame = _with_places(frame, found, places, self.wanted)
        bad.sort(key=lambda one: one[0])
        return Chunk(
            frame,
            order + line,
            0,
            [_at_line(one, at + line) for at, one in bad],
        )

    # ---- messages that are alike

    def _matched(self, shape, texts, waiting, messages, frames, rows):
        """Take the messages of a shape; those that are left."""
        if not len(waiting):
            return waiting
        if len(waiting) != len(texts):
            texts = texts.take(pa.array(waiting))
        is_such, columns = shape.match(texts)
        found = waiting[is_such]
        if len(found):
            frames.append(self._frame(shape, columns, messages, found))
            rows.append(found)
        return waiting[~is_such]

    def _frame(self, shape, columns, messages, found):
        for name, kind in shape.kinds.items():
            if kind == "number":
                columns[name] = _plain_numbers(columns[name])
        if self.form != RECORDS:
            if "id" not in columns:
                some = [messages[at] for at in found.tolist()]
                columns["id"] = Places(some).names()
            columns[KEY] = _keys(columns["id"], columns.get("source"))
        return arrow_frame(pa.table(columns))

    def _learn(self, written):
        """Remember how a message is written that was read; whether that is new."""
        if self._tried >= MOST_TRIED or len(self._shapes) >= MOST_SHAPES:
            return False
        self._tried += 1
        if len(written) > MOST_EVENT_BYTES // _BYTES_OF_CHARACTER:
            return False
        needed = REQUIRED if self.form == CLOUD_EVENTS else ("id",)
        shape = shape_of(
            written,
            self._columns_alone,
            () if self.form == RECORDS else ("id", "type", *needed),
            () if self.form == RECORDS else ("source",),
            () if self.form == RECORDS else ("specversion",),
        )
        if shape is None:
            return False
        self._shapes.append(shape)
        return True

    def _columns_alone(self, document):
        """The columns that a document has of itself, or None."""
        columns = self._columns(document, "")
        if isinstance(columns, Refused):
            return None
        for name in (KEY, CONTENT):
            columns.pop(name, None)
        if not columns.get("id", "id"):
            # Without one it is where the message is.
            del columns["id"]
        return columns

    # ---- messages one by one

    def _record(self, message, value, headers):
        """The columns of a message, or what is wrong with it."""
        headers = headers or ()
        if not value and not (headers and _is_binary(headers)):
            return _bad(message, value, "The message is empty.")
        if value and value[0] == 0:
            return _bad(
                message,
                value,
                "The message is encoded for a schema registry, which is not supported.",
            )
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        if len(value or b"") > MOST_EVENT_BYTES:
            most = MOST_EVENT_BYTES // 2**10
            return _bad(message, value, f"The message is larger than {most} KiB.")
        document = _document(value, headers, self.form)
        if not isinstance(document, Refused):
            document = self._columns(document, place)
        if isinstance(document, Refused):
            return _bad(message, value, document.reason.replace("It ", "The event ", 1))
        return document

    def _columns(self, document, place):
        """The columns of a document: dict, or ``reading.Refused``."""
        if document.__class__ is not dict:
            return Refused("It is not a JSON object.")
        if self.form == RECORDS:
            return {name: text(value) for name, value in flatten(document).items()}
        is_cloud = self.form == CLOUD_EVENTS
        lacks_id = not is_cloud and not document.get("id")
        if lacks_id and "specversion" not in document:
            if not place:
                document = {**document, "id": "§"}
            else:
                document = {**document, "id": place}
        event = event_of(document, is_cloud)
        if isinstance(event, Refused):
            return event
        columns = event.columns()
        del columns[CONTENT]
        if columns["id"] == "§":
            columns["id"] = ""
        return columns


# === WHAT A MESSAGE HOLDS === #


def _is_binary(headers):
    """Whether a message's event has its attributes in headers."""
    names = set()
    for name, value in headers:
        name = name.lower()
        if name == "content-type" and (value or b"").lower().startswith(
            STRUCTURED.encode()
        ):
            return False
        names.add(name)
    return "ce_specversion" in names


def _document(value, headers, form):
    """What a message says, as JSON has it; ``reading.Refused`` where it is none."""
    attributes = {}
    is_binary = form != RECORDS and headers and _is_binary(headers)
    if is_binary:
        try:
            for name, octets in headers:
                if name.lower().startswith("ce_"):
                    attributes[name[3:].lower()] = (octets or b"").decode()
        except UnicodeDecodeError:
            return Refused("It is not valid UTF-8.")
        if "data" in attributes:
            return Refused("It has data among its headers.")
        if not value:
            return attributes
    try:
        value.decode()
        [document, *more] = documents(b"[" + value + b"]") or [None]
    except (RequestFault, UnicodeDecodeError):
        return Refused("It is not valid JSON in UTF-8.")
    if more:
        return Refused("It is not valid JSON in UTF-8.")
    if is_binary and not isinstance(document, Refused):
        return {**attributes, "data": document}
    return document


def _texts(values, binary):
    """Values as texts; "" for those that are read by themselves.

    :param binary: bools: whether a message is not all of its event
    :return: pyarrow strings
    """
    octets = pa.array(values, pa.binary())
    odd = pc.or_(
        pa.array(binary, pa.bool_()),
        pc.greater(pc.binary_length(octets), MOST_EVENT_BYTES),
    )
    octets = pc.if_else(pc.fill_null(odd, True), b"", octets)
    try:
        return octets.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_text(value) for value in octets.to_pylist()], pa.string())


def _text(value):
    """Bytes as text, "" where they are none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return ""


def _plain_numbers(column):
    """Numbers as digits: those alone change that have a fraction or an exponent."""
    is_broken = pc.match_substring_regex(column, "[.eE]")
    if not pc.any(is_broken).as_py():
        return column
    numbers = column.dictionary_encode()
    plain = [
        exact_number(n) if set(n) & set(".eE") else n
        for n in numbers.dictionary.to_pylist()
    ]
    return pa.array(plain, pa.string()).take(numbers.indices)


def _bad(message, value, note):
    raw = {
        TOPIC: message.topic(),
        PARTITION: str(message.partition()),
        OFFSET: str(message.offset()),
        TIMESTAMP: Places([message]).moments()[0].as_py(),
        MESSAGE_KEY: _encoded(message.key()),
        "(headers)": {
            name: _encoded(octets) for name, octets in message.headers() or ()
        },
        "(value in base64)": _encoded(value),
    }
    where = (
        f"Topic {message.topic()}, partition {message.partition()}, offset "
        f"{message.offset()}: "
    )
    raw = json.dumps(raw, ensure_ascii=False)
    return BadMessage(0, raw, "message", note=f"{where}{note}")


def _with_places(frame, messages, places, wanted):
    """A frame with the columns of where its records came from."""
    keys = [message.key() for message in messages]
    columns = {name: pa.array(frame[name].array) for name in frame.columns}
    if any(keys) or MESSAGE_KEY in wanted:
        columns[MESSAGE_KEY] = pa.array(map(_key_text, keys), pa.string())
    columns[MESSAGE] = places.names()
    columns[TIMESTAMP] = places.moments()
    for name in (TOPIC, PARTITION, OFFSET):
        if name in wanted:
            columns[name] = places.column(name)
    return arrow_frame(pa.table(columns))


def _key_text(octets):
    """A message's key, in base64 where it is no text."""
    return octets and (_text(octets) or _encoded(octets)) or ""


def _encoded(octets):
    return None if octets is None else base64.b64encode(octets).decode()


def _at_line(bad, line):
    return BadMessage(line, bad.raw, bad.reason, note=bad.note)


def _alike(records, wanted):
    """Records in parts of which each can be one frame."""
    if not records:
        return
    try:
        text_frame([record for _at, record in records], (), wanted)
    except SourceAnswerError:
        half = len(records) // 2
        if not half:
            raise
        yield from _alike(records[:half], wanted)
        yield from _alike(records[half:], wanted)
        return
    yield records


# === WHERE A MESSAGE CAME FROM === #


class Places:
    """Where messages came from.

    :ivar topics: list
    :ivar partitions, offsets, stamps: int64 arrays; the last one the brokers' times in
        milliseconds, negative where there is none
    """

    def __init__(self, messages):
        self.topics = [message.topic() for message in messages]
        self.partitions = _numbers(message.partition() for message in messages)
        self.offsets = _numbers(message.offset() for message in messages)
        self.stamps = _numbers(message.timestamp()[1] for message in messages)

    def names(self):
        """Topic, partition and offset of each as one text: pyarrow strings."""
        return pc.binary_join_element_wise(
            pa.array(self.topics, pa.string()),
            _text_of(self.partitions),
            _text_of(self.offsets),
            "/",
        )

    def moments(self):
        """The brokers' times in ISO 8601, "" where they have none."""
        stamps = pa.array(self.stamps // 1000, pa.timestamp("s"))
        # Thousands of a second are one text.
        seconds = stamps.dictionary_encode()
        texts = pc.strftime(seconds.dictionary, "%Y-%m-%dT%H:%M:%SZ")
        texts = texts.take(seconds.indices)
        return pc.if_else(pa.array(self.stamps < 0), "", texts)

    def column(self, name):
        """One of the columns that are there where they are wanted."""
        if name == TOPIC:
            return pa.array(self.topics, pa.string())
        return _text_of(self.partitions if name == PARTITION else self.offsets)


def _numbers(values):
    return np.fromiter(values, np.int64)


def _text_of(numbers):
    return pa.array(numbers).cast(pa.string())


def _keys(ids, sources):
    """What tells events apart; see ``cloud_event.event_key``."""
    keys = ids
    if sources is not None:
        keys = pc.binary_join_element_wise(sources, ids, " ")
    odd = pc.or_(
        pc.greater(pc.binary_length(keys), MOST_KEY),
        pc.invert(pc.string_is_ascii(keys)),
    )
    if not pc.any(odd).as_py():
        return keys
    found = keys.to_pylist()
    texts = ids.to_pylist()
    origins = [""] * len(texts) if sources is None else sources.to_pylist()
    for at in np.flatnonzero(odd.to_numpy(zero_copy_only=False)).tolist():
        found[at] = event_key(texts[at], origins[at])
    return pa.array(found, pa.string())
