# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Messages as columns, and where they came from.

confluent_kafka hands messages over one by one, each an object. They are asked once for
what they hold, and let go of: a hundred thousand objects that stay make Python look
through all others again and again, to see which of them nobody needs.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: where a message came from
TOPIC, PARTITION, OFFSET = "(topic)", "(partition)", "(offset)"
#: between the numbers of topics
_TOPICS = 2**32


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is read by itself.

    :ivar stamp: the broker's time in milliseconds, negative where there is none
    :ivar headers: pairs of name and bytes
    """

    topic: str
    partition: int
    offset: int
    stamp: int
    value: bytes | None
    key: bytes | None
    headers: tuple

    @property
    def place(self):
        return f"{self.topic}/{self.partition}/{self.offset}"


class Places:
    """Where messages came from.

    :ivar names: list of (topic, partition), each once
    :ivar at: int32 array, positions in ``names``
    :ivar offsets, stamps: int64 arrays; the last one the brokers' times in
        milliseconds, negative where there is none
    """

    def __init__(self, names, at, offsets, stamps):
        self.names = names
        self.at = at
        self.offsets = offsets
        self.stamps = stamps

    @classmethod
    def of(cls, messages):
        """The places of confluent_kafka's messages."""
        topics = pa.array([one.topic() for one in messages], pa.string())
        topics = topics.dictionary_encode()
        numbers = topics.indices.to_numpy().astype(np.int64) * _TOPICS
        numbers += np.array([one.partition() for one in messages], np.int64)
        codes = pa.array(numbers).dictionary_encode()
        texts = topics.dictionary.to_pylist()
        return cls(
            [
                (texts[number // _TOPICS], number % _TOPICS)
                for number in codes.dictionary.to_pylist()
            ],
            codes.indices.to_numpy(),
            np.array([one.offset() for one in messages], np.int64),
            np.array([one.timestamp()[1] for one in messages], np.int64),
        )

    @classmethod
    def join(cls, parts):
        """Those of several portions as one.

        :param parts: list of :class:`Places`, at least one
        """
        known = {name: None for part in parts for name in part.names}
        known = {name: at for at, name in enumerate(known)}
        return cls(
            [*known],
            np.concatenate(
                [
                    np.array([known[name] for name in part.names], np.int32)[part.at]
                    for part in parts
                ]
            ),
            np.concatenate([part.offsets for part in parts]),
            np.concatenate([part.stamps for part in parts]),
        )

    def take(self, rows):
        """The places of some messages.

        :param rows: int64 array
        """
        return Places(self.names, self.at[rows], self.offsets[rows], self.stamps[rows])

    def texts(self):
        """Topic, partition and offset of each as one text: pyarrow strings."""
        return pc.binary_join_element_wise(
            self._of_each(f"{topic}/{partition}" for topic, partition in self.names),
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
        if name == OFFSET:
            return _text_of(self.offsets)
        part = 0 if name == TOPIC else 1
        return self._of_each(str(place[part]) for place in self.names)

    def _of_each(self, texts):
        """The text of each message's place."""
        return pa.array(texts, pa.string()).take(pa.array(self.at))


class Messages:
    """Messages in the order in which they came.

    :ivar values, keys: pyarrow binary; null where a message has none
    :ivar headers: dict row -> pairs of name and bytes, of those that have any
    :ivar places: their :class:`Places`
    """

    def __init__(self, values, keys, headers, places):
        self.values = values
        self.keys = keys
        self.headers = headers
        self.places = places

    def __len__(self):
        return len(self.values)

    @classmethod
    def of(cls, messages, places=None):
        """What confluent_kafka's messages hold.

        :param messages: list, none of which is an error
        :param places: their :class:`Places`, where these are known
        """
        headers = [one.headers() for one in messages]
        return cls(
            pa.array([one.value() for one in messages], pa.binary()),
            pa.array([one.key() for one in messages], pa.binary()),
            {row: some for row, some in enumerate(headers) if some},
            places or Places.of(messages),
        )

    @classmethod
    def join(cls, parts):
        """Those of several portions as one.

        :param parts: list of :class:`Messages`
        """
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.of([])
        headers, before = {}, 0
        for part in parts:
            headers |= {row + before: some for row, some in part.headers.items()}
            before += len(part)
        return cls(
            pa.concat_arrays([part.values for part in parts]),
            pa.concat_arrays([part.keys for part in parts]),
            headers,
            Places.join([part.places for part in parts]),
        )

    def sizes(self):
        """Bytes of each value, -1 where there is none: int64 array."""
        sizes = pc.binary_length(self.values).fill_null(-1)
        return sizes.to_numpy(zero_copy_only=False).astype(np.int64)

    def one(self, row):
        """A :class:`Message`."""
        places = self.places
        topic, partition = places.names[places.at[row]]
        return Message(
            topic,
            partition,
            int(places.offsets[row]),
            int(places.stamps[row]),
            self.values[row].as_py(),
            self.keys[row].as_py(),
            tuple(self.headers.get(row, ())),
        )

    def last(self):
        """The newest one alone."""
        row = len(self) - 1
        headers = {0: self.headers[row]} if row in self.headers else {}
        return Messages(
            self.values[row:],
            self.keys[row:],
            headers,
            self.places.take(np.array([row])),
        )


def _text_of(numbers):
    return pa.array(numbers).cast(pa.string())
