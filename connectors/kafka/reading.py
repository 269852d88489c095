# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Partitions that are read: which are left, from where on, and what came of them."""

from dataclasses import dataclass, field

import numpy as np

from .columns import Messages, Places

#: an offset that there is not
FAR = 2**63 - 1


@dataclass
class Portion:
    """What came.

    :ivar parts: list of :class:`~.columns.Messages`, in order
    :ivar count, size: messages, and bytes of their values
    :ivar ends: dict (topic, partition) -> offset of its end, of those that have no more
    :ivar lost: set of (topic, partition) of which the next message is not there
    """

    parts: list = field(default_factory=list)
    count: int = 0
    size: int = 0
    ends: dict = field(default_factory=dict)
    lost: set = field(default_factory=set)

    def add(self, messages):
        """Add :class:`~.columns.Messages` at the end."""
        self.parts.append(messages)
        self.count += len(messages)
        self.size += messages.values.nbytes

    @property
    def messages(self):
        """All of them as :class:`~.columns.Messages`."""
        return Messages.join(self.parts)


class Reading:
    """Which partitions are read, and up to where they were.

    :ivar left: dict (topic, partition) -> offset of the next message
    """

    def __init__(self, client, left, stops):
        self.client = client
        self.left = left
        self.stops = stops

    def assign(self):
        """Have the client fetch what is left, from there on."""
        place = self.client.kafka.TopicPartition
        places = [place(*at, next_) for at, next_ in self.left.items()]
        self.client.consumer.assign(places)
        # One that was paused when it was read before stays paused.
        self.client.consumer.resume(places)

    def sort(self, found, portion):
        """Put messages, and what is said of partitions, into a portion.

        :param found: list of confluent_kafka's messages
        :return: whether there was any of it
        :raise SourceError: nothing more can be read
        """
        before = set(self.left)
        messages = [one for one in found if one.error() is None]
        if messages:
            self._take(messages, portion)
        is_unknown = False
        if len(messages) < len(found):
            for one in found:
                if one.error() is not None:
                    is_unknown |= self._note(one, portion)
        if is_unknown:
            self.assign()
        elif before != set(self.left):
            # Or it is asked for more all the time while others are read and stored.
            place = self.client.kafka.TopicPartition
            self.client.consumer.pause(
                [place(*done) for done in before - set(self.left)]
            )
        return bool(messages) or before != set(self.left)

    def _take(self, messages, portion):
        """Put messages of partitions that are read into a portion."""
        places = Places.of(messages)
        kept = np.ones(len(messages), bool)
        for number, place in enumerate(places.names):
            rows = np.flatnonzero(places.at == number)
            if place not in self.left:
                kept[rows] = False
                continue
            # A partition's messages come in the order of their offsets.
            last = self.stops.get(place, FAR) - 1
            count = int(np.searchsorted(places.offsets[rows], last)) + 1
            if count <= len(rows):
                kept[rows[count:]] = False
                del self.left[place]
            else:
                self.left[place] = int(places.offsets[rows[-1]]) + 1
        if not kept.all():
            rows = np.flatnonzero(kept)
            messages, places = [messages[row] for row in rows], places.take(rows)
        if messages:
            portion.add(Messages.of(messages, places))

    def _note(self, said, portion):
        """Put what is said of a partition into a portion.

        Where messages were left to the next time, its end is none of this one.

        :return: whether the partition was not known, and is now: it is to be assigned
            again
        """
        client, error = self.client, said.error()
        codes, place = client.kafka.KafkaError, (said.topic(), said.partition())
        if client.is_there_after_all(error, *place):
            return True
        is_end = error.code() == codes._PARTITION_EOF
        lost = (codes._AUTO_OFFSET_RESET, codes.OFFSET_OUT_OF_RANGE)
        if not is_end and error.code() not in lost:
            raise client.failure(error)
        if place not in self.left:
            return False
        del self.left[place]
        if is_end:
            portion.ends[place] = said.offset()
        else:
            portion.lost.add(place)
        return False
