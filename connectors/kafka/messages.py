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
from .columns import OFFSET, PARTITION, TOPIC
from .shapes import shape_of

CLOUD_EVENTS, EVENTS, RECORDS = "cloudevents", "events", "records"
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

    def chunk(self, messages, line):
        """Messages as a chunk of the pipeline.

        :param messages: :class:`~.columns.Messages`
        :param int line: of the first, counted over all
        :return: :class:`~..formats.Chunk`
        """
        texts = _texts(messages)
        is_text = pc.greater(pc.binary_length(texts), 0)
        is_text = is_text.to_numpy(zero_copy_only=False)
        waiting, left = np.flatnonzero(is_text), np.flatnonzero(~is_text).tolist()
        frames, rows = [], []
        for shape in self._shapes:
            waiting = self._matched(shape, texts, waiting, messages, frames, rows)
        records, bad = [], []
        while len(waiting) or left:
            is_text = not left
            if is_text:
                at, waiting = int(waiting[0]), waiting[1:]
            else:
                at = left.pop()
            record = self._record(messages.one(at))
            if isinstance(record, BadLine):
                bad.append((at, record))
                continue
            records.append((at, record))
            if is_text and self._learn(texts[at].as_py()):
                shape = self._shapes[-1]
                waiting = self._matched(shape, texts, waiting, messages, frames, rows)
        for some in _alike(records, self.wanted):
            frames.append(text_frame([r for _at, r in some], (), self.wanted))
            rows.append(np.array([at for at, _r in some]))
        return self._joined(messages, frames, rows, bad, line)

    def _joined(self, messages, frames, rows, bad, line):
        if len(frames) == 1:
            [frame], [order] = frames, rows
        else:
            frame = join_frames(frames, self.wanted) if frames else text_frame([])
            order = np.concatenate([np.zeros(0, np.int64), *rows])
        if (np.diff(order) < 0).any():
            ranks = np.argsort(order)
            frame, order = frame.take(ranks), order[ranks]
        frame = _with_places(frame, messages, order, self.wanted)
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
                columns["id"] = messages.places.take(found).texts()
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

    def _record(self, message):
        """The columns of a :class:`~.columns.Message`, or what is wrong with it."""
        value, headers = message.value, message.headers
        if not value and not (headers and _is_binary(headers)):
            return _bad(message, "The message is empty.")
        if value and value[0] == 0:
            return _bad(
                message,
                "The message is encoded for a schema registry, which is not supported.",
            )
        if len(value or b"") > MOST_EVENT_BYTES:
            most = MOST_EVENT_BYTES // 2**10
            return _bad(message, f"The message is larger than {most} KiB.")
        document = _document(value, headers, self.form)
        if not isinstance(document, Refused):
            document = self._columns(document, message.place)
        if isinstance(document, Refused):
            return _bad(message, document.reason.replace("It ", "The event ", 1))
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


def _texts(messages):
    """Values as texts; "" for those that are read by themselves.

    :param messages: :class:`~.columns.Messages`
    :return: pyarrow strings
    """
    octets = messages.values
    odd = pc.fill_null(pc.greater(pc.binary_length(octets), MOST_EVENT_BYTES), True)
    binary = _binary_rows(messages.headers)
    if binary:
        is_binary = np.zeros(len(messages), bool)
        is_binary[binary] = True
        odd = pc.or_(odd, pa.array(is_binary))
    if pc.any(odd).as_py():
        octets = pc.if_else(odd, b"", octets)
    try:
        return octets.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_text(value) for value in octets.to_pylist()], pa.string())


def _binary_rows(headers):
    """The rows of which the message is not all of its event.

    :param headers: see :class:`~.columns.Messages`
    """
    found, before, is_binary = [], None, False
    for row, some in headers.items():
        # Most have those of the one before.
        if some != before:
            before, is_binary = some, _is_binary(some)
        if is_binary:
            found.append(row)
    return found


def _text(value):
    """Bytes as text, "" where they are none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return ""


def _plain_numbers(column):
    """Numbers as digits: those alone change that have a fraction or an exponent."""
    numbers = column.dictionary_encode()
    if not pc.any(pc.match_substring_regex(numbers.dictionary, "[.eE]")).as_py():
        return column
    plain = [
        exact_number(n) if set(n) & set(".eE") else n
        for n in numbers.dictionary.to_pylist()
    ]
    return pa.array(plain, pa.string()).take(numbers.indices)


def _bad(message, note):
    moment = ""
    if message.stamp >= 0:
        moment = np.datetime_as_string(np.datetime64(message.stamp // 1000, "s")) + "Z"
    raw = {
        TOPIC: message.topic,
        PARTITION: str(message.partition),
        OFFSET: str(message.offset),
        TIMESTAMP: moment,
        MESSAGE_KEY: _encoded(message.key),
        "(headers)": {name: _encoded(octets) for name, octets in message.headers},
        "(value in base64)": _encoded(message.value),
    }
    where = (
        f"Topic {message.topic}, partition {message.partition}, offset "
        f"{message.offset}: "
    )
    raw = json.dumps(raw, ensure_ascii=False)
    return BadMessage(0, raw, "message", note=f"{where}{note}")


def _with_places(frame, messages, rows, wanted):
    """A frame with the columns of where its records came from.

    :param rows: int64 array, the message of each record
    """
    keys, places = messages.keys, messages.places
    if len(rows) != len(messages):
        keys, places = keys.take(pa.array(rows)), places.take(rows)
    columns = {name: pa.array(frame[name].array) for name in frame.columns}
    if MESSAGE_KEY in wanted or keys.null_count < len(keys):
        columns[MESSAGE_KEY] = _key_texts(keys)
    columns[MESSAGE] = places.texts()
    columns[TIMESTAMP] = places.moments()
    for name in (TOPIC, PARTITION, OFFSET):
        if name in wanted:
            columns[name] = places.column(name)
    return arrow_frame(pa.table(columns))


def _key_texts(keys):
    """Keys of messages, in base64 where they are no texts, "" where there is none."""
    try:
        return pc.fill_null(keys.cast(pa.string()), "")
    except pa.ArrowInvalid:
        texts = [
            key and (_text(key) or _encoded(key)) or "" for key in keys.to_pylist()
        ]
        return pa.array(texts, pa.string())


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
